//! Signatures that are verified against a keyring.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Repository, Start, test_repository};

const SIGNED: &str = "line-editor-common-2.1-3.noarch.rpm";

/// A repository of the signed package alone, and one in which it has been changed: both claim the same key.
fn repositories(dir: &Path) -> (PathBuf, PathBuf) {
    let make = |name: &str| {
        let repository = Repository::copy(&dir.join(name)).without_metadata();
        for entry in std::fs::read_dir(repository.path.join("Packages")).unwrap() {
            let path = entry.unwrap().path();
            if !path.ends_with(SIGNED) {
                std::fs::remove_file(path).unwrap();
            }
        }
        repository
    };
    let (good, forged) = (make("good"), make("forged"));
    let mut bytes = std::fs::read(forged.package(SIGNED)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(forged.package(SIGNED), bytes).unwrap();
    (good.path, forged.path)
}

fn key() -> String {
    let id = std::fs::read_to_string(test_repository().join("KEY-ID")).unwrap();
    id.trim().to_owned()
}

fn keyring(start: Start) -> Start {
    let keyring = test_repository().join("RPM-GPG-KEY-odcs-test");
    start.variable("ODCS_KEYRING", keyring.to_str().unwrap())
}

fn asking(repository: &Path, sigkeys: &[&str]) -> Value {
    json!({"source": {"type": "repo", "source": repository, "sigkeys": sigkeys}})
}

#[tokio::test]
async fn a_forged_key_id_is_found_out() {
    let key = key();
    let claims = Start::new();
    let (_, forged) = repositories(claims.dir());
    let server = claims.start();
    let made = server.compose(&asking(&forged, &[&key])).await;
    assert_eq!(made["state_name"], "done", "nobody was told to verify it: {made}");

    let verifies = keyring(Start::new());
    let (good, forged) = repositories(verifies.dir());
    let server = verifies.start();
    let made = server.compose(&asking(&good, &[&key])).await;
    assert_eq!(made["state_name"], "done", "{made}");
    let failed = server.compose(&asking(&forged, &[&key])).await;
    assert_eq!(failed["state_name"], "failed", "{failed}");
    let reason = failed["state_reason"].as_str().unwrap();
    for says in [
        "line-editor-common-0:2.1-3.noarch",
        &key,
        "the payload is not the one that was signed",
    ] {
        assert!(reason.contains(says), "{reason}");
    }
    // A source that is trusted is taken as it is where nobody asks.
    for sigkeys in [&[][..], &[""], &[key.as_str(), ""]] {
        let made = server.compose(&asking(&forged, sigkeys)).await;
        assert_eq!(made["state_name"], "done", "{made}");
    }
}

#[tokio::test]
async fn untrusted_sources_are_verified_whatever_is_asked_for_and_again_when_they_are_renewed() {
    let trusting = Start::new();
    let (_, forged) = repositories(trusting.dir());
    let server = trusting.start();
    let made = server.compose(&asking(&forged, &[])).await;
    assert_eq!(made["state_name"], "done", "{made}");
    assert_eq!(server.odcs(["delete", "1"]).status.code(), Some(0));
    let begun = std::time::Instant::now();
    while server.target().join("odcs-1").exists() {
        assert!(begun.elapsed().as_secs() < 30, "{}", server.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    server.signal(nix::sys::signal::Signal::SIGTERM);
    let (_, again) = server.wait();

    let untrusted = again.dir().join("forged").to_str().unwrap().to_owned();
    let good = again.dir().join("good");
    let server = keyring(again)
        .variable("ODCS_UNTRUSTED_REPO_ROOTS", untrusted)
        .start();
    let refused = |compose: &Value| {
        assert_eq!(compose["state_name"], "failed", "{compose}");
        let reason = compose["state_reason"].as_str().unwrap();
        assert!(
            reason.contains("not signed with any key of the service's keyring"),
            "{reason}"
        );
    };
    for sigkeys in [&[][..], &[""]] {
        refused(&server.compose(&asking(&forged, sigkeys)).await);
    }
    let made = server.compose(&asking(&good, &[])).await;
    assert_eq!(made["state_name"], "done", "{made}");
    let renewed = server.odcs(["renew", "1"]);
    let renewed: Value = serde_json::from_slice(&renewed.stdout).unwrap();
    refused(&server.ended(renewed["id"].as_i64().unwrap()).await);
}

#[test]
fn a_keyring_that_cannot_be_used_is_a_mistake_in_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let check = |file: &str| {
        std::fs::write(dir.path().join("odcs.toml"), file).unwrap();
        let mut command = std::process::Command::new(crate::support::ODCS);
        let output = command
            .args(["config", "--check"])
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let message = check("keyring = \"odcs.toml\"\n");
    assert!(
        message.contains("odcs.toml: there is no OpenPGP public key in it"),
        "{message}"
    );
    let message = check("\nverify_signatures = \"untrusted\"\n");
    assert!(message.contains("odcs.toml:2:21: verify_signatures"), "{message}");
}
