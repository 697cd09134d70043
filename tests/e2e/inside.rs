//! What is in composes: why, what is different, and what would be in them.

use std::path::{Path, PathBuf};

use reqwest::Method;
use rpmgen::{Layout, PackageSpec, write_repository};
use serde_json::{Value, json};

use crate::cli::{json, on_a_terminal, text};
use crate::support::{Server, Start, has, project_root};

fn package(name: &str, version: &str) -> PackageSpec {
    let source = PackageSpec::source(name, version, "1", "x86_64").file_name();
    PackageSpec::binary(name, version, "1", "x86_64").built_from(source)
}

fn write(path: &Path, packages: Vec<PackageSpec>) -> PathBuf {
    if path.exists() {
        std::fs::remove_dir_all(path).unwrap();
    }
    write_repository(path, packages, Layout::Flat).unwrap();
    path.to_owned()
}

/// A server, and a repository in which `app` needs `lib`, which needs `low`.
fn server() -> (Server, PathBuf) {
    let start = Start::new();
    let repository = write(
        &start.dir().join("apps"),
        vec![
            package("app", "1").with_requires("lib"),
            package("lib", "1").with_requires("low"),
            package("low", "1"),
            package("other", "1"),
        ],
    );
    (start.start(), repository)
}

fn nevras(answer: &Value) -> Vec<&str> {
    let items = answer["items"].as_array().unwrap().iter();
    items.map(|item| item["nevra"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_package_leads_back_to_the_request() {
    let (server, repository) = server();
    let compose = server.compose_of(&repository, &["ap*"]).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    let packages = server.get("/api/1/composes/1/packages").await.json();
    assert_eq!(
        nevras(&packages),
        ["app-0:1-1.x86_64", "lib-0:1-1.x86_64", "low-0:1-1.x86_64"]
    );
    // From one to the next, as programs go.
    for package in packages["items"].as_array().unwrap() {
        let mut at = package;
        let mut steps = 0;
        while let Some(by) = at["why"]["x86_64"]["by"].as_str() {
            let mut items = packages["items"].as_array().unwrap().iter();
            at = items.find(|item| item["nevra"] == by).unwrap();
            steps += 1;
            assert!(steps < 4);
        }
        assert_eq!(at["nevra"], "app-0:1-1.x86_64");
        assert_eq!(at["why"]["x86_64"]["pattern"], "ap*");
    }
    let listed = json(&server.odcs(["packages", "1", "--name", "l*"]));
    assert_eq!(nevras(&listed), ["lib-0:1-1.x86_64", "low-0:1-1.x86_64"]);

    let why = server.odcs(["why", "1", "low-1-1.x86_64.rpm"]);
    assert_eq!(why.status.code(), Some(0), "{why:?}");
    let why = json(&why);
    let steps = why["items"][0]["chain"].as_array().unwrap().iter();
    let steps: Vec<_> = steps.map(|step| step["text"].as_str().unwrap()).collect();
    assert_eq!(
        steps,
        [
            "app-1-1.x86_64 was asked for by ap*",
            "app-1-1.x86_64 requires lib",
            "lib-1-1.x86_64 requires low"
        ]
    );
    let absent = server.odcs(["why", "1", "loww"]);
    assert_eq!(absent.status.code(), Some(1));
    assert_eq!(json(&absent)["near"], json!(["low"]));
    assert!(
        text(&absent.stderr).contains("there is no package loww in compose 1; what is there: low"),
        "{absent:?}"
    );
    assert_eq!(server.odcs(["why", "9", "low"]).status.code(), Some(255));
    if has("script") {
        let (code, shown) = on_a_terminal(&server, "why 1 low");
        assert_eq!(code, Some(0), "{shown}");
        let shown = shown.replace('\r', "");
        assert_eq!(
            shown,
            "low-1-1.x86_64 is in compose 1 (x86_64) because\n  app-1-1.x86_64 was asked for by ap*\n  \
             app-1-1.x86_64 requires lib\n  lib-1-1.x86_64 requires low\n"
        );
        let (_, shown) = on_a_terminal(&server, "packages 1");
        assert!(
            shown.contains("lib-1-1.x86_64 requires low") && shown.contains("3 packages"),
            "{shown}"
        );
    }
    let manifest = json(&server.odcs(["manifest", "1"]));
    assert_eq!(manifest["packages"][0]["nevra"], "app-0:1-1.x86_64");
    assert!(
        manifest["packages"][0]["file"]
            .as_str()
            .unwrap()
            .ends_with("app-1-1.x86_64.rpm")
    );

    // One that uses its tree has the same; one that is removed keeps what it had; a failed one never had any.
    let reusing = server.compose_of(&repository, &["ap*"]).await;
    assert_eq!(reusing["state_name"], "done");
    assert_eq!(
        server.get("/api/1/composes/2/packages").await.json()["tree_of"],
        1
    );
    assert_eq!(json(&server.odcs(["diff", "1", "2"]))["items"], json!([]));
    server.compose_of(&repository, &["nothing"]).await;
    let failed = server.get("/api/1/composes/3/packages").await;
    assert_eq!(failed.status, 404);
    assert!(failed.json()["message"].as_str().unwrap().contains("has failed"));
}

#[tokio::test]
async fn what_lookaside_has_is_not_in_it() {
    let (server, repository) = server();
    write(&server.dir.path().join("base"), vec![package("low", "2")]);
    let url = format!("file://{}", server.dir.path().join("base").display());
    let body = json!({
        "source": {"type": "repo", "source": repository, "packages": ["app"]}, "lookaside_repos": [url],
    });
    let answer = server
        .ask(
            Method::POST,
            "/api/1/composes/?dry_run=1",
            &[],
            body.to_string().as_bytes(),
        )
        .await;
    let inside = ["app-0:1-1.x86_64", "lib-0:1-1.x86_64"];
    assert_eq!(nevras(&answer.json()), inside);
    let compose = server.compose(&body).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    let packages = server.get("/api/1/composes/1/packages").await.json();
    assert_eq!(nevras(&packages), inside);
    assert_eq!(server.odcs(["why", "1", "low"]).status.code(), Some(1));
    let why = json(&server.odcs(["why", "1", "lib"]));
    let chain = why["items"][0]["chain"].as_array().unwrap();
    assert_eq!(
        (chain.len(), &chain[0]["reason"], &chain[1]["by"]),
        (2, &json!("asked"), &json!("app-0:1-1.x86_64"))
    );
}

#[tokio::test]
async fn two_composes_of_a_repository_that_changed() {
    let (server, repository) = server();
    server.compose_of(&repository, &[]).await;
    write(
        &repository,
        vec![
            package("app", "2").with_requires("lib"),
            package("lib", "1").with_requires("low"),
            package("low", "0"),
            package("new", "1"),
        ],
    );
    let second = server.compose_of(&repository, &[]).await;
    assert_eq!(second["state_name"], "done", "{second}");
    let difference = server.get("/api/1/composes/1/diff/2").await.json();
    let items = difference["items"].as_array().unwrap().iter();
    let items: Vec<_> = items
        .map(|item| {
            format!(
                "{} {}",
                item["change"].as_str().unwrap(),
                item["name"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        items,
        ["upgraded app", "downgraded low", "added new", "removed other"]
    );
    let back = json(&server.odcs(["diff", "2", "1"]));
    assert_eq!(
        (&back["counts"]["added"], &back["counts"]["downgraded"]),
        (&json!(1), &json!(1))
    );
    if has("script") {
        let (code, shown) = on_a_terminal(&server, "diff 1 2");
        assert_eq!(code, Some(0), "{shown}");
        assert!(
            shown.contains("1 added, 1 downgraded, 1 removed, 1 upgraded"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_dry_run_leaves_nothing_behind() {
    let (server, repository) = server();
    let before = test_support::contents(&server.target());
    let dry = server.odcs(["create-repo", "apps", "app", "--dry-run", "--sigkey", ""]);
    assert_eq!(dry.status.code(), Some(0), "{dry:?}");
    let dry = json(&dry);
    assert_eq!(
        nevras(&dry),
        ["app-0:1-1.x86_64", "lib-0:1-1.x86_64", "low-0:1-1.x86_64"]
    );
    assert_eq!(
        dry["items"][2]["why"]["x86_64"]["text"],
        "lib-1-1.x86_64 requires low"
    );
    let path = repository.to_str().unwrap();
    let other = json(&server.odcs(["create", "repo", path, "other", "--dry-run"]));
    assert_eq!(nevras(&other), ["other-0:1-1.x86_64"]);

    let failing = server.odcs(["create-repo", "apps", "nothing", "--dry-run"]);
    assert_eq!(failing.status.code(), Some(1), "{failing:?}");
    assert_eq!(json(&failing)["status"], 422);
    // What a reason has no room for is in the log, and there will never be another one.
    let unmet = "create-repo apps app --no-deps --flag check_deps --dry-run --watch";
    let unmet = server.odcs(unmet.split(' '));
    assert_eq!(unmet.status.code(), Some(1), "{unmet:?}");
    let told = "check_deps: app-0:1-1.x86_64 requires lib, which lib-0:1-1.x86_64 would provide";
    let lines = json(&unmet)["log"].to_string();
    assert!(lines.contains(told), "{lines}");
    assert!(text(&unmet.stderr).contains(told), "{unmet:?}");
    let refused = server.odcs(["create-repo", "/etc", "--dry-run"]);
    assert_eq!(refused.status.code(), Some(255), "{refused:?}");
    let body = json!({"source": {"type": "repo", "source": repository, "packages": ["app"]}}).to_string();
    for query in ["dry_run=maybe", "dry-run=1"] {
        let path = format!("/api/1/composes/?{query}");
        let answer = server.ask(Method::POST, &path, &[], body.as_bytes()).await;
        assert_eq!(answer.status, 400, "{query}");
    }
    if has("script") {
        let (code, shown) = on_a_terminal(&server, "create-repo apps app --dry-run");
        assert_eq!(code, Some(0), "{shown}");
        assert!(
            shown.contains("3 packages would be in the compose; nothing was made"),
            "{shown}"
        );
    }
    assert_eq!(server.get("/api/1/composes/").await.json()["meta"]["total"], 0);
    let mut after = test_support::contents(&server.target());
    // But what was found out about packages.
    after.retain(|path, _| !path.starts_with(".cache/"));
    assert_eq!(after, before);

    // What failed there fails here, for the same reason; ids begin with one.
    let failed = server.compose_of(&repository, &["nothing"]).await;
    assert_eq!(failed["id"], 1);
    assert_eq!(failed["state_reason"], json(&failing)["message"]);
    let made = server.compose_of(&repository, &["app"]).await;
    assert_eq!((&made["id"], &made["state_name"]), (&json!(2), &json!("done")));
    assert_eq!(
        nevras(&server.get("/api/1/composes/2/packages").await.json()),
        nevras(&dry)
    );

    let answer = server
        .ask(Method::PATCH, "/api/1/composes/2?dry_run=1", &[], b"")
        .await;
    assert_eq!(answer.status, 400);
    let answer = server
        .ask(Method::DELETE, "/api/1/composes/2?dry_run=1", &[], b"")
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(server.get("/api/1/composes/2").await.json()["state_name"], "done");
}

/// The readme shows the way to a package of the repository that its reader has.
#[tokio::test]
async fn the_readme_shows_what_is_said() {
    let (server, repository) = Server::with_test_repository();
    server.compose_of(&repository, &["ed"]).await;
    let readme = std::fs::read_to_string(project_root().join("README.md")).unwrap();
    let (_, shown) = readme.split_once("odcs why 1 ").unwrap();
    let (package, shown) = shown.split_once('\n').unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    if has("script") {
        let (code, said) = on_a_terminal(&server, &format!("why 1 {package}"));
        assert_eq!(
            (code, said.replace('\r', "").as_str()),
            (Some(0), shown),
            "README.md"
        );
    }
}
