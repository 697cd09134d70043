//! Composes are compared as people would.

use std::collections::BTreeMap;

use odcs_rpm::DigestAlgorithm;
use proptest::prelude::*;

use super::*;

/// A package as `NEVRA`, or `NEVRA#CONTENT KEY`.
fn package(kind: PackageKind, text: &str, arches: &str) -> ManifestPackage {
    let (text, key) = text.split_once(' ').map_or((text, None), |(a, b)| (a, Some(b)));
    let (nevra, content) = text.split_once('#').unwrap_or((text, text));
    ManifestPackage {
        kind,
        nevra: nevra.parse().unwrap(),
        arches: arches.split(' ').map(|arch| arch.parse().unwrap()).collect(),
        file: format!("/srv/{text}"),
        modified: None,
        size: 1,
        digest: Digest::of_bytes(DigestAlgorithm::Sha256, content.as_bytes()),
        sigkey: key.map(str::to_owned),
        rpm_id: None,
        why: BTreeMap::new(),
    }
}

fn manifest(packages: Vec<ManifestPackage>) -> Manifest {
    Manifest {
        source_type: "repo".to_owned(),
        description: "the repository /srv".to_owned(),
        timestamp: 0,
        packages,
        updateinfo: None,
        lookaside: Vec::new(),
    }
}

fn of(packages: &[&str]) -> Manifest {
    let packages = packages
        .iter()
        .map(|text| package(PackageKind::Binary, text, "x86_64"));
    manifest(packages.collect())
}

/// Each difference as `CHANGE BEFORE AFTER`.
fn shown(difference: &Difference) -> Vec<String> {
    let name = |file: Option<&PackageFile>| file.map_or_else(|| "-".to_owned(), |file| file.nevra.nvra());
    let packages = difference.packages.iter().map(|it| {
        let (before, after) = (name(it.change.before()), name(it.change.after()));
        format!("{} {before} {after}", it.change.name())
    });
    packages.collect()
}

#[track_caller]
fn check(before: &[&str], after: &[&str], expected: &[&str]) {
    let difference = Difference::between(&of(before), &of(after));
    assert_eq!(shown(&difference), expected, "{before:?} {after:?}");
}

#[test]
fn versions_of_one_name_have_their_counterparts() {
    check(&["a-1-1.x86_64"], &["a-1-1.x86_64"], &[]);
    check(
        &["a-1-1.x86_64", "c-1-1.x86_64"],
        &["b-1-1.x86_64", "c-1-2.x86_64"],
        &[
            "removed a-1-1.x86_64 -",
            "added - b-1-1.x86_64",
            "upgraded c-1-1.x86_64 c-1-2.x86_64",
        ],
    );
    check(
        &["a-1:1-1.x86_64"],
        &["a-0:2-1.x86_64"],
        &["downgraded a-1-1.x86_64 a-2-1.x86_64"],
    );
    check(
        &["k-1-1.x86_64", "k-9-1.x86_64"],
        &["k-9-1.x86_64", "k-10-1.x86_64"],
        &["upgraded k-1-1.x86_64 k-10-1.x86_64"],
    );
    check(
        &["k-1-1.x86_64", "k-2-1.x86_64"],
        &["k-3-1.x86_64"],
        &["removed k-1-1.x86_64 -", "upgraded k-2-1.x86_64 k-3-1.x86_64"],
    );
    check(
        &["k-1-1.x86_64", "k-2-1.x86_64"],
        &["k-3-1.x86_64", "k-4-1.x86_64"],
        &[
            "upgraded k-1-1.x86_64 k-3-1.x86_64",
            "upgraded k-2-1.x86_64 k-4-1.x86_64",
        ],
    );
}

#[test]
fn architectures_are_told_apart() {
    check(
        &["a-1-1.i686", "a-1-1.x86_64"],
        &["a-2-1.x86_64"],
        &["removed a-1-1.i686 -", "upgraded a-1-1.x86_64 a-2-1.x86_64"],
    );
    check(
        &["a-1-1.i686"],
        &["a-2-1.x86_64"],
        &["added - a-2-1.x86_64", "removed a-1-1.i686 -"],
    );
    check(
        &["a-1-1.noarch"],
        &["a-2-1.x86_64", "a-2-1.i686"],
        &["added - a-2-1.i686", "upgraded a-1-1.noarch a-2-1.x86_64"],
    );
    check(
        &["a-1-1.x86_64"],
        &["a-1-1.noarch"],
        &["changed a-1-1.x86_64 a-1-1.noarch"],
    );
    check(
        &["a-1-1.src"],
        &["a-2-1.nosrc"],
        &["upgraded a-1-1.src a-2-1.nosrc"],
    );
}

#[test]
fn the_same_version_can_be_another_file() {
    check(&["a-1-1.noarch#x"], &["a-1-1.noarch#x"], &[]);
    let changed = &["changed a-1-1.noarch a-1-1.noarch"];
    check(&["a-1-1.noarch#x"], &["a-1-1.noarch#y"], changed);
    check(&["a-1-1.noarch#x key"], &["a-1-1.noarch#x other"], changed);
    check(&["a-1-1.noarch#x"], &["a-1-1.noarch#x key"], changed);
    // Two spellings of what RPM takes for one version.
    check(
        &["a-1.0-1.noarch"],
        &["a-1..0-1.noarch"],
        &["changed a-1.0-1.noarch a-1..0-1.noarch"],
    );
}

#[test]
fn trees_are_compared_one_by_one() {
    let before = manifest(vec![
        package(PackageKind::Binary, "a-1-1.noarch", "aarch64 x86_64"),
        package(PackageKind::Debug, "d-1-1.x86_64", "x86_64"),
    ]);
    let after = manifest(vec![
        package(PackageKind::Binary, "a-1-1.noarch", "aarch64"),
        package(PackageKind::Binary, "a-2-1.noarch", "x86_64"),
        package(PackageKind::Binary, "d-1-1.x86_64", "x86_64"),
        package(PackageKind::Source, "s-1-1.src", "aarch64 x86_64"),
    ]);
    let difference = Difference::between(&before, &after);
    let seen: Vec<_> = difference.packages.iter().collect();
    assert_eq!(
        shown(&difference),
        [
            "upgraded a-1-1.noarch a-2-1.noarch",
            "added - d-1-1.x86_64",
            "removed d-1-1.x86_64 -",
            "added - s-1-1.src",
        ]
    );
    let arches = |at: usize| {
        seen[at]
            .arches
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(arches(0), ["x86_64"]);
    assert_eq!(arches(3), ["aarch64", "x86_64"]);
    let kinds: Vec<_> = seen.iter().map(|it| it.kind).collect();
    assert_eq!(
        kinds,
        [
            PackageKind::Binary,
            PackageKind::Binary,
            PackageKind::Debug,
            PackageKind::Source
        ]
    );
}

/// What is in a compose, tree by tree.
type Inside = BTreeMap<(PackageKind, TreeArch, Nevra), PackageFile>;

fn inside(manifest: &Manifest) -> Inside {
    let packages = manifest.packages.iter().flat_map(|package| {
        let arches = package.arches.iter();
        arches.map(|arch| ((package.kind, arch.clone(), package.nevra.clone()), file(package)))
    });
    packages.collect()
}

fn apply(difference: &Difference, mut inside: Inside) -> Inside {
    let each = |file: fn(&Change) -> Option<&PackageFile>| {
        let packages = difference.packages.iter();
        let files = packages.filter_map(move |it| Some((it, file(&it.change)?)));
        files.flat_map(|(it, file)| {
            let arches = it.arches.iter();
            arches.map(move |arch| ((it.kind, arch.clone(), file.nevra.clone()), file))
        })
    };
    // All removals first: what goes in one place may come in another.
    for (place, file) in each(Change::before) {
        assert_eq!(inside.remove(&place).as_ref(), Some(file));
    }
    for (place, file) in each(Change::after) {
        assert_eq!(inside.insert(place, file.clone()), None);
    }
    inside
}

fn mirrored(change: &Change) -> Change {
    match change.clone() {
        Change::Added(it) => Change::Removed(it),
        Change::Removed(it) => Change::Added(it),
        Change::Upgraded(before, after) => Change::Downgraded(after, before),
        Change::Downgraded(before, after) => Change::Upgraded(after, before),
        Change::Changed(before, after) => Change::Changed(after, before),
    }
}

fn manifests() -> impl Strategy<Value = Manifest> {
    let kind = prop::sample::select(vec![PackageKind::Binary, PackageKind::Debug, PackageKind::Source]);
    let arch = prop::sample::select(vec!["noarch", "x86_64", "i686", "src", "nosrc"]);
    let trees = prop::sample::select(vec!["x86_64", "aarch64", "aarch64 x86_64"]);
    let key = prop::sample::select(vec!["", "#x", "#x key", "#x other"]);
    let one = (kind, "[ab]", "[1-4](\\.0)?", arch, trees, key);
    prop::collection::vec(one, 0..14).prop_map(|packages| {
        let mut met = BTreeSet::new();
        let packages = packages
            .into_iter()
            .filter_map(|(kind, name, version, arch, trees, key)| {
                let mut package = package(kind, &format!("{name}-{version}-1.{arch}{key}"), trees);
                let nevra = package.nevra.clone();
                package
                    .arches
                    .retain(|arch| met.insert((kind, arch.clone(), nevra.clone())));
                (!package.arches.is_empty()).then_some(package)
            });
        manifest(packages.collect())
    })
}

proptest! {
    #[test]
    fn nothing_is_different_from_itself(it in manifests()) {
        prop_assert!(Difference::between(&it, &it).is_empty());
    }

    #[test]
    fn the_other_way_round_is_the_mirror_image(before in manifests(), after in manifests()) {
        let mut back = Difference::between(&after, &before);
        for it in &mut back.packages {
            it.change = mirrored(&it.change);
        }
        back.packages.sort();
        prop_assert_eq!(Difference::between(&before, &after), back);
    }

    #[test]
    fn what_is_different_turns_one_into_the_other(before in manifests(), after in manifests()) {
        let difference = Difference::between(&before, &after);
        prop_assert_eq!(apply(&difference, inside(&before)), inside(&after));
    }

    #[test]
    fn the_order_of_a_manifest_does_not_matter(before in manifests(), after in manifests()) {
        let mut turned = before.clone();
        turned.packages.reverse();
        prop_assert_eq!(Difference::between(&turned, &after), Difference::between(&before, &after));
    }
}
