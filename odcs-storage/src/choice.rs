//! Which file a package is taken from, where its source has several: the one with the most preferred signature.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use odcs_core::FileIdentity;
use odcs_core::plan::SignaturePolicy;
use odcs_core::source::{Candidate, PackageLocation};
use odcs_rpm::header::FileFacts;
use odcs_rpm::keyring::RefusedSignature;
use odcs_rpm::{Digest, DigestAlgorithm, Package, Sigkey};
use rustix::fs::Stat;

use crate::arrange::PlannedFile;
use crate::dir;
use crate::error::{Error, PackageError, PackageFault, Result, UnsignedPackage};
use crate::known::{self, Known};
use crate::packages::Placing;
use crate::pass::Slot;
use crate::settings::Verification;
use crate::unsigned;

/// The file of a package, open, and what is known of it: it is what its source says.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) candidate: Arc<Candidate>,
    pub(crate) file: File,
    /// What the file system said of it before it was read.
    pub(crate) stat: Stat,
    pub(crate) known: Known,
    /// What its header says, if it was read; else its XML is in the slot that it was opened with.
    pub(crate) package: Option<Box<Package>>,
    /// What it is kept under in the cache, if there is one that takes part.
    pub(crate) identity: Option<FileIdentity>,
    /// The keys that it counts as signed with: verified ones, or where nothing is verified, claimed ones.
    pub(crate) keys: Vec<Sigkey>,
    /// The signatures that do not count.
    refused: Vec<RefusedSignature>,
}

impl Opened {
    /// For the message that its signatures are not those asked for.
    pub(crate) fn unsigned(self, wanted: Vec<Sigkey>) -> UnsignedPackage {
        UnsignedPackage {
            package: self.known.nevra,
            file: self.candidate.file.to_string(),
            wanted,
            is_there: true,
            signatures: self.keys,
            refused: self.refused,
            record: self.candidate.record.clone(),
        }
    }
}

/// Something is wrong with the file of a package.
pub(crate) fn fault(candidate: &Candidate, fault: PackageFault) -> Error {
    Error::Package(Box::new(PackageError {
        package: candidate.package.nevra.clone(),
        file: candidate.file.to_string(),
        fault,
    }))
}

impl Placing<'_> {
    /// The file to take: the one with the most preferred signature, the first of equals. It may have none that is
    /// asked for. One that cannot be read fits worst; should there be no other, what is wrong with it is said.
    pub(crate) fn choose(&self, planned: &PlannedFile, slot: &mut Slot) -> Result<Opened> {
        let (first, policy) = (&planned.candidate, &*planned.policy);
        if planned.copies.is_empty() || policy.accepts_everything() {
            return self.open(Arc::clone(first), policy, slot);
        }
        let candidates = std::iter::once(first).chain(&planned.copies);
        let mut candidates: Vec<_> = candidates
            .map(|candidate| {
                (
                    self.claimed_rank(candidate, policy, slot).unwrap_or(usize::MAX),
                    candidate,
                )
            })
            .collect();
        candidates.sort_by_key(|(rank, _)| *rank);
        if policy.keyring().is_none() {
            let best = candidates.first().map_or(first, |(_, candidate)| candidate);
            return self.open(Arc::clone(best), policy, slot);
        }
        // A copy is worth what its signatures turn out to be, which is at best what they claim.
        let (mut best, mut unfit, mut failed) = (None::<(usize, Opened)>, None, None);
        for (claimed, candidate) in candidates {
            if best.as_ref().is_some_and(|(rank, _)| *rank <= claimed) {
                break;
            }
            match self.open(Arc::clone(candidate), policy, slot) {
                Ok(opened) => match unsigned::rank(policy, candidate, &opened.keys) {
                    Some(rank) if best.as_ref().is_none_or(|(best, _)| rank < *best) => {
                        best = Some((rank, opened));
                    }
                    Some(_) => {}
                    None => unfit = unfit.or(Some(opened)),
                },
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match (best, unfit, failed) {
            (Some((_, opened)), ..) | (None, Some(opened), _) => Ok(opened),
            (None, None, Some(error)) => Err(error),
            (None, None, None) => self.open(Arc::clone(first), policy, slot),
        }
    }

    /// How well a file fits if its signatures are what they claim, by its header alone.
    fn claimed_rank(
        &self,
        candidate: &Candidate,
        policy: &SignaturePolicy,
        slot: &mut Slot,
    ) -> Option<usize> {
        let file = candidate.file.open().ok()?;
        let stat = rustix::fs::fstat(&file).ok()?;
        if let Some((known, _)) = self.find(self.identity(candidate, policy, &stat).as_ref(), slot) {
            return unsigned::rank(policy, candidate, &known.signatures);
        }
        let facts = facts(candidate, &stat);
        let package = self.readers.with(|reader| reader.read_header(&file, facts));
        unsigned::rank(policy, candidate, &package.ok()?.signatures)
    }

    /// What a file is kept under in the cache, if there is one. Signatures are verified on the file itself, and so
    /// is everything else where that is asked for: then the cache is left out.
    fn identity(&self, candidate: &Candidate, policy: &SignaturePolicy, stat: &Stat) -> Option<FileIdentity> {
        let takes_part =
            self.cache.is_some() && policy.keyring().is_none() && self.verification == Verification::Changed;
        takes_part.then(|| known::identity(candidate, stat)).flatten()
    }

    fn find(&self, identity: Option<&FileIdentity>, slot: &mut Slot) -> Option<(Known, Range<usize>)> {
        Known::find(self.cache?, identity?, self.wants_digests, &mut slot.entry)
    }

    /// Opens a file, and makes sure of everything that is to be known of it. What is not known yet is read.
    fn open(&self, candidate: Arc<Candidate>, policy: &SignaturePolicy, slot: &mut Slot) -> Result<Opened> {
        let fault = |reason| fault(&candidate, reason);
        let unreadable = |source: std::io::Error| fault(PackageFault::Unreadable(source));
        let file = candidate.file.open().map_err(unreadable)?;
        let stat = rustix::fs::fstat(&file).map_err(|errno| unreadable(errno.into()))?;
        if !dir::is_file(&stat) {
            return Err(fault(PackageFault::NotAFile));
        }
        if let Some(expected) = candidate.record.as_ref().and_then(|record| record.size)
            && expected != dir::size(&stat)
        {
            let found = dir::size(&stat);
            return Err(fault(PackageFault::OtherSize { expected, found }));
        }
        let identity = self.identity(&candidate, policy, &stat);
        let is_new = is_new(&candidate, &stat);
        if let Some((known, xml)) = self.find(identity.as_ref(), slot)
            && known.settles(&candidate)
            && !is_new
        {
            slot.xml = Some(xml);
            return Ok(Opened {
                keys: known.signatures.clone(),
                known,
                file,
                stat,
                package: None,
                identity,
                refused: Vec::new(),
                candidate,
            });
        }
        let read = self
            .read(&file, &stat, &candidate, policy)
            .map_err(|reason| match reason {
                odcs_rpm::Error::Io(source) => unreadable(source),
                reason => fault(PackageFault::Damaged(reason)),
            })?;
        let Read {
            package,
            known,
            keys,
            refused,
        } = read;
        if !known.nevra.is_listed_as(&candidate.package.nevra) {
            return Err(fault(PackageFault::OtherPackage(known.nevra)));
        }
        if is_new {
            return Err(fault(PackageFault::Changed));
        }
        if let Some(expected) = &candidate.checksum
            && let Some(found) = known.digest(expected.algorithm())
            && found != expected
        {
            let (expected, found) = (expected.clone(), found.clone());
            return Err(fault(PackageFault::OtherChecksum { expected, found }));
        }
        Ok(Opened {
            file,
            stat,
            known,
            package: Some(Box::new(package)),
            identity,
            keys,
            refused,
            candidate,
        })
    }

    /// Reads a file: all of it, or its header, if its digest is known already.
    fn read(
        &self,
        file: &File,
        stat: &Stat,
        candidate: &Candidate,
        policy: &SignaturePolicy,
    ) -> odcs_rpm::Result<Read> {
        let facts = facts(candidate, stat);
        let also = candidate.checksum.as_ref().map(Digest::algorithm);
        let (read, keys, refused) = if let Some(keyring) = policy.keyring() {
            let (read, verification) = self
                .readers
                .with(|reader| reader.read_verified(file, facts, also, keyring))?;
            let keys = verification.keys().cloned().collect();
            (read, Some(keys), verification.refused)
        } else if let Some(sha256) = self.vouched(candidate, stat) {
            let package = self.readers.with(|reader| reader.read_header(file, facts))?;
            let known = Known::of(&package, sha256.clone(), None, false);
            return Ok(Read {
                keys: known.signatures.clone(),
                known,
                package,
                refused: Vec::new(),
            });
        } else {
            let read = self.readers.with(|reader| reader.read_file(file, facts, also))?;
            (read, None, Vec::new())
        };
        let other = read
            .other
            .filter(|other| other.algorithm() != DigestAlgorithm::Sha256);
        let known = Known::of(&read.package, read.sha256, other, true);
        Ok(Read {
            keys: keys.unwrap_or_else(|| known.signatures.clone()),
            known,
            package: read.package,
            refused,
        })
    }

    /// The digest that the source has for a file, if the file still is as it was when that was found out: it has
    /// the same size and time.
    fn vouched<'c>(&self, candidate: &'c Candidate, stat: &Stat) -> Option<&'c Digest> {
        let (listed, checksum) = (&candidate.package, candidate.checksum.as_ref()?);
        let is_unchanged = listed.sizes.package == dir::size(stat)
            && listed.file_time > 0
            && u64::try_from(stat.st_mtime) == Ok(listed.file_time);
        let holds = self.verification == Verification::Changed
            && matches!(candidate.file, PackageLocation::Local(_))
            && checksum.algorithm() == DigestAlgorithm::Sha256
            && is_unchanged;
        holds.then_some(checksum)
    }
}

/// Whether a file is another one than the source has looked into, which knows no checksum of it: the package may be the
/// same, and say something else of what it requires.
fn is_new(candidate: &Candidate, stat: &Stat) -> bool {
    let listed = &candidate.package;
    let was_looked_into = candidate.checksum.is_none()
        && matches!(candidate.file, PackageLocation::Local(_))
        && listed.sizes.package > 0
        && listed.file_time > 0;
    was_looked_into
        && (listed.sizes.package, Ok(listed.file_time)) != (dir::size(stat), u64::try_from(stat.st_mtime))
}

/// What was read of a file.
struct Read {
    package: Package,
    known: Known,
    keys: Vec<Sigkey>,
    refused: Vec<RefusedSignature>,
}

/// The time of a file that was fetched is that of where it comes from: the stored one may have come from elsewhere
/// first. That of one on record may be what a compose before said of it.
fn facts(candidate: &Candidate, stat: &Stat) -> FileFacts {
    FileFacts {
        size: dir::size(stat),
        modified: candidate
            .modified()
            .unwrap_or_else(|| dir::modified(stat.st_mtime)),
    }
}
