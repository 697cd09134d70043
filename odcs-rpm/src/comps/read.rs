//! Reading comps files.

use std::io::BufRead;

use super::{Category, Comps, Environment, Group, GroupPackage, GroupReference, Langpack, Level, Text};
use crate::repodata::{Element, Limits, Pull, Token};
use crate::{Error, Result};

/// Reads a comps file that is not compressed. Elements and attributes that are not known are passed
/// over; so are `<langpacks>` entries without both of their attributes.
///
/// # Errors
/// [`Error::Repodata`] if it is no comps file, is broken or ends early, or has a group, category or
/// environment without an id; [`Error::TooLarge`] past [`Limits::elements`] or [`Limits::text_bytes`];
/// [`Error::Io`] if reading fails. The bytes read are for the caller to limit.
pub fn read_comps(reader: impl BufRead, limits: Limits) -> Result<Comps> {
    let mut pull = Pull::new(reader, limits, "comps");
    pull.expect_root("comps")?;
    let mut comps = Comps::default();
    let mut draft = Draft::default();
    let mut path = Path::default();
    loop {
        match pull.next()? {
            Token::Eof => return Ok(comps),
            Token::Nothing => {}
            Token::Start(element) => {
                path.enter(&element);
                draft.start(&path, &element)?;
                if path.is(&["langpacks", "match"])
                    && let (Some(name), Some(install)) =
                        (element.attribute("name")?, element.attribute("install")?)
                {
                    comps.langpacks.push(Langpack {
                        name: name.into(),
                        install: install.into(),
                    });
                }
            }
            Token::End(end) => {
                match end.depth {
                    2 => draft.finish(path.first(), &mut comps)?,
                    _ => draft.end(&path, end.text),
                }
                path.leave(end.depth);
            }
        }
    }
}

/// The names of the elements that are open below the root; what is deeper than comps files are counts
/// as unknown.
#[derive(Default)]
struct Path {
    names: Vec<Name>,
}

/// The elements of comps files, one after the other.
const NAMES: &[&str] = &[
    "group",
    "category",
    "environment",
    "langpacks",
    "match",
    "id",
    "name",
    "description",
    "default",
    "uservisible",
    "biarchonly",
    "display_order",
    "langonly",
    "packagelist",
    "packagereq",
    "grouplist",
    "optionlist",
    "groupid",
];

/// One of them, or anything else.
type Name = &'static str;

impl Path {
    fn enter(&mut self, element: &Element<'_>) {
        let known = NAMES.iter().find(|name| **name == element.name());
        self.names.truncate(element.depth.saturating_sub(2));
        if element.depth > 1 {
            self.names.push(known.copied().unwrap_or(""));
        }
    }

    fn leave(&mut self, depth: usize) {
        self.names.truncate(depth.saturating_sub(2));
    }

    fn is(&self, names: &[&str]) -> bool {
        self.names == names
    }

    fn first(&self) -> Name {
        self.names.first().copied().unwrap_or("")
    }

    /// The element below the group, category or environment, and the one below that.
    fn inner(&self) -> Option<(Name, Option<Name>)> {
        match self.names[..] {
            ["group" | "category" | "environment", outer] => Some((outer, None)),
            ["group" | "category" | "environment", outer, inner] => Some((outer, Some(inner))),
            _ => None,
        }
    }
}

/// A group, category or environment as far as it was read: they have much in common.
#[derive(Default)]
struct Draft {
    id: Option<Box<str>>,
    group: Group,
    groups: Vec<GroupReference>,
    options: Option<Vec<GroupReference>>,
    /// The language of the text that is being read.
    language: Option<Box<str>>,
    package: Option<GroupPackage>,
    reference: GroupReference,
}

impl Draft {
    fn start(&mut self, path: &Path, element: &Element<'_>) -> Result<()> {
        if path.names.len() == 1 {
            *self = Self::default();
            self.group.arches = list(element.attribute("arch")?.as_deref());
            return Ok(());
        }
        match path.inner() {
            Some(("name" | "description", None)) => {
                self.language = element.attribute("lang")?.map(Into::into);
            }
            Some(("packagelist", Some("packagereq"))) => {
                let mut package = GroupPackage::new("");
                element.attributes(|key, value| {
                    match key {
                        "type" => package.level = level(value),
                        "requires" => {
                            package.requires = word(value);
                        }
                        "basearchonly" => package.base_arch_only = value == "true",
                        "arch" => package.arches = list(Some(value)),
                        "variant" => package.variants = list(Some(value)),
                        _ => {}
                    }
                    Ok(())
                })?;
                self.package = Some(package);
            }
            Some(("optionlist", None)) => self.options = Some(Vec::new()),
            Some(("grouplist" | "optionlist", Some("groupid"))) => {
                self.reference = GroupReference {
                    id: Box::default(),
                    default: element.attribute("default")?.as_deref() == Some("true"),
                    arches: list(element.attribute("arch")?.as_deref()),
                };
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, path: &Path, text: &str) {
        let group = &mut self.group;
        let trimmed = text.trim();
        match path.inner() {
            Some(("id", None)) => self.id = word(text),
            Some(("name", None)) => put(&mut group.name, self.language.take(), text),
            Some(("description", None)) => put(&mut group.description, self.language.take(), text),
            Some(("default", None)) => group.default = Some(trimmed == "true"),
            Some(("uservisible", None)) => group.user_visible = Some(trimmed == "true"),
            Some(("biarchonly", None)) => group.biarch_only = Some(trimmed == "true"),
            // What is no number says nothing about the order.
            Some(("display_order", None)) => group.display_order = trimmed.parse().ok(),
            Some(("langonly", None)) => {
                group.lang_only = word(text);
            }
            Some(("packagelist", Some("packagereq"))) => {
                let package = self.package.take().filter(|_| !trimmed.is_empty());
                group.packages.extend(package.map(|package| GroupPackage {
                    name: trimmed.into(),
                    ..package
                }));
            }
            Some((list @ ("grouplist" | "optionlist"), Some("groupid"))) if !trimmed.is_empty() => {
                let mut reference = std::mem::take(&mut self.reference);
                reference.id = trimmed.into();
                match list {
                    "grouplist" => self.groups.push(reference),
                    _ => self.options.get_or_insert_default().push(reference),
                }
            }
            _ => {}
        }
    }

    /// Puts what was read where it belongs.
    fn finish(&mut self, kind: Name, comps: &mut Comps) -> Result<()> {
        let draft = std::mem::take(self);
        if !matches!(kind, "group" | "category" | "environment") {
            return Ok(());
        }
        let id = draft.id;
        let id = id.ok_or_else(|| Error::repodata("comps", format!("there is a {kind} without an id")))?;
        let group = draft.group;
        match kind {
            "group" => comps.groups.push(Group { id, ..group }),
            "category" => comps.categories.push(Category {
                id,
                name: group.name,
                description: group.description,
                display_order: group.display_order,
                groups: draft.groups,
            }),
            _ => comps.environments.push(Environment {
                id,
                name: group.name,
                description: group.description,
                display_order: group.display_order,
                arches: group.arches,
                groups: draft.groups,
                options: draft.options,
            }),
        }
        Ok(())
    }
}

fn put(place: &mut Text, language: Option<Box<str>>, text: &str) {
    match language {
        Some(language) => {
            place.translations.insert(language, text.into());
        }
        None => place.text = text.into(),
    }
}

fn level(text: &str) -> Level {
    match text {
        "default" => Level::Default,
        "optional" => Level::Optional,
        "conditional" => Level::Conditional,
        _ => Level::Mandatory,
    }
}

/// The text without blanks around it, unless nothing is left.
fn word(text: &str) -> Option<Box<str>> {
    let word = text.trim();
    (!word.is_empty()).then(|| word.into())
}

/// The words of an attribute, separated by blanks or commas.
fn list(text: Option<&str>) -> Vec<Box<str>> {
    let words = text.unwrap_or_default().split([' ', ',', '\t', '\n', '\r']);
    words.filter(|word| !word.is_empty()).map(Into::into).collect()
}
