//! Keeping composes longer, and what is kept to make them once more.

use std::sync::Arc;

use odcs_rpm::{Digest, DigestAlgorithm, Evr, Nevra, PackageKind, TreeArch};

use super::equal::{ROUNDS, made, reused_at, running, user};
use super::{assert_conflict, at, clear, done_at, failed_at, must_finish, samples};
use crate::ErrorKind;
use crate::compose::ComposeId;
use crate::manifest::{Manifest, ManifestDocument, ManifestPackage};
use crate::store::ComposeStore;

const DAY: i64 = 86_400;

async fn expires(store: &dyn ComposeStore, id: ComposeId) -> i64 {
    let compose = store.get(id).await.expect("get").expect("it is there");
    compose.times.expires.seconds() - at(0).seconds()
}

pub(super) async fn extending(store: &dyn ComposeStore) {
    let unknown = store.extend(ComposeId::new(4711), at(1)).await;
    assert_eq!(unknown.expect_err("nobody").kind(), ErrorKind::NotFound);

    let made = made(store, 10).await;
    let extended = store.extend(made.id, at(2 * DAY)).await.expect("extend");
    let mut expected = made.clone();
    expected.times.expires = at(2 * DAY);
    assert_eq!(extended, expected, "nothing else is changed");
    assert_eq!(store.get(made.id).await.expect("get"), Some(expected.clone()));
    let shorter = store.extend(made.id, at(DAY)).await.expect("extend");
    assert_eq!(shorter, expected, "never shorter");
    assert_conflict(store.remove(made.id, at(2 * DAY - 1)).await);

    // Deleted, and still there: it is kept again, and cannot be removed before that time is up.
    let deleted = store.discard(made.id, "me", at(DAY)).await.expect("discard");
    assert_eq!(deleted.times.expires, at(DAY));
    let again = store.extend(made.id, at(3 * DAY)).await.expect("extend");
    assert_eq!(
        (again.times.expires, again.removed_by.as_deref()),
        (at(3 * DAY), Some("me"))
    );
    assert_conflict(store.remove(made.id, at(2 * DAY)).await);
    assert_eq!(store.is_tree_in_use(made.id).await.expect("in use"), Some(true));
    store.remove(made.id, at(3 * DAY)).await.expect("remove");
    assert_conflict(store.extend(made.id, at(9 * DAY)).await);

    // Only what is done.
    let new = samples::compose("joe", "f36", 0);
    let waiting = store.insert(new).await.expect("insert").id;
    assert_conflict(store.extend(waiting, at(9 * DAY)).await);
    let lease = super::must_claim(store, "w", at(1)).await.lease;
    assert_conflict(store.extend(waiting, at(9 * DAY)).await);
    must_finish(store, &lease, failed_at(at(2))).await;
    assert_conflict(store.extend(waiting, at(9 * DAY)).await);
}

/// Whichever of them is extended, all that share the tree are.
pub(super) async fn those_that_share_a_tree_are_extended_together(store: &dyn ComposeStore) {
    let tree = made(store, 10).await.id;
    let first = user(store, 20, tree).await.id;
    let second = user(store, 30, tree).await.id;
    let removed = user(store, 40, tree).await.id;
    store.discard(removed, "me", at(50)).await.expect("discard");
    store.remove(removed, at(50)).await.expect("remove");
    let other_tree = made(store, 60).await.id;
    let other_user = user(store, 70, other_tree).await.id;
    let apart = [removed, other_tree, other_user];
    let mut before = Vec::new();
    for id in apart {
        before.push(store.get(id).await.expect("get"));
    }
    for (days, id) in [(2, tree), (3, first), (4, second)] {
        let extended = store.extend(id, at(days * DAY)).await.expect("extend");
        assert_eq!((extended.id, extended.times.expires), (id, at(days * DAY)));
        for sharing in [tree, first, second] {
            assert_eq!(expires(store, sharing).await, days * DAY, "{sharing} with {id}");
        }
    }
    for (id, before) in apart.into_iter().zip(before) {
        assert_eq!(
            store.get(id).await.expect("get"),
            before,
            "{id} has no part in it"
        );
    }

    // The one that it was made for is removed: the others still share it.
    store.discard(tree, "me", at(200)).await.expect("discard");
    let gone = store.remove(tree, at(200)).await.expect("remove");
    store.extend(first, at(5 * DAY)).await.expect("extend");
    assert_eq!(expires(store, second).await, 5 * DAY);
    assert_eq!(
        store.get(tree).await.expect("get"),
        Some(gone),
        "what is removed stays so"
    );

    // One that is kept longer than the others stays so.
    let longer = running(store, 400).await;
    let longer = must_finish(store, &longer, reused_at(5 * DAY - 10, tree)).await;
    assert_eq!(longer.times.expires, at(6 * DAY - 10));
    let least = store.extend(first, at(5 * DAY + 10)).await.expect("extend");
    assert_eq!(least.times.expires, at(5 * DAY + 10));
    assert_eq!(expires(store, longer.id).await, 6 * DAY - 10);
}

/// Its time is up for one, and not yet for the other: one of them is told so.
pub(super) async fn extending_races_removing(store: Arc<dyn ComposeStore>) {
    for round in 0..ROUNDS {
        let start = i64::from(round) * 10 * DAY;
        let id = made(&*store, start).await.id;
        let removing = tokio::spawn({
            let store = store.clone();
            async move { store.remove(id, at(start + DAY)).await }
        });
        let extending = tokio::spawn({
            let store = store.clone();
            async move { store.extend(id, at(start + 2 * DAY)).await }
        });
        let removed = removing.await.expect("removing");
        let extended = extending.await.expect("extending");
        assert_ne!(
            removed.is_ok(),
            extended.is_ok(),
            "round {round}: {removed:?}, {extended:?}"
        );
        let in_use = store.is_tree_in_use(id).await.expect("in use");
        assert_eq!(in_use, Some(extended.is_ok()), "round {round}");
        match removed.and(extended) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
        }
        clear(&*store, at(start + 3 * DAY)).await;
    }
}

/// What is in it does not matter to a store.
pub(super) fn manifest(description: &str) -> Manifest {
    let package = |arch: &str, sigkey: Option<&str>| ManifestPackage {
        kind: PackageKind::Binary,
        nevra: Nevra::new(
            "gcc-c++".parse().expect("a name"),
            Evr::new(1, "14.1", "1").expect("an EVR"),
            arch.parse().expect("an arch"),
        ),
        arches: TreeArch::all().collect(),
        file: "/srv/repo/with space/ü/gcc.rpm".to_owned(),
        modified: Some(1_580_601_600),
        size: u64::MAX,
        digest: Digest::of_bytes(DigestAlgorithm::Sha256, arch.as_bytes()),
        sigkey: sigkey.map(ToOwned::to_owned),
        rpm_id: sigkey.map(|_| i64::MAX),
        why: std::collections::BTreeMap::new(),
    };
    Manifest {
        source_type: "repo".to_owned(),
        description: description.to_owned(),
        timestamp: 1_800_000_000,
        packages: vec![package("x86_64", Some("fd431d51")), package("noarch", None)],
        lookaside: Vec::new(),
        updateinfo: None,
    }
}

/// As it is recorded.
pub(super) fn document(description: &str) -> ManifestDocument {
    ManifestDocument::of(&manifest(description)).expect("a document")
}

pub(super) async fn manifests(store: &dyn ComposeStore) {
    assert_eq!(
        store.manifest(ComposeId::new(4711)).await.expect("manifest"),
        None
    );
    let lease = running(store, 10).await;
    let before = store.get(lease.id).await.expect("get");
    let recorded = async |id| store.manifest(id).await.expect("manifest");
    assert_eq!(recorded(lease.id).await, None);
    for description in ["an attempt", "the repository /srv/ré'po"] {
        store
            .record_manifest(&lease, &document(description))
            .await
            .expect("record manifest");
        let expected = Some(manifest(description));
        assert_eq!(recorded(lease.id).await, expected, "it is replaced");
    }
    assert_eq!(
        store.get(lease.id).await.expect("get"),
        before,
        "the record is as it was"
    );
    let made = must_finish(store, &lease, done_at(at(20))).await.id;
    assert_conflict(store.record_manifest(&lease, &document("too late")).await);
    let expected = Some(manifest("the repository /srv/ré'po"));
    assert_eq!(recorded(made).await, expected);

    // Through the one that is reused, whatever an attempt of its own had come to.
    let lease = running(store, 30).await;
    let own = "an attempt that was not published";
    store
        .record_manifest(&lease, &document(own))
        .await
        .expect("record manifest");
    assert_eq!(recorded(lease.id).await, Some(manifest(own)));
    let user = must_finish(store, &lease, reused_at(40, made)).await.id;
    assert_eq!(recorded(user).await, expected);

    // It is kept when the tree is long gone.
    for id in [made, user] {
        store.discard(id, "me", at(50)).await.expect("discard");
        store.remove(id, at(50)).await.expect("remove");
        assert_eq!(recorded(id).await, expected);
    }
}
