//! Which file a package is taken from, where its source has several: the one with the most preferred signature.

use std::fs::File;
use std::sync::Arc;

use odcs_core::source::Candidate;
use odcs_rpm::header::{FileFacts, ReadFile, read_file, read_header, read_verified};
use odcs_rpm::keyring::RefusedSignature;
use odcs_rpm::{Digest, DigestAlgorithm, Sigkey};
use rustix::fs::Stat;

use crate::dir;
use crate::error::{Error, PackageError, PackageFault, Result, UnsignedPackage};
use crate::packages::{Placing, PlannedFile};

/// The file of a package, open and read to its end: it is what its source says.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) candidate: Arc<Candidate>,
    pub(crate) file: File,
    /// What the file system said of it before it was read.
    pub(crate) stat: Stat,
    pub(crate) read: ReadFile,
    /// The keys that it counts as signed with: verified ones, or where nothing is verified, claimed ones.
    pub(crate) keys: Vec<Sigkey>,
    /// The signatures that do not count.
    refused: Vec<RefusedSignature>,
}

impl Opened {
    /// For the message that its signatures are not those asked for.
    pub(crate) fn unsigned(self) -> UnsignedPackage {
        UnsignedPackage {
            package: self.read.package.nevra,
            file: self.candidate.file.to_string(),
            signatures: self.keys,
            refused: self.refused,
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
    pub(crate) fn choose(&self, planned: &PlannedFile) -> Result<Opened> {
        let first = &planned.candidate;
        if planned.copies.is_empty() || self.signatures.accepts_everything() {
            return self.open(Arc::clone(first));
        }
        let candidates = std::iter::once(first).chain(&planned.copies);
        let mut candidates: Vec<_> = candidates
            .map(|candidate| (self.claimed_rank(candidate).unwrap_or(usize::MAX), candidate))
            .collect();
        candidates.sort_by_key(|(rank, _)| *rank);
        if self.signatures.keyring().is_none() {
            let best = candidates.first().map_or(first, |(_, candidate)| candidate);
            return self.open(Arc::clone(best));
        }
        // A copy is worth what its signatures turn out to be, which is at best what they claim.
        let (mut best, mut unfit, mut failed) = (None::<(usize, Opened)>, None, None);
        for (claimed, candidate) in candidates {
            if best.as_ref().is_some_and(|(rank, _)| *rank <= claimed) {
                break;
            }
            match self.open(Arc::clone(candidate)) {
                Ok(opened) => match self.signatures.rank(&opened.keys) {
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
            (None, None, None) => self.open(Arc::clone(first)),
        }
    }

    /// How well a file fits if its signatures are what they claim, by its header alone.
    fn claimed_rank(&self, candidate: &Candidate) -> Option<usize> {
        let file = candidate.file.open().ok()?;
        let facts = facts(candidate, &rustix::fs::fstat(&file).ok()?);
        self.signatures.rank(&read_header(&file, facts).ok()?.signatures)
    }

    /// Reads a file once: everything that is to be known of it is made sure of.
    fn open(&self, candidate: Arc<Candidate>) -> Result<Opened> {
        let nevra = &candidate.package.nevra;
        let fault = |reason| fault(&candidate, reason);
        let unreadable = |source: std::io::Error| fault(PackageFault::Unreadable(source));
        let file = candidate.file.open().map_err(unreadable)?;
        let stat = rustix::fs::fstat(&file).map_err(|errno| unreadable(errno.into()))?;
        if !dir::is_file(&stat) {
            return Err(fault(PackageFault::NotAFile));
        }
        let recorded = candidate.checksum.as_ref();
        let (facts, also) = (facts(&candidate, &stat), recorded.map(Digest::algorithm));
        let read = match self.signatures.keyring() {
            Some(keyring) => read_verified(&file, facts, also, keyring).map(|(read, verification)| {
                let keys = verification.keys().cloned().collect();
                (read, keys, verification.refused)
            }),
            None => read_file(&file, facts, also).map(|read| {
                let keys = read.package.signatures.clone();
                (read, keys, Vec::new())
            }),
        };
        let (read, keys, refused) = read.map_err(|reason| match reason {
            odcs_rpm::Error::Io(source) => unreadable(source),
            reason => fault(PackageFault::Damaged(reason)),
        })?;
        if !read.package.nevra.is_listed_as(nevra) {
            return Err(fault(PackageFault::OtherPackage(read.package.nevra)));
        }
        if let Some(expected) = recorded {
            let found = match expected.algorithm() {
                DigestAlgorithm::Sha256 => Some(&read.sha256),
                _ => read.other.as_ref(),
            };
            if let Some(found) = found.filter(|found| *found != expected) {
                let (expected, found) = (expected.clone(), found.clone());
                return Err(fault(PackageFault::OtherChecksum { expected, found }));
            }
        }
        Ok(Opened {
            file,
            stat,
            read,
            keys,
            refused,
            candidate,
        })
    }
}

/// The time of a file that was fetched is that of where it comes from: the stored one may have come from elsewhere
/// first.
fn facts(candidate: &Candidate, stat: &Stat) -> FileFacts {
    let modified = candidate.file.modified();
    FileFacts {
        size: dir::size(stat),
        modified: modified.unwrap_or_else(|| u64::try_from(stat.st_mtime).unwrap_or(0)),
    }
}
