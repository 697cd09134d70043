//! The repodata of composes, other than by default.

use std::collections::BTreeSet;
use std::path::Path;

use odcs_rpm::repodata::{Repomd, RepomdRecord, UpdateInfo};
use odcs_rpm::{Digest, DigestAlgorithm};

use crate::support::{Server, Start, as_root, copy_tree, has, run, test_repository};

const UPDATES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<updates>
  <update from="security@example.org" status="final" type="security" version="1">
    <id>ED-2026:1</id>
    <title>A line editor that does not forget</title>
    <severity>Important</severity>
    <issued date="2026-11-20 00:00:00"/>
    <description>Lines are kept &amp; remembered.</description>
    <pkglist><collection short="ed"><name>ed</name>
      <package name="ed" version="1.20" release="1" epoch="0" arch="x86_64" src="ed-1.20-1.src.rpm">
        <filename>ed-1.20-1.x86_64.rpm</filename>
      </package>
    </collection></pkglist>
  </update>
</updates>
"#;

/// Sets the document with updates in the metadata of a repository.
fn set_updates(repository: &Path, updates: &str) {
    let repodata = repository.join("repodata");
    std::fs::write(repodata.join("updateinfo.xml"), updates).unwrap();
    let mut repomd = Repomd::parse(&std::fs::read(repodata.join("repomd.xml")).unwrap()).unwrap();
    repomd.records.retain(|record| record.kind != "updateinfo");
    repomd.records.push(RepomdRecord {
        kind: "updateinfo".to_owned(),
        location: "repodata/updateinfo.xml".to_owned(),
        checksum: Digest::of_bytes(DigestAlgorithm::Sha256, updates.as_bytes()),
        open_checksum: None,
        size: None,
        open_size: None,
        timestamp: None,
    });
    std::fs::write(repodata.join("repomd.xml"), repomd.to_xml()).unwrap();
}

fn kinds(server: &Server, tree: &str) -> BTreeSet<(String, String)> {
    let tree = server.target().join("odcs-1/compose/Temporary").join(tree);
    let repomd = Repomd::parse(&std::fs::read(tree.join("repodata/repomd.xml")).unwrap()).unwrap();
    let records = repomd.records.into_iter();
    records
        .map(|record| {
            assert!(tree.join(&record.location).is_file());
            let ending = record.location.rsplit_once('.').unwrap().1.to_owned();
            (record.kind, ending)
        })
        .collect()
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> BTreeSet<(String, String)> {
    pairs
        .map(|(kind, ending)| (kind.to_owned(), ending.to_owned()))
        .into()
}

#[tokio::test]
async fn a_compose_with_zstd_and_everything_installs() {
    let start = Start::new();
    let repository = start.dir().join("repo");
    copy_tree(&test_repository(), &repository);
    set_updates(&repository, UPDATES);
    let server = start
        .args(["--repodata-compression", "zstd"])
        .variable("ODCS_FILELISTS_EXT", "true")
        .start();
    let compose = server.compose_of(&repository, &["ed"]).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    let lists = [
        ("primary", "zst"),
        ("filelists", "zst"),
        ("other", "zst"),
        ("filelists-ext", "zst"),
    ];
    assert_eq!(kinds(&server, "source/tree"), pairs(lists));
    let mut all = pairs(lists);
    all.extend(pairs([
        ("group", "xml"),
        ("group_zst", "zst"),
        ("updateinfo", "zst"),
    ]));
    assert_eq!(kinds(&server, "x86_64/os"), all);

    if !has("dnf") || !has("rpm") {
        return;
    }
    let repofile = server.get(compose["result_repofile"].as_str().unwrap()).await;
    let (root, repos) = (server.dir.path().join("root"), server.dir.path().join("repos"));
    std::fs::create_dir(&repos).unwrap();
    std::fs::write(repos.join("odcs-1.repo"), &repofile.body).unwrap();
    let dnf = |args: &[&str]| {
        let mut command = as_root("dnf");
        command
            .args(["--assumeyes", "--releasever=1", "--forcearch=x86_64"])
            .arg(format!("--installroot={}", root.display()))
            .arg(format!("--setopt=reposdir={}", repos.display()));
        run(command.args(args))
    };
    dnf(&["install", "ed"]);
    assert!(root.join("usr/bin/ed").is_file(), "its files are there");
    let owner = dnf(&[
        "--quiet",
        "repoquery",
        "--qf",
        "%{name}\n",
        "--file",
        "/usr/bin/ed",
    ]);
    assert_eq!(owner.trim(), "ed");
    let groups = dnf(&["--quiet", "group", "list", "--hidden"]);
    assert!(groups.contains("odcs-group"), "{groups}");
    let updates = dnf(&["--quiet", "updateinfo", "list", "--all"]);
    assert!(
        updates.contains("ED-2026:1") && updates.contains("ed-1.20-1.x86_64"),
        "{updates}"
    );
}

#[tokio::test]
async fn updates_are_handed_on_as_they_came() {
    let start = Start::new();
    let repository = start.dir().join("repo");
    copy_tree(&test_repository(), &repository);
    set_updates(&repository, UPDATES);
    let server = start.start();
    let compose = server.compose_of(&repository, &["ed"]).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    let lists = [("primary", "gz"), ("filelists", "gz"), ("other", "gz")];
    assert_eq!(kinds(&server, "x86_64/debug/tree"), pairs(lists));
    let tree = server.target().join("odcs-1/compose/Temporary/x86_64/os");
    let repomd = Repomd::parse(&std::fs::read(tree.join("repodata/repomd.xml")).unwrap()).unwrap();
    let record = repomd.record("updateinfo").unwrap();
    let updates = UpdateInfo::parse(UPDATES.into()).unwrap();
    assert_eq!(record.open_checksum.as_ref(), Some(updates.digest()));
    assert_eq!(record.open_size, Some(UPDATES.len() as u64));

    // The same packages under the same revision, with other updates, are another compose.
    let again = server.compose_of(&repository, &["ed"]).await;
    let other = UPDATES.replace("Important", "Critical");
    set_updates(&repository, &other);
    let changed = server.compose_of(&repository, &["ed"]).await;
    assert_eq!(
        (&again["state_name"], &changed["state_name"]),
        (&"done".into(), &"done".into())
    );
    let is_made = |number: u32| server.target().join(format!("odcs-{number}/compose")).exists();
    assert!(!is_made(2) && is_made(3));
}
