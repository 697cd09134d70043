//! Opening what the version before has made.

use std::path::Path;
use std::time::Duration;

use odcs_core::compose::{ComposeId, ComposeState};
use odcs_core::manifest::{Fingerprint, Manifest, ManifestDocument};
use odcs_core::store::{Lease, Outcome, Query};
use odcs_core::{ComposeStore, Timestamp};
use odcs_rpm::{Digest, DigestAlgorithm};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};

use super::super::open::MIGRATIONS;
use super::{SqliteStore, answer, at, new, place};
use crate::record;

/// A file with the tables of a version.
async fn of_version(path: &Path, version: i64) -> SqlitePool {
    let until = MIGRATIONS.iter().filter(|migration| migration.version <= version);
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .foreign_keys(true);
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .unwrap();
    Migrator::with_migrations(until.cloned().collect())
        .run(&pool)
        .await
        .unwrap();
    pool
}

/// A file of the first version, with a record in each state; the newest, 6, was deleted by hand.
async fn first_version(path: &Path) {
    let pool = of_version(path, 1).await;
    let request = record::to_json("test", &new().request).unwrap();
    for (state, reused_id, pins) in [
        (2, None, Some("5")),
        (2, Some(1), None),
        (1, None, Some("\"pinned\"")),
        (0, None, None),
        (3, None, None),
        (4, None, None),
    ] {
        sqlx::query(
            "INSERT INTO composes (owner, source_type, source, flags, results, arches, multilib_arches,
                 multilib_method, lookaside_repos, target_dir, state, state_reason, time_submitted,
                 time_to_expire, reused_id, pungi_compose_id, lifetime, request, pins, lease_number,
                 lease_expires, worker, attempts)
             VALUES ('joe', 1, 'f36', 1, 1, 'x86_64', '', 0, '', 'default', ?1, 'why', ?2, ?3, ?4,
                 'odcs-1-1-20270115.t.0', 86400, ?5, ?6, 7, ?7, 'w', 2)",
        )
        .bind(state)
        .bind(at(0).seconds())
        .bind(at(86_400).seconds())
        .bind(reused_id)
        .bind(&request)
        .bind(pins)
        .bind(at(60).seconds())
        .execute(&pool)
        .await
        .unwrap();
    }
    sqlx::query("DELETE FROM composes WHERE id = 6")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
}

#[tokio::test]
async fn a_database_of_the_version_before_keeps_everything() {
    let (_directory, path) = place();
    first_version(&path).await;
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(answer(&store, "SELECT count(*) FROM _sqlx_migrations").await, "3");
    assert_eq!(answer(&store, "PRAGMA integrity_check").await, "ok");
    assert_eq!(store.find(&Query::default()).await.unwrap().total, 5);
    let states = [
        ComposeState::Done,
        ComposeState::Done,
        ComposeState::Generating,
        ComposeState::Wait,
        ComposeState::Removed,
    ];
    for (number, state) in (1..).zip(states) {
        let compose = store.get(ComposeId::new(number)).await.unwrap().unwrap();
        assert_eq!(compose.state, state, "{number}");
        assert_eq!(compose.owner, "joe");
        assert_eq!(compose.state_reason.as_deref(), Some("why"));
        assert_eq!(
            (compose.times.submitted, compose.times.expires),
            (at(0), at(86_400))
        );
        assert_eq!(compose.request, Some(new().request));
        assert_eq!(compose.pins.is_some(), number == 1 || number == 3, "{number}");
        assert_eq!(compose.reused_id, (number == 2).then_some(ComposeId::new(1)));
        assert_eq!((compose.renews, compose.pungi_config_dump), (None, None));
        assert_eq!(store.manifest(compose.id).await.unwrap(), None);
    }
    assert!(
        store.undelivered(10).await.unwrap().is_empty(),
        "what is past is past"
    );

    // The work goes on, under the lease that was given.
    let (id, number) = (ComposeId::new(3), 7);
    let lease = Lease { id, number };
    assert!(store.holds(&lease).await.unwrap());
    let digest = Digest::of_bytes(DigestAlgorithm::Sha256, b"any");
    let equal = store.find_equal(&lease, &Fingerprint::new(&digest), at(1)).await;
    assert_eq!(equal.unwrap(), None);
    let reused = Outcome::Reused {
        at: at(2),
        reason: "ok".to_owned(),
        of: ComposeId::new(1),
    };
    let reused = store.finish(&lease, reused).await.unwrap();
    assert_eq!(reused.pungi_compose_id.as_deref(), Some("odcs-1-1-20270115.t.0"));
    let until = Timestamp::from_seconds(at(1_000_000).seconds());
    store.extend(id, until).await.unwrap();
    for sharing in [1, 2, 3] {
        let compose = store.get(ComposeId::new(sharing)).await.unwrap().unwrap();
        assert_eq!(compose.times.expires, until, "{sharing}");
    }
    let claim = store
        .claim("x", at(3), Duration::from_secs(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((claim.lease.id, claim.lease.number), (ComposeId::new(4), 8));
    assert_eq!(
        store.insert(new()).await.unwrap().id,
        ComposeId::new(7),
        "6 was given"
    );
    let events = store.undelivered(10).await.unwrap();
    let ids: Vec<_> = events.iter().map(|event| event.compose.id.number()).collect();
    assert_eq!(ids, [3, 4, 7]);
}

#[tokio::test]
async fn manifests_that_were_not_compressed_are_read() {
    let (_directory, path) = place();
    first_version(&path).await;
    let pool = of_version(&path, 2).await;
    let manifest = Manifest {
        source_type: "tag".to_owned(),
        description: "the tag f36".to_owned(),
        timestamp: 5,
        packages: Vec::new(),
        updateinfo: None,
        lookaside: Vec::new(),
    };
    sqlx::query("INSERT INTO manifests (compose_id, manifest) VALUES (1, ?1), (3, ?1)")
        .bind(record::to_json("test", &manifest).unwrap())
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;

    let store = SqliteStore::open(&path).await.unwrap();
    let recorded = async |id| store.manifest(ComposeId::new(id)).await.unwrap();
    for id in [1, 2, 3] {
        assert_eq!(recorded(id).await, Some(manifest.clone()), "{id}");
    }
    // What an attempt recorded before is replaced, whichever form it had.
    let (id, number) = (ComposeId::new(3), 7);
    let again = Manifest {
        timestamp: 6,
        ..manifest.clone()
    };
    let document = ManifestDocument::of(&again).unwrap();
    store
        .record_manifest(&Lease { id, number }, &document)
        .await
        .unwrap();
    assert_eq!(recorded(3).await, Some(again));
    assert_eq!(recorded(1).await, Some(manifest.clone()));
    let text = "SELECT length(manifest) FROM manifests WHERE compose_id = 3";
    assert_eq!(answer(&store, text).await, "0", "it is there once");
    // A service that was not upgraded yet takes the compose over.
    let theirs = Manifest {
        timestamp: 7,
        ..manifest.clone()
    };
    let json = record::to_json("test", &theirs).unwrap();
    let text = format!(
        "INSERT INTO manifests (compose_id, manifest) SELECT 3, '{json}' WHERE true \
         ON CONFLICT (compose_id) DO UPDATE SET manifest = excluded.manifest RETURNING compose_id"
    );
    assert_eq!(answer(&store, &text).await, "3");
    assert_eq!(recorded(3).await, Some(theirs));
}
