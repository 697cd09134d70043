//! Many at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Repository, Start};

/// Memory of the server at its highest, in KiB.
const MEMORY: u64 = 400 << 10;
/// The longest that any answer may take.
const ANSWER: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_composes_at_once() {
    let crowd = crate::times("ODCS_TEST_CROWD", 200);
    let start = Start::new();
    let repository = Repository::copy_below(start.dir());
    std::fs::write(start.dir().join("odcs.toml"), "concurrency = 2\n").unwrap();
    let server = Arc::new(start.start());
    let wanted = |packages: &[&str], flags: &[&str]| json!({"source": {"type": "repo", "source": repository.path, "packages": packages}, "flags": flags});
    // Equal ones, which the two workers make once; others; and some that are made whatever there is.
    let bodies = [
        wanted(&["ed"], &[]),
        wanted(&["line-editor-common"], &[]),
        wanted(&["ed"], &["no_reuse"]),
    ];
    let begun = Instant::now();
    let submitting: Vec<_> = (0..crowd)
        .map(|number| {
            let (server, body) = (Arc::clone(&server), bodies[number % bodies.len()].clone());
            tokio::spawn(async move {
                let begun = Instant::now();
                let id = server.submit(&body).await["id"].as_i64().unwrap();
                (id, begun.elapsed())
            })
        })
        .collect();
    let mut ids = BTreeSet::new();
    let mut slowest = Duration::ZERO;
    for task in submitting {
        let (id, elapsed) = task.await.unwrap();
        assert!(ids.insert(id), "id {id} was given twice");
        slowest = slowest.max(elapsed);
    }
    let submitted = begun.elapsed();
    assert_eq!(ids, (1..=crowd as i64).collect());
    let mut composes = Vec::new();
    for id in ids {
        let begun = Instant::now();
        server.get(&format!("/api/1/composes/{id}")).await;
        slowest = slowest.max(begun.elapsed());
        composes.push(server.ended_within(id, Duration::from_secs(120)).await);
    }
    let took = begun.elapsed();
    let has_own_tree = |compose: &&serde_json::Value| {
        let repofile = compose["result_repofile"].as_str().unwrap();
        repofile.contains(&format!("/odcs-{}/", compose["id"]))
    };
    let (must, may): (Vec<_>, Vec<_>) = composes
        .iter()
        .partition(|compose| compose["flags"] == json!(["no_reuse"]));
    assert_eq!(must.iter().copied().filter(has_own_tree).count(), must.len());
    let made = may.into_iter().filter(has_own_tree).count();
    assert!(
        (1..=2).contains(&made),
        "{made} were made of those that could use the tree of another"
    );
    for pair in composes.windows(2) {
        let times = [&pair[0]["time_started"], &pair[1]["time_started"]];
        assert!(
            times[0].as_str().unwrap() <= times[1].as_str().unwrap(),
            "out of turn: {pair:?}"
        );
    }
    for compose in &composes {
        assert_eq!(compose["state_name"], "done", "{compose}");
        let repofile = server.get(compose["result_repofile"].as_str().unwrap()).await;
        assert_eq!(repofile.status, 200);
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let memory = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let memory: u64 = memory.trim().trim_end_matches(" kB").parse().unwrap();
    println!(
        "{crowd} submitted in {submitted:?}, done in {took:?}; slowest answer {slowest:?}; memory {} MiB",
        memory >> 10
    );
    assert!(slowest < ANSWER, "{slowest:?}");
    assert!(memory < MEMORY, "{memory} KiB");
}
