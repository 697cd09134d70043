//! Our repodata against that of `createrepo_c`, package by package and field by field.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use odcs_rpm::compression::{Compression, decoder};
use odcs_rpm::repodata::{Limits, RepoPackage, Repomd, read_filelists, read_other, read_primary};
use rpmgen::{GeneratorOptions, Layout, generate, write_repository};
use serde_json::json;

use crate::support::{Server, Start, copy_tree, has, run, test_repository};

/// Everything the repodata below a directory says, by where each package is.
fn read_repodata(tree: &Path) -> BTreeMap<String, RepoPackage> {
    let repomd = Repomd::parse(&std::fs::read(tree.join("repodata/repomd.xml")).unwrap()).unwrap();
    let open = |kind: &str| {
        let location = &repomd.record(kind).unwrap().location;
        let file = std::fs::File::open(tree.join(location)).unwrap();
        let compression = Compression::of_file_name(location);
        std::io::BufReader::new(
            decoder(std::io::BufReader::new(file), compression, "metadata", 1 << 32).unwrap(),
        )
    };
    let limits = Limits::default();
    let mut packages = read_primary(open("primary"), limits).unwrap();
    read_filelists(open("filelists"), &mut packages, limits).unwrap();
    read_other(open("other"), &mut packages, limits).unwrap();
    packages
        .into_iter()
        .map(|package| (package.location.clone(), package))
        .collect()
}

/// Compares a tree of a compose with what createrepo_c says of the same files.
fn compare(tree: &Path, scratch: &Path) -> usize {
    copy_tree(tree, scratch);
    std::fs::remove_dir_all(scratch.join("repodata")).unwrap();
    let theirs = || {
        run(Command::new("createrepo_c")
            .args(["--quiet", "--no-database"])
            .arg(scratch));
        read_repodata(scratch)
    };
    let (ours, mut theirs) = (read_repodata(tree), theirs());
    for (location, package) in &mut theirs {
        // A copy has another time than the file it was made of.
        package.package.file_time = ours.get(location).map_or(0, |ours| ours.package.file_time);
    }
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        theirs.keys().collect::<Vec<_>>(),
        "{}",
        tree.display()
    );
    for (location, package) in &ours {
        assert_eq!(package, &theirs[location], "{location}");
    }
    ours.len()
}

#[tokio::test]
async fn says_the_same_of_the_test_repository_and_of_made_up_packages() {
    if !has("createrepo_c") {
        return;
    }
    let start = Start::new();
    let (ours, made_up) = (start.dir().join("repo"), start.dir().join("made-up"));
    copy_tree(&test_repository(), &ours);
    let options = GeneratorOptions {
        packages: 300,
        ..GeneratorOptions::default()
    };
    write_repository(&made_up, generate(options), Layout::Flat).unwrap();
    let server = start.start();
    let mut compared = 0;
    for (repository, arches) in [
        (&ours, json!(["x86_64", "aarch64"])),
        (&made_up, json!(["x86_64"])),
    ] {
        let compose = server
            .compose(&json!({"source": {"type": "repo", "source": repository}, "arches": arches}))
            .await;
        assert_eq!(compose["state_name"], "done", "{compose}");
        let top = server
            .target()
            .join(format!("odcs-{}/compose/Temporary", compose["id"]));
        let mut trees = vec!["source/tree".to_owned()];
        for arch in arches.as_array().unwrap() {
            trees.extend(["os", "debug/tree"].map(|tree| format!("{}/{tree}", arch.as_str().unwrap())));
        }
        for tree in trees {
            let scratch = tempfile::TempDir::new().unwrap();
            compared += compare(&top.join(&tree), &scratch.path().join("tree"));
        }
    }
    assert!(compared > 250, "{compared} packages were compared");
}

/// `repomd.xml` of a compose names checksums and sizes that are right.
#[tokio::test]
async fn repomd_is_true() {
    let (server, repository) = Server::with_test_repository();
    server.compose_of(&repository, &["ed"]).await;
    let os = server.target().join("odcs-1/compose/Temporary/x86_64/os");
    let repomd = Repomd::parse(&std::fs::read(os.join("repodata/repomd.xml")).unwrap()).unwrap();
    let kinds: Vec<_> = repomd.records.iter().map(|record| record.kind.as_str()).collect();
    assert_eq!(kinds, ["primary", "filelists", "other", "group", "group_gz"]);
    for record in &repomd.records {
        let bytes = std::fs::read(os.join(&record.location)).unwrap();
        assert_eq!(record.size, Some(bytes.len() as u64));
        assert_eq!(
            odcs_rpm::Digest::of_bytes(record.checksum.algorithm(), &bytes),
            record.checksum
        );
        assert!(
            record.location.contains(record.checksum.hex()),
            "{}",
            record.location
        );
    }
}
