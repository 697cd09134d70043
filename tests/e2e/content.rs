//! What is in a compose.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rpmgen::{Layout, ed_repository, write_repository};
use serde_json::{Value, json};

use crate::support::{Repository, Server, Start};

/// The packages of a compose, as `TREE/FILE`.
fn packages(server: &Server, compose: &Value) -> Vec<String> {
    assert_eq!(compose["state_name"], "done", "{compose}");
    let top = server
        .target()
        .join(format!("odcs-{}/compose/Temporary", compose["id"]));
    let names = test_support::contents(&top)
        .into_keys()
        .filter(|name| name.ends_with(".rpm"));
    let short = |name: String| {
        let (tree, file) = name.split_once("/Packages/").unwrap();
        format!("{tree}/{}", file.rsplit('/').next().unwrap())
    };
    names.map(short).collect()
}

/// The layout of a compose of the reference server with real Pungi, over the same packages.
#[tokio::test]
async fn the_tree_is_laid_out_as_the_reference_does() {
    let start = Start::new();
    let repository = start.dir().join("ed");
    write_repository(&repository, ed_repository(), Layout::Flat).unwrap();
    let server = start.start();
    let compose = server.compose_of(&repository, &["ed"]).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    let found = test_support::contents(&server.target().join("odcs-1"));
    let name = |name: &String| {
        // Files of the metadata are named by their checksums.
        let (dir, file) = name.rsplit_once('/').unwrap_or(("", name));
        match file.split_once('-') {
            Some((sum, rest)) if sum.len() == 64 => format!("{dir}/*-{rest}"),
            _ => name.clone(),
        }
    };
    let mut names: Vec<_> = found.keys().map(name).collect();
    names.sort_unstable();
    let expected = "\
COMPOSE_ID
STATUS
compose/Temporary/odcs-1.repo
compose/Temporary/source/tree/.discinfo
compose/Temporary/source/tree/.treeinfo
compose/Temporary/source/tree/Packages/e/ed-1.14.1-2.module_fd8ca23e.src.rpm
compose/Temporary/source/tree/media.repo
compose/Temporary/source/tree/repodata/*-filelists.xml.gz
compose/Temporary/source/tree/repodata/*-other.xml.gz
compose/Temporary/source/tree/repodata/*-primary.xml.gz
compose/Temporary/source/tree/repodata/repomd.xml
compose/Temporary/x86_64/debug/tree/Packages/e/ed-debuginfo-1.14.1-2.module_fd8ca23e.x86_64.rpm
compose/Temporary/x86_64/debug/tree/repodata/*-filelists.xml.gz
compose/Temporary/x86_64/debug/tree/repodata/*-other.xml.gz
compose/Temporary/x86_64/debug/tree/repodata/*-primary.xml.gz
compose/Temporary/x86_64/debug/tree/repodata/repomd.xml
compose/Temporary/x86_64/os/.discinfo
compose/Temporary/x86_64/os/.treeinfo
compose/Temporary/x86_64/os/Packages/e/ed-1.14.1-2.module_fd8ca23e.x86_64.rpm
compose/Temporary/x86_64/os/media.repo
compose/Temporary/x86_64/os/repodata/*-comps-Temporary.x86_64.xml
compose/Temporary/x86_64/os/repodata/*-comps-Temporary.x86_64.xml.gz
compose/Temporary/x86_64/os/repodata/*-filelists.xml.gz
compose/Temporary/x86_64/os/repodata/*-other.xml.gz
compose/Temporary/x86_64/os/repodata/*-primary.xml.gz
compose/Temporary/x86_64/os/repodata/repomd.xml
compose/metadata/composeinfo.json
compose/metadata/modules.json
compose/metadata/rpms.json
pungi-stderr.log";
    let mut expected: Vec<_> = expected.lines().collect();
    expected.sort_unstable();
    assert_eq!(names, expected);

    assert_eq!(found["STATUS"], b"FINISHED\n");
    assert_eq!(
        found["COMPOSE_ID"],
        compose["pungi_compose_id"].as_str().unwrap().as_bytes()
    );
    assert_eq!(
        std::fs::read_link(server.target().join("latest-odcs-1-1")).unwrap(),
        Path::new("odcs-1")
    );
    let rpms: Value = serde_json::from_slice(&found["compose/metadata/rpms.json"]).unwrap();
    let built = &rpms["payload"]["rpms"]["Temporary"]["x86_64"]["ed-0:1.14.1-2.module_fd8ca23e.src"];
    assert_eq!(
        built["ed-debuginfo-0:1.14.1-2.module_fd8ca23e.x86_64"]["category"],
        "debug"
    );
    assert_eq!(built.as_object().unwrap().len(), 3);
    let log = String::from_utf8(found["pungi-stderr.log"].clone()).unwrap();
    for phase in [
        "resolve", "content", "gather", "link", "repodata", "metadata", "check", "publish",
    ] {
        assert!(log.contains(&format!("{phase}: ")), "{phase}: {log}");
    }
    let repofile = String::from_utf8(found["compose/Temporary/odcs-1.repo"].clone()).unwrap();
    let sections: Vec<_> = repofile.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(sections, ["[odcs-1]", "[odcs-1-debuginfo]", "[odcs-1-source]"]);
    let baseurl = format!(
        "baseurl={}/composes/odcs-1/compose/Temporary/$basearch/os",
        server.base
    );
    assert!(repofile.contains(&baseurl), "{repofile}");
}

/// Comps lists what was asked for as it was asked for. Its file is named by its checksum, so the names
/// of those that Pungi made tell that ours are the same, byte for byte.
#[tokio::test]
async fn comps_are_those_that_pungi_makes() {
    let (server, repository) = Server::with_test_repository();
    for (id, (packages, checksum)) in (1..).zip([
        (
            &["ed"][..],
            "91b2a6bf4494ca41837d50d9912912e9e4e34b2f884f0f1ba422ca170ddfbf5e",
        ),
        (
            &["ed*"],
            "934954194072b5266561944af32a61e94c624c3ad205a50d8eaa2b9dc246ee24",
        ),
        (
            &[],
            "2b13cd3f9d81647fd31aa16de1b16b582efd9566f8c4334e4561a030f3777c37",
        ),
    ]) {
        let compose = server.compose_of(&repository, packages).await;
        assert_eq!(compose["state_name"], "done", "{compose}");
        let os = format!("odcs-{id}/compose/Temporary/x86_64/os");
        let comps = format!("{os}/repodata/{checksum}-comps-Temporary.x86_64.xml");
        assert!(server.target().join(comps).is_file(), "{packages:?}");
    }
}

#[tokio::test]
async fn packages_come_with_what_they_need_unless_told_otherwise() {
    let (server, repository) = Server::with_test_repository();
    let compose = |source: Value, rest: Value| {
        let mut body = json!({"source": {"type": "repo", "source": repository}});
        body["source"]
            .as_object_mut()
            .unwrap()
            .extend(source.as_object().unwrap().clone());
        body.as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        body
    };
    let with_dependencies = server
        .compose(&compose(json!({"packages": ["ed"]}), json!({})))
        .await;
    let expected = [
        "source/tree/ed-1.20-1.src.rpm",
        "source/tree/line-editor-common-2.1-3.src.rpm",
        "x86_64/debug/tree/ed-debuginfo-1.20-1.x86_64.rpm",
        "x86_64/debug/tree/ed-debugsource-1.20-1.x86_64.rpm",
        "x86_64/os/ed-1.20-1.x86_64.rpm",
        "x86_64/os/line-editor-common-2.1-3.noarch.rpm",
    ];
    assert_eq!(packages(&server, &with_dependencies), expected);

    let alone = server
        .compose(&compose(
            json!({"packages": ["ed"]}),
            json!({"flags": ["no_deps"]}),
        ))
        .await;
    let without: Vec<_> = expected
        .into_iter()
        .filter(|name| !name.contains("line-editor"))
        .collect();
    assert_eq!(packages(&server, &alone), without);

    let glob = server
        .compose(&compose(
            json!({"packages": ["ed*"]}),
            json!({"flags": ["no_deps"], "arches": ["aarch64"]}),
        ))
        .await;
    let glob = packages(&server, &glob);
    assert!(
        glob.contains(&"aarch64/os/ed-doc-1.20-1.noarch.rpm".to_owned()),
        "{glob:?}"
    );
    assert!(
        glob.contains(&"aarch64/os/ed-1.20-1.aarch64.rpm".to_owned()),
        "{glob:?}"
    );
    assert!(!glob.iter().any(|name| name.contains("x86_64")), "{glob:?}");

    let all = server
        .compose(&compose(json!({}), json!({"arches": ["x86_64", "aarch64"]})))
        .await;
    let all = packages(&server, &all);
    for name in [
        "x86_64/os/ed-1.20-1.x86_64.rpm",
        "aarch64/os/ed-1.20-1.aarch64.rpm",
        "x86_64/os/ed-doc-1.20-1.noarch.rpm",
    ] {
        assert!(all.contains(&name.to_owned()), "{name}: {all:?}");
    }
}

#[tokio::test]
async fn signatures_are_recorded() {
    let (server, repository) = Server::with_test_repository();
    let body = |packages: &[&str], keys: &[&str]| json!({"source": {"type": "repo", "source": repository, "packages": packages, "sigkeys": keys}, "flags": ["no_deps"]});
    let mixed = server
        .compose(&body(&["ed", "line-editor-common"], &["9F8D0467", ""]))
        .await;
    assert_eq!(mixed["state_name"], "done", "{mixed}");
    // Clients compare texts: the record spells keys as they were asked for.
    assert_eq!(mixed["sigkeys"], "9F8D0467 ");
    let rpms = std::fs::read(server.target().join("odcs-1/compose/metadata/rpms.json")).unwrap();
    let rpms: Value = serde_json::from_slice(&rpms).unwrap();
    let sigkey = |source: &str, package: &str| {
        rpms["payload"]["rpms"]["Temporary"]["x86_64"][source][package]["sigkey"].clone()
    };
    assert_eq!(sigkey("ed-0:1.20-1.src", "ed-0:1.20-1.x86_64"), Value::Null);
    assert_eq!(
        sigkey(
            "line-editor-common-0:2.1-3.src",
            "line-editor-common-0:2.1-3.noarch"
        ),
        "9f8d0467"
    );
}

#[tokio::test]
async fn packages_are_hardlinks_and_stay_as_they_were() {
    let (server, repository) = Server::with_test_repository();
    let source = repository.join("Packages/ed-1.20-1.x86_64.rpm");
    let before = std::fs::metadata(&source).unwrap();
    server.compose_of(&repository, &["ed"]).await;
    let linked = server
        .target()
        .join("odcs-1/compose/Temporary/x86_64/os/Packages/e/ed-1.20-1.x86_64.rpm");
    let (after, linked) = (
        std::fs::metadata(&source).unwrap(),
        std::fs::metadata(linked).unwrap(),
    );
    assert_eq!(
        (after.dev(), after.ino(), after.nlink()),
        (linked.dev(), linked.ino(), before.nlink() + 1)
    );
    assert_eq!(
        (after.mode(), after.uid(), after.mtime()),
        (before.mode(), before.uid(), before.mtime())
    );
}

#[tokio::test]
async fn every_kind_of_metadata_is_read_and_none_is_needed() {
    let start = Start::new();
    let mut repositories = Vec::new();
    for suffix in ["", ".gz", ".xz", ".zst", ".bz2"] {
        let repository = Repository::copy(&start.dir().join(format!("repo{suffix}")));
        repository.rewrite_metadata(suffix, |_, xml| xml);
        repositories.push(repository.path);
    }
    repositories.push(
        Repository::copy(&start.dir().join("plain"))
            .without_metadata()
            .path,
    );
    let server = start.start();
    let mut contents = Vec::new();
    for repository in &repositories {
        let compose = server.compose_of(repository, &["ed"]).await;
        contents.push(packages(&server, &compose));
    }
    assert_eq!(contents[0].len(), 6);
    for (content, repository) in contents.iter().zip(&repositories) {
        assert_eq!(content, &contents[0], "{}", repository.display());
    }
}

/// Invariant 4: the same content gives the same bytes, but for the id, name and date of the compose.
#[tokio::test]
async fn the_same_content_gives_the_same_bytes() {
    let (server, repository) = Server::with_test_repository();
    let body = json!({"source": {"type": "repo", "source": repository}, "arches": ["aarch64", "x86_64"], "flags": ["no_reuse"]});
    for _ in 0..2 {
        assert_eq!(server.compose(&body).await["state_name"], "done");
    }
    let of = |id: i64| {
        let mut files = test_support::contents(&server.target().join(format!("odcs-{id}/compose")));
        let repofile = files.remove(&format!("Temporary/odcs-{id}.repo")).unwrap();
        files.insert("the repo file".into(), repofile);
        let neutral =
            |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace(&format!("odcs-{id}"), "odcs-N");
        files
            .into_iter()
            .map(|(name, bytes)| (name, neutral(bytes)))
            .collect::<BTreeMap<_, _>>()
    };
    assert_eq!(of(1), of(2));
}
