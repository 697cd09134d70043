//! What is asked for.

use odcs_rpm::Arch;

use super::ids::{BuildId, EventId, TagId};
use super::xmlrpc::Value;

/// A tag, by its name or its id. A name of digits is a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TagRef {
    /// By its name.
    Name(Box<str>),
    /// By its id.
    Id(TagId),
}

/// A build, by its NVR or its id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BuildRef {
    /// By name, version and release, as text. A hub refuses one that is none with a fault.
    Nvr(Box<str>),
    /// By its id.
    Id(BuildId),
}

impl From<&str> for TagRef {
    fn from(name: &str) -> Self {
        Self::Name(name.into())
    }
}

impl From<TagId> for TagRef {
    fn from(id: TagId) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for BuildRef {
    fn from(nvr: &str) -> Self {
        Self::Nvr(nvr.into())
    }
}

impl From<BuildId> for BuildRef {
    fn from(id: BuildId) -> Self {
        Self::Id(id)
    }
}

impl From<&super::names::Nvr> for BuildRef {
    fn from(nvr: &super::names::Nvr) -> Self {
        Self::Nvr(nvr.to_string().into())
    }
}

impl TagRef {
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Name(name) => Value::from(&**name),
            Self::Id(id) => Value::Int(id.0),
        }
    }
}

impl std::fmt::Display for TagRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Id(id) => id.fmt(f),
        }
    }
}

impl BuildRef {
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Nvr(nvr) => Value::from(&**nvr),
            Self::Id(id) => Value::Int(id.0),
        }
    }
}

impl std::fmt::Display for BuildRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nvr(nvr) => f.write_str(nvr),
            Self::Id(id) => id.fmt(f),
        }
    }
}

/// Which builds of a tag are listed (`listTagged`).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaggedBuilds {
    /// The tag.
    pub tag: TagRef,
    /// As it was at this event; now, without one. An event that is yet to come means now.
    pub event: Option<EventId>,
    /// Whether builds of the tags that it inherits from count. No, by default.
    pub inherit: bool,
    /// Whether of each package only the build that was tagged last counts, of the first tag in the order of inheritance
    /// that has one. No, by default.
    pub latest: bool,
    /// Only builds of this package.
    pub package: Option<Box<str>>,
    /// Only builds of this type, such as `module`.
    pub build_type: Option<Box<str>>,
    /// Whether drafts count. No, by default; hubs that do not know about them have none. One that is listed all the same
    /// is an error that names it.
    pub drafts: bool,
}

impl TaggedBuilds {
    /// All builds of a tag itself.
    pub fn new(tag: impl Into<TagRef>) -> Self {
        Self {
            tag: tag.into(),
            event: None,
            inherit: false,
            latest: false,
            package: None,
            build_type: None,
            drafts: false,
        }
    }
}

/// Which RPMs of a tag are listed (`listTaggedRPMS`), by themselves and with those of what it inherits from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaggedRpms {
    /// The tag.
    pub tag: TagRef,
    /// As it was at this event; now, without one. Signatures are always those of now.
    pub event: Option<EventId>,
    /// Whether builds of the tags that it inherits from count. No, by default.
    pub inherit: bool,
    /// Whether of each package only the build that was tagged last counts. No, by default.
    pub latest: bool,
    /// Whether the keys are listed that signatures are on record of. Yes, by default.
    pub signatures: bool,
    /// Only RPMs of these arches; all, if none are named.
    pub arches: Vec<Arch>,
    /// Only RPMs of builds of this package.
    pub package: Option<Box<str>>,
    /// Whether drafts count. No, by default; hubs that do not know about them have none. One that is listed all the same
    /// is an error that names it.
    pub drafts: bool,
    /// Whether the hub sends all that it knows about each RPM, which is not looked at. No, by default.
    pub extra: bool,
}

impl TaggedRpms {
    /// All RPMs of a tag itself, with their signatures.
    pub fn new(tag: impl Into<TagRef>) -> Self {
        Self {
            tag: tag.into(),
            event: None,
            inherit: false,
            latest: false,
            signatures: true,
            arches: Vec::new(),
            package: None,
            drafts: false,
            extra: false,
        }
    }
}
