//! What a hub knows.

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use odcs_core::Timestamp;
use odcs_rpm::{Arch, Digest, Nevra, Sigkey};

use super::ids::{BuildId, EventId, PackageId, RpmId, TagId, TaskId};
use super::listing;
use super::names::{Nvr, Volume};
use super::xmlrpc::{Limits, ReadError, Reader};

/// A tag (`getTag`).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Tag {
    /// Its id, which stays when it is renamed.
    pub id: TagId,
    /// Its name.
    pub name: Box<str>,
    /// The arches that are built for it; often none are set.
    pub arches: Vec<Arch>,
    /// Whether its content may be changed by administrators only.
    pub locked: bool,
}

/// A tag that another one inherits from (`getFullInheritance`).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InheritedTag {
    /// The tag (`parent_id`).
    pub id: TagId,
    /// Its name.
    pub name: Box<str>,
    /// The tag that names it as its parent.
    pub child_id: TagId,
    /// How far away it is, 1 for a parent (`currdepth`).
    pub depth: u32,
    /// Whether it is not inherited any further.
    pub intransitive: bool,
    /// Whether configuration is not inherited through this link; packages are.
    pub noconfig: bool,
    /// The patterns of the links on the way to it, for the list of packages (`filter`).
    pub filter: Vec<Box<str>>,
}

/// A point in the history of tags (`getLastEvent`, `getEvent`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// When it was, without the fraction of the second.
    pub time: Timestamp,
}

/// How far a build has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
#[non_exhaustive]
pub enum BuildState {
    /// Being built.
    Building,
    /// Done: the only state with files to take.
    Complete,
    /// Deleted; the record stays.
    Deleted,
    /// It failed.
    Failed,
    /// Somebody stopped it.
    Canceled,
    /// A number that is not known.
    Other(i64),
}

impl fmt::Display for BuildState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Building => f.write_str("building"),
            Self::Complete => f.write_str("complete"),
            Self::Deleted => f.write_str("deleted"),
            Self::Failed => f.write_str("failed"),
            Self::Canceled => f.write_str("canceled"),
            Self::Other(number) => write!(f, "state {number}"),
        }
    }
}

/// A build (`getBuild`).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Build {
    /// Its id.
    pub id: BuildId,
    /// Its name, version and release: the directories that it is in.
    pub nvr: Nvr,
    /// Its epoch, if it has one.
    pub epoch: Option<u32>,
    /// The volume that it is on.
    pub volume: Volume,
    /// How far it has come.
    pub state: BuildState,
    /// The package that it is a build of.
    pub package_id: PackageId,
    /// The task that made it; imported builds have none.
    pub task_id: Option<TaskId>,
    /// Whether it is a draft.
    pub draft: bool,
}

/// A build in a tag (`listTagged`).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TaggedBuild {
    /// The build.
    pub build: Build,
    /// The tag that has it: the one asked for, or one that it inherits from.
    pub tag_id: TagId,
    /// The name of that tag.
    pub tag_name: Box<str>,
    /// The event that it was tagged at.
    pub tagged_at: EventId,
}

/// A build that was found by its name (`search`).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FoundBuild {
    /// Its id.
    pub id: BuildId,
    /// Its name, version and release.
    pub nvr: Nvr,
}

/// The MD5 of an RPM's header and payload (tag `SIGMD5`), which all signed copies of one RPM share.
#[derive(Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct PayloadHash(pub(super) [u8; 16]);

impl PayloadHash {
    /// Reads 32 hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let mut bytes = [0; 16];
        if digits.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            for &digit in pair {
                let value = char::from(digit).to_digit(16)?;
                *byte = *byte << 4 | u8::try_from(value).ok()?;
            }
        }
        Some(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for PayloadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PayloadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The signatures of an RPM that are on record. That one is says nothing about whether the signed copy is there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Signatures {
    /// The keys, sorted, each once.
    pub keys: Vec<Sigkey>,
    /// Whether the header as it was built is on record, too (the key `""`).
    pub unsigned: bool,
}

/// An RPM (`listTaggedRPMS`, `listBuildRPMs`, `getRPM`).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Rpm {
    /// Its id.
    pub id: RpmId,
    /// The build that it is of.
    pub build_id: BuildId,
    /// Its name, epoch, version, release and arch: the file has its name from these.
    pub nevra: Nevra,
    /// Bytes of the unsigned file; signed copies have other sizes.
    pub size: u64,
    /// When it was built.
    pub build_time: Timestamp,
    /// What its header and payload hash to; none where the hub has none of 32 hex digits.
    pub payload_hash: Option<PayloadHash>,
    /// Its signatures. None are listed where they were not asked for.
    pub signatures: Signatures,
    /// Whether it is of a draft build.
    pub draft: bool,
    /// Whether the hub knows about it, and has no file of it.
    pub metadata_only: bool,
}

/// RPMs, and the builds that they are of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RpmListing {
    /// Each RPM once, with all its keys; sorted by build, then by NEVRA.
    pub rpms: Vec<Rpm>,
    /// Each build once, sorted by id: also those that none of the RPMs is of.
    pub builds: Vec<TaggedBuild>,
}

impl RpmListing {
    /// Reads a listing from the answer to `listTaggedRPMS`, as XML, while it comes in. A call does this by itself; this is
    /// for answers that came in another way.
    ///
    /// # Errors
    /// [`ReadError::Fault`] if the answer is a fault; others if it is none, cut off, beyond a limit, or a row of it is not
    /// what it has to be.
    pub fn read(answer: impl BufRead, limits: Limits) -> Result<Self, ReadError> {
        let answer = listing::tagged_rpms(&mut Reader::new(answer, limits))?;
        Ok(answer.listing)
    }

    /// The build with an id. Each RPM of a listing has its build in it.
    pub fn build(&self, id: BuildId) -> Option<&TaggedBuild> {
        let index = self.builds.binary_search_by_key(&id, |tagged| tagged.build.id);
        self.builds.get(index.ok()?)
    }
}

/// The digests of the files of one RPM (`getRPMChecksums`), by key. Digests that prove nothing (MD5) are left out.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RpmChecksums {
    /// Of the file as it was built, the strongest first.
    pub unsigned: Vec<Digest>,
    /// Of each signed copy, the strongest first.
    pub signed: BTreeMap<Sigkey, Vec<Digest>>,
}

impl RpmChecksums {
    /// The strongest digest known of the copy that is signed with a key, or of the unsigned file.
    pub fn of(&self, key: Option<&Sigkey>) -> Option<&Digest> {
        match key {
            None => self.unsigned.first(),
            Some(key) => self.signed.get(key)?.first(),
        }
    }
}

/// Whether a package may be in a tag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PackageStatus {
    /// It is not on the list of the tag, nor of those it inherits from.
    Absent,
    /// It is on the list.
    Listed,
    /// It is on the list as blocked: builds of it do not count.
    Blocked,
}
