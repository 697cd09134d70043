//! ISO images, as somebody sees them who asks for some.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::contents;

use crate::renewal::delete;
use crate::support::{Repository, Server, Start, as_root, has, run};

fn request(repository: &Path) -> Value {
    json!({
        "source": {"type": "repo", "source": repository, "packages": ["ed"]},
        "results": ["iso"],
    })
}

/// The paths of the images of a compose, below its `compose/`, with the arches that they are listed under.
async fn images(server: &Server, id: i64) -> Vec<(String, Value)> {
    let answer = server
        .get(&format!("/composes/odcs-{id}/compose/metadata/images.json"))
        .await;
    assert_eq!(answer.status, 200);
    let images = answer.json();
    let arches = images["payload"]["images"]["Temporary"]
        .as_object()
        .unwrap()
        .clone();
    let listed = arches.into_iter().flat_map(|(arch, images)| {
        let images = images.as_array().unwrap().clone();
        images.into_iter().map(move |image| (arch.clone(), image))
    });
    listed.collect()
}

#[tokio::test]
async fn an_image_is_made_served_and_can_be_used() {
    if !has("xorriso") || !has("dnf") {
        return;
    }
    let (server, repository) = Server::with_test_repository();
    let about = server.get("/api/1/about/").await.json();
    assert_eq!(about["results"], json!(["repository", "iso"]));
    let mut body = request(&repository);
    body["arches"] = json!(["x86_64", "aarch64"]);
    let compose = server.compose(&body).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    assert_eq!(compose["results"], json!(["repository", "iso"]));
    let images = images(&server, 1).await;
    let found: Vec<_> = images
        .iter()
        .map(|(arch, image)| (arch.as_str(), image["arch"].as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ("aarch64", "aarch64"),
            ("aarch64", "src"),
            ("x86_64", "src"),
            ("x86_64", "x86_64")
        ]
    );
    for (_, image) in &images {
        let url = format!("/composes/odcs-1/compose/{}", image["path"].as_str().unwrap());
        let whole = server.get(&url).await;
        assert_eq!(
            (whole.status.as_u16(), whole.header("content-type")),
            (200, "application/vnd.efi.iso")
        );
        assert_eq!(image["size"], whole.body.len());
        let part = server
            .ask(reqwest::Method::GET, &url, &[("Range", "bytes=32768-34815")], b"")
            .await;
        assert_eq!(part.status, 206);
        assert_eq!(part.body, whole.body[32_768..34_816]);
        let (directory, name) = url.rsplit_once('/').unwrap();
        let sums = server.get(&format!("{directory}/SHA256SUM")).await.text();
        let sum = image["checksums"]["sha256"].as_str().unwrap();
        assert_eq!(
            sums,
            format!("# {name}: {} bytes\nSHA256 ({name}) = {sum}\n", whole.body.len())
        );

        // What somebody has who mounts it.
        let dir = tempfile::tempdir().unwrap();
        let (iso, out, root) = (
            dir.path().join("it.iso"),
            dir.path().join("out"),
            dir.path().join("root"),
        );
        std::fs::write(&iso, &whole.body).unwrap();
        run(Command::new("xorriso")
            .args(["-no_rc", "-osirrox", "on", "-indev"])
            .arg(&iso)
            .args(["-extract", "/"])
            .arg(&out));
        let mut dnf = as_root("dnf");
        let repository = format!("--repofrompath=iso,{}", out.display());
        dnf.args([
            "--quiet",
            "--disablerepo=*",
            "--enablerepo=iso",
            "--releasever=1",
            &repository,
        ])
        .arg(format!("--installroot={}", root.display()))
        .args(["--forcearch=x86_64", "repoquery", "--location"]);
        let locations = run(&mut dnf);
        let mut locations: Vec<_> = locations
            .lines()
            .filter_map(|line| line.split_once("/out/").map(|(_, path)| path.to_owned()))
            .collect();
        locations.sort();
        let packages = test_support::files(&out);
        let packages: Vec<_> = packages
            .into_iter()
            .filter(|path| path.ends_with(".rpm"))
            .collect();
        assert!(
            !packages.is_empty() && locations == packages,
            "{locations:?} {packages:?}"
        );
        run(Command::new("chmod").args(["-R", "u+w"]).arg(&out));
    }
    let log = server.get("/api/1/composes/1/log").await.text();
    assert!(log.contains("] iso: making 3 ISO images\n"), "{log}");
}

#[tokio::test]
async fn images_are_reused_made_again_and_removed_with_their_compose() {
    if !has("xorriso") {
        return;
    }
    let (server, repository) = Server::with_test_repository();
    let body = request(&repository);
    assert_eq!(server.compose(&body).await["state_name"], "done");
    let again = server.compose(&body).await;
    assert!(
        again["toplevel_url"].as_str().unwrap().ends_with("/odcs-1"),
        "{again}"
    );
    // Without images it is another compose.
    let plain = server.compose_of(&repository, &["ed"]).await;
    assert!(
        plain["toplevel_url"].as_str().unwrap().ends_with("/odcs-3"),
        "{plain}"
    );
    let before = contents(&server.target().join("odcs-1/compose"));
    delete(&server, 2).await;
    assert!(server.target().join("odcs-1").exists(), "it has another user");
    delete(&server, 1).await;
    let renewed = server.odcs(["renew", "1"]);
    assert_eq!(renewed.status.code(), Some(0), "{renewed:?}");
    // The names and the date are others; the packages and what is in the images are not.
    let after = contents(&server.target().join("odcs-4/compose"));
    let names = |contents: &std::collections::BTreeMap<String, Vec<u8>>, id: &str| -> Vec<String> {
        contents.keys().map(|path| path.replace(id, "ID")).collect()
    };
    assert_eq!(names(&before, "odcs-1"), names(&after, "odcs-4"));
    let manifests = |contents: &std::collections::BTreeMap<String, Vec<u8>>| -> Vec<Vec<u8>> {
        let manifests = contents.iter().filter(|(path, _)| path.ends_with(".manifest"));
        manifests.map(|(_, bytes)| bytes.clone()).collect()
    };
    assert_eq!(manifests(&before), manifests(&after));
    assert_eq!(manifests(&before).len(), 2);
}

#[tokio::test]
async fn what_this_server_does_not_make_is_refused_at_once() {
    let start = Start::new();
    let repository = Repository::copy_below(start.dir()).path;
    let server = start.variable("ODCS_XORRISO", "/no/such/xorriso").start();
    assert_eq!(
        server.get("/api/1/about/").await.json()["results"],
        json!(["repository"])
    );
    for (result, says) in [
        ("iso", "install the package xorriso"),
        ("boot.iso", "only Pungi makes that"),
        ("ostree", "only Pungi makes that"),
    ] {
        let mut body = request(&repository);
        body["results"] = json!([result]);
        let answer = server.post(&body).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(
            message.starts_with("\"results\": ") && message.contains(says),
            "{message}"
        );
        assert!(message.contains(result), "{message}");
    }
    assert_eq!(server.get("/api/1/composes/").await.json()["meta"]["total"], 0);
}

/// A program that takes the place of `xorriso`, a shell script.
fn fake(directory: &Path, script: &str) -> PathBuf {
    let path = directory.join("fake-xorriso");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn a_failing_program_fails_the_compose_and_nothing_else() {
    let start = Start::new();
    let repository = Repository::copy_below(start.dir()).path;
    let program = fake(start.dir(), "echo 'xorriso : FATAL : out of luck' >&2; exit 3");
    let server = start.variable("ODCS_XORRISO", program.to_str().unwrap()).start();
    let compose = server.compose(&request(&repository)).await;
    assert_eq!(compose["state_name"], "failed", "{compose}");
    let reason = compose["state_reason"].as_str().unwrap();
    assert!(
        reason.ends_with("cannot be made: xorriso failed (exit status: 3): xorriso : FATAL : out of luck"),
        "{reason}"
    );
    assert_eq!(server.get("/composes/odcs-1/compose/").await.status, 404);
    let plain = server.compose_of(&repository, &["ed"]).await;
    assert_eq!(plain["state_name"], "done", "{plain}");
}

#[tokio::test]
async fn a_compose_that_is_cancelled_leaves_no_program_behind() {
    let start = Start::new();
    let repository = Repository::copy_below(start.dir()).path;
    let pids = start.dir().join("pids");
    let script = format!(
        "sleep 1000 & echo $! > {0}.$$; mv {0}.$$ {0}; wait",
        pids.display()
    );
    let program = fake(start.dir(), &script);
    let server = start.variable("ODCS_XORRISO", program.to_str().unwrap()).start();
    server.submit(&request(&repository)).await;
    let begun = std::time::Instant::now();
    let pid = loop {
        if let Ok(pid) = std::fs::read_to_string(&pids) {
            break pid;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(server.odcs(["delete", "1"]).status.code(), Some(0));
    let stat = format!("/proc/{}/stat", pid.trim());
    while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let compose = server.ended(1).await;
    assert_eq!(compose["state_reason"], "Canceled by anonymous.", "{compose}");
}

#[tokio::test]
async fn a_disk_that_is_too_small_for_images_or_becomes_full_is_said_to_be() {
    // Enough for the repository, not for the images beside it.
    let start = Start::new().on_a_disk_of(18_000);
    let repository = Repository::copy_below(start.dir()).path;
    let program = fake(start.dir(), "exit 1");
    let server = start.variable("ODCS_XORRISO", program.to_str().unwrap()).start();
    let compose = server.compose(&request(&repository)).await;
    let reason = compose["state_reason"].as_str().unwrap();
    assert!(
        reason.contains("is too full: the compose needs about "),
        "{reason}"
    );
    let plain = server.compose_of(&repository, &["ed"]).await;
    assert_eq!(plain["state_name"], "done", "{plain}");

    // Somebody else fills it meanwhile.
    let start = Start::new().on_a_disk_of(30_000);
    let repository = Repository::copy_below(start.dir()).path;
    let program = fake(start.dir(), "cat /dev/zero > filler 2>/dev/null; cat /dev/zero");
    let server = start.variable("ODCS_XORRISO", program.to_str().unwrap()).start();
    let compose = server.compose(&request(&repository)).await;
    assert_eq!(compose["state_name"], "failed", "{compose}");
    let reason = compose["state_reason"].as_str().unwrap();
    assert!(
        reason.contains("the disk that holds ") && reason.ends_with(" is full"),
        "{reason}"
    );
}
