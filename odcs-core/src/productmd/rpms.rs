//! `rpms.json`: every package of the compose, and where it is.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use odcs_rpm::{Arch, Evr, Nevra, PackageKind, PackageName};
use serde::{Deserialize, Serialize, Serializer};

use super::{ComposeIdent, ComposeInfoSection, json};
use crate::Result;

const KIND: &str = "productmd.rpms";

/// The payload of `rpms.json`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Rpms {
    /// Which compose.
    pub compose: ComposeInfoSection,
    /// Variant → arch of the tree → NEVRA of the source package → NEVRA → package.
    pub rpms: BTreeMap<String, BTreeMap<String, Builds>>,
}

/// NEVRA of the source package → NEVRA → package.
pub type Builds = BTreeMap<String, BTreeMap<String, Rpm>>;

/// One package.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Rpm {
    /// What it is.
    pub category: Category,
    /// Where it is below `compose/`.
    pub path: String,
    /// The key it was chosen for, as eight lower-case hex digits; `None` if signatures did not matter or
    /// it goes as unsigned.
    pub sigkey: Option<String>,
}

/// What a package is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names are those of the format")]
pub enum Category {
    Binary,
    Debug,
    Source,
}

impl From<PackageKind> for Category {
    fn from(kind: PackageKind) -> Self {
        match kind {
            PackageKind::Binary => Self::Binary,
            PackageKind::Debug => Self::Debug,
            PackageKind::Source => Self::Source,
        }
    }
}

impl Rpms {
    /// The metadata of an empty compose.
    pub fn new(ident: &ComposeIdent) -> Self {
        Self {
            compose: ident.section(),
            rpms: BTreeMap::new(),
        }
    }

    /// Adds a package. `source` is the NEVRA of its source package, its own for a source package.
    pub fn add(&mut self, variant: &str, arch: &str, source: &str, nevra: &Nevra, rpm: Rpm) {
        self.rpms
            .entry(variant.into())
            .or_default()
            .entry(arch.into())
            .or_default()
            .entry(source.into())
            .or_default()
            .insert(nevra.to_string(), rpm);
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// None in practice: the type has a JSON form.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        json::write(KIND, self)
    }

    /// The bytes of the file with these packages, of one variant: those that come of [adding](Self::add) all of them,
    /// in a fraction of the time.
    ///
    /// ```
    /// use odcs_core::productmd::{Category, ComposeIdent, ComposeKind, Rpm, RpmEntry, Rpms};
    ///
    /// let ident = ComposeIdent {
    ///     short: "odcs-1".into(), version: "1".into(), date: "20261121".into(), kind: ComposeKind::Test, respin: 0,
    /// };
    /// let nevra = "ed-0:1.14.1-2.x86_64".parse().unwrap();
    /// let entry = RpmEntry {
    ///     arch: "x86_64",
    ///     source: "ed-0:1.14.1-2.src",
    ///     nevra: &nevra,
    ///     category: Category::Binary,
    ///     tree: "Temporary/x86_64/os",
    ///     location: "Packages/e/ed-1.14.1-2.x86_64.rpm",
    ///     sigkey: None,
    /// };
    /// let json = Rpms::json_of(&ident, "Temporary", &[entry])?;
    ///
    /// let mut rpms = Rpms::new(&ident);
    /// let path = "Temporary/x86_64/os/Packages/e/ed-1.14.1-2.x86_64.rpm".to_owned();
    /// let rpm = Rpm { category: Category::Binary, path, sigkey: None };
    /// rpms.add("Temporary", "x86_64", "ed-0:1.14.1-2.src", &nevra, rpm);
    /// assert_eq!(json, rpms.to_json()?);
    /// # Ok::<(), odcs_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// None in practice: the type has a JSON form.
    pub fn json_of(ident: &ComposeIdent, variant: &str, packages: &[RpmEntry<'_>]) -> Result<Vec<u8>> {
        // All of them one after the other, rather than ten thousands of texts.
        let mut nevras = String::new();
        let ends: Vec<_> = packages
            .iter()
            .map(|package| {
                // Writing to a string cannot fail.
                let _ = write!(nevras, "{}", package.nevra);
                nevras.len()
            })
            .collect();
        let begins = std::iter::once(0).chain(ends.iter().copied());
        let mut rows: Vec<Row<'_>> = packages
            .iter()
            .zip(begins.zip(&ends))
            .map(|(package, (begin, &end))| Row {
                nevra: nevras.get(begin..end).unwrap_or_default(),
                package,
            })
            .collect();
        rows.sort_by_key(|row| row.key());
        // What is added twice is what was added last.
        rows.reverse();
        rows.dedup_by(|row, later| row.key() == later.key());
        rows.reverse();
        let payload = Payload {
            compose: ident.section(),
            rpms: Variants(variant, &rows),
        };
        json::write(KIND, &payload)
    }

    /// Reads a file. Its size is for the caller to limit.
    ///
    /// # Errors
    /// `Invalid` if it is none.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        json::read(KIND, bytes)
    }
}

/// A package of [`Rpms::json_of`], where what is said of it stands in other places.
#[derive(Clone, Copy, Debug)]
pub struct RpmEntry<'a> {
    /// The arch of its tree.
    pub arch: &'a str,
    /// The NEVRA of its source package, its own for a source package.
    pub source: &'a str,
    /// The package.
    pub nevra: &'a Nevra,
    /// What it is.
    pub category: Category,
    /// Where its tree is below `compose/`.
    pub tree: &'a str,
    /// Where it is in its tree.
    pub location: &'a str,
    /// The key it was chosen for, as [`Rpm`] has it.
    pub sigkey: Option<&'a str>,
}

/// An entry with its NEVRA as text.
#[derive(Clone, Copy)]
struct Row<'a> {
    nevra: &'a str,
    package: &'a RpmEntry<'a>,
}

impl<'a> Row<'a> {
    fn key(&self) -> (&'a str, &'a str, &'a str) {
        (self.package.arch, self.package.source, self.nevra)
    }
}

/// [`Rpms`], of sorted rows.
#[derive(Serialize)]
struct Payload<'a> {
    compose: ComposeInfoSection,
    rpms: Variants<'a>,
}

struct Variants<'a>(&'a str, &'a [Row<'a>]);

impl Serialize for Variants<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Self(variant, rows) = *self;
        serializer.collect_map((!rows.is_empty()).then_some((variant, Trees(rows))))
    }
}

struct Trees<'a>(&'a [Row<'a>]);

impl Serialize for Trees<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let trees = self
            .0
            .chunk_by(|one, other| one.package.arch == other.package.arch);
        serializer.collect_map(trees.filter_map(|rows| Some((rows.first()?.package.arch, Sources(rows)))))
    }
}

struct Sources<'a>(&'a [Row<'a>]);

impl Serialize for Sources<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let builds = self
            .0
            .chunk_by(|one, other| one.package.source == other.package.source);
        serializer.collect_map(builds.filter_map(|rows| Some((rows.first()?.package.source, Build(rows)))))
    }
}

struct Build<'a>(&'a [Row<'a>]);

impl Serialize for Build<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let rpms = self.0.iter().map(|row| {
            let package = row.package;
            let rpm = BorrowedRpm {
                category: package.category,
                path: Path(package.tree, package.location),
                sigkey: package.sigkey,
            };
            (row.nevra, rpm)
        });
        serializer.collect_map(rpms)
    }
}

/// [`Rpm`].
#[derive(Serialize)]
struct BorrowedRpm<'a> {
    category: Category,
    path: Path<'a>,
    sigkey: Option<&'a str>,
}

struct Path<'a>(&'a str, &'a str);

impl Serialize for Path<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}/{}", self.0, self.1))
    }
}

/// The NEVRA that a package's source package has, as far as the package itself knows: a source file
/// name has no epoch, so that one is 0. `None` for a package that names no source package, or none
/// that can be taken apart.
///
/// ```
/// use odcs_core::productmd::source_nevra;
/// assert_eq!(source_nevra("ed-1.14.1-2.src.rpm").unwrap().to_string(), "ed-0:1.14.1-2.src");
/// assert!(source_nevra("(none)").is_none());
/// ```
pub fn source_nevra(file_name: &str) -> Option<Nevra> {
    let (nvr, arch) = file_name.strip_suffix(".rpm")?.rsplit_once('.')?;
    let (name_version, release) = nvr.rsplit_once('-')?;
    let (name, version) = name_version.rsplit_once('-')?;
    let arch = arch.parse::<Arch>().ok().filter(Arch::is_source)?;
    Some(Nevra::new(
        name.parse::<PackageName>().ok()?,
        Evr::new(0, version, release).ok()?,
        arch,
    ))
}
