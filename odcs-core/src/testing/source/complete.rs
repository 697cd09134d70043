//! What is said of packages in brief, and what is said of them in full.

use std::collections::BTreeSet;
use std::sync::Arc;

use odcs_rpm::gather::{Gathered, Greedy, Options, PackageSet, Request, gather, select};
use odcs_rpm::{Package, PackageKind, PackagePattern, TreeArch};

use super::{Subject, blocking};
use crate::source::{Candidate, Content, PackageContent, Pins};

/// How many of the packages are gathered one by one.
const SINGLE: usize = 20;

/// The arches of trees that packages are gathered for.
const TREES: [&str; 5] = ["x86_64", "aarch64", "ppc64le", "s390x", "i386"];

/// Complete content has the same packages in the same order; a set that was made beforehand says the same of them.
pub(super) async fn brief_and_complete_agree(subject: &Subject, pins: &Pins, brief: &PackageContent) {
    let complete = subject.source().complete_content(pins).await;
    let Content::Packages(complete) =
        complete.unwrap_or_else(|error| panic!("what has content has complete content: {error:?}"));
    assert!(
        complete.set.is_none(),
        "complete content is indexed by the engine, and has no set"
    );
    assert_eq!(
        brief.description, complete.description,
        "complete content is called the same"
    );
    assert_eq!(
        brief.timestamp, complete.timestamp,
        "complete content is of the same time"
    );
    assert_eq!(
        brief.assigned, complete.assigned,
        "complete content belongs into the same arches"
    );
    let (some, all) = (brief.candidates.len(), complete.candidates.len());
    assert_eq!(some, all, "complete content has as many packages");
    for (brief, complete) in brief.candidates.iter().zip(&complete.candidates) {
        agree(brief, complete);
    }
    if let Some(set) = brief.set.clone() {
        blocking(move || gathers_the_same(&set, &complete.candidates)).await;
    }
}

fn agree(brief: &Candidate, complete: &Candidate) {
    let file = complete.file.to_string();
    assert_eq!(
        brief.file.to_string(),
        file,
        "complete content has the same order"
    );
    assert_eq!(brief.checksum, complete.checksum, "the checksum of {file}");
    assert_eq!(brief.record, complete.record, "the record of {file}");
    let known = |package: &Package| {
        let Package {
            nevra,
            source_rpm,
            build_time,
            file_time,
            sizes,
            signatures,
            ..
        } = package.clone();
        (nevra, source_rpm, build_time, file_time, sizes, signatures)
    };
    assert_eq!(
        known(&brief.package),
        known(&complete.package),
        "brief or complete, what is said of {file}"
    );
}

/// What is gathered from a set is what is gathered from the packages themselves.
fn gathers_the_same(set: &PackageSet, candidates: &[Candidate]) {
    let packages: Vec<_> = candidates.iter().map(|it| Arc::clone(&it.package)).collect();
    let names: BTreeSet<_> = packages
        .iter()
        .filter(|package| package.kind() == PackageKind::Binary)
        .map(|package| package.nevra.name().as_str())
        .collect();
    let mut requests = vec![Request::Everything];
    let step = names.len().div_ceil(SINGLE).max(1);
    for name in names.into_iter().step_by(step) {
        let pattern: Result<PackagePattern, _> = name.parse();
        requests.extend(pattern.map(|pattern| Request::Packages(vec![pattern])));
    }
    let made = PackageSet::new(packages, Vec::new()).expect("the packages of a source make a set");
    let trees = TREES.map(|arch| arch.parse::<TreeArch>().expect("an arch"));
    for (arch, request) in trees
        .iter()
        .flat_map(|arch| requests.iter().map(move |it| (arch, it)))
    {
        let mut options = Options::new(arch.clone());
        options.greedy = Greedy::Build;
        let what = format!("the set of the source, {arch}, {request:?}");
        let gathered = [set, &made].map(|set| said(&gather(set, request, &options)));
        assert!(
            gathered[0] == gathered[1],
            "{what}: {} is not {}",
            gathered[0],
            gathered[1]
        );
        let selected = [set, &made].map(|set| said(&select(set, request, arch)));
        assert!(
            selected[0] == selected[1],
            "{what}: {} is not {}",
            selected[0],
            selected[1]
        );
    }
}

/// All that a gather says, without what packages have besides their NEVRAs.
fn said(gathered: &Gathered) -> String {
    let members: Vec<_> = gathered
        .members
        .iter()
        .map(|it| {
            let why = match it.why.brought() {
                Some(brought) => format!("{} {:?}", brought.by.nevra, brought.reason),
                None => format!("{:?}", it.why),
            };
            format!(
                "{} {:?} {:?} {:?} {why}",
                it.package.nevra, it.origin, it.kind, it.flags
            )
        })
        .collect();
    format!("{members:#?} {:?} {:?}", gathered.broken, gathered.unmatched)
}
