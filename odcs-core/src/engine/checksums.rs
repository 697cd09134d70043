//! The checksums that a source has on record, asked for once it is clear what belongs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use odcs_rpm::Digest;

use crate::plan::{Plan, PlannedPackage};
use crate::source::Candidate;
use crate::{Error, ErrorKind, Result};

/// The files of a plan, each once, that its source has on record, and whose checksum nobody knows yet.
pub(super) fn unknown(plan: &Plan) -> Vec<Arc<Candidate>> {
    let mut seen = HashSet::new();
    let mut unknown: Vec<Arc<Candidate>> = Vec::new();
    for planned in plan.arches.iter().flat_map(|arch| &arch.packages) {
        for candidate in std::iter::once(&planned.candidate).chain(&planned.copies) {
            let is_wanted = candidate.record.is_some() && candidate.checksum.is_none();
            if is_wanted && seen.insert(Arc::as_ptr(candidate)) {
                unknown.push(Arc::clone(candidate));
            }
        }
    }
    unknown
}

/// Puts what was answered into the plan; arches share their files as before.
///
/// # Errors
/// `Internal` if there is not one answer for each of the files.
pub(super) fn put(plan: &mut Plan, asked: &[Arc<Candidate>], answers: Vec<Option<Digest>>) -> Result<()> {
    if asked.len() != answers.len() {
        let message = format!(
            "the source was asked for {} checksums, and answered {}; this is a fault in this program",
            asked.len(),
            answers.len()
        );
        return Err(Error::new(
            ErrorKind::Internal,
            "ask for checksums",
            "checksums",
            message,
        ));
    }
    let known: HashMap<*const Candidate, Arc<Candidate>> = asked
        .iter()
        .zip(answers)
        .filter_map(|(candidate, answer)| {
            let with_checksum = Candidate::clone(candidate).with_checksum(answer?);
            Some((Arc::as_ptr(candidate), Arc::new(with_checksum)))
        })
        .collect();
    let packages = plan.arches.iter_mut().flat_map(|arch| &mut arch.packages);
    for PlannedPackage {
        candidate, copies, ..
    } in packages
    {
        for candidate in std::iter::once(candidate).chain(copies) {
            if let Some(known) = known.get(&Arc::as_ptr(candidate)) {
                *candidate = Arc::clone(known);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use odcs_rpm::{DigestAlgorithm, Package, PackageKind};

    use super::*;
    use crate::plan::{ArchPlan, SignaturePolicy};
    use crate::source::{RemoteFile, Site, SourceRecord};

    fn candidate(name: &str, is_recorded: bool) -> Arc<Candidate> {
        let package = Arc::new(Package::new(format!("{name}-1-1.noarch").parse().unwrap()));
        let site = Arc::new(Site::new("https://example.com/".parse().unwrap()).unwrap());
        let file = RemoteFile::new(site, format!("{name}.rpm").parse().unwrap());
        let candidate = Candidate::new(package, file);
        Arc::new(match is_recorded {
            true => candidate.with_record(Arc::new(SourceRecord::new(name))),
            false => candidate,
        })
    }

    fn digest(text: &str) -> Digest {
        Digest::of_bytes(DigestAlgorithm::Sha256, text.as_bytes())
    }

    fn plan(files: &[&Arc<Candidate>]) -> Plan {
        let packages = files.iter().map(|candidate| PlannedPackage {
            candidate: Arc::clone(candidate),
            copies: Vec::new(),
            kind: PackageKind::Binary,
            why: None,
        });
        let arch = |name: &str| ArchPlan {
            arch: name.parse().unwrap(),
            packages: packages.clone().collect(),
            signatures: SignaturePolicy::default(),
            lookaside: Vec::new(),
        };
        Plan {
            arches: vec![arch("x86_64"), arch("s390x")],
            timestamp: 0,
            comps_packages: Vec::new(),
            updateinfo: None,
            source_description: String::new(),
        }
    }

    #[test]
    fn each_file_on_record_is_asked_for_once() {
        let known = Arc::new(Candidate::clone(&candidate("known", true)).with_checksum(digest("known")));
        let (a, b, other) = (
            candidate("a", true),
            candidate("b", true),
            candidate("other", false),
        );
        let mut plan = plan(&[&a, &known, &other, &b]);
        let asked = unknown(&plan);
        let names: Vec<_> = asked.iter().map(|it| it.package.nevra.name().as_str()).collect();
        assert_eq!(names, ["a", "b"]);

        put(&mut plan, &asked, vec![None, Some(digest("b"))]).unwrap();
        for arch in &plan.arches {
            let digests: Vec<_> = arch
                .packages
                .iter()
                .map(|it| it.candidate.checksum.clone())
                .collect();
            assert_eq!(digests, [None, Some(digest("known")), None, Some(digest("b"))]);
        }
        let [one, other] = [0, 1].map(|arch: usize| &plan.arches[arch].packages[3].candidate);
        assert!(Arc::ptr_eq(one, other), "arches share files");
        assert_eq!(unknown(&plan).len(), 1, "what has none may be asked for again");

        let error = put(&mut plan, &asked, vec![None]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
    }
}
