//! What is known about the files of packages from composes before: one entry of the cache for each, with all that
//! laying it out again needs.

use std::ops::Range;

use odcs_core::source::{Candidate, PackageLocation};
use odcs_core::{FileIdentity, FileStamp, MetadataCache};
use odcs_rpm::repodata::{Pieces, PiecesView};
use odcs_rpm::{Digest, DigestAlgorithm, Evr, Nevra, Package, Sigkey};
use rustix::fs::Stat;

use crate::dir;

/// What a package's file says, as far as laying it out needs it besides its XML.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Known {
    /// What its header says.
    pub(crate) nevra: Nevra,
    /// The file name of its source package.
    pub(crate) source_rpm: Option<Box<str>>,
    /// The keys that it claims to be signed with.
    pub(crate) signatures: Vec<Sigkey>,
    /// SHA-256 of the file.
    pub(crate) sha256: Digest,
    /// Another digest of the file, where one was needed.
    pub(crate) other: Option<Digest>,
    /// Whether the digests are of what was read: else they are what its source says.
    pub(crate) is_read: bool,
}

impl Known {
    /// Of a package whose header was read.
    pub(crate) fn of(package: &Package, sha256: Digest, other: Option<Digest>, is_read: bool) -> Self {
        Self {
            nevra: package.nevra.clone(),
            source_rpm: package.source_rpm.clone(),
            signatures: package.signatures.clone(),
            sha256,
            other,
            is_read,
        }
    }

    /// The digest of this algorithm, if it is known.
    pub(crate) fn digest(&self, algorithm: DigestAlgorithm) -> Option<&Digest> {
        match algorithm {
            DigestAlgorithm::Sha256 => Some(&self.sha256),
            _ => self.other.as_ref().filter(|other| other.algorithm() == algorithm),
        }
    }

    /// Whether this is all that has to be known of a candidate's file, and fits it. What does not fit is
    /// found out from the file itself: what a cache has is no reason to refuse a package.
    pub(crate) fn settles(&self, candidate: &Candidate) -> bool {
        let checksum = candidate.checksum.as_ref();
        let fits = |checksum: &Digest| self.digest(checksum.algorithm()) == Some(checksum);
        // What one source says of a file is nothing that another one's packages can be published with.
        let is_backed = self.is_read || checksum == Some(&self.sha256);
        self.nevra.is_listed_as(&candidate.package.nevra) && checksum.is_none_or(fits) && is_backed
    }

    /// Keeps it, with the XML of the package.
    pub(crate) fn put(&self, cache: &dyn MetadataCache, identity: &FileIdentity, pieces: &Pieces) {
        let (mut head, nevra) = (vec![0; LENGTH], &self.nevra);
        head.push(u8::from(self.is_read));
        for digest in [Some(&self.sha256), self.other.as_ref()] {
            text(&mut head, digest.map_or("", |digest| digest.algorithm().as_str()));
            text(&mut head, digest.map_or("", Digest::hex));
        }
        text(&mut head, nevra.name().as_str());
        head.extend_from_slice(&nevra.evr().epoch().to_le_bytes());
        text(&mut head, nevra.evr().version());
        text(&mut head, nevra.evr().release());
        text(&mut head, nevra.arch().as_str());
        head.push(u8::from(self.source_rpm.is_some()));
        text(&mut head, self.source_rpm.as_deref().unwrap_or_default());
        for signature in &self.signatures {
            text(&mut head, signature.as_str());
        }
        let Ok(length) = u32::try_from(head.len()) else {
            return;
        };
        if let Some(place) = head.first_chunk_mut::<LENGTH>() {
            *place = length.to_le_bytes();
        }
        let xml = pieces.parts();
        let parts: Vec<&[u8]> = std::iter::once(&*head).chain(xml).collect();
        cache.put(&identity.package(), &parts);
    }

    /// Reads an entry: what is known, and where in it the XML is. `None` if it is none.
    fn read(entry: &[u8]) -> Option<(Self, Range<usize>)> {
        let (length, _) = entry.split_first_chunk::<LENGTH>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let mut rest = entry.get(LENGTH..length)?;
        let is_read = flag(&mut rest)?;
        let sha256 = digest(&mut rest)?.filter(|digest| digest.algorithm() == DigestAlgorithm::Sha256)?;
        let other = digest(&mut rest)?;
        let name = read_text(&mut rest)?.parse().ok()?;
        let (epoch, after) = rest.split_first_chunk::<4>()?;
        rest = after;
        let (version, release) = (read_text(&mut rest)?, read_text(&mut rest)?);
        let evr = Evr::new(u32::from_le_bytes(*epoch), version, release).ok()?;
        let nevra = Nevra::new(name, evr, read_text(&mut rest)?.parse().ok()?);
        let has_source = flag(&mut rest)?;
        let source_rpm = read_text(&mut rest)?;
        let mut signatures = Vec::new();
        while !rest.is_empty() {
            signatures.push(read_text(&mut rest)?.parse().ok()?);
        }
        let known = Self {
            nevra,
            source_rpm: has_source.then(|| source_rpm.into()),
            signatures,
            sha256,
            other,
            is_read,
        };
        Some((known, length..entry.len()))
    }

    /// Looks a file up. If it is known, the entry is in `entry`, and its XML, which is whole, in this range of it: with
    /// the digests of the files in the package, if those are wanted.
    pub(crate) fn find(
        cache: &dyn MetadataCache,
        identity: &FileIdentity,
        wants_digests: bool,
        entry: &mut Vec<u8>,
    ) -> Option<(Self, Range<usize>)> {
        if !cache.get(&identity.package(), entry) {
            return None;
        }
        let (known, xml) = Self::read(entry)?;
        let pieces = PiecesView::parse(entry.get(xml.clone())?)?;
        (pieces.has_digests() || !wants_digests).then_some((known, xml))
    }
}

/// What tells this version of a candidate's file from every other; `None` if it is not here.
pub(crate) fn identity(candidate: &Candidate, stat: &Stat) -> Option<FileIdentity> {
    let stamp = FileStamp {
        inode: stat.st_ino,
        size: dir::size(stat),
        modified: (stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or(0)),
    };
    let file = candidate.file.here()?;
    let is_local = matches!(candidate.file, PackageLocation::Local(_));
    // Of a file of this machine that still has the time on record, all is known from when it was laid out first.
    let is_its_own = |modified: &u64| is_local && *modified == dir::modified(stat.st_mtime);
    let modified = candidate.modified().filter(|modified| !is_its_own(modified));
    Some(FileIdentity::local(file, stamp).modified_elsewhere(modified))
}

/// Seconds in which a file system may give two contents of a file one time.
const GRAIN: i64 = 2;

/// Whether a file that is written to from now on is going to have another time. What is in the content store is
/// never written to.
pub(crate) fn is_settled(candidate: &Candidate, stat: &Stat, now: i64) -> bool {
    matches!(candidate.file, PackageLocation::Fetched(..)) || stat.st_mtime.saturating_add(GRAIN) <= now
}

/// Bytes of a length.
const LENGTH: usize = 4;

fn text(into: &mut Vec<u8>, text: &str) {
    // What is longer is cut, and found to be wrong when it is read; there is no such name.
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    into.extend_from_slice(&length.to_le_bytes());
    into.extend(text.bytes().take(length.into()));
}

fn read_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let (length, after) = rest.split_first_chunk::<2>()?;
    let (text, after) = after.split_at_checked(u16::from_le_bytes(*length).into())?;
    *rest = after;
    std::str::from_utf8(text).ok()
}

fn flag(rest: &mut &[u8]) -> Option<bool> {
    let (flag, after) = rest.split_first()?;
    *rest = after;
    Some(*flag != 0)
}

/// A digest; `Some(None)` if there is none.
fn digest(rest: &mut &[u8]) -> Option<Option<Digest>> {
    let (algorithm, hex) = (read_text(rest)?, read_text(rest)?);
    if algorithm.is_empty() {
        return Some(None);
    }
    let algorithm = DigestAlgorithm::from_repodata(algorithm).ok()?;
    Digest::new(algorithm, hex).ok().map(Some)
}
