//! Lists: filters, order and pages as SQL. Names of columns come from enums, values are always bound.

use odcs_core::store::{Direction, Filter, OrderBy, Query};
use sqlx::QueryBuilder;

use crate::dialect::{Dialect, Value};

/// The most records on a page.
const MOST_PER_PAGE: u64 = 100;

/// The statement that counts what matches.
pub(crate) fn count<DB: Dialect>(query: &Query) -> QueryBuilder<DB> {
    let mut statement = QueryBuilder::new("SELECT count(*) AS total FROM composes");
    push_filters(&mut statement, query);
    statement
}

/// The statement that selects the records of the page.
pub(crate) fn page<DB: Dialect>(query: &Query) -> QueryBuilder<DB> {
    let mut statement = QueryBuilder::new("SELECT * FROM composes");
    push_filters(&mut statement, query);

    let (order, direction) = query.order;
    statement.push(" ORDER BY ").push(order_column(order));
    // Not every database has NULLs first by itself.
    statement.push(match direction {
        Direction::Ascending => " ASC NULLS FIRST",
        Direction::Descending => " DESC NULLS LAST",
    });
    if order != OrderBy::Id {
        // Ties are in the order of ids, as the reference server lists them. It walks an index for these two
        // columns, backwards for a descending order, and the ids with it.
        let walked = matches!(order, OrderBy::State | OrderBy::TimeToExpire);
        let backwards = walked && direction == Direction::Descending;
        statement.push(if backwards { ", id DESC" } else { ", id ASC" });
    }

    let per_page = query.per_page.clamp(1, MOST_PER_PAGE);
    let before = query.page.max(1).saturating_sub(1).saturating_mul(per_page);
    statement.push(" LIMIT ");
    DB::bind(&mut statement, saturated(per_page).into());
    statement.push(" OFFSET ");
    DB::bind(&mut statement, saturated(before).into());
    statement
}

fn saturated(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn push_filters<DB: Dialect>(statement: &mut QueryBuilder<DB>, query: &Query) {
    for (position, (filter, text)) in query.filters.iter().enumerate() {
        statement.push(if position == 0 { " WHERE " } else { " AND " });
        let (column, numeric) = filter_column(*filter);
        let value: Option<Value> = if numeric {
            number(text).map(Into::into)
        } else {
            Some(text.as_str().into())
        };
        match value {
            Some(value) => {
                statement.push(column).push(" = ");
                DB::bind(statement, value);
            }
            // A number was wanted: this equals none.
            None => {
                statement.push("1 = 0");
            }
        }
    }
}

/// A whole number as SQLite reads one when it compares a text with an integer column, which is what the
/// reference server leaves it to: blanks around it, `2.0` and `2e0` are fine, `1abc` and `1.5` equal nothing.
fn number(text: &str) -> Option<i64> {
    let text = text.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    let real: f64 = text.parse().ok().filter(|_| plain)?;
    // Where every whole number still has a floating-point number of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if real.fract() != 0.0 || real.abs() > EXACT {
        return None;
    }
    format!("{real:.0}").parse().ok()
}

/// The column of a filter, and whether it holds numbers.
fn filter_column(filter: Filter) -> (&'static str, bool) {
    match filter {
        Filter::Id => ("id", true),
        Filter::Owner => ("owner", false),
        Filter::SourceType => ("source_type", true),
        Filter::Source => ("source", false),
        Filter::State => ("state", true),
        Filter::KojiEvent => ("koji_event", true),
        Filter::KojiTaskId => ("koji_task_id", true),
        Filter::PungiComposeId => ("pungi_compose_id", false),
        Filter::ComposeType => ("compose_type", false),
        Filter::Label => ("label", false),
        Filter::TargetDir => ("target_dir", false),
    }
}

fn order_column(order: OrderBy) -> &'static str {
    match order {
        OrderBy::Id => "id",
        OrderBy::Owner => "owner",
        OrderBy::SourceType => "source_type",
        OrderBy::KojiEvent => "koji_event",
        OrderBy::State => "state",
        OrderBy::TimeToExpire => "time_to_expire",
        OrderBy::TimeSubmitted => "time_submitted",
        OrderBy::TimeDone => "time_done",
        OrderBy::TimeRemoved => "time_removed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_sqlite_takes_for_one() {
        for (text, expected) in [
            ("2", Some(2)),
            (" 2\n", Some(2)),
            ("+2", Some(2)),
            ("-2", Some(-2)),
            ("2.0", Some(2)),
            ("2.", Some(2)),
            ("20e-1", Some(2)),
            ("9223372036854775807", Some(i64::MAX)),
        ] {
            assert_eq!(number(text), expected, "{text:?}");
        }
        for text in [
            "",
            " ",
            "done",
            "1abc",
            "1.5",
            "0x2",
            "1_0",
            "inf",
            "nan",
            "1e400",
            "99999999999999999999",
            "2\u{a0}",
        ] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }

    #[test]
    fn ties_are_in_the_order_of_ids() {
        for (order, direction, expected) in [
            (
                OrderBy::State,
                Direction::Ascending,
                "state ASC NULLS FIRST, id ASC",
            ),
            (
                OrderBy::State,
                Direction::Descending,
                "state DESC NULLS LAST, id DESC",
            ),
            (
                OrderBy::TimeToExpire,
                Direction::Descending,
                "time_to_expire DESC NULLS LAST, id DESC",
            ),
            (
                OrderBy::Owner,
                Direction::Descending,
                "owner DESC NULLS LAST, id ASC",
            ),
        ] {
            let query = Query {
                order: (order, direction),
                ..Query::default()
            };
            let statement: QueryBuilder<sqlx::Sqlite> = page(&query);
            let text = statement.into_string();
            assert!(text.contains(&format!("ORDER BY {expected} LIMIT")), "{text}");
        }
    }

    #[test]
    fn values_are_bound_never_written_into_the_statement() {
        let query = Query {
            filters: vec![
                (Filter::Owner, "x' OR 1=1 --".to_owned()),
                (Filter::State, "0; DROP TABLE composes".to_owned()),
            ],
            order: (OrderBy::TimeDone, Direction::Descending),
            page: u64::MAX,
            per_page: u64::MAX,
        };
        let statement: QueryBuilder<sqlx::Sqlite> = page(&query);
        assert_eq!(
            statement.into_string(),
            "SELECT * FROM composes WHERE owner = ? AND 1 = 0 ORDER BY time_done DESC NULLS LAST, id ASC \
             LIMIT ? OFFSET ?"
        );
    }
}
