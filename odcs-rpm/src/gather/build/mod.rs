//! Building a package set, one package after the other.

mod assemble;
mod kept;
mod numbered;
mod offers;
mod requirements;

use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;

use super::brief::Brief;
use super::index::Range;
use super::record::MAX_ARCHES;
use super::set::{MAX_ROWS, Origin, PackageSet};
use super::table::{AddedId, ArchId, Column, DraftId, RangeId, Rows, TextId};
use super::texts::{Numbers, TextNumbers};
use crate::arch::ArchClass;
use crate::multilib::Method;
use crate::{Arch, Comparison, Dependency, Error, Package, PackageKind, Result, TreeArch};

/// Builds a [`PackageSet`] from packages that are known one at a time: of each, what gathering needs is kept in a
/// few hundred bytes, and nothing of its list of files but eight bytes for each until the set is finished.
///
/// ```
/// use std::sync::Arc;
/// use odcs_rpm::gather::PackageSet;
/// use odcs_rpm::{Evr, Nevra, Package};
///
/// let mut package = Package::new(Nevra::new("ed".parse()?, Evr::new(0, "1.20", "1")?, "x86_64".parse()?));
/// let brief = Arc::new(package.clone());
/// package.files.push(odcs_rpm::FileEntry { path: "/usr/bin/ed".into(), kind: Default::default() });
/// let mut builder = PackageSet::builder();
/// builder.add(&package, brief);
/// let set = builder.finish()?;
/// assert!(set.is_brief() && set.len() == 1);
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Debug)]
pub struct SetBuilder {
    numbers: TextNumbers,
    ranges: Numbers<RangeId, Range>,
    drafts: Numbers<DraftId, Draft>,
    added: Vec<Added>,
    signatures: Rows<AddedId, TextId>,
    requires: Rows<AddedId, DraftId>,
    provides: Rows<AddedId, (TextId, Option<RangeId>)>,
    paths: Rows<AddedId, u64>,
    hasher: PathHasher,
    is_brief: bool,
    /// The arches of packages, and whether packages of it are multilib builds in some tree.
    arches: Column<ArchId, (Arch, bool)>,
}

/// A package that was added.
#[derive(Debug)]
pub(in crate::gather) struct Added {
    /// As it was given; none where the set makes it from what it knows.
    kept: Option<Arc<Package>>,
    name: TextId,
    arch: ArchId,
    brief: Brief,
    /// What it offers by its own name.
    own: RangeId,
    origin: Origin,
    kind: PackageKind,
    multilib: Multilib,
}

/// Which methods take a package as a multilib build; see [`Method::selects`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::gather) struct Multilib {
    pub(in crate::gather) runtime: bool,
    pub(in crate::gather) devel: bool,
}

impl Multilib {
    fn of(package: &Package) -> Self {
        Self {
            runtime: Method::Runtime.selects(package),
            devel: Method::Devel.selects(package),
        }
    }

    pub(in crate::gather) fn selects(self, method: Method) -> bool {
        match method {
            Method::Runtime => self.runtime,
            Method::Devel => self.devel,
            Method::All => true,
        }
    }
}

/// A requirement of a package.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub(in crate::gather) struct Draft {
    name: TextId,
    range: Option<RangeId>,
    is_pre: bool,
}

/// Stands for paths until it is known which of them are required: a distribution has millions, and a few hundred
/// are. By chance one path in 2^64 is taken for a given other one: among three million paths and a thousand required
/// ones, that is one set in more than a thousand million. By intent there is nothing to gain: who could make up such
/// a path may as well put the required one into the package.
#[derive(Debug, Default)]
pub(in crate::gather) struct PathHasher(DefaultHashBuilder);

impl PathHasher {
    fn hash(&self, path: &str) -> u64 {
        self.0.hash_one(path)
    }
}

impl SetBuilder {
    pub(in crate::gather) fn new() -> Self {
        Self {
            numbers: TextNumbers::default(),
            ranges: Numbers::default(),
            drafts: Numbers::default(),
            added: Vec::new(),
            signatures: Rows::empty(),
            requires: Rows::empty(),
            provides: Rows::empty(),
            paths: Rows::empty(),
            hasher: PathHasher::default(),
            is_brief: false,
            arches: Column::new(),
        }
    }

    /// Adds a package: what it requires and offers is that of `full`; what gathering gives back is `kept`, which is
    /// the same package, usually without its lists and texts.
    ///
    /// Of packages of one NEVRA, the first one added stays.
    pub fn add(&mut self, full: &Package, kept: Arc<Package>) {
        self.add_of(full, Some(kept), Origin::PackageSet);
    }

    /// Adds a package of which nothing is kept but what a brief one has: without dependencies, files, texts and
    /// changelogs. The set makes it when it is asked for.
    pub fn add_brief(&mut self, full: &Package) {
        self.add_of(full, None, Origin::PackageSet);
    }

    /// How many packages were added.
    pub fn len(&self) -> usize {
        self.added.len()
    }

    /// Whether no package was added yet.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
    }

    pub(in crate::gather) fn add_of(&mut self, full: &Package, kept: Option<Arc<Package>>, origin: Origin) {
        let shown = kept.as_deref().unwrap_or(full);
        let has = |package: &Package| [&package.provides, &package.requires].map(Vec::len);
        self.is_brief |= kept.is_none() || has(shown) != has(full) || shown.files.len() != full.files.len();
        let kind = shown.kind();
        let (arch, is_sibling) = self.arch(shown.nevra.arch());
        let multilib = if kind == PackageKind::Binary && is_sibling {
            Multilib::of(full)
        } else {
            Multilib::default()
        };
        let name = self.numbers.number(shown.nevra.name().as_str());
        let brief = Brief::new(shown, |text| self.numbers.number(text));
        let own = self.ranges.number(Range {
            comparison: Comparison::Equal,
            epoch: brief.epoch,
            version: brief.version,
            release: Some(brief.release),
        });
        for key in &shown.signatures {
            self.signatures.push(self.numbers.number(key.as_str()));
        }
        self.signatures.end_row();
        self.index(full, kind);
        self.added.push(Added {
            kept,
            name,
            arch,
            brief,
            own,
            origin,
            kind,
            multilib,
        });
    }

    fn index(&mut self, full: &Package, kind: PackageKind) {
        // RPM itself satisfies `rpmlib(…)`.
        let requires = full.requires.iter();
        for dependency in requires.filter(|dependency| !dependency.name.starts_with("rpmlib(")) {
            let draft = self.draft(dependency);
            let id = self.drafts.number(draft);
            self.requires.push(id);
        }
        self.requires.end_row();
        // Source packages offer nothing.
        if kind != PackageKind::Source {
            for dependency in &full.provides {
                let Draft { name, range, .. } = self.draft(dependency);
                self.provides.push((name, range));
            }
            let paths = full.files.iter().map(|file| &*file.path);
            for path in paths.filter(|path| path.starts_with('/')) {
                self.paths.push(self.hasher.hash(path));
            }
        }
        self.provides.end_row();
        self.paths.end_row();
    }

    pub(in crate::gather) fn draft(&mut self, dependency: &Dependency) -> Draft {
        let Self { numbers, ranges, .. } = self;
        let range = dependency.version.as_ref().map(|version| {
            ranges.number(Range {
                comparison: version.comparison,
                epoch: version.epoch,
                version: numbers.number(&version.version),
                release: version.release.as_deref().map(|release| numbers.number(release)),
            })
        });
        Draft {
            name: numbers.number(&dependency.name),
            range,
            is_pre: dependency.is_pre,
        }
    }

    /// The number of an arch, and whether packages of it are multilib builds in some tree.
    fn arch(&mut self, arch: &Arch) -> (ArchId, bool) {
        let known = self.arches.iter().find(|(_, (known, _))| known == arch);
        if let Some((id, &(_, is_sibling))) = known {
            return (id, is_sibling);
        }
        let is_sibling = TreeArch::all().any(|tree| matches!(tree.class_of(arch), ArchClass::Multilib(_)));
        (self.arches.push((arch.clone(), is_sibling)), is_sibling)
    }

    /// The set.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for more than about two thousand million packages, dependencies or files, or as many
    /// bytes of their texts.
    pub fn finish(self) -> Result<PackageSet> {
        let rows = [
            self.added.len(),
            self.signatures.values(),
            self.requires.values(),
            self.provides.values(),
            self.paths.values(),
        ];
        let is_full = rows.iter().any(|rows| *rows > MAX_ROWS)
            || self.arches.len() > MAX_ARCHES
            || self.numbers.texts.is_full();
        let set = (!is_full).then(|| assemble::assemble(self)).flatten();
        set.ok_or_else(|| Error::TooLarge {
            what: "the package set with its dependencies and files".into(),
            limit: MAX_ROWS as u64,
        })
    }
}
