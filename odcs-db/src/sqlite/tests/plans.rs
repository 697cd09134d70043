//! Which way SQLite goes through the records: there may be very many.

use sqlx::{AssertSqlSafe, Row as _};

use super::SqliteStore;
use crate::sqlite::events::UNDELIVERED;
use crate::sqlite::lease::NEXT;
use crate::sqlite::store::COUNTS;
use crate::sqlite::tree::{EQUAL_DONE, EQUAL_RUNNING, EXTEND_WITH, IS_KEPT};

#[tokio::test]
async fn the_queue_is_found_by_its_index() {
    let store = SqliteStore::in_memory().await.unwrap();
    let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {NEXT}")))
        .bind(0)
        .fetch_all(&store.writer)
        .await
        .unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
    assert!(
        plan.iter().any(|step| step.contains("composes_unfinished")),
        "{plan:?}"
    );
    assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
}

#[tokio::test]
async fn counting_reads_an_index_and_no_record() {
    let store = SqliteStore::in_memory().await.unwrap();
    let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {COUNTS}")))
        .fetch_all(&store.reader)
        .await
        .unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
    assert_eq!(
        plan,
        ["SCAN composes USING COVERING INDEX composes_source_type_state"]
    );
}

#[tokio::test]
async fn neither_the_outbox_nor_a_shared_tree_makes_it_read_everything() {
    let store = SqliteStore::in_memory().await.unwrap();
    for (statement, index) in [
        (UNDELIVERED, "events_undelivered"),
        (EQUAL_DONE, "composes_fingerprint"),
        (EQUAL_DONE, "composes_reused_id"),
        (EQUAL_RUNNING, "composes_fingerprint"),
        (IS_KEPT, "composes_reused_id"),
        (EXTEND_WITH, "composes_reused_id"),
    ] {
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
            .fetch_all(&store.writer)
            .await
            .unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
        let whole = |step: &String| step.starts_with("SCAN composes") || step == "SCAN events";
        assert!(!plan.iter().any(whole), "{plan:?}");
    }
}
