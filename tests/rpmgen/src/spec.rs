//! What to write: a package as plain data.

use crate::{Relation, TagChange};

/// What a path is, and what is in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FileKind {
    /// A regular file with these bytes.
    Content(Vec<u8>),
    /// A regular file of this many bytes; its own path, repeated.
    Filled(u32),
    /// A directory.
    Directory,
    /// A symbolic link with this target.
    Symlink(String),
}

/// One path that a package owns.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileSpec {
    /// An absolute path; in source packages a file name.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits, such as `0o755`.
    pub permissions: u16,
    /// Owned, but not in the payload.
    pub ghost: bool,
}

impl FileSpec {
    /// A file with content, `rwxr-xr-x` below a `bin` directory, else `rw-r--r--`.
    pub fn new(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self::of_kind(path, FileKind::Content(content.into()))
    }

    /// A file of `size` bytes made up from its path.
    pub fn filled(path: impl Into<String>, size: u32) -> Self {
        Self::of_kind(path, FileKind::Filled(size))
    }

    /// A directory.
    pub fn directory(path: impl Into<String>) -> Self {
        Self::of_kind(path, FileKind::Directory)
    }

    /// A symbolic link.
    pub fn symlink(path: impl Into<String>, target: impl Into<String>) -> Self {
        Self::of_kind(path, FileKind::Symlink(target.into()))
    }

    /// An empty file that is owned and not shipped.
    pub fn ghost(path: impl Into<String>) -> Self {
        Self {
            ghost: true,
            ..Self::of_kind(path, FileKind::Filled(0))
        }
    }

    fn of_kind(path: impl Into<String>, kind: FileKind) -> Self {
        let path = path.into();
        let permissions = match kind {
            FileKind::Symlink(_) => 0o777,
            FileKind::Directory => 0o755,
            FileKind::Content(_) | FileKind::Filled(_) => {
                if path.contains("/bin/") || path.contains("/sbin/") {
                    0o755
                } else {
                    0o644
                }
            }
        };
        Self {
            path,
            kind,
            permissions,
            ghost: false,
        }
    }
}

/// One entry of a changelog.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangelogSpec {
    /// Seconds since 1970.
    pub time: u32,
    /// `Name <address> - VERSION-RELEASE`.
    pub author: String,
    /// What changed, in lines.
    pub text: String,
}

/// Which of the two sorts of RPM to write.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub enum PackageKind {
    /// A package to install.
    Binary,
    /// A source package.
    Source,
    /// A source package that leaves a source out: `nosrc`.
    NoSource,
}

/// A package to write. All fields are open; [`PackageSpec::binary`] and [`PackageSpec::source`] fill
/// them with something sensible.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PackageSpec {
    /// Name.
    pub name: String,
    /// Epoch; no tag at all when `None`.
    pub epoch: Option<u32>,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
    /// The arch in the header. A source package has the arch that it was built on here.
    pub arch: String,
    /// Binary or source.
    pub kind: PackageKind,
    /// File name of the source package; `None` for source packages.
    pub source_rpm: Option<String>,
    /// One line.
    pub summary: String,
    /// Several lines.
    pub description: String,
    /// RPM group.
    pub group: String,
    /// Licence expression.
    pub license: String,
    /// Home page.
    pub url: Option<String>,
    /// Vendor.
    pub vendor: Option<String>,
    /// Packager.
    pub packager: Option<String>,
    /// Capabilities offered.
    pub provides: Vec<Relation>,
    /// What must be there; in source packages, what a build needs. The writer adds `rpmlib(...)`.
    pub requires: Vec<Relation>,
    /// What must not be there.
    pub conflicts: Vec<Relation>,
    /// What it replaces.
    pub obsoletes: Vec<Relation>,
    /// Weak requirements.
    pub recommends: Vec<Relation>,
    /// Hints.
    pub suggests: Vec<Relation>,
    /// Weak requirements of others.
    pub supplements: Vec<Relation>,
    /// Hints for others.
    pub enhances: Vec<Relation>,
    /// Owned paths.
    pub files: Vec<FileSpec>,
    /// Changelog, newest first.
    pub changelogs: Vec<ChangelogSpec>,
    /// Seconds since 1970; also the time of all files in it.
    pub build_time: u32,
    /// Host it claims to be built on.
    pub build_host: String,
    /// Tags that are something else than all of the above makes them.
    pub tags: Vec<TagChange>,
}

impl PackageSpec {
    /// A binary package that provides itself: `NAME = EVR` and, unless noarch, `NAME(ISA) = EVR`.
    pub fn binary(
        name: impl Into<String>,
        version: impl Into<String>,
        release: impl Into<String>,
        arch: impl Into<String>,
    ) -> Self {
        let mut spec = Self::bare(name.into(), version.into(), release.into(), arch.into());
        spec.provide_itself();
        spec
    }

    /// A source package built on `arch`.
    pub fn source(
        name: impl Into<String>,
        version: impl Into<String>,
        release: impl Into<String>,
        arch: impl Into<String>,
    ) -> Self {
        let spec = Self::bare(name.into(), version.into(), release.into(), arch.into());
        Self {
            kind: PackageKind::Source,
            ..spec
        }
    }

    fn bare(name: String, version: String, release: String, arch: String) -> Self {
        Self {
            summary: format!("The package {name}"),
            description: format!("{name}, made up for tests."),
            name,
            epoch: None,
            version,
            release,
            arch,
            kind: PackageKind::Binary,
            source_rpm: None,
            group: "Unspecified".into(),
            license: "MIT".into(),
            url: None,
            vendor: None,
            packager: None,
            provides: Vec::new(),
            requires: Vec::new(),
            conflicts: Vec::new(),
            obsoletes: Vec::new(),
            recommends: Vec::new(),
            suggests: Vec::new(),
            supplements: Vec::new(),
            enhances: Vec::new(),
            files: Vec::new(),
            changelogs: Vec::new(),
            build_time: 1_700_000_000,
            build_host: "builder.example.com".into(),
            tags: Vec::new(),
        }
    }

    fn provide_itself(&mut self) {
        let evr = self.evr();
        let isa = isa(&self.arch);
        self.provides.retain(|provide| {
            provide.name != self.name && isa.is_none_or(|isa| provide.name != format!("{}({isa})", self.name))
        });
        if let Some(isa) = isa {
            self.provides
                .insert(0, Relation::equal(format!("{}({isa})", self.name), &evr));
        }
        self.provides.insert(0, Relation::equal(&self.name, evr));
    }

    /// Sets the epoch; a binary package's provides of itself follow.
    #[must_use]
    pub fn with_epoch(mut self, epoch: u32) -> Self {
        self.epoch = Some(epoch);
        if self.kind == PackageKind::Binary {
            self.provide_itself();
        }
        self
    }

    /// Names the source package.
    #[must_use]
    pub fn built_from(mut self, source_rpm: impl Into<String>) -> Self {
        self.source_rpm = Some(source_rpm.into());
        self
    }

    /// Adds a provide.
    #[must_use]
    pub fn with_provides(mut self, provide: impl Into<Relation>) -> Self {
        self.provides.push(provide.into());
        self
    }

    /// Adds a requirement.
    #[must_use]
    pub fn with_requires(mut self, requirement: impl Into<Relation>) -> Self {
        self.requires.push(requirement.into());
        self
    }

    /// Adds a file with content.
    #[must_use]
    pub fn with_file(self, path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.with(FileSpec::new(path, content))
    }

    /// Adds any path.
    #[must_use]
    pub fn with(mut self, file: FileSpec) -> Self {
        self.files.push(file);
        self
    }

    /// Changes a tag.
    #[must_use]
    pub fn with_tag(mut self, change: TagChange) -> Self {
        self.tags.push(change);
        self
    }

    /// Whether this is a source package of either sort.
    pub fn is_source(&self) -> bool {
        self.kind != PackageKind::Binary
    }

    /// `[EPOCH:]VERSION-RELEASE`, the epoch only if there is one.
    pub fn evr(&self) -> String {
        match self.epoch {
            Some(epoch) => format!("{epoch}:{}-{}", self.version, self.release),
            None => format!("{}-{}", self.version, self.release),
        }
    }

    /// The arch of its file name: `src` or `nosrc` for source packages, else that of the header.
    pub fn file_arch(&self) -> &str {
        match self.kind {
            PackageKind::Binary => &self.arch,
            PackageKind::Source => "src",
            PackageKind::NoSource => "nosrc",
        }
    }

    /// `NAME-VERSION-RELEASE.ARCH.rpm`.
    pub fn file_name(&self) -> String {
        format!(
            "{}-{}-{}.{}.rpm",
            self.name,
            self.version,
            self.release,
            self.file_arch()
        )
    }

    /// Name, version and release of the build that it belongs to: those of its source package.
    pub fn build(&self) -> (&str, &str, &str) {
        self.source_rpm.as_deref().and_then(split_source_rpm).unwrap_or((
            &self.name,
            &self.version,
            &self.release,
        ))
    }
}

/// `ed-1.20-1.src.rpm` → `("ed", "1.20", "1")`.
fn split_source_rpm(file_name: &str) -> Option<(&str, &str, &str)> {
    let stem = file_name
        .strip_suffix(".src.rpm")
        .or_else(|| file_name.strip_suffix(".nosrc.rpm"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some((name, version, release))
}

/// What stands in the parentheses of `NAME(ISA)`; `None` for noarch and unknown arches.
pub(crate) fn isa(arch: &str) -> Option<&'static str> {
    match arch {
        "x86_64" => Some("x86-64"),
        "i386" | "i486" | "i586" | "i686" => Some("x86-32"),
        "aarch64" => Some("aarch-64"),
        "ppc64le" | "ppc64" => Some("ppc-64"),
        "s390x" => Some("s390-64"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_is_that_of_the_source_package() {
        let spec = PackageSpec::binary("ed-doc", "2", "3", "noarch").built_from("line-ed-1.20-1.el9.src.rpm");
        assert_eq!(spec.build(), ("line-ed", "1.20", "1.el9"));
        let source = PackageSpec::source("ed", "1", "2", "x86_64");
        assert_eq!(source.build(), ("ed", "1", "2"));
        assert_eq!(source.file_name(), "ed-1-2.src.rpm");
    }

    #[test]
    fn epoch_reaches_the_provides() {
        let spec = PackageSpec::binary("ed", "1", "2", "x86_64")
            .with_provides("editor")
            .with_epoch(3);
        let provides: Vec<_> = spec
            .provides
            .iter()
            .map(|p| (p.name.as_str(), p.evr.as_str()))
            .collect();
        assert_eq!(
            provides,
            [("ed", "3:1-2"), ("ed(x86-64)", "3:1-2"), ("editor", "")]
        );
    }
}
