//! What goes wrong outside is said in one plain sentence; nothing half-made is seen, and the service
//! goes on.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{NOBODY, Repository, Server, Start, is_root};

/// Makes a compose that must fail, and checks everything that holds for all failures.
async fn fails(server: &Server, body: &Value, says: &[&str]) {
    let before = server.get("/api/1/composes/").await.json()["meta"]["total"]
        .as_i64()
        .unwrap();
    let compose = server.compose(body).await;
    let reason = compose["state_reason"].as_str().unwrap();
    assert_eq!(compose["state_name"], "failed", "{compose}");
    for word in says {
        assert!(reason.contains(word), "{word:?} is not in: {reason}");
    }
    assert!(
        !reason.contains('\n') && reason.len() < 700,
        "one sentence: {reason}"
    );
    let id = compose["id"].as_i64().unwrap();
    assert_eq!(id, before + 1);
    for path in [
        "compose",
        "compose/Temporary",
        &format!("compose/Temporary/odcs-{id}.repo"),
    ] {
        assert_eq!(
            server.get(&format!("/composes/odcs-{id}/{path}")).await.status,
            404,
            "{path}"
        );
    }
    let log = server.get(&format!("/composes/odcs-{id}/pungi-stderr.log")).await;
    assert!(
        log.text().contains(says[0]),
        "the log says it, too: {}",
        log.text()
    );
    assert_eq!(
        server.get(&format!("/composes/latest-odcs-{id}-1/")).await.status,
        404
    );
    let staging = server.target().join(".staging");
    let left: Vec<_> = std::fs::read_dir(&staging)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

async fn fails_for(server: &Server, repository: &Path, packages: &[&str], says: &[&str]) {
    fails(
        server,
        &json!({"source": {"type": "repo", "source": repository, "packages": packages}}),
        says,
    )
    .await;
}

/// A compose of a sound repository, to see that the service is well.
async fn goes_on(server: &Server) {
    let sound = Repository::copy(&server.dir.path().join("sound"));
    let compose = server.compose_of(&sound.path, &["ed"]).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
}

#[tokio::test]
async fn packages_and_arches_that_are_not_there() {
    let (server, repository) = Server::with_test_repository();
    fails_for(
        &server,
        &repository,
        &["ed", "emacs", "vim*"],
        &["emacs", "vim*", "x86_64", repository.to_str().unwrap()],
    )
    .await;
    // A compose of nothing is no success either.
    for packages in [["-ed"], ["-"]] {
        fails_for(&server, &repository, &packages, &["leave out", packages[0]]).await;
    }
    let taken_away = ["ed is left out by"];
    fails_for(&server, &repository, &["ed", "-ed"], &taken_away).await;
    let body = |arch: &str, packages: &[&str]| json!({"source": {"type": "repo", "source": repository, "packages": packages}, "arches": [arch]});
    fails(&server, &body("s390x", &["ed"]), &["s390x", "x86_64", "aarch64"]).await;
    fails(&server, &body("s390x", &[]), &["s390x"]).await;
    fails_for(
        &server,
        &server.dir.path().join("nowhere"),
        &["ed"],
        &["nowhere", "no directory"],
    )
    .await;
    std::fs::create_dir(server.dir.path().join("empty")).unwrap();
    fails_for(
        &server,
        &server.dir.path().join("empty"),
        &["ed"],
        &["neither", "repomd.xml"],
    )
    .await;
    goes_on(&server).await;
}

#[tokio::test]
async fn corrupt_packages() {
    let (server, path) = Server::with_test_repository();
    let repository = Repository { path };
    let ed = repository.package("ed-1.20-1.x86_64.rpm");
    let sound = std::fs::read(&ed).unwrap();
    let mut flipped = sound.clone();
    let last = flipped.len() - 3;
    flipped[last] ^= 1;
    std::fs::write(&ed, flipped).unwrap();
    fails_for(
        &server,
        &repository.path,
        &["ed"],
        &["ed-1.20-1.x86_64.rpm", "checksum"],
    )
    .await;
    std::fs::write(&ed, &sound[..1000]).unwrap();
    fails_for(&server, &repository.path, &["ed"], &["ed-1.20-1.x86_64.rpm"]).await;
    std::fs::remove_file(&ed).unwrap();
    fails_for(
        &server,
        &repository.path,
        &["ed"],
        &["ed-1.20-1.x86_64.rpm", "no such file"],
    )
    .await;
    // Another package under this one's name.
    std::fs::copy(repository.package("ed-1.20-1.aarch64.rpm"), &ed).unwrap();
    fails_for(&server, &repository.path, &["ed"], &["ed-1.20-1.x86_64.rpm"]).await;
    let plain = Repository::copy(&server.dir.path().join("plain")).without_metadata();
    std::fs::write(plain.package("ed-1.20-1.x86_64.rpm"), "this is no package").unwrap();
    fails_for(
        &server,
        &plain.path,
        &["ed"],
        &["ed-1.20-1.x86_64.rpm", "not a readable RPM"],
    )
    .await;
    goes_on(&server).await;
}

#[tokio::test]
async fn damaged_metadata() {
    let (server, path) = Server::with_test_repository();
    let repository = Repository { path };
    let primary = repository.metadata("primary.xml.gz");
    let name = primary.file_name().unwrap().to_str().unwrap().to_owned();
    let sound = std::fs::read(&primary).unwrap();
    std::fs::write(&primary, &sound[..sound.len() / 2]).unwrap();
    fails_for(&server, &repository.path, &["ed"], &[&name, "bytes"]).await;
    let mut flipped = sound.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    std::fs::write(&primary, &flipped).unwrap();
    fails_for(&server, &repository.path, &["ed"], &[&name, "checksum"]).await;
    std::fs::remove_file(&primary).unwrap();
    fails_for(&server, &repository.path, &["ed"], &[&name, "not there"]).await;
    std::fs::write(repository.path.join("repodata/repomd.xml"), "<html>").unwrap();
    fails_for(&server, &repository.path, &["ed"], &["repomd.xml"]).await;
    // Right checksums over XML that breaks off: of two such files, the one that says what packages there are is named.
    for (broken, named) in [
        (&["primary"][..], "primary"),
        (&["filelists"], "filelists"),
        (&["primary", "filelists"], "primary"),
    ] {
        let repository = Repository::copy(&server.dir.path().join(broken.join("-")));
        repository.rewrite_metadata(".gz", |kind, mut xml| {
            if broken.contains(&kind) {
                xml.truncate(xml.len() / 2);
            }
            xml
        });
        let says = format!("{}/repodata/{named}.xml.gz is damaged", broken.join("-"));
        fails_for(&server, &repository.path, &["ed"], &[&says]).await;
    }
    goes_on(&server).await;
}

#[tokio::test]
async fn locations_and_links_that_lead_out() {
    let (server, _) = Server::with_test_repository();
    let secret = tempfile::TempDir::new().unwrap();
    let outside = secret.path().join("ed-1.20-1.x86_64.rpm");
    for href in [
        "../../outside.rpm",
        "/etc/passwd",
        "Packages/../../x.rpm",
        outside.to_str().unwrap(),
    ] {
        let repository = Repository::copy(&server.dir.path().join("href"));
        repository.rewrite_metadata(".gz", |_, xml| xml.replace("Packages/ed-1.20-1.x86_64.rpm", href));
        fails_for(
            &server,
            &repository.path,
            &["ed"],
            &["ed-0:1.20-1.x86_64", "leads out", href],
        )
        .await;
        std::fs::remove_dir_all(repository.path).unwrap();
    }
    let repository = Repository::copy(&server.dir.path().join("links"));
    let ed = repository.package("ed-1.20-1.x86_64.rpm");
    std::fs::rename(&ed, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &ed).unwrap();
    fails_for(
        &server,
        &repository.path,
        &["ed"],
        &["ed-1.20-1.x86_64.rpm", "symbolic link"],
    )
    .await;
    fails_for(
        &server,
        &repository.without_metadata().path,
        &["ed"],
        &["ed-1.20-1.x86_64.rpm", "symbolic link"],
    )
    .await;
    let linked = server.dir.path().join("linked");
    std::os::unix::fs::symlink(secret.path(), &linked).unwrap();
    fails_for(&server, &linked, &["ed"], &["linked", "symbolic link"]).await;
    goes_on(&server).await;
}

#[tokio::test]
async fn signatures_that_are_missing() {
    let (server, repository) = Server::with_test_repository();
    let body = |keys: &[&str]| json!({"source": {"type": "repo", "source": repository, "packages": ["ed"], "sigkeys": keys}});
    fails(&server, &body(&["9f8d0467"]), &["ed-", "9f8d0467", "not signed"]).await;
    fails(
        &server,
        &body(&["deadbeef"]),
        &["line-editor-common", "deadbeef", "9f8d0467"],
    )
    .await;
    goes_on(&server).await;
}

#[tokio::test]
async fn a_full_disk() {
    let start = Start::new().on_a_disk_of(24);
    let repository = Repository::copy_below(start.dir());
    let server = start.start();
    let compose = server.compose_of(&repository.path, &[]).await;
    assert_eq!(compose["state_name"], "failed", "{compose}");
    let reason = compose["state_reason"].as_str().unwrap();
    assert!(reason.contains("full"), "{reason}");
    assert_eq!(server.get("/composes/odcs-1/compose/").await.status, 404);
    assert_eq!(
        server.get("/api/1/composes/1").await.status,
        200,
        "the service goes on"
    );
}

#[tokio::test]
async fn another_file_system() {
    let start = Start::new().on_a_disk_of(40_000);
    let repository = Repository::copy_below(start.dir());
    let server = start.start();
    let compose = server.compose_of(&repository.path, &["ed"]).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    let log = server.get("/composes/odcs-1/pungi-stderr.log").await.text();
    let counted: Vec<_> = log.lines().filter(|line| line.contains("copied")).collect();
    assert_eq!(counted.len(), 1, "reported once: {log}");

    let start = Start::new()
        .on_a_disk_of(40_000)
        .args(["--link-fallback", "fail"]);
    let repository = Repository::copy_below(start.dir());
    let server = start.start();
    let compose = server.compose_of(&repository.path, &["ed"]).await;
    assert_eq!(compose["state_name"], "failed", "{compose}");
    let reason = compose["state_reason"].as_str().unwrap();
    assert!(reason.contains("hardlink") && reason.contains(".rpm"), "{reason}");
}

#[tokio::test]
async fn files_that_may_not_be_read() {
    // Nothing is hidden from root, so the server runs as somebody else then.
    let start = if is_root() {
        Start::new().run_by(NOBODY)
    } else {
        Start::new()
    };
    let repository = Repository::copy_below(start.dir());
    let server = start.start();
    let forbid = |path: &Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o000)).unwrap();
    let allow = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let ed = repository.package("ed-1.20-1.x86_64.rpm");
    forbid(&ed);
    fails_for(
        &server,
        &repository.path,
        &["ed"],
        &["ed-1.20-1.x86_64.rpm", "permission denied"],
    )
    .await;
    allow(&ed, 0o644);
    let packages = repository.path.join("Packages");
    forbid(&packages);
    fails_for(&server, &repository.path, &["ed"], &["permission denied"]).await;
    allow(&packages, 0o755);
    forbid(&repository.path);
    fails_for(
        &server,
        &repository.path,
        &["ed"],
        &[repository.path.to_str().unwrap(), "may not be read"],
    )
    .await;
    allow(&repository.path, 0o755);
    // The kernel may forbid to hardlink what one does not own; then it is copied.
    goes_on(&server).await;
}
