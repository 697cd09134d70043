//! Trees that several composes use: what the suite for all stores does not ask for.

use std::time::Duration;

use odcs_core::compose::{Compose, ComposeId, ComposeState};
use odcs_core::manifest::{Fingerprint, Manifest, ManifestDocument};
use odcs_core::store::{Equal, Lease, Outcome};
use odcs_core::{ComposeStore, ErrorKind};
use odcs_rpm::{Digest, DigestAlgorithm};

use super::{SqliteStore, answer, at, execute, new};

fn fingerprint() -> Fingerprint {
    Fingerprint::new(&Digest::of_bytes(DigestAlgorithm::Sha256, b"same"))
}

async fn lease(store: &SqliteStore) -> Lease {
    store.insert(new()).await.unwrap();
    let claim = store.claim("w", at(0), Duration::from_secs(3_600)).await;
    let lease = claim.unwrap().unwrap().lease;
    assert!(store.find_equal(&lease, &fingerprint(), at(0)).await.is_ok());
    lease
}

async fn done(store: &SqliteStore) -> Compose {
    let outcome = Outcome::Done {
        at: at(10),
        reason: "ok".to_owned(),
        pungi_compose_id: "p".to_owned(),
    };
    let lease = lease(store).await;
    store.finish(&lease, outcome).await.unwrap()
}

fn reused(of: ComposeId, second: i64) -> Outcome {
    Outcome::Reused {
        at: at(second),
        reason: "ok".to_owned(),
        of,
    }
}

/// Also if the clock was set back after it was deleted.
#[tokio::test]
async fn what_was_deleted_does_not_come_back() {
    let store = SqliteStore::in_memory().await.unwrap();
    let made = done(&store).await;
    let user = lease(&store).await;
    let user = store.finish(&user, reused(made.id, 20)).await.unwrap();
    let made = store.discard(made.id, "ann", at(1_000)).await.unwrap();

    let extended = store.extend(user.id, at(900_000)).await.unwrap();
    assert_eq!(extended.times.expires, at(900_000));
    assert_eq!(store.get(made.id).await.unwrap(), Some(made.clone()));
    let another = lease(&store).await;
    assert_eq!(
        store.find_equal(&another, &fingerprint(), at(500)).await.unwrap(),
        Some(Equal::Done(made.id)),
        "there is one who keeps its tree"
    );
    let another = store.finish(&another, reused(made.id, 500)).await.unwrap();
    assert_eq!(store.get(made.id).await.unwrap(), Some(made.clone()));

    for user in [user.id, another.id] {
        store.discard(user, "ann", at(1_000)).await.unwrap();
    }
    let late = lease(&store).await;
    assert_eq!(
        store.find_equal(&late, &fingerprint(), at(500)).await.unwrap(),
        None
    );
    let error = store.finish(&late, reused(made.id, 500)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone);
    assert!(store.holds(&late).await.unwrap(), "it can still be made");
}

/// A reused tree that is not named any more was found not to be what it should be, and another was made.
#[tokio::test]
async fn of_several_the_newest_is_named() {
    let store = SqliteStore::in_memory().await.unwrap();
    done(&store).await;
    let newer = done(&store).await;
    let asking = lease(&store).await;
    assert_eq!(
        store.find_equal(&asking, &fingerprint(), at(20)).await.unwrap(),
        Some(Equal::Done(newer.id))
    );
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read_is_named() {
    let store = SqliteStore::in_memory().await.unwrap();
    let lease = lease(&store).await;
    let manifest = Manifest {
        source_type: "repo".to_owned(),
        description: String::new(),
        timestamp: 0,
        packages: Vec::new(),
        lookaside: Vec::new(),
        updateinfo: None,
    };
    let document = ManifestDocument::of(&manifest).unwrap();
    store.record_manifest(&lease, &document).await.unwrap();
    store.record_manifest(&lease, &document).await.unwrap();
    assert_eq!(answer(&store, "SELECT count(*) FROM manifests").await, "1");
    for (change, found) in [
        ("document = x'28b52ffd'", "document is no manifest"),
        (
            r#"document = NULL, manifest = '{"later": 1}'"#,
            "manifest is no JSON",
        ),
    ] {
        execute(&store, &format!("UPDATE manifests SET {change}")).await;
        let error = store.manifest(lease.id).await.unwrap_err();
        assert_eq!((error.kind(), error.subject()), (ErrorKind::Internal, "odcs-1"));
        assert!(error.message().contains(found), "{error}");
    }
    let compose = store.get(lease.id).await.unwrap().unwrap();
    assert_eq!(
        compose.state,
        ComposeState::Generating,
        "the record is as good as ever"
    );
}
