//! What is particular to SQLite; the rest is `tests/conformance.rs`.

mod outbox;
mod plans;
mod shared;
mod upgrade;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use odcs_core::compose::{ComposeId, ComposeState, Requested};
use odcs_core::request::{ComposeRequest, Lifetime, SourceSpec};
use odcs_core::store::{NewCompose, Outcome, Query};
use odcs_core::{ComposeStore, ErrorKind, Timestamp};
use sqlx::{AssertSqlSafe, Row as _};
use tempfile::TempDir;

use super::{SqliteStore, open};
use crate::Error;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

fn new() -> NewCompose {
    let mut request = ComposeRequest::new(SourceSpec::Tag(vec!["f36".parse().unwrap()]));
    request.arches = vec!["x86_64".parse().unwrap()];
    NewCompose {
        owner: "joe".to_owned(),
        renews: None,
        pungi_config_dump: None,
        requested: Requested::from_request(&request),
        request,
        submitted: at(0),
        lifetime: Lifetime::DEFAULT,
    }
}

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("odcs.db");
    (directory, path)
}

async fn execute(store: &SqliteStore, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(&store.writer).await.unwrap();
}

async fn answer(store: &SqliteStore, sql: &str) -> String {
    let row = sqlx::query(AssertSqlSafe(sql.to_owned()))
        .fetch_one(&store.writer)
        .await;
    let row = row.unwrap();
    row.try_get::<String, _>(0)
        .unwrap_or_else(|_| row.get::<i64, _>(0).to_string())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn reopening_finds_everything() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path).await.unwrap();
    let waiting = store.insert(new()).await.unwrap();
    store.insert(new()).await.unwrap();
    let claim = store
        .claim("w", at(1), Duration::from_secs(60))
        .await
        .unwrap()
        .unwrap();
    let claimed = claim.compose;
    // As after kill -9: what another process sees while this one has not closed anything.
    let second = SqliteStore::open(&path).await.unwrap();
    assert_eq!(second.get(waiting.id).await.unwrap(), Some(claimed.clone()));
    second.close().await;
    store.close().await;

    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.get(waiting.id).await.unwrap(), Some(claimed));
    assert_eq!(store.find(&Query::default()).await.unwrap().total, 2);
    // The lease, too: still held, by the same number.
    assert_eq!(
        store
            .claim("x", at(60), Duration::from_secs(60))
            .await
            .unwrap()
            .unwrap()
            .compose
            .id,
        ComposeId::new(2)
    );
    assert!(
        store
            .claim("x", at(60), Duration::from_secs(60))
            .await
            .unwrap()
            .is_none()
    );
    let done = Outcome::Done {
        at: at(61),
        reason: "ok".to_owned(),
        pungi_compose_id: "p".to_owned(),
    };
    assert_eq!(
        store.finish(&claim.lease, done).await.unwrap().state,
        ComposeState::Done
    );
}

#[tokio::test]
async fn nothing_is_readable_for_others_and_nothing_is_lax() {
    let (directory, _) = place();
    let path = directory.path().join("a/b/file:?mode=memory&x=%41.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.insert(new()).await.unwrap();
    assert_eq!(mode(&path), 0o600);
    for suffix in ["-wal", "-shm", ".lock"] {
        let beside = format!("{}{suffix}", path.display());
        assert_eq!(mode(Path::new(&beside)), 0o600, "{beside}");
    }
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(answer(&store, "PRAGMA journal_mode").await, "wal");
    assert_eq!(answer(&store, "PRAGMA synchronous").await, "2");
    assert_eq!(answer(&store, "PRAGMA foreign_keys").await, "1");
    assert_eq!(answer(&store, "PRAGMA busy_timeout").await, "10000");
    let written = sqlx::query("DELETE FROM composes").execute(&store.reader).await;
    assert!(written.is_err(), "readers only read");
    store.close().await;
    let error = store.get(ComposeId::new(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_open_one_file_at_a_time() {
    let (_directory, path) = place();
    let openers: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move {
                let store = SqliteStore::open(path).await.unwrap();
                for _ in 0..10 {
                    store.insert(new()).await.unwrap();
                }
                let mut claimed = 0;
                while store
                    .claim("w", at(0), Duration::from_secs(1))
                    .await
                    .unwrap()
                    .is_some()
                {
                    claimed += 1;
                }
                store.close().await;
                claimed
            })
        })
        .collect();
    let mut claimed = 0;
    for opener in openers {
        claimed += opener.await.unwrap();
    }
    assert_eq!(claimed, 80);
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(answer(&store, "SELECT count(*) FROM _sqlx_migrations").await, "3");
    assert_eq!(answer(&store, "PRAGMA integrity_check").await, "ok");
}

#[tokio::test]
async fn migrations_run_once_and_tell_a_later_version() {
    let (_directory, path) = place();
    SqliteStore::open(&path).await.unwrap().close().await;
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(answer(&store, "SELECT count(*) FROM _sqlx_migrations").await, "3");
    execute(
        &store,
        "INSERT INTO _sqlx_migrations VALUES (9999, 'later', CURRENT_TIMESTAMP, TRUE, x'00', 0)",
    )
    .await;
    store.close().await;
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(error, Error::Schema { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.to_string().contains("9999"), "{error}");
}

#[tokio::test]
async fn ids_are_not_given_twice_even_if_the_newest_row_is_deleted() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path).await.unwrap();
    for _ in 0..3 {
        store.insert(new()).await.unwrap();
    }
    execute(&store, "DELETE FROM composes WHERE id = 3").await;
    store.close().await;
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.insert(new()).await.unwrap().id, ComposeId::new(4));
    execute(&store, "DELETE FROM composes").await;
    assert_eq!(store.insert(new()).await.unwrap().id, ComposeId::new(5));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let (_directory, path) = place();
    fs::write(&path, "this is a text of more than a hundred bytes. ".repeat(200)).unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    let error = odcs_core::Error::from(error);
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(!error.is_retryable());
    assert_eq!(error.subject(), path.to_str().unwrap());
    assert!(error.message().contains(path.to_str().unwrap()), "{error}");
    assert!(error.message().contains("restore a backup"), "{error}");
}

#[tokio::test]
async fn a_damaged_page_is_told_from_a_bad_record() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path).await.unwrap();
    for _ in 0..100 {
        store.insert(new()).await.unwrap();
    }
    store.close().await;
    let mut bytes = fs::read(&path).unwrap();
    // Spare the first page, which holds the schema.
    bytes[4096..].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let error = match SqliteStore::open(&path).await {
        Ok(store) => store.find(&Query::default()).await.unwrap_err(),
        Err(error) => error.into(),
    };
    assert_eq!(error.kind(), ErrorKind::Internal, "{error:?}");
    assert!(error.message().contains("is damaged"), "{error}");
}

#[tokio::test]
async fn a_full_disk_is_named_and_nothing_is_half_recorded() {
    let (_directory, path) = place();
    let store = SqliteStore::open(&path).await.unwrap();
    store.insert(new()).await.unwrap();
    execute(&store, "PRAGMA max_page_count = 1").await;
    let mut big = new();
    big.owner = "x".repeat(1_000_000);
    let error = store.insert(big).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.is_retryable());
    assert!(error.message().contains("no space is left"), "{error}");
    assert_eq!(store.find(&Query::default()).await.unwrap().total, 1);
    execute(&store, "PRAGMA max_page_count = 1000000").await;
    assert_eq!(store.insert(new()).await.unwrap().id, ComposeId::new(2));
}

#[tokio::test]
async fn a_database_held_by_somebody_else_is_busy() {
    let (_directory, path) = place();
    let other = SqliteStore::open(&path).await.unwrap();
    let store = open::file(&path, Duration::from_millis(50)).await.unwrap();
    let held = other.write("hold").await.unwrap();
    let error = store.insert(new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.is_retryable());
    assert!(error.message().contains("is busy"), "{error}");
    assert_eq!(
        store.find(&Query::default()).await.unwrap().total,
        0,
        "readers wait for nobody"
    );
    held.rollback().await.unwrap();
    store.insert(new()).await.unwrap();
}

#[tokio::test]
async fn a_place_that_cannot_be_is_named() {
    let (directory, path) = place();
    fs::write(&path, "").unwrap();
    for impossible in [path.join("odcs.db"), directory.path().to_owned()] {
        let error = SqliteStore::open(&impossible).await.unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
        assert!(
            error.to_string().contains(impossible.to_str().unwrap()),
            "{error}"
        );
    }
}

#[tokio::test]
async fn documents_of_other_versions_are_left_out() {
    let store = SqliteStore::in_memory().await.unwrap();
    let id = store.insert(new()).await.unwrap().id;
    for request in [r#"{"source": {"later": 1}}"#, "{", ""] {
        sqlx::query("UPDATE composes SET request = ?1, pins = ?1")
            .bind(request)
            .execute(&store.writer)
            .await
            .unwrap();
        let compose = store.get(id).await.unwrap().unwrap();
        assert_eq!(compose.request, None);
        assert_eq!(compose.requested, new().requested);
    }
    assert!(store.claim("w", at(0), Duration::ZERO).await.unwrap().is_some());
}

#[tokio::test]
async fn a_record_that_makes_no_sense_is_named() {
    let store = SqliteStore::in_memory().await.unwrap();
    store.insert(new()).await.unwrap();
    for (sql, column) in [
        ("UPDATE composes SET state = 9", "state is 9"),
        ("UPDATE composes SET state = 0, flags = -1", "flags is -1"),
        ("UPDATE composes SET flags = 0, lifetime = 0", "lifetime is 0"),
    ] {
        execute(&store, sql).await;
        let error = store.find(&Query::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert_eq!(error.subject(), "odcs-1");
        assert!(error.message().contains(column), "{error}");
    }
}

#[tokio::test]
async fn records_are_taken_over_under_their_ids() {
    let from = SqliteStore::in_memory().await.unwrap();
    let mut records = Vec::new();
    for _ in 0..3 {
        let mut record = from.insert(new()).await.unwrap();
        record.id = ComposeId::new(record.id.number() + 100);
        record.state = ComposeState::Removed;
        record.times.removed = Some(at(9));
        record.removed_by = Some("ann".to_owned());
        record.request = None;
        records.push(record);
    }
    records[0].reused_id = Some(records[2].id);
    records[1].renews = Some(records[2].id);
    records[1].pungi_config_dump = Some("release_name = 'x'".to_owned());

    let store = SqliteStore::in_memory().await.unwrap();
    let taken = store.insert(new()).await.unwrap();
    store.import(&records).await.unwrap();
    for record in &records {
        assert_eq!(store.get(record.id).await.unwrap().as_ref(), Some(record));
    }
    assert_eq!(store.insert(new()).await.unwrap().id, ComposeId::new(104));

    // All or none.
    let mut more = records.clone();
    more[0].id = ComposeId::new(50);
    more[1].id = taken.id;
    let error = store.import(&more).await.unwrap_err();
    assert!(
        matches!(error, Error::IdTaken { id, .. } if id == taken.id),
        "{error:?}"
    );
    assert_eq!(store.get(ComposeId::new(50)).await.unwrap(), None);
    assert_eq!(store.get(taken.id).await.unwrap(), Some(taken));

    more.truncate(1);
    for (reused_id, renews) in [(Some(999), None), (None, Some(999))] {
        more[0].reused_id = reused_id.map(ComposeId::new);
        more[0].renews = renews.map(ComposeId::new);
        let error = store.import(&more).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    }
    let events = store.undelivered(10).await.unwrap();
    assert_eq!(
        events
            .iter()
            .map(|event| event.compose.id.number())
            .collect::<Vec<_>>(),
        [1, 104],
        "nothing happens to a compose by being taken over"
    );
    assert_eq!(store.find(&Query::default()).await.unwrap().total, 5);
}

#[tokio::test]
async fn a_change_that_was_abandoned_is_undone() {
    let store = SqliteStore::in_memory().await.unwrap();
    let mut abandoned = store.write("test").await.unwrap();
    sqlx::query("UPDATE sqlite_sequence SET seq = 5")
        .execute(&mut *abandoned)
        .await
        .unwrap();
    drop(abandoned);
    assert_eq!(store.insert(new()).await.unwrap().id, ComposeId::new(1));
}
