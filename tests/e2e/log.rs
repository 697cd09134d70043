//! `odcs log` against a running server.

use serde_json::json;

use crate::cli::{json, text};
use crate::stopping::many_packages;
use crate::support::{Server, Start};

fn on_disk(server: &Server, id: i64) -> String {
    std::fs::read_to_string(server.target().join(format!("odcs-{id}/pungi-stderr.log"))).unwrap()
}

#[tokio::test]
async fn the_log_is_printed_as_it_is() {
    let (server, repository) = Server::with_test_repository();
    server.compose_of(&repository, &["ed"]).await;
    server.compose_of(&repository, &["no-such-package"]).await;
    for id in [1, 2] {
        for arguments in [&["log"][..], &["log", "--follow"], &["log", "--quiet"]] {
            let printed = server.odcs(arguments.iter().copied().chain([id.to_string().as_str()]));
            assert_eq!(printed.status.code(), Some(0), "{printed:?}");
            assert_eq!(text(&printed.stdout), on_disk(&server, id));
            assert_eq!(text(&printed.stderr), "");
        }
    }
    assert!(on_disk(&server, 2).contains("no-such-package"));

    let unknown = server.odcs(["log", "99"]);
    assert_eq!(
        (unknown.status.code(), &json(&unknown)["status"]),
        (Some(255), &json!(404))
    );
}

#[tokio::test]
async fn a_log_is_followed_until_the_compose_has_ended() {
    // One is made at a time: the second has no log as long as the first is being made.
    let start = Start::new().variable("ODCS_CONCURRENCY", "1");
    many_packages(&start.dir().join("many"));
    let server = start.start();
    for packages in ["*", "p*"] {
        let accepted = server.odcs(["--no-wait", "create-repo", "many", packages]);
        assert_eq!(accepted.status.code(), Some(0), "{accepted:?}");
    }
    let early = server.odcs(["log", "2"]);
    assert_eq!(early.status.code(), Some(255), "{early:?}");
    assert!(
        text(&early.stderr).contains("nobody has begun to make it"),
        "{early:?}"
    );

    // Whoever follows is there before there is anything to print, and sees all of it.
    let followed = server.odcs(["log", "--follow", "2"]);
    assert_eq!(followed.status.code(), Some(0), "{followed:?}");
    let compose = json(&server.odcs(["get", "2"]));
    assert_eq!(compose["state_name"], "done", "{compose}");
    assert_eq!(text(&followed.stdout), on_disk(&server, 2));
    assert!(text(&followed.stdout).lines().count() > 3, "{followed:?}");
}
