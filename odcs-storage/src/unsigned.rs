//! Whether a package has the signatures that it must have: those that are accepted, and the one that its file is there
//! for.

use std::io;

use odcs_core::plan::SignaturePolicy;
use odcs_core::source::Candidate;
use odcs_rpm::Sigkey;

use crate::arrange::PlannedFile;
use crate::choice::Opened;
use crate::error::{Error, PackageFault, Result, UnsignedPackage};

/// How well a file with these keys fits, 0 being best; `None` if it does not. A signed copy that is not signed with the
/// key that it is the copy for is not what its source says.
pub(crate) fn rank(policy: &SignaturePolicy, candidate: &Candidate, keys: &[Sigkey]) -> Option<usize> {
    match of_copy(candidate) {
        Some(key) if !has(keys, key) => None,
        _ => policy.rank(keys),
    }
}

/// The key that a file was chosen for, `None` if it goes as unsigned or if signatures do not matter.
///
/// # Errors
/// The keys of which it must have one, and has none; any key would do if there are none.
pub(crate) fn sigkey<'a>(
    policy: &SignaturePolicy,
    chosen: &'a Opened,
) -> std::result::Result<Option<&'a Sigkey>, Vec<Sigkey>> {
    let of_copy = of_copy(&chosen.candidate);
    if let Some(key) = of_copy.filter(|key| !has(&chosen.keys, key)) {
        return Err(vec![key.clone()]);
    }
    match policy.choose(&chosen.keys) {
        Ok(key) => Ok(of_copy.or(key)),
        Err(_) => Err(policy.demanded().cloned().collect()),
    }
}

/// A package whose file is not there, if its source has a record of it and signatures matter: others may be without
/// theirs, too, and all of them are told at once.
///
/// # Errors
/// What is wrong otherwise.
pub(crate) fn absent(planned: &PlannedFile, error: Error) -> Result<UnsignedPackage> {
    let Error::Package(package) = &error else {
        return Err(error);
    };
    let is_absent = matches!(&package.fault, PackageFault::Unreadable(source) if source.kind() == io::ErrorKind::NotFound);
    let mut candidates = std::iter::once(&planned.candidate).chain(&planned.copies);
    let Some(candidate) = candidates.find(|it| is_absent && it.file.to_string() == package.file) else {
        return Err(error);
    };
    let matters = of_copy(candidate).is_some() || !planned.policy.accepts_everything();
    let Some(record) = candidate.record.as_ref().filter(|_| matters) else {
        return Err(error);
    };
    let demanded = planned.policy.demanded();
    Ok(UnsignedPackage {
        package: package.package.clone(),
        file: package.file.clone(),
        wanted: match of_copy(candidate) {
            Some(key) => vec![key.clone()],
            None => demanded.cloned().collect(),
        },
        is_there: false,
        signatures: Vec::new(),
        refused: Vec::new(),
        record: Some(record.clone()),
    })
}

/// The key that a file is the signed copy for.
fn of_copy(candidate: &Candidate) -> Option<&Sigkey> {
    candidate.record.as_ref()?.sigkey.as_ref()
}

fn has(keys: &[Sigkey], key: &Sigkey) -> bool {
    keys.iter().any(|one| one.is_same_key(key))
}
