//! What stands under a name in a table: target directories and Pungi configurations.

use std::path::{Path, PathBuf};

use odcs_core::engine::RawConfig;
use odcs_core::request::GitReference;
use toml::Value;

use super::node::Node;
use super::origin::Problem;
use super::setting::{Item, Setting, Word};
use super::words::{GitUrl, InRepository, PublicUrl};

/// The longest lifetime that can be configured: a hundred years, in seconds.
pub(super) const LONGEST: f64 = 3_155_760_000.0;

/// A directory besides the default one that composes can be put into.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TargetDir {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What links to its composes begin with; without it they have none.
    pub(crate) url: Option<PublicUrl>,
}

/// Fields of an item, read one after the other.
pub(super) struct Fields<'a> {
    node: &'a Node<'a>,
    entries: Vec<super::node::Entry<'a>>,
    problems: Vec<Problem>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(node: &'a Node<'a>, known: &[(&str, &str)]) -> Result<Self, Vec<Problem>> {
        let names = || known.iter().map(|(name, _)| *name);
        let expected = || {
            format!(
                "a table with {} is expected",
                names().collect::<Vec<_>>().join(", ")
            )
        };
        let entries = node.entries().ok_or_else(|| vec![node.unexpected(&expected())])?;
        let unknown = entries
            .iter()
            .filter(|entry| !names().any(|name| name == entry.name));
        let problems = unknown.map(|entry| entry.unknown(names())).collect();
        Ok(Self {
            node,
            entries,
            problems,
        })
    }

    pub(super) fn optional<T: Setting>(&mut self, name: &str) -> Option<T> {
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        match T::read(&entry.node) {
            Ok(value) => Some(value),
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }

    pub(super) fn required<T: Setting>(&mut self, name: &str) -> Option<T> {
        if !self.entries.iter().any(|entry| entry.name == name) {
            self.problems
                .push(self.node.problem(format!("{name} is missing")));
        }
        self.optional(name)
    }

    /// How many fields there are.
    pub(super) fn count(&self) -> usize {
        self.entries.len()
    }

    /// The fields do not fit together.
    pub(super) fn wrong(&mut self, why: &str) {
        self.problems.push(self.node.problem(why));
    }

    /// What was made of the fields, unless something is wrong with one.
    pub(super) fn done<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(self.problems),
        }
    }
}

/// A table of the fields that have a value.
pub(super) fn table<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields.into_iter();
    Value::Table(
        fields
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
    )
}

impl Item for TargetDir {
    const FIELDS: &'static [(&'static str, &'static str)] = &[
        (
            "path",
            "the directory, an absolute path; the path alone may stand for the whole table",
        ),
        (
            "url",
            "what links to composes in it begin with; without it they have no links",
        ),
    ];

    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
        if node.text().is_some() {
            let path = absolute(node)?;
            return Ok(Self { path, url: None });
        }
        let mut fields = Fields::of(node, Self::FIELDS)?;
        let path = fields.required::<AbsolutePath>("path");
        let url = fields.optional("url");
        fields.done(path.map(|AbsolutePath(path)| Self { path, url }))
    }

    fn show(&self) -> Value {
        table([
            ("path", Setting::show(&self.path)),
            ("url", Setting::show(&self.url)),
        ])
    }
}

/// A path that cannot be relative: records refer to its composes, wherever the service is started.
struct AbsolutePath(PathBuf);

impl Word for AbsolutePath {
    const NAME: &'static str = "absolute path of a directory";
    const PLACEHOLDER: &'static str = "DIR";

    fn parse(text: &str, dir: &Path) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err("an absolute path is expected, as in /srv/odcs/releases".to_owned());
        }
        PathBuf::parse(text, dir).map(Self)
    }

    fn show(&self) -> String {
        Word::show(&self.0)
    }
}

fn absolute(node: &Node<'_>) -> Result<PathBuf, Vec<Problem>> {
    AbsolutePath::read(node).map(|AbsolutePath(path)| path)
}

impl Item for RawConfig {
    const FIELDS: &'static [(&'static str, &'static str)] = &[
        ("url", "the git repository"),
        ("config_filename", "the configuration's file, relative to `path`"),
        (
            "path",
            "the directory in the repository that holds it; the top without it",
        ),
        ("commit", "the commit that is always taken, whatever requests say"),
        (
            "seconds_to_live",
            "lifetime of requests that name none, instead of the general one",
        ),
        (
            "max_seconds_to_live",
            "the longest lifetime, instead of the general one",
        ),
    ];

    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
        let node = Node {
            limits: Some((1.0, LONGEST)),
            ..node.clone()
        };
        let mut fields = Fields::of(&node, Self::FIELDS)?;
        let url = fields.required::<GitUrl>("url");
        let config_filename = fields.required::<InRepository>("config_filename");
        let path = fields.optional::<InRepository>("path");
        let commit = fields.optional::<GitReference>("commit");
        let default_lifetime = fields.optional("seconds_to_live");
        let maximum_lifetime = fields.optional("max_seconds_to_live");
        let read = url.zip(config_filename);
        fields.done(read.map(|(GitUrl(url), InRepository(config_filename))| Self {
            url,
            config_filename,
            path: path.map(|InRepository(path)| path),
            commit: commit.map(|commit| commit.to_string()),
            default_lifetime,
            maximum_lifetime,
        }))
    }

    fn show(&self) -> Value {
        let text = |text: &String| Value::String(text.clone());
        table([
            ("url", Some(text(&self.url))),
            ("config_filename", Some(text(&self.config_filename))),
            ("path", self.path.as_ref().map(text)),
            ("commit", self.commit.as_ref().map(text)),
            ("seconds_to_live", Setting::show(&self.default_lifetime)),
            ("max_seconds_to_live", Setting::show(&self.maximum_lifetime)),
        ])
    }
}
