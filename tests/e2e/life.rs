//! How composes end: cancelled, deleted, expired.

use std::time::{Duration, Instant};

use reqwest::Method;
use rpmgen::{GeneratorOptions, Layout, generate, write_repository};
use serde_json::{Value, json};

use crate::support::{Server, Start};

/// Waits until the state of a compose is this one.
async fn until_state(server: &Server, id: &Value, state: &str) -> Value {
    let begun = Instant::now();
    loop {
        let compose = server.get(&format!("/api/1/composes/{id}")).await.json();
        if compose["state_name"] == state {
            return compose;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{compose}\n{}",
            server.log()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_deleted_compose_goes_and_its_record_stays() {
    let (server, repository) = Server::with_test_repository();
    let (first, second) = (
        server.compose_of(&repository, &["ed"]).await,
        server.compose_of(&repository, &["line-editor-common"]).await,
    );
    let package = repository.join("Packages/ed-1.20-1.x86_64.rpm");
    let deleted = server.odcs(["delete", "1"]);
    assert_eq!(deleted.status.code(), Some(0), "{deleted:?}");
    let removed = until_state(&server, &first["id"], "removed").await;
    assert_eq!(removed["removed_by"], "anonymous");
    assert!(removed["time_removed"].is_string());
    let reason = removed["state_reason"].as_str().unwrap();
    assert_eq!(reason, "Compose is generated successfully\nRemoved by anonymous.");
    let begun = Instant::now();
    while server.get("/composes/odcs-1/").await.status != 404 {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "the tree is still there"
        );
    }
    assert_eq!(server.get("/composes/latest-odcs-1-1/").await.status, 404);
    let other = server.get(second["result_repofile"].as_str().unwrap()).await;
    assert_eq!(other.status, 200, "the other one is as it was");
    assert!(package.is_file(), "the repository is as it was");

    let again = server.ask(Method::DELETE, "/api/1/composes/1", &[], b"").await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["status"]),
        (400, &json!(400))
    );
    assert_eq!(server.odcs(["delete", "99"]).status.code(), Some(255));
}

#[tokio::test]
async fn an_expired_compose_goes_by_itself() {
    let start = Start::new().args(["--sweep", "1"]);
    let repository = crate::support::Repository::copy_below(start.dir());
    let server = start.start();
    let body = json!({"source": {"type": "repo", "source": repository.path}, "seconds_to_live": 1});
    let compose = server.compose(&body).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    let removed = until_state(&server, &compose["id"], "removed").await;
    assert!(removed["removed_by"].is_null());
    assert!(
        removed["state_reason"]
            .as_str()
            .unwrap()
            .ends_with("\nCompose is expired.")
    );
}

#[tokio::test]
async fn composes_that_have_not_ended_are_cancelled() {
    let start = Start::new();
    let repository = start.dir().join("many");
    let options = GeneratorOptions {
        packages: 3000,
        ..GeneratorOptions::default()
    };
    write_repository(&repository, generate(options), Layout::Flat).unwrap();
    let server = start.start();
    let body = json!({"source": {"type": "repo", "source": repository}});
    let (running, waiting) = (server.submit(&body).await, server.submit(&body).await);
    until_state(&server, &running["id"], "generating").await;
    for compose in [&waiting, &running] {
        let path = format!("/api/1/composes/{}", compose["id"]);
        let begun = Instant::now();
        assert_eq!(server.ask(Method::DELETE, &path, &[], b"").await.status, 202);
        let ended = until_state(&server, &compose["id"], "failed").await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_eq!(ended["state_reason"], "Canceled by anonymous.");
        assert_eq!(ended["removed_by"], "anonymous");
    }
    // The worker is free again at once.
    let small = server.dir.path().join("small");
    crate::support::Repository::copy(&small);
    assert_eq!(server.compose_of(&small, &["ed"]).await["state_name"], "done");
    let staging = server.target().join(".staging");
    let begun = Instant::now();
    while std::fs::read_dir(&staging).unwrap().next().is_some() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "what was half-made is still there"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!server.target().join("odcs-1/compose").exists());
}
