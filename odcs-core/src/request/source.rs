//! Where the packages of a request come from.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::fields::{
    GitReference, KojiTag, ModuleSpec, SpelledUrl, checked_text, is_plain, is_word, refused,
};
use crate::{Error, Result};

/// A type of source: its name in requests and its number in answers.
///
/// The seven types of the API are constants here; a source type from outside this workspace brings
/// its own, with a number of 100 or more.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct SourceKind {
    name: Cow<'static, str>,
    number: u32,
}

impl SourceKind {
    /// A Koji tag.
    pub const TAG: Self = Self::builtin("tag", 1);
    /// Modules.
    pub const MODULE: Self = Self::builtin("module", 2);
    /// An RPM repository.
    pub const REPO: Self = Self::builtin("repo", 3);
    /// Pulp content sets.
    pub const PULP: Self = Self::builtin("pulp", 4);
    /// A Pungi configuration.
    pub const RAW_CONFIG: Self = Self::builtin("raw_config", 5);
    /// Koji builds.
    pub const BUILD: Self = Self::builtin("build", 6);
    /// A variant of an existing Pungi compose.
    pub const PUNGI_COMPOSE: Self = Self::builtin("pungi_compose", 7);

    /// The seven types of the API.
    pub const BUILTIN: [Self; 7] = [
        Self::TAG,
        Self::MODULE,
        Self::REPO,
        Self::PULP,
        Self::RAW_CONFIG,
        Self::BUILD,
        Self::PUNGI_COMPOSE,
    ];

    const fn builtin(name: &'static str, number: u32) -> Self {
        Self {
            name: Cow::Borrowed(name),
            number,
        }
    }

    /// A type of your own.
    ///
    /// # Errors
    /// `Invalid` for a number below 100, a name that is not lower-case letters, digits and `_`, or that of one
    /// of the seven types of the API.
    pub fn custom(name: impl Into<String>, number: u32) -> Result<Self> {
        let name = name.into();
        let fits = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && number >= 100
            && Self::BUILTIN.iter().all(|builtin| builtin.name != name);
        if fits {
            Ok(Self {
                name: name.into(),
                number,
            })
        } else {
            Err(Error::invalid(
                "type",
                format!(
                    "{name:?} ({number}) is not a source type: lower-case letters, digits and _, no name of the API's own types, and a number of 100 or more"
                ),
            ))
        }
    }

    /// The name in requests.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number in answers (`source_type`).
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Where the packages come from, with what each type needs to know.
#[derive(Clone, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SourceSpec {
    /// Koji tags, in order of preference; at least one.
    Tag(Vec<KojiTag>),
    /// Modules; empty only with scratch modules in the request.
    Module(Vec<ModuleSpec>),
    /// An RPM repository.
    Repo(RepoLocation),
    /// Pulp content sets; at least one.
    Pulp(Vec<ContentSet>),
    /// A configured Pungi configuration at a commit.
    RawConfig {
        /// Which of the configured ones.
        key: RawConfigKey,
        /// The commit.
        commit: GitReference,
    },
    /// The builds of the request, nothing else. Words given as its source are recorded and mean nothing.
    Build(Vec<SourceWord>),
    /// A variant of an existing Pungi compose.
    PungiCompose(SpelledUrl),
    /// A source type from outside this workspace; the text is for the source to understand.
    Custom {
        /// Which one.
        kind: SourceKind,
        /// What was asked of it.
        source: String,
    },
}

impl SourceSpec {
    /// Something of a source type from outside this workspace.
    pub fn custom(kind: &SourceKind, source: impl Into<String>) -> Self {
        Self::Custom {
            kind: kind.clone(),
            source: source.into(),
        }
    }

    /// The type.
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Tag(_) => SourceKind::TAG,
            Self::Module(_) => SourceKind::MODULE,
            Self::Repo(_) => SourceKind::REPO,
            Self::Pulp(_) => SourceKind::PULP,
            Self::RawConfig { .. } => SourceKind::RAW_CONFIG,
            Self::Build(_) => SourceKind::BUILD,
            Self::PungiCompose(_) => SourceKind::PUNGI_COMPOSE,
            Self::Custom { kind, .. } => kind.clone(),
        }
    }

    /// The Pungi configuration asked for, where one is.
    pub fn raw_config_key(&self) -> Option<&RawConfigKey> {
        match self {
            Self::RawConfig { key, .. } => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for SourceSpec {
    /// As the public record's `source` has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn words<T: fmt::Display>(f: &mut fmt::Formatter<'_>, words: &[T]) -> fmt::Result {
            let words: Vec<String> = words.iter().map(T::to_string).collect();
            f.write_str(&words.join(" "))
        }
        match self {
            Self::Tag(tags) => words(f, tags),
            Self::Module(modules) => words(f, modules),
            Self::Repo(location) => location.fmt(f),
            Self::Pulp(sets) => words(f, sets),
            Self::RawConfig { key, commit } => write!(f, "{key}#{commit}"),
            Self::Build(given) => words(f, given),
            Self::PungiCompose(url) => url.fmt(f),
            Self::Custom { source, .. } => f.write_str(source),
        }
    }
}

/// Where an RPM repository is.
#[derive(Clone, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RepoLocation {
    /// A directory of the server, by its absolute path.
    Path(Box<str>),
    /// A repository on an HTTP server.
    Url(SpelledUrl),
}

impl std::str::FromStr for RepoLocation {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        const EXPECTED: &str = "the absolute path of a directory on the server, or an http or https URL";
        // PATH_MAX; the characters are those that the reference server takes in a source.
        if text.starts_with('/') && text.len() <= 4096 && is_plain(text) {
            return Ok(Self::Path(text.into()));
        }
        match text.parse::<SpelledUrl>() {
            Ok(url) if matches!(url.url().scheme(), "http" | "https") => Ok(Self::Url(url)),
            _ => Err(refused(text, EXPECTED)),
        }
    }
}

impl TryFrom<String> for RepoLocation {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<RepoLocation> for String {
    fn from(location: RepoLocation) -> Self {
        location.to_string()
    }
}

impl fmt::Display for RepoLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Url(url) => url.fmt(f),
        }
    }
}

checked_text! {
    /// The name of a Pulp content set.
    ContentSet, "the name of a content set", |text| is_word(text) && is_plain(text)
}

checked_text! {
    /// The name of a configured Pungi configuration.
    RawConfigKey, "the name of a Pungi configuration", |text| is_word(text) && is_plain(text) && !text.contains('#')
}

checked_text! {
    /// A word of a source that nothing is looked up by.
    SourceWord, "one word of plain characters", |text| is_word(text) && is_plain(text)
}
