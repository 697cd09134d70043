//! A package: everything that repodata says of it.

use serde::{Deserialize, Serialize};

use crate::{Dependency, Nevra, Sigkey};

/// One RPM package, as read from its header or from repodata.
///
/// A package read from `primary` and `filelists` alone has no changelog and no signatures; one read
/// from its file has all fields.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Package {
    /// What tells it apart; the arch of a source package is `src` or `nosrc`.
    pub nevra: Nevra,
    /// File name of the source package it was built from; `None` for source packages.
    pub source_rpm: Option<Box<str>>,
    /// Capabilities offered.
    pub provides: Vec<Dependency>,
    /// What must be there, `rpmlib(…)` left out.
    pub requires: Vec<Dependency>,
    /// What must not be there.
    pub conflicts: Vec<Dependency>,
    /// What it replaces.
    pub obsoletes: Vec<Dependency>,
    /// Weak: wanted, installed when possible.
    pub recommends: Vec<Dependency>,
    /// Weak: mentioned only.
    pub suggests: Vec<Dependency>,
    /// Weak, in the other direction: wants to be installed with those.
    pub supplements: Vec<Dependency>,
    /// Weak, in the other direction: mentioned only.
    pub enhances: Vec<Dependency>,
    /// All files, in the header's order.
    pub files: Vec<FileEntry>,
    /// One line.
    pub summary: Box<str>,
    /// Several lines.
    pub description: Box<str>,
    /// Who packaged it; may be empty.
    pub packager: Box<str>,
    /// Home page; may be empty.
    pub url: Box<str>,
    /// Licence expression.
    pub license: Box<str>,
    /// Vendor; may be empty.
    pub vendor: Box<str>,
    /// RPM group; "Unspecified" in most packages of today.
    pub group: Box<str>,
    /// Host it was built on.
    pub build_host: Box<str>,
    /// When it was built, in seconds since 1970.
    pub build_time: u64,
    /// Modification time of the file, in seconds since 1970.
    pub file_time: u64,
    /// Sizes in bytes.
    pub sizes: Sizes,
    /// First byte of the main header, and the first byte after it.
    pub header_range: (u64, u64),
    /// Changelog, newest first as in the header.
    pub changelogs: Vec<ChangelogEntry>,
    /// Keys that the header claims to be signed with.
    pub signatures: Vec<Sigkey>,
}

/// Sizes of a package in bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sizes {
    /// The `.rpm` file.
    pub package: u64,
    /// All files when installed.
    pub installed: u64,
    /// The uncompressed payload archive.
    pub archive: u64,
}

/// What a path of a package is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum FileKind {
    /// A file, link or device.
    #[default]
    File,
    /// A directory.
    Directory,
    /// Owned by the package, but not in it.
    Ghost,
}

/// One path that a package owns.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct FileEntry {
    /// The absolute path; a bare file name in source packages.
    pub path: Box<str>,
    /// What it is.
    pub kind: FileKind,
}

/// One entry of a changelog.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangelogEntry {
    /// Author and version, as the header has them.
    pub author: Box<str>,
    /// Seconds since 1970.
    pub time: u64,
    /// What changed.
    pub text: Box<str>,
}

/// Which of the three trees of a compose a package belongs into.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageKind {
    /// An ordinary package: `os`.
    Binary,
    /// Debug information or sources for debuggers: `debug/tree`.
    Debug,
    /// A source package: `source/tree`.
    Source,
}

impl Package {
    /// A package of which nothing but its NEVRA is known: all texts and lists empty, all numbers 0.
    pub fn new(nevra: Nevra) -> Self {
        Self {
            nevra,
            source_rpm: None,
            provides: Vec::new(),
            requires: Vec::new(),
            conflicts: Vec::new(),
            obsoletes: Vec::new(),
            recommends: Vec::new(),
            suggests: Vec::new(),
            supplements: Vec::new(),
            enhances: Vec::new(),
            files: Vec::new(),
            summary: Box::default(),
            description: Box::default(),
            packager: Box::default(),
            url: Box::default(),
            license: Box::default(),
            vendor: Box::default(),
            group: Box::default(),
            build_host: Box::default(),
            build_time: 0,
            file_time: 0,
            sizes: Sizes::default(),
            header_range: (0, 0),
            changelogs: Vec::new(),
            signatures: Vec::new(),
        }
    }

    /// Which kind of package this is. Debug packages are told by their names, as in Pungi:
    /// `*-debuginfo`, `*-debuginfo-*` and `*-debugsource`.
    pub fn kind(&self) -> PackageKind {
        if self.nevra.arch().is_source() {
            PackageKind::Source
        } else if is_debug_name(self.nevra.name().as_str()) {
            PackageKind::Debug
        } else {
            PackageKind::Binary
        }
    }
}

/// Whether a package name, or a pattern for names, looks like one of a debug package.
pub fn is_debug_name(name: &str) -> bool {
    name.ends_with("-debuginfo") || name.contains("-debuginfo-") || name.ends_with("-debugsource")
}
