//! Which builds of several lists are taken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use odcs_core::Result;
use odcs_rpm::PackagePattern;

use super::client::{Build, BuildId, Rpm, RpmListing};
use super::offers::{Offer, Place};
use super::paths;

/// A build, and those of its RPMs that were asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct BuildRpms {
    pub(super) build: Build,
    pub(super) rpms: Vec<Rpm>,
}

impl BuildRpms {
    /// The name of the package that it is a build of.
    pub(super) fn package(&self) -> &str {
        self.build.nvr.name().as_str()
    }
}

/// What a tag has, build by build. Builds without an RPM of the arches asked for have none.
pub(super) fn of_listing(listing: RpmListing) -> Vec<BuildRpms> {
    let mut rpms: BTreeMap<BuildId, Vec<Rpm>> = BTreeMap::new();
    for rpm in listing.rpms {
        rpms.entry(rpm.build_id).or_default().push(rpm);
    }
    let builds = listing.builds.into_iter();
    builds
        .map(|tagged| BuildRpms {
            rpms: rpms.remove(&tagged.build.id).unwrap_or_default(),
            build: tagged.build,
        })
        .collect()
}

/// Of several tags, the first that has a package decides about it.
pub(super) fn in_order_of_preference(tags: Vec<Vec<BuildRpms>>) -> Vec<BuildRpms> {
    let mut decided: BTreeSet<String> = BTreeSet::new();
    let mut taken = Vec::new();
    for builds in tags {
        let new: Vec<_> = builds
            .into_iter()
            .filter(|build| !decided.contains(build.package()))
            .collect();
        decided.extend(new.iter().map(|build| build.package().to_owned()));
        taken.extend(new);
    }
    taken
}

/// Builds that were asked for by themselves take the place of those that tags have of their packages, and so do scratch
/// builds of these packages.
pub(super) fn with_given(
    builds: Vec<BuildRpms>,
    given: Vec<BuildRpms>,
    scratch: &BTreeSet<String>,
) -> Vec<BuildRpms> {
    let mut replaced: BTreeSet<String> = given.iter().map(|build| build.package().to_owned()).collect();
    replaced.extend(scratch.iter().cloned());
    let kept = builds
        .into_iter()
        .filter(|build| !replaced.contains(build.package()));
    kept.chain(given).collect()
}

/// The RPMs of builds, in an order that does not depend on where they were listed. What the hub has no file of is left
/// out.
///
/// # Errors
/// `Invalid` if a name of the hub is no part of a path.
pub(super) fn offers(hub: &str, mut builds: Vec<BuildRpms>) -> Result<Vec<Offer>> {
    builds.sort_by(|one, other| one.build.nvr.cmp(&other.build.nvr));
    let mut offers = Vec::new();
    for BuildRpms { build, rpms } in builds {
        let nvr = &build.nvr;
        let directory = paths::build(
            build.volume.as_str(),
            nvr.name().as_str(),
            nvr.version(),
            nvr.release(),
        )?;
        let place = Place::Build(Arc::new(directory));
        let source = rpms.iter().find(|rpm| rpm.nevra.arch().is_source());
        let source: Option<Box<str>> = source.map(|rpm| rpm.nevra.file_name().into());
        for rpm in rpms.into_iter().filter(|rpm| !rpm.metadata_only) {
            let hash = rpm.payload_hash.map(|hash| hash.to_string()).unwrap_or_default();
            offers.push(Offer {
                name: format!("{hub} rpm {} {} {hash}", rpm.id, rpm.nevra).into(),
                rpm_id: Some(rpm.id.0),
                size: Some(rpm.size).filter(|size| *size > 0),
                build_time: u64::try_from(rpm.build_time.seconds()).unwrap_or(0),
                keys: rpm.signatures.keys,
                source_rpm: source.clone().filter(|_| !rpm.nevra.arch().is_source()),
                place: place.clone(),
                nevra: rpm.nevra,
            });
        }
    }
    Ok(offers)
}

/// Whether nothing of a build can belong where only packages of these names do, and what was built with them.
pub(super) fn is_beside(only: Option<&[PackagePattern]>, build: &BuildRpms) -> bool {
    only.is_some_and(|patterns| {
        let mut names = build.rpms.iter().map(|rpm| rpm.nevra.name().as_str());
        // Without dependencies, brackets and question marks mean themselves.
        !names.any(|name| {
            let is_meant = |pattern: &PackagePattern| pattern.as_str() == name || pattern.matches(name);
            patterns.iter().any(is_meant)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::client::{BuildState, Nvr, PackageId};
    use super::*;

    fn builds(nvrs: &[&str]) -> Vec<BuildRpms> {
        let build = |nvr: &&str| BuildRpms {
            build: Build {
                id: BuildId(1),
                nvr: nvr.parse::<Nvr>().unwrap(),
                epoch: None,
                volume: "DEFAULT".parse().unwrap(),
                state: BuildState::Complete,
                package_id: PackageId(1),
                task_id: None,
                draft: false,
            },
            rpms: Vec::new(),
        };
        nvrs.iter().map(build).collect()
    }

    fn names(builds: &[BuildRpms]) -> Vec<String> {
        builds.iter().map(|build| build.build.nvr.to_string()).collect()
    }

    #[test]
    fn the_first_list_that_has_a_package_decides() {
        let lists = vec![
            builds(&["a-1-1", "b-1-1"]),
            builds(&["b-2-1", "c-2-1", "c-3-1"]),
            builds(&["c-4-1", "d-1-1"]),
        ];
        assert_eq!(
            names(&in_order_of_preference(lists)),
            ["a-1-1", "b-1-1", "c-2-1", "c-3-1", "d-1-1"]
        );
    }

    #[test]
    fn what_was_asked_for_by_itself_replaces_what_tags_have() {
        let tagged = builds(&["a-2-1", "b-2-1", "c-2-1"]);
        let scratch = BTreeSet::from(["c".to_owned()]);
        let taken = with_given(tagged, builds(&["a-1-1", "a-0-1"]), &scratch);
        assert_eq!(names(&taken), ["b-2-1", "a-1-1", "a-0-1"]);
    }
}
