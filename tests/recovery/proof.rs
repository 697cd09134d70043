//! What must hold whenever somebody looks, and what must hold in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use odcs_core::store::Query;
use odcs_core::{Compose, ComposeState, ComposeStore};
use odcs_db::SqliteStore;
use odcs_rpm::repodata::Repomd;
use odcs_rpm::{Digest, DigestAlgorithm};
use tempfile::TempDir;
use test_support::{copy_tree, test_repository};

use crate::support::run;
use crate::victim::line;

/// A directory with a copy of the project's test repository.
pub(crate) fn place() -> TempDir {
    let dir = TempDir::new().unwrap();
    copy_tree(&test_repository(), &dir.path().join("repo"));
    std::fs::create_dir(dir.path().join("composes")).unwrap();
    dir
}

/// Whatever is visible under its URL is complete: every file that repodata speaks of is there, with the
/// checksum it should have.
pub(crate) fn nothing_is_half_visible(dir: &Path) {
    for (name, top) in trees(dir) {
        let compose = top.join("compose");
        if !compose.exists() {
            continue;
        }
        assert_eq!(text(&top.join("STATUS")), "FINISHED\n", "{name}");
        assert!(
            text(&top.join("COMPOSE_ID")).starts_with(&format!("{name}-1-")),
            "{name}"
        );
        let repofile = compose.join("Temporary").join(format!("{name}.repo"));
        assert!(text(&repofile).contains("baseurl="), "{name}");
        for tree in ["x86_64/os", "x86_64/debug/tree", "source/tree"] {
            repository_is_whole(&compose.join("Temporary").join(tree));
        }
    }
}

fn repository_is_whole(repository: &Path) {
    let repomd = std::fs::read(repository.join("repodata/repomd.xml")).unwrap();
    let repomd = Repomd::parse(&repomd).unwrap();
    let mut packages = 0;
    for data in &repomd.records {
        let path = repository.join(data.location.as_str());
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(Digest::of_bytes(DigestAlgorithm::Sha256, &bytes), data.checksum);
        if data.kind.as_str() == "primary" {
            let mut primary = String::new();
            let mut reader = flate2::read::MultiGzDecoder::new(&*bytes);
            std::io::Read::read_to_string(&mut reader, &mut primary).unwrap();
            for (href, checksum) in hrefs_and_checksums(&primary) {
                let bytes = std::fs::read(repository.join(&href)).unwrap();
                assert_eq!(
                    Digest::of_bytes(DigestAlgorithm::Sha256, &bytes).hex(),
                    checksum,
                    "{href}"
                );
                packages += 1;
            }
        }
    }
    let there = test_support::names(&repository.join("Packages"));
    assert_eq!(
        there.len(),
        packages,
        "{}: packages that repodata does not list",
        repository.display()
    );
}

/// Our own repodata has one element a line or part of it in a fixed order: enough for a look.
fn hrefs_and_checksums(primary: &str) -> Vec<(String, String)> {
    let after = |text: &str, start: &str, end: &str| -> Option<String> {
        let rest = text.split_once(start)?.1;
        rest.split_once(end).map(|(found, _)| found.to_owned())
    };
    let packages = primary.split("<package ").skip(1);
    packages
        .map(|package| {
            let href = after(package, "<location href=\"", "\"").unwrap();
            let checksum = after(package, "<checksum ", "</checksum>").unwrap();
            (href, checksum.split_once('>').unwrap().1.to_owned())
        })
        .collect()
}

/// What the service came to.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) records: Vec<Compose>,
}

/// Nothing is lost, stuck or double: every compose that was asked for is done (or has expired and is gone),
/// has ended once, and has the tree it should have; nothing else is there.
pub(crate) async fn everything_ended_well(dir: &Path, acknowledged: &[i64]) -> Ending {
    let store = SqliteStore::open(dir.join("odcs.sqlite")).await.unwrap();
    let records = all_records(&store).await;
    let ids: BTreeSet<_> = records.iter().map(|compose| compose.id.number()).collect();
    assert_eq!(ids.len(), records.len(), "ids are given once");
    for id in acknowledged {
        assert!(ids.contains(id), "compose {id} is lost");
    }
    let mut trees: BTreeSet<_> = trees(dir).into_keys().collect();
    for compose in &records {
        let id = compose.id;
        match compose.state {
            ComposeState::Done => {
                let tree = compose.reused_id.unwrap_or(id);
                let shown = dir.join("composes").join(tree.name()).join("compose");
                assert!(shown.is_dir(), "compose {id} has no tree");
                assert!(
                    store.manifest(id).await.unwrap().is_some(),
                    "compose {id} has no manifest"
                );
            }
            ComposeState::Removed => assert!(!trees.contains(&id.name()), "{id} is removed"),
            other => panic!("compose {id} is {other}: {:?}", compose.state_reason),
        }
        trees.remove(&id.name());
    }
    assert_eq!(trees, BTreeSet::new(), "trees without a record");
    let staging = dir.join("composes/.staging");
    assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0, "left in staging");
    let events = events(dir, &store).await;
    ended_once(&events);
    let told_of = |compose: &&Compose| {
        events
            .iter()
            .any(|event| event.split(' ').nth(1) == Some(&compose.id.to_string()))
    };
    assert_eq!(
        records.iter().filter(told_of).count(),
        records.len(),
        "each compose has its events"
    );
    store.close().await;
    Ending { records }
}

/// Every record there is, newest first. A page holds a hundred at most, and the long forms make more.
async fn all_records(store: &SqliteStore) -> Vec<Compose> {
    let mut records = Vec::new();
    for page in 1.. {
        let query = Query {
            page,
            per_page: 100,
            ..Query::default()
        };
        let found = store.find(&query).await.unwrap().items;
        if found.is_empty() {
            break;
        }
        records.extend(found);
    }
    records
}

/// All events there ever were, each once: those that were delivered, at least once, and those that were not.
async fn events(dir: &Path, store: &SqliteStore) -> BTreeSet<String> {
    let Ok(delivered) = std::fs::read_to_string(dir.join("delivered")) else {
        return recorded_events(&dir.join("odcs.sqlite"));
    };
    let waiting = store.undelivered(1_000).await.unwrap();
    delivered
        .lines()
        .map(str::to_owned)
        .chain(waiting.iter().map(line))
        .collect()
}

/// Events as they stand in the database, read by somebody else: where nobody listens the service counts them as
/// delivered, and tells nobody of them.
fn recorded_events(database: &Path) -> BTreeSet<String> {
    const READ: &str = "
import json, sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute('SELECT id, compose_id, from_state, record FROM events')
for id, compose, before, record in rows:
    print(json.dumps([id, compose, before, json.loads(record)['state']]))
";
    let printed = run(Command::new("python3").args(["-c", READ]).arg(database));
    let lines = printed.lines().map(|text| {
        let (id, compose, from, to): (i64, i64, Option<i64>, String) = serde_json::from_str(text).unwrap();
        let from = from.map_or("-", |from| ComposeState::from_number(from).unwrap().name());
        format!("{id:08} {compose} {from} {to}")
    });
    lines.collect()
}

fn ended_once(events: &BTreeSet<String>) {
    let mut states: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in events {
        let words: Vec<_> = event.split(' ').collect();
        let [_, compose, from, to] = words[..] else {
            panic!("{event}");
        };
        let seen = states.entry(compose).or_default();
        assert_eq!(
            from,
            seen.last().copied().unwrap_or("-"),
            "events follow each other: {events:#?}"
        );
        seen.push(to);
    }
    for (compose, states) in states {
        let count = |state| states.iter().filter(|seen| **seen == state).count();
        assert_eq!(count("done"), 1, "compose {compose}: {states:?}");
        assert!(count("removed") <= 1, "compose {compose}: {states:?}");
    }
}

fn trees(dir: &Path) -> BTreeMap<String, PathBuf> {
    let entries = std::fs::read_dir(dir.join("composes")).unwrap();
    entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        // Attempts, what was fetched, and what is known about packages.
        .filter(|(name, _)| ![".staging", ".content", ".cache"].contains(&&**name))
        .collect()
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
