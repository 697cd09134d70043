//! SIGTERM, SIGKILL, and starting again.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rpmgen::{GeneratorOptions, Layout, generate, write_repository};
use serde_json::json;

use crate::support::{Server, Start};

/// A directory with enough packages to be busy with for a moment.
pub(crate) fn many_packages(dir: &Path) {
    let options = GeneratorOptions {
        packages: 1500,
        ..GeneratorOptions::default()
    };
    write_repository(dir, generate(options), Layout::Flat).unwrap();
}

#[tokio::test]
async fn an_idle_server_stops_at_once() {
    let (server, _) = Server::with_test_repository();
    let begun = Instant::now();
    server.signal(Signal::SIGTERM);
    let (status, _) = server.wait();
    assert_eq!(status.code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_server_that_has_just_said_that_it_listens_stops_in_peace() {
    // Not killed by the signal, which is what a process gets that is not ready for it.
    for _ in 0..5 {
        let server = Start::new().start();
        server.signal(Signal::SIGINT);
        let (status, _) = server.wait();
        assert_eq!(status.code(), Some(0), "{status}");
    }
}

#[tokio::test]
async fn a_running_compose_finishes() {
    let start = Start::new().args(["--grace", "120"]);
    let repository = start.dir().join("many");
    many_packages(&repository);
    let server = start.start();
    let id = generating(&server, &repository).await;
    let waiting = server
        .submit(&json!({"source": {"type": "repo", "source": repository}}))
        .await["id"]
        .clone();
    server.signal(Signal::SIGTERM);
    let (status, start) = server.wait();
    assert_eq!(status.code(), Some(0));
    let tree = start.dir().join("odcs-data/composes");
    assert!(
        tree.join(format!("odcs-{id}/compose/metadata/rpms.json"))
            .is_file()
    );
    assert!(
        !tree.join(format!("odcs-{waiting}")).exists(),
        "no more work was taken up"
    );
    let server = start.start();
    assert_eq!(
        server.get(&format!("/api/1/composes/{id}")).await.json()["state_name"],
        "done"
    );
    assert_eq!(
        server.ended(waiting.as_i64().unwrap()).await["state_name"],
        "done"
    );
}

#[tokio::test]
async fn a_compose_that_cannot_finish_is_handed_back() {
    let start = Start::new().args(["--grace", "0"]);
    let repository = start.dir().join("many");
    many_packages(&repository);
    let server = start.start();
    let id = generating(&server, &repository).await;
    server.signal(Signal::SIGTERM);
    let (status, start) = server.wait();
    assert_eq!(status.code(), Some(0));
    let tree = start.dir().join("odcs-data/composes");
    assert!(!tree.join(format!("odcs-{id}/compose")).exists());
    assert_eq!(
        std::fs::read_dir(tree.join(".staging")).map_or(0, Iterator::count),
        0,
        "nothing is left"
    );
    let server = start.start();
    assert_eq!(server.ended(id).await["state_name"], "done");
}

#[tokio::test]
async fn a_compose_of_a_killed_server_is_taken_up_again() {
    let start = Start::new();
    let repository = start.dir().join("many");
    many_packages(&repository);
    let server = start.start();
    let id = generating(&server, &repository).await;
    server.signal(Signal::SIGKILL);
    let (status, start) = server.wait();
    assert_eq!(status.signal(), Some(Signal::SIGKILL as i32));
    let tree = start.dir().join("odcs-data/composes");
    assert!(
        !tree.join(format!("odcs-{id}/compose")).exists(),
        "nothing half-made is visible"
    );
    let server = start.start();
    // The lease of the dead worker has to run out first, which takes up to 20 s.
    let ended = server.ended_within(id, Duration::from_secs(90)).await;
    assert_eq!(ended["state_name"], "done", "{ended}");
    let left = std::fs::read_dir(tree.join(".staging")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "what the killed attempt had made is gone");
}

/// Submits a compose of everything and waits until its packages are being linked.
async fn generating(server: &Server, repository: &Path) -> i64 {
    let id = server
        .submit(&json!({"source": {"type": "repo", "source": repository}}))
        .await["id"]
        .as_i64()
        .unwrap();
    loop {
        let log = server.get(&format!("/composes/odcs-{id}/pungi-stderr.log")).await;
        if log.status == 200 && log.text().contains("content") {
            let state = server.get(&format!("/api/1/composes/{id}")).await.json()["state_name"].clone();
            assert_eq!(state, "generating");
            return id;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
