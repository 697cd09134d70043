//! Comps: the file of a repository that puts packages into groups.
//!
//! [`read_comps`] reads one, [`Comps::to_xml`] writes it, and [`write_comps`] writes the one of a compose.
//! Kept are groups, categories, environments and langpacks with all their texts; not kept are the elements
//! `blacklist` and `whiteout`, which nothing has read since yum, and comments.
//!
//! ```
//! use odcs_rpm::comps::read_comps;
//! use odcs_rpm::repodata::Limits;
//!
//! let xml = r#"<comps><group><id>desktop</id><packagelist>
//!   <packagereq type="conditional" requires="gtk3">ibus-gtk3</packagereq>
//! </packagelist></group></comps>"#;
//! let comps = read_comps(xml.as_bytes(), Limits::default())?;
//! let conditional = comps.conditional(["desktop"], &"x86_64".parse()?);
//! assert_eq!((&*conditional[0].requires, &*conditional[0].package), ("gtk3", "ibus-gtk3"));
//! # Ok::<(), odcs_rpm::Error>(())
//! ```

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;

pub use read::read_comps;
pub use write::write_comps;

use crate::TreeArch;

/// What a comps file says, in its order. Ids and names are texts as written, not checked in any way.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Comps {
    /// Groups of packages.
    pub groups: Vec<Group>,
    /// Groups of groups, for choosing them in a dialogue.
    pub categories: Vec<Category>,
    /// Groups of groups that can be installed as a whole.
    pub environments: Vec<Environment>,
    /// How the translations of packages are called.
    pub langpacks: Vec<Langpack>,
}

/// A text for people, with its translations.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Text {
    /// The text without a language; may be empty.
    pub text: Box<str>,
    /// The text in other languages, by their codes (`cs`, `pt_BR`).
    pub translations: BTreeMap<Box<str>, Box<str>>,
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self {
            text: text.into(),
            translations: BTreeMap::new(),
        }
    }
}

/// A group of packages.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Group {
    /// By what it is asked for.
    pub id: Box<str>,
    /// What people call it.
    pub name: Text,
    /// What it is for.
    pub description: Text,
    /// Whether it is installed unless somebody objects; `None` where the file does not say.
    pub default: Option<bool>,
    /// Whether it is shown in lists; `None` where the file does not say.
    pub user_visible: Option<bool>,
    /// Whether it is for systems of two arches only.
    pub biarch_only: Option<bool>,
    /// Where it stands in lists; small numbers come first.
    pub display_order: Option<u32>,
    /// The language that it is for.
    pub lang_only: Option<Box<str>>,
    /// The tree arches that it is for; empty for all.
    pub arches: Vec<Box<str>>,
    /// Its packages.
    pub packages: Vec<GroupPackage>,
}

/// A package of a group.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct GroupPackage {
    /// The package's name; a glob in the comps of a few composes.
    pub name: Box<str>,
    /// How much it belongs to the group.
    pub level: Level,
    /// The name of the package that must be there, for [`Level::Conditional`].
    pub requires: Option<Box<str>>,
    /// Whether it is meant for the tree's own arch only, not for multilib.
    pub base_arch_only: bool,
    /// The tree arches that it is in the group for; empty for all.
    pub arches: Vec<Box<str>>,
    /// The variants of a product that it is in the group for; empty for all.
    pub variants: Vec<Box<str>>,
}

/// How much a package belongs to a group: the `type` of a `packagereq`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Level {
    /// Installed with the group. Also what has no type, or one that is not known.
    #[default]
    Mandatory,
    /// Installed with the group unless somebody objects.
    Default,
    /// Installed when asked for.
    Optional,
    /// Installed when another package is.
    Conditional,
}

/// Groups that belong together.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Category {
    /// By what it is asked for.
    pub id: Box<str>,
    /// What people call it.
    pub name: Text,
    /// What it is for.
    pub description: Text,
    /// Where it stands in lists; small numbers come first.
    pub display_order: Option<u32>,
    /// Its groups.
    pub groups: Vec<GroupReference>,
}

/// Groups that are installed together.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Environment {
    /// By what it is asked for.
    pub id: Box<str>,
    /// What people call it.
    pub name: Text,
    /// What it is for.
    pub description: Text,
    /// Where it stands in lists; small numbers come first.
    pub display_order: Option<u32>,
    /// The tree arches that it is for; empty for all.
    pub arches: Vec<Box<str>>,
    /// The groups that make it up.
    pub groups: Vec<GroupReference>,
    /// Groups that can be added; `None` where the file has no such list.
    pub options: Option<Vec<GroupReference>>,
}

/// A group named by a category or an environment. It need not exist.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct GroupReference {
    /// Its id.
    pub id: Box<str>,
    /// Whether an optional group is chosen unless somebody objects.
    pub default: bool,
    /// The tree arches that it is named for; empty for all.
    pub arches: Vec<Box<str>>,
}

/// How the translations of a package are called.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Langpack {
    /// The name of the package.
    pub name: Box<str>,
    /// The names of its translations, with `%s` for the language: `libreoffice-langpack-%s`.
    pub install: Box<str>,
}

/// That a package is wanted where another one is.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Conditional {
    /// The name of the package that must be there.
    pub requires: Box<str>,
    /// The name of the package that is wanted then.
    pub package: Box<str>,
}

impl Level {
    /// The `type` as comps files have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mandatory => "mandatory",
            Self::Default => "default",
            Self::Optional => "optional",
            Self::Conditional => "conditional",
        }
    }
}

impl GroupPackage {
    /// A mandatory package.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            level: Level::Mandatory,
            requires: None,
            base_arch_only: false,
            arches: Vec::new(),
            variants: Vec::new(),
        }
    }
}

impl Comps {
    /// The group with this id; the first, should there be several.
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| &*group.id == id)
    }

    /// The conditional packages of some groups, as they hold for one tree arch. Ids without a group
    /// are passed over.
    pub fn conditional<'a>(
        &self,
        groups: impl IntoIterator<Item = &'a str>,
        arch: &TreeArch,
    ) -> Vec<Conditional> {
        let is_for =
            |arches: &[Box<str>]| arches.is_empty() || arches.iter().any(|own| **own == *arch.as_str());
        groups
            .into_iter()
            .filter_map(|id| self.group(id))
            .filter(|group| is_for(&group.arches))
            .flat_map(|group| &group.packages)
            .filter(|package| package.level == Level::Conditional && is_for(&package.arches))
            .filter_map(|package| {
                Some(Conditional {
                    requires: package.requires.clone()?,
                    package: package.name.clone(),
                })
            })
            .collect()
    }
}
