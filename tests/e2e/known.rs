//! What a server knows of packages from composes before changes nothing but time: the same compose in spite of a
//! cache that is new, filled, damaged, not allowed, or left out.

use std::collections::BTreeMap;
use std::path::Path;

use rpmgen::{GeneratorOptions, Layout, generate, write_repository};
use serde_json::json;
use test_support::contents;

use crate::support::{Server, Start};

/// The repositories of a compose and the list of its packages, with the id of the compose left out.
fn published(server: &Server, id: i64) -> BTreeMap<String, Vec<u8>> {
    let compose = server.target().join(format!("odcs-{id}/compose"));
    let mut files = contents(&compose);
    files.retain(|path, _| {
        path.contains("/Packages/") || path.contains("/repodata/") || path == "metadata/rpms.json"
    });
    let rpms = files.get_mut("metadata/rpms.json").unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(rpms).unwrap();
    json["payload"]["compose"] = json!(null);
    *rpms = json.to_string().into_bytes();
    files
}

async fn compose(server: &Server, repository: &Path) -> i64 {
    let body = json!({
        "source": {"type": "repo", "source": repository},
        "flags": ["no_reuse"],
    });
    server.compose(&body).await["id"].as_i64().unwrap()
}

/// What is done to a file of the cache.
type Spoil = fn(&mut Vec<u8>);

/// Changes all files of the cache, which are those of a server that was stopped.
fn change(cache: &Path, change: impl Fn(&mut Vec<u8>)) {
    for entry in std::fs::read_dir(cache).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
    }
}

#[tokio::test]
async fn composes_are_the_same_whatever_the_cache_holds() {
    let start = Start::new();
    let repository = start.dir().join("repository");
    let options = GeneratorOptions {
        packages: 300,
        ..GeneratorOptions::default()
    };
    write_repository(&repository, generate(options), Layout::Flat).unwrap();
    let mut server = start.start();
    let first = compose(&server, &repository).await;
    let expected = published(&server, first);
    // Packages for i686 are not in it.
    assert!(expected.len() > 250, "{}", expected.len());
    let again = compose(&server, &repository).await;
    assert!(published(&server, again) == expected, "from a filled cache");
    let cache = server.target().join(".cache");
    let held: u64 = std::fs::read_dir(&cache)
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(held > 300 * 1_000, "{held} bytes are in the cache");

    let spoils: [(&str, Spoil); 4] = [
        ("every byte", |bytes| {
            bytes.iter_mut().for_each(|byte| *byte ^= 0xa5);
        }),
        ("some bytes", |bytes| {
            bytes.iter_mut().step_by(5_003).for_each(|byte| *byte ^= 1);
        }),
        ("half of it", |bytes| bytes.truncate(bytes.len() / 2)),
        ("nothing but zeros", |bytes| bytes.fill(0)),
    ];
    for (what, spoil) in spoils {
        server.signal(nix::sys::signal::Signal::SIGTERM);
        let (_, start) = server.wait();
        change(&cache, spoil);
        server = start.variable("ODCS_THREADS", "4").start();
        for _ in 0..2 {
            let id = compose(&server, &repository).await;
            assert!(published(&server, id) == expected, "{what}");
        }
    }
    server.signal(nix::sys::signal::Signal::SIGTERM);
    let (_, start) = server.wait();
    let server = start
        .variable("ODCS_VERIFY_PACKAGES", "always")
        .variable("ODCS_THREADS", "1")
        .start();
    let id = compose(&server, &repository).await;
    assert!(published(&server, id) == expected, "everything read");
}
