//! `odcs renew` against a running server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::{json, on_a_terminal, text};
use crate::support::{Server, has};

/// The packages of a compose, by their names and bytes.
fn packages(server: &Server, id: i64) -> Vec<(String, Vec<u8>)> {
    let contents = test_support::contents(&server.target().join(format!("odcs-{id}/compose")));
    contents
        .into_iter()
        .filter(|(path, _)| path.ends_with(".rpm"))
        .collect()
}

/// Deletes a compose, and waits until its tree has gone.
pub(crate) async fn delete(server: &Server, id: i64) {
    assert_eq!(server.odcs(["delete", &id.to_string()]).status.code(), Some(0));
    let begun = Instant::now();
    while server.target().join(format!("odcs-{id}")).exists() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_is_there_is_kept_longer() {
    let (server, repository) = Server::with_test_repository();
    let before = server.compose_of(&repository, &["ed"]).await;
    let renewed = server.odcs(["renew", "1", "--seconds-to-live", "200000"]);
    assert_eq!(renewed.status.code(), Some(0), "{renewed:?}");
    let (printed, after) = (json(&renewed), json(&server.odcs(["get", "1"])));
    assert_eq!(printed["time_to_expire"], after["time_to_expire"]);
    let expires = |compose: &Value| compose["time_to_expire"].as_str().unwrap().to_owned();
    assert!(expires(&after) > expires(&before), "{after}");
    let same = |compose: &Value| {
        let mut compose = compose.clone();
        compose["time_to_expire"].take();
        compose
    };
    assert_eq!(same(&after), same(&before), "nothing else about it is different");
    // A shorter life is none that it was promised.
    let shorter = json(&server.odcs(["renew", "1", "--seconds-to-live", "60"]));
    assert_eq!(expires(&shorter), expires(&after));
    assert_eq!(json(&server.odcs(["list"]))["meta"]["total"], 1);
}

#[tokio::test]
async fn what_is_gone_is_made_again_from_what_was_recorded() {
    let (server, repository) = Server::with_test_repository();
    server.compose_of(&repository, &["ed"]).await;
    let before = packages(&server, 1);
    assert!(!before.is_empty());
    delete(&server, 1).await;
    // The same request would be refused by now: the repository no longer lists anything.
    std::fs::remove_dir_all(repository.join("repodata")).unwrap();
    let renewed = server.odcs(["renew", "1"]);
    assert_eq!(renewed.status.code(), Some(0), "{renewed:?}");
    let compose = json(&renewed);
    assert_eq!(
        (&compose["id"], &compose["state_name"]),
        (&json!(2), &json!("done"))
    );
    assert_eq!(packages(&server, 2), before);

    if has("script") {
        delete(&server, 2).await;
        let (code, shown) = on_a_terminal(&server, "renew 2");
        assert_eq!(code, Some(0), "{shown}");
        assert!(shown.contains("compose 2 is made again as compose 3"), "{shown}");
        assert!(shown.contains("compose 3 is done"), "{shown}");
    }
}

#[tokio::test]
async fn what_is_to_be_different_is_a_compose_of_its_own() {
    let (server, repository) = Server::with_test_repository();
    server.compose_of(&repository, &["ed"]).await;
    let labelled = json(&server.odcs(["renew", "1", "--label", "RC-1.0"]));
    assert_eq!(
        (&labelled["id"], &labelled["label"], &labelled["state_name"]),
        (&json!(2), &json!("RC-1.0"), &json!("done"))
    );
    // Nothing there is signed with it.
    let unsigned = server.odcs(["renew", "1", "--sigkey", "0badc0de"]);
    assert_eq!(unsigned.status.code(), Some(1), "{unsigned:?}");
    let compose = json(&unsigned);
    assert_eq!(
        (&compose["id"], &compose["sigkeys"], &compose["state_name"]),
        (&json!(3), &json!("0badc0de"), &json!("failed"))
    );
    let reason = compose["state_reason"].as_str().unwrap();
    assert!(reason.contains("0badc0de"), "{reason}");
    // A repository has none.
    let refused = server.odcs(["renew", "1", "--module", "perl:5.36:1:abcd"]);
    assert_eq!(refused.status.code(), Some(255), "{refused:?}");
    assert_eq!(json(&refused)["status"], 400);

    let unknown = server.odcs(["renew", "99"]);
    assert_eq!(
        (unknown.status.code(), &json(&unknown)["status"]),
        (Some(255), &json!(404))
    );
    assert!(text(&unknown.stderr).contains("no compose 99"), "{unknown:?}");
}
