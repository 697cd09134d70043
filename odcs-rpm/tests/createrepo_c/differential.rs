//! Field by field.

use std::collections::BTreeSet;
use std::path::Path;

use odcs_rpm::compression::WriteCompression;
use odcs_rpm::comps;
use odcs_rpm::repodata::RepodataOptions;
use rpmgen::{PackageSpec, Random};

use crate::deviations::{DEVIATIONS, REFUSED, UNREADABLE, reason};
use crate::support::{Peer, REVISION, our_repodata, publish, write_packages};
use crate::tree::{Node, Repository, parse};
use crate::{odd, random};

/// Theirs and ours over the same packages.
fn both(
    folder: &Path,
    specs: &[PackageSpec],
    peer: Peer,
    more: &[&str],
    compression: WriteCompression,
) -> Option<(Repository, Repository)> {
    let names = write_packages(folder, specs);
    if !peer.make(folder, more) {
        return None;
    }
    let theirs = Repository::read(folder);
    let options = RepodataOptions::new(REVISION).with_compression(compression);
    publish(folder, &our_repodata(folder, &names, options));
    Some((theirs, Repository::read(folder)))
}

fn packages(xml: &[u8]) -> Vec<Node> {
    let root = parse(xml).unwrap();
    assert_eq!(root.attributes["packages"], root.children.len().to_string());
    root.children
}

/// The name of a package in any of the files.
fn name(package: &Node) -> &str {
    let of_primary = package.child("name").map(|name| name.text.as_str());
    of_primary.unwrap_or_else(|| &package.attributes["name"])
}

/// Compares one file. Gives package, element and both sides for all that differs.
fn differences(theirs: &[u8], ours: &[u8]) -> Vec<(String, String, String)> {
    let (theirs, ours) = (packages(theirs), packages(ours));
    assert_eq!(
        theirs.iter().map(name).collect::<Vec<_>>(),
        ours.iter().map(name).collect::<Vec<_>>()
    );
    let mut found = Vec::new();
    for (their_package, our_package) in theirs.iter().zip(&ours) {
        let (theirs, ours) = (&their_package.attributes, &our_package.attributes);
        if theirs != ours {
            let both = format!("  theirs: {theirs:?}\n  ours: {ours:?}");
            found.push((name(our_package).to_owned(), "package".to_owned(), both));
        }
        let (their_parts, our_parts) = (their_package.parts(), our_package.parts());
        let elements: BTreeSet<_> = their_parts.keys().chain(our_parts.keys()).collect();
        for element in elements {
            let (theirs, ours) = (their_parts.get(element), our_parts.get(element));
            if theirs != ours {
                let text = |side: Option<&Vec<&Node>>| {
                    let nodes = side.into_iter().flatten();
                    nodes.map(ToString::to_string).collect::<Vec<_>>().join("\n    ")
                };
                let both = format!("  theirs:\n    {}\n  ours:\n    {}", text(theirs), text(ours));
                found.push((name(our_package).to_owned(), element.clone(), both));
            }
        }
    }
    found
}

/// Compares all files of two repositories; differences have to be known ones. Gives the deviations that were met.
fn compare(
    peer: Peer,
    kinds: &[&str],
    theirs: &Repository,
    ours: &Repository,
) -> BTreeSet<(String, &'static str)> {
    let (mut unknown, mut met) = (Vec::new(), BTreeSet::new());
    for kind in kinds {
        for (package, element, both) in differences(theirs.file(kind), ours.file(kind)) {
            match reason(peer, &package, &element) {
                Some(deviation) => {
                    met.insert((package, deviation.why));
                }
                None => unknown.push(format!("{kind}: {package}: {element}\n{both}")),
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    met
}

/// All deviations from a peer were met: none is on the list for nothing.
fn all_were_met(peer: Peer, met: &BTreeSet<(String, &'static str)>) {
    for deviation in DEVIATIONS
        .iter()
        .filter(|deviation| deviation.from.contains(&peer))
    {
        for package in deviation.packages {
            assert!(
                met.contains(&((*package).to_owned(), deviation.why)),
                "{package} does not deviate: {}",
                deviation.why
            );
        }
    }
}

/// The odd packages that can be compared.
fn comparable() -> Vec<PackageSpec> {
    let all = odd::packages().into_iter();
    all.filter(|spec| {
        ![&REFUSED[..], &UNREADABLE[..]]
            .concat()
            .contains(&spec.name.as_str())
    })
    .collect()
}

const LISTS: [&str; 3] = ["primary", "filelists", "other"];

#[test]
fn odd_packages_are_listed_as_by_0_17() {
    let top = tempfile::tempdir().unwrap();
    let specs = comparable();
    let Some((theirs, ours)) = both(top.path(), &specs, Peer::Old, &[], WriteCompression::Gzip) else {
        return;
    };
    assert_eq!(theirs.kinds(), LISTS);
    let met = compare(Peer::Old, &LISTS, &theirs, &ours);
    all_were_met(Peer::Old, &met);
    println!("ok {} odd packages, of which {} deviate", specs.len(), met.len());
}

#[test]
fn odd_packages_are_listed_as_by_1_2_with_digests_and_zstd() {
    let specs = comparable();
    let mut met = BTreeSet::new();
    for (argument, compression) in [("gz", WriteCompression::Gzip), ("zstd", WriteCompression::Zstd)] {
        let top = tempfile::tempdir().unwrap();
        let more = ["--filelists-ext", "--general-compress-type", argument];
        let Some((theirs, ours)) = both(top.path(), &specs, Peer::New, &more, compression) else {
            return;
        };
        assert_eq!(theirs.kinds(), ours.kinds());
        let lists = ["primary", "filelists", "other", "filelists-ext"];
        assert_eq!(ours.kinds(), lists);
        met.extend(compare(Peer::New, &lists, &theirs, &ours));
    }
    all_were_met(Peer::New, &met);
}

#[test]
fn what_is_refused_or_unreadable_elsewhere_is_listed() {
    for name in REFUSED.iter().chain(&UNREADABLE) {
        let top = tempfile::tempdir().unwrap();
        let spec = odd::packages().into_iter().find(|spec| spec.name == *name);
        let names = write_packages(top.path(), &[spec.unwrap()]);
        if !Peer::Old.make(top.path(), &[]) {
            return;
        }
        let theirs = Repository::read(top.path());
        let listed = LISTS.map(|kind| parse(theirs.file(kind)).map(|root| root.children.len()));
        match REFUSED.contains(name) {
            true => assert_eq!(listed, [Ok(0), Ok(0), Ok(0)], "{name}"),
            false => assert!(listed.iter().any(Result::is_err), "{name} {listed:?}"),
        }
        publish(
            top.path(),
            &our_repodata(top.path(), &names, RepodataOptions::new(REVISION)),
        );
        let ours = Repository::read(top.path());
        for kind in LISTS {
            let ours = packages(ours.file(kind));
            assert_eq!(ours.iter().map(self::name).collect::<Vec<_>>(), [*name], "{kind}");
        }
    }
}

#[test]
fn made_up_packages_are_listed_alike() {
    let seed = std::env::var("ODCS_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    for seed in seed.map_or(1..=2, |seed| seed..=seed) {
        println!("ODCS_TEST_SEED={seed}");
        let mut random = Random::new(seed);
        let specs: Vec<_> = (0..300)
            .map(|number| random::package(number, &mut random))
            .collect();
        let top = tempfile::tempdir().unwrap();
        let Some((theirs, ours)) = both(top.path(), &specs, Peer::Old, &[], WriteCompression::Gzip) else {
            return;
        };
        let met = compare(Peer::Old, &LISTS, &theirs, &ours);
        assert!(met.is_empty(), "{met:?}");
        // Word for word, too: whoever compares checksums finds them equal.
        for kind in LISTS {
            assert!(theirs.file(kind) == ours.file(kind), "{kind}");
        }
        println!("ok {} made-up packages", specs.len());
    }
}

#[test]
fn a_comps_file_stands_beside_the_lists_as_with_0_17() {
    let top = tempfile::tempdir().unwrap();
    let folder = top.path().join("repository");
    let spec = PackageSpec::binary("ed", "1", "1", "x86_64").built_from("ed-1-1.src.rpm");
    let names = write_packages(&folder, &[spec]);
    let xml = comps::write_comps(&["ed".parse().unwrap()]);
    let file = top.path().join("comps-Temporary.x86_64.xml");
    std::fs::write(&file, &xml).unwrap();
    if !Peer::Old.make(&folder, &["--groupfile", file.to_str().unwrap()]) {
        return;
    }
    let theirs = Repository::read(&folder);
    let options = RepodataOptions::new(REVISION).with_comps("comps-Temporary.x86_64.xml", &xml);
    publish(&folder, &our_repodata(&folder, &names, options));
    let ours = Repository::read(&folder);
    let mut kinds = ours.kinds();
    kinds.retain(|kind| *kind != "filelists-ext");
    assert_eq!(kinds, theirs.kinds());
    for kind in kinds {
        let text = |side: &Repository| String::from_utf8_lossy(side.file(kind)).into_owned();
        assert_eq!(text(&ours), text(&theirs), "{kind}");
    }
}
