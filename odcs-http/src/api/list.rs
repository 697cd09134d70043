//! The query of the list of composes, and the links to its other pages.
//!
//! All as the reference server does it: of a parameter that is given twice the first counts, unknown
//! ones change nothing but stay in the links, and numbers are read as Python reads them.

use std::borrow::Cow;

use odcs_core::store::{Direction, Filter, OrderBy, Query};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use url::form_urlencoded;

use crate::error::ApiError;

const DEFAULT_PER_PAGE: u64 = 10;
const MAX_PER_PAGE: u64 = 100;
/// The last page number that is told apart: JSON readers lose digits past this one.
const MAX_PAGE: u64 = 1 << 53;

/// The parameters that filter. Others with the name of a column do not, `id` for instance.
const FILTERS: [(&str, Filter); 8] = [
    ("owner", Filter::Owner),
    ("source_type", Filter::SourceType),
    ("source", Filter::Source),
    ("state", Filter::State),
    ("koji_task_id", Filter::KojiTaskId),
    ("pungi_compose_id", Filter::PungiComposeId),
    ("compose_type", Filter::ComposeType),
    ("label", Filter::Label),
];

const ORDERS: [(&str, OrderBy); 9] = [
    ("id", OrderBy::Id),
    ("owner", OrderBy::Owner),
    ("source_type", OrderBy::SourceType),
    ("koji_event", OrderBy::KojiEvent),
    ("state", OrderBy::State),
    ("time_to_expire", OrderBy::TimeToExpire),
    ("time_submitted", OrderBy::TimeSubmitted),
    ("time_done", OrderBy::TimeDone),
    ("time_removed", OrderBy::TimeRemoved),
];

/// The characters that the links of the reference server leave as they are; a space becomes `+`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';');

/// A query, and the parameters that its links repeat.
#[derive(Debug)]
pub(super) struct ListQuery {
    query: Query,
    repeated: String,
}

/// Where in the list a page is, and where the others are. In alphabetical order.
#[derive(Debug, Serialize)]
pub(super) struct Meta {
    pub(super) first: String,
    pub(super) last: String,
    next: Option<String>,
    page: u64,
    pub(super) pages: u64,
    per_page: u64,
    pub(super) prev: Option<String>,
    total: u64,
}

impl ListQuery {
    /// Reads the query of a URL.
    ///
    /// # Errors
    /// 400 for a column that lists cannot be ordered by.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let parameters = parameters(text);
        let value = |name: &str| {
            let found = parameters.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| &**value)
        };
        let number = |name| value(name).and_then(python_integer).filter(|number| *number >= 1);
        let mut query = Query {
            page: number("page").unwrap_or(1).min(MAX_PAGE),
            per_page: number("per_page").unwrap_or(DEFAULT_PER_PAGE).min(MAX_PER_PAGE),
            ..Query::default()
        };
        if let Some(order) = value("order_by") {
            query.order = order_by(order)?;
        }
        for (name, filter) in FILTERS {
            if let Some(wanted) = value(name).filter(|wanted| !wanted.is_empty()) {
                query.filters.push((filter, filter_value(filter, wanted)));
            }
        }
        let repeated = repeated(&parameters);
        Ok(Self { query, repeated })
    }

    /// The query as the store takes it.
    pub(super) fn store_query(&self) -> &Query {
        &self.query
    }

    /// The links, given the URL of the list and how many records match.
    pub(super) fn meta(&self, url: &str, total: u64) -> Meta {
        let Query { page, per_page, .. } = self.query;
        Meta::new(url, page, per_page, &self.repeated, total)
    }
}

impl Meta {
    /// The links, given the URL of the list, the parameters that they repeat, and how many items there are.
    pub(super) fn new(url: &str, page: u64, per_page: u64, repeated: &str, total: u64) -> Self {
        let pages = total.div_ceil(per_page.max(1));
        let link = |page: u64| format!("{url}?page={page}&per_page={per_page}{repeated}");
        Self {
            first: link(1),
            last: link(pages),
            next: (page < pages).then(|| link(page + 1)),
            page,
            pages,
            per_page,
            // Past the end this leads back to the last page that has something.
            prev: (page > 1).then(|| link((page - 1).min(pages.max(1)))),
            total,
        }
    }
}

/// The parameters of a query, of each the first.
pub(super) fn parameters(text: &str) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    let mut parameters: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    for (key, value) in form_urlencoded::parse(text.as_bytes()) {
        if !parameters.iter().any(|(known, _)| *known == key) {
            parameters.push((key, value));
        }
    }
    parameters
}

/// The part of a query that links to other pages repeat.
pub(super) fn repeated(parameters: &[(Cow<'_, str>, Cow<'_, str>)]) -> String {
    let repeated = parameters.iter().filter(|(key, _)| is_repeated(key));
    let repeated = repeated.map(|(key, value)| format!("&{}={}", encode(key), encode(value)));
    repeated.collect()
}

/// Whether a parameter is repeated in links. Those that are not would mean something else there.
fn is_repeated(key: &str) -> bool {
    !matches!(key, "page" | "per_page" | "endpoint") && !key.starts_with('_')
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string().replace("%20", "+")
}

fn order_by(text: &str) -> Result<(OrderBy, Direction), ApiError> {
    let (name, direction) = match text.strip_prefix('-') {
        Some(name) => (name, Direction::Descending),
        None => (text, Direction::Ascending),
    };
    let column = ORDERS.iter().find(|(known, _)| *known == name);
    column.map(|(_, column)| (*column, direction)).ok_or_else(|| {
        let shown: String = text.chars().take(100).collect();
        let known = ORDERS.map(|(name, _)| name).join(", ");
        let message =
            format!("composes cannot be ordered by {shown:?}; order_by takes {known}, with a - in front for descending");
        ApiError::bad_request(message)
    })
}

/// Numbers are compared as numbers: the state `2.0` is the state 2.
fn filter_value(filter: Filter, text: &str) -> String {
    let trimmed = text.trim();
    if !matches!(filter, Filter::SourceType | Filter::State | Filter::KojiTaskId) {
        text.to_owned()
    } else if let Ok(number) = trimmed.parse::<i64>() {
        number.to_string()
    } else {
        let number = trimmed.parse::<f64>().ok();
        // Adding zero makes the negative zero an ordinary one.
        let number = number
            .filter(|number| number.fract() == 0.0 && number.abs() < 9e15)
            .map(|n| n + 0.0);
        number.map_or_else(|| text.to_owned(), |number| format!("{number:.0}"))
    }
}

/// A number as Python's `int()` reads it: blanks around it, a sign, and single `_` between digits.
/// Numbers below 0 are 0, numbers too large the largest one.
fn python_integer(text: &str) -> Option<u64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let is_group = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    if !digits.split('_').all(is_group) {
        return None;
    }
    if negative {
        return Some(0);
    }
    let digits = digits.bytes().filter(u8::is_ascii_digit);
    Some(digits.fold(0, |number: u64, digit| {
        number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_python_reads_them() {
        for (text, number) in [
            ("7", Some(7)),
            ("+2", Some(2)),
            (" 2\t", Some(2)),
            ("1_0", Some(10)),
            ("007", Some(7)),
            ("-1", Some(0)),
            ("99999999999999999999", Some(u64::MAX)),
            ("", None),
            ("+", None),
            ("1.5", None),
            ("_1", None),
            ("1_", None),
            ("1__0", None),
            ("abc", None),
            ("0x10", None),
        ] {
            assert_eq!(python_integer(text), number, "{text:?}");
        }
    }

    #[test]
    fn numeric_filters_compare_numbers() {
        for (text, value) in [
            ("2", "2"),
            ("2.0", "2"),
            ("02", "2"),
            (" 2", "2"),
            ("-0.0", "0"),
            ("2e0", "2"),
            ("2.5", "2.5"),
            ("done", "done"),
            ("inf", "inf"),
            ("nan", "nan"),
            ("1abc", "1abc"),
        ] {
            assert_eq!(filter_value(Filter::State, text), value, "{text:?}");
        }
        assert_eq!(filter_value(Filter::Owner, "2.0"), "2.0");
    }

    #[test]
    fn filters_and_order() {
        let text = "state=2&state=4&owner=&id=7&order_by=-time_done&source=a%20b&foo=1";
        let query = ListQuery::parse(text).unwrap();
        let filters = [
            (Filter::Source, "a b".to_owned()),
            (Filter::State, "2".to_owned()),
        ];
        assert_eq!(query.store_query().filters, filters);
        assert_eq!(
            query.store_query().order,
            (OrderBy::TimeDone, Direction::Descending)
        );
        assert_eq!(ListQuery::parse("").unwrap().store_query(), &Query::default());
        for bad in ["foo", "", "-", "--id", "label", "time_started", "source_Type"] {
            assert!(ListQuery::parse(&format!("order_by={bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn links_escape_what_the_reference_server_escapes() {
        let printable: String = ('!'..='~').filter(|c| !c.is_ascii_alphanumeric()).collect();
        assert_eq!(
            encode(&format!("a b{printable}")),
            "a+b!%22%23$%25%26'()*%2B,-.%2F%3A;%3C%3D%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~"
        );
    }

    #[test]
    fn huge_pages_stay_within_what_stores_can_count() {
        let query = ListQuery::parse("page=99999999999999999999&per_page=99999999999999999999").unwrap();
        let Query { page, per_page, .. } = *query.store_query();
        assert!(i64::try_from(page * per_page).is_ok());
        let meta = query.meta("u", 5);
        assert_eq!(meta.prev.as_deref(), Some("u?page=1&per_page=100"));
        assert_eq!(meta.next, None);
    }
}
