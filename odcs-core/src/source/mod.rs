//! Where the packages of a compose come from: the trait, the registry of what is installed, and
//! what sources need whose packages are [plain files](local) or [elsewhere](remote).

pub mod local;
mod location;
mod record;
mod registry;
pub mod remote;
mod trust;

pub use location::{PackageLocation, RemoteFile, Site};
pub use record::SourceRecord;
pub use registry::SourceRegistry;
pub use trust::Trust;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use odcs_rpm::gather::PackageSet;
use odcs_rpm::repodata::UpdateInfo;
use odcs_rpm::{Digest, Package, PackagePattern, TreeArch};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::manifest::Manifest;
use crate::request::{ComposeRequest, Flag, KeyOrUnsigned, Nvr, SourceKind};
use crate::{Error, ErrorKind, Result};

/// A type of source. It says what there *is*; signatures, dependencies and layout are the engine's
/// business, the same for every source.
///
/// The order is always [`check`](Self::check) when the request arrives, then
/// [`resolve`](Self::resolve) once, then [`content`](Self::content), perhaps several times and perhaps
/// in another process: everything that moves must be in the pins by then.
#[async_trait]
pub trait ComposeSource: fmt::Debug + Send + Sync + 'static {
    /// The type's name in requests and its number in answers.
    fn kind(&self) -> SourceKind;

    /// What a request of this type may carry.
    fn capability(&self) -> Capability;

    /// Refuses early what can never work. No I/O.
    ///
    /// # Errors
    /// `Invalid` or `Forbidden`, naming the field.
    fn check(&self, request: &ComposeRequest) -> Result<()>;

    /// Pins everything that moves: versions, events, checksums.
    ///
    /// # Errors
    /// `NotFound` for what is not there, `Unavailable` for what cannot be asked now, `Invalid` for what
    /// cannot be used.
    async fn resolve(&self, request: &ComposeRequest) -> Result<Resolved>;

    /// What there is, as pinned.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve), and `Gone` if what was pinned is no more what it was.
    async fn content(&self, pins: &Pins) -> Result<Content>;

    /// The same as [`content`](Self::content), in the same order, with everything of the packages that gathering may
    /// ask for: their dependencies and their files. The engine asks for it where a
    /// [set](PackageContent::set) made beforehand does not do: for lookaside repositories, multilib and checks.
    ///
    /// Sources whose content has complete packages and no set have nothing to do here; one whose content has a set
    /// answers without it, and whatever hands the calls of another source on does so with this one, too.
    ///
    /// # Errors
    /// As [`content`](Self::content).
    async fn complete_content(&self, pins: &Pins) -> Result<Content> {
        self.content(pins).await
    }

    /// What went into a compose once, whatever the source has by now: a candidate for each package of the
    /// manifest, with the checksum that is recorded there. The engine chooses nothing anew: it lays out what
    /// the manifest says, and every file is checked against its recorded digest.
    ///
    /// # Errors
    /// `Gone`, listing what is not there any more or has become something else; `Unavailable` for what cannot be
    /// asked now.
    async fn replay(&self, manifest: &Manifest) -> Result<Content>;

    /// The checksums that files must have, as far as the source's records have any: one answer for each of the candidates,
    /// in their order. The engine asks once, when it is clear what goes into a compose that has to be made, and before any
    /// of it is fetched or laid out: for the chosen ones that have a [record](SourceRecord) and no checksum yet. Dry runs
    /// do without.
    ///
    /// Whatever hands the calls of another source on does so with this one, too.
    ///
    /// # Errors
    /// `Unavailable` for what cannot be asked now. A checksum that nobody knows is none.
    async fn checksums(&self, chosen: &[Arc<Candidate>]) -> Result<Vec<Option<Digest>>> {
        Ok(vec![None; chosen.len()])
    }
}

/// What a request of a source type may carry beyond the fields that every request has. What is not
/// named here is refused before the source is asked; but for a Koji event, which then means nothing and draws
/// a warning.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Capability {
    /// Package names or globs narrow the content down.
    pub packages: bool,
    /// Koji builds can be added.
    pub builds: bool,
    /// Copies signed with keys asked for can be chosen.
    pub sigkeys: bool,
    /// A Koji event makes sense.
    pub koji_event: bool,
    /// Scratch builds of Koji tasks can be added.
    pub scratch_build_tasks: bool,
    /// Builds can be kept out, replaced by the newest ones before them.
    pub embargo: bool,
    /// Flags that mean something to it, besides `no_deps`, `check_deps` and `no_reuse`, which the
    /// engine handles for all.
    pub flags: Vec<Flag>,
}

impl Capability {
    /// What a source of plain packages can: names and globs narrow its content down, and signatures decide
    /// between copies. The engine does both.
    pub fn plain_packages() -> Self {
        Self {
            packages: true,
            sigkeys: true,
            ..Self::default()
        }
    }
}

/// What resolving found out.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Everything that moves, pinned.
    pub pins: Pins,
    /// Fields of the public record that resolving fills in or rewrites.
    pub fields: ResolvedFields,
}

impl Resolved {
    /// These pins, and nothing else to say.
    ///
    /// # Errors
    /// As [`Pins::new`].
    pub fn pinned<T: Serialize>(pins: &T) -> Result<Self> {
        Ok(Self {
            pins: Pins::new(pins)?,
            fields: ResolvedFields::default(),
        })
    }
}

/// Fields of the public record that resolving rewrites; `None` leaves one as it is. The compose is made as if the request
/// had asked for what they say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ResolvedFields {
    /// The source in full: modules with version and context.
    pub source: Option<String>,
    /// The event, or the revision of a repository.
    pub koji_event: Option<i64>,
    /// The arches that there are.
    pub arches: Option<Vec<TreeArch>>,
    /// The builds that there are.
    pub builds: Option<Vec<Nvr>>,
    /// The keys that the packages are signed with, in order of preference.
    pub sigkeys: Option<Vec<KeyOrUnsigned>>,
    /// The packages that there are.
    pub packages: Option<Vec<PackagePattern>>,
}

impl ResolvedFields {
    /// Has a request say what resolving found out, as far as that decides about what is made. Where a source comes from
    /// and what it has pinned stays as it was asked for.
    pub fn rewrite(&self, request: &mut ComposeRequest) {
        if let Some(arches) = &self.arches {
            request.arches.clone_from(arches);
        }
        if let Some(builds) = &self.builds {
            request.builds = Some(builds.clone());
        }
        if let Some(sigkeys) = &self.sigkeys {
            request.sigkeys = Some(sigkeys.clone());
            request.arch_sigkeys.clear();
        }
        if let Some(packages) = &self.packages {
            request.packages = Some(packages.clone());
        }
    }
}

/// What a source has pinned: its own document, kept with the compose.
///
/// ```
/// use odcs_core::source::Pins;
/// let pins = Pins::new(&("repomd", 5))?;
/// assert_eq!(pins.read::<(String, u32)>()?, ("repomd".to_owned(), 5));
/// # Ok::<(), odcs_core::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pins(serde_json::Value);

impl Pins {
    /// Writes a source's own type down.
    ///
    /// # Errors
    /// `Internal` if it has no JSON form.
    pub fn new<T: Serialize>(pins: &T) -> Result<Self> {
        serde_json::to_value(pins).map(Self).map_err(|error| {
            Error::new(
                ErrorKind::Internal,
                "write pins",
                "pins",
                "what was resolved cannot be recorded",
            )
            .with_source(error)
        })
    }

    /// Reads the source's own type back.
    ///
    /// # Errors
    /// `Internal` if the document is of another type, or of another version of it.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(&self.0).map_err(|error| {
            let message = format!("what was recorded when the compose was resolved cannot be read: {error}");
            Error::new(ErrorKind::Internal, "read pins", "pins", message).with_source(error)
        })
    }
}

/// What a source has.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Content {
    /// Packages to choose from.
    Packages(PackageContent),
}

impl Content {
    /// Packages to choose from, whose newest build time is the time of the compose. The description says what they
    /// are from, as people call it.
    pub fn packages(candidates: Vec<Candidate>, description: impl Into<String>) -> Self {
        Self::Packages(PackageContent {
            candidates,
            description: description.into(),
            ..PackageContent::default()
        })
    }
}

/// Packages to choose from.
#[derive(Clone, Debug, Default)]
pub struct PackageContent {
    /// All packages, of all arches, sources and debug packages included.
    pub candidates: Vec<Candidate>,
    /// The time that published files are to carry, in seconds since 1970; the newest build time of the
    /// packages chosen if there is none.
    pub timestamp: Option<u64>,
    /// What the packages are from, as people call it: "the repository /srv/repo".
    pub description: String,
    /// The updates that packages of the source belong to, where it knows of some: handed on with the packages.
    pub updateinfo: Option<Arc<UpdateInfo>>,
    /// Whether the packages are taken at their word.
    pub trust: Trust,
    /// The packages of all candidates, indexed: gathering a few out of many is then a matter of milliseconds. The
    /// packages of candidates may be brief in that case (see [`Candidate::package`]), and
    /// [`complete_content`](ComposeSource::complete_content) gives the complete ones.
    pub set: Option<Arc<PackageSet>>,
    /// The packages of each arch, where the source has decided already: numbers of candidates. Nothing is gathered then;
    /// these are laid out, and an arch of the request that is not named here has none.
    pub assigned: Option<BTreeMap<TreeArch, Vec<usize>>>,
}

/// A package that may go into the compose, and where its file is.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What is known of it: enough for gathering. Changelogs and signatures may be missing; where the content has a
    /// [set](PackageContent::set), so may be dependencies and files, which the set knows. Of a file of this machine
    /// without a checksum, size and time have to be those of the file, or 0: by them it is known to be the one that
    /// was looked into.
    pub package: Arc<Package>,
    /// Where its file is.
    pub file: PackageLocation,
    /// The checksum the file must have, where the source knows it.
    pub checksum: Option<Digest>,
    /// What the source's own records say of the file, where it keeps any.
    pub record: Option<Arc<SourceRecord>>,
}

impl Candidate {
    /// A package whose file is there; no checksum of it is known.
    pub fn new(package: Arc<Package>, file: impl Into<PackageLocation>) -> Self {
        Self {
            package,
            file: file.into(),
            checksum: None,
            record: None,
        }
    }

    /// The file must have this checksum.
    #[must_use]
    pub fn with_checksum(mut self, checksum: impl Into<Option<Digest>>) -> Self {
        self.checksum = checksum.into();
        self
    }

    /// The source has this on record.
    #[must_use]
    pub fn with_record(mut self, record: Arc<SourceRecord>) -> Self {
        self.record = Some(record);
        self
    }

    /// The time that repodata is to carry for the file, in seconds since 1970, where it is not that of the file on this
    /// machine: the one on [record](SourceRecord::modified), else that of where it comes
    /// [from](PackageLocation::modified).
    pub fn modified(&self) -> Option<u64> {
        let recorded = self.record.as_ref().and_then(|record| record.modified);
        recorded.or_else(|| self.file.modified())
    }
}
