//! Lists: pages, order, filters.

use super::{at, done_at, failed_at, must_claim, must_finish, samples};
use crate::compose::{ComposeId, ComposeState};
use crate::store::{ComposeStore, Direction, Filter, OrderBy, Page, Query};

async fn find(store: &dyn ComposeStore, query: Query) -> Page {
    store.find(&query).await.expect("find")
}

fn numbers(page: &Page) -> Vec<i64> {
    page.items.iter().map(|compose| compose.id.number()).collect()
}

pub(super) async fn pages(store: &dyn ComposeStore) {
    let empty = find(store, Query::default()).await;
    assert_eq!((numbers(&empty), empty.total), (Vec::new(), 0));

    let mut newest_first = Vec::new();
    for number in 0..23 {
        let compose = store.insert(samples::compose("joe", "f36", number)).await;
        newest_first.insert(0, compose.expect("insert").id.number());
    }
    let page = |page, per_page| Query {
        page,
        per_page,
        ..Query::default()
    };
    for (query, expected) in [
        (Query::default(), &newest_first[..10]),
        (page(2, 10), &newest_first[10..20]),
        (page(3, 10), &newest_first[20..]),
        (page(4, 10), &[]),
        (page(u64::MAX, 100), &[]),
        (page(1, 1), &newest_first[..1]),
        (page(1, 100), &newest_first[..]),
        // The limits of the contract, kept by the store, too.
        (page(0, 5), &newest_first[..5]),
        (page(2, 0), &newest_first[1..2]),
        (page(1, u64::MAX), &newest_first[..]),
    ] {
        let found = find(store, query.clone()).await;
        assert_eq!(numbers(&found), expected, "{query:?}");
        assert_eq!(found.total, 23, "{query:?}");
    }
    let full = find(store, page(1, 1)).await;
    let same = store.get(full.items[0].id).await.expect("get");
    assert_eq!(same.as_ref(), full.items.first(), "lists hold whole records");
}

/// Five composes in different states: 1 done, 2 failed, 3 being made, 4 and 5 waiting.
async fn five(store: &dyn ComposeStore) -> [ComposeId; 5] {
    let mut module = samples::full();
    module.submitted = at(0);
    let mut ids = Vec::new();
    for new in [
        samples::compose("joe", "f36", 50),
        module,
        samples::compose("ann", "f37", 30),
        samples::compose("Zoe", "f36", 20),
        samples::compose("joe", "f36", 10),
    ] {
        ids.push(store.insert(new).await.expect("insert").id);
    }
    let done = must_claim(store, "w", at(100)).await;
    must_finish(store, &done.lease, done_at(at(1_000))).await;
    let failed = must_claim(store, "w", at(100)).await;
    must_finish(store, &failed.lease, failed_at(at(900))).await;
    must_claim(store, "w", at(100)).await;
    ids.try_into().expect("five")
}

pub(super) async fn order(store: &dyn ComposeStore) {
    let ids = five(store).await;
    for (column, ascending, descending) in [
        (OrderBy::Id, [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]),
        // By code point, capitals first; equal ones oldest first.
        (OrderBy::Owner, [4, 3, 1, 5, 2], [2, 1, 5, 3, 4]),
        (OrderBy::SourceType, [1, 3, 4, 5, 2], [2, 1, 3, 4, 5]),
        // Nothing comes before everything.
        (OrderBy::KojiEvent, [1, 3, 4, 5, 2], [2, 1, 3, 4, 5]),
        // Backwards, the equal ones as well.
        (OrderBy::State, [4, 5, 3, 1, 2], [2, 1, 3, 5, 4]),
        (OrderBy::TimeSubmitted, [2, 5, 4, 3, 1], [1, 3, 4, 5, 2]),
        (OrderBy::TimeToExpire, [2, 5, 4, 3, 1], [1, 3, 4, 5, 2]),
        (OrderBy::TimeDone, [3, 4, 5, 2, 1], [1, 2, 3, 4, 5]),
        (OrderBy::TimeRemoved, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
    ] {
        for (direction, expected) in [
            (Direction::Ascending, ascending),
            (Direction::Descending, descending),
        ] {
            let expected: Vec<i64> = expected.map(|position: usize| ids[position - 1].number()).into();
            // In pages of two, so that the order must hold across them.
            let mut found = Vec::new();
            for page in 1..=3 {
                let query = Query {
                    order: (column, direction),
                    page,
                    per_page: 2,
                    ..Query::default()
                };
                found.extend(numbers(&find(store, query).await));
            }
            assert_eq!(found, expected, "{column:?} {direction:?}");
        }
    }
}

/// Filters, and which of the [`five`] match them all.
type Case<'a> = (&'a [(Filter, &'a str)], &'a [usize]);

pub(super) async fn filters(store: &dyn ComposeStore) {
    use Filter::{
        ComposeType, Id, KojiEvent, KojiTaskId, Label, Owner, PungiComposeId, Source, SourceType, State,
        TargetDir,
    };
    let ids = five(store).await;
    let third = ids[2].to_string();
    let cases: &[Case<'_>] = &[
        (&[], &[1, 2, 3, 4, 5]),
        (&[(Id, &third)], &[3]),
        (&[(Owner, "joe")], &[1, 5]),
        (&[(Owner, "jürgen o'brien")], &[2]),
        // Texts match exactly: no patterns, no folding, no blanks dropped.
        (&[(Owner, "JOE")], &[]),
        (&[(Owner, "j%")], &[]),
        (&[(Owner, "joe ")], &[]),
        (&[(Owner, "")], &[]),
        (&[(Owner, "x' OR '1'='1")], &[]),
        (&[(SourceType, "1")], &[1, 3, 4, 5]),
        (&[(SourceType, "2")], &[2]),
        (&[(SourceType, "tag")], &[]),
        (&[(SourceType, "1abc")], &[]),
        (&[(Source, "f37")], &[3]),
        (&[(State, "0")], &[4, 5]),
        (&[(State, "1")], &[3]),
        (&[(State, "2")], &[1]),
        (&[(State, "2.0")], &[1]),
        (&[(State, " 2")], &[1]),
        (&[(State, "2.5")], &[]),
        (&[(State, "4")], &[2]),
        (&[(State, "99")], &[]),
        (&[(State, "done")], &[]),
        (&[(State, "")], &[]),
        (&[(State, "99999999999999999999")], &[]),
        (&[(State, "0 OR 1=1")], &[]),
        (&[(KojiEvent, "1234")], &[2]),
        (&[(KojiTaskId, "5")], &[]),
        (&[(PungiComposeId, "odcs-1-1-20270115.t.0")], &[1]),
        (&[(ComposeType, "nightly")], &[2]),
        (&[(ComposeType, "test")], &[1, 3, 4, 5]),
        (&[(Label, "RC-1.0")], &[2]),
        (&[(TargetDir, "other")], &[2]),
        // All must match.
        (&[(Owner, "joe"), (State, "0")], &[5]),
        (&[(State, "2"), (SourceType, "1"), (Owner, "joe")], &[1]),
        (&[(State, "2"), (State, "4")], &[]),
        (&[(Owner, "joe"), (State, "done")], &[]),
    ];
    for (filters, expected) in cases {
        let query = Query {
            filters: filters
                .iter()
                .map(|(filter, text)| (*filter, (*text).to_owned()))
                .collect(),
            order: (OrderBy::Id, Direction::Ascending),
            ..Query::default()
        };
        let found = find(store, query).await;
        let expected: Vec<i64> = expected
            .iter()
            .map(|position| ids[position - 1].number())
            .collect();
        assert_eq!(numbers(&found), expected, "{filters:?}");
        assert_eq!(found.total, expected.len() as u64, "{filters:?}");
    }
    let page = Query {
        filters: vec![(Owner, "joe".to_owned())],
        per_page: 1,
        ..Query::default()
    };
    let page = find(store, page).await;
    assert_eq!(
        (page.items.len(), page.total),
        (1, 2),
        "the total is of what matches"
    );
}

pub(super) async fn counts(store: &dyn ComposeStore) {
    assert_eq!(store.counts().await.expect("counts"), []);
    five(store).await;
    let expected = [
        (1, ComposeState::Wait, 2),
        (1, ComposeState::Generating, 1),
        (1, ComposeState::Done, 1),
        (2, ComposeState::Failed, 1),
    ];
    assert_eq!(store.counts().await.expect("counts"), expected);
}
