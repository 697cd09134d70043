//! What lists have to be instead.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Check;
use super::answers::that;
use crate::compare::fields;
use crate::recording::{Case, Recording};
use crate::rows::sorted;
use crate::server::Outcome;

/// The same links and the same values of the column that the list is ordered by, and each compose as it is.
/// If all are on this page, they are the same ones.
pub(super) fn ties(_: &Recording, case: &Case, outcome: &Outcome) -> Check {
    that(outcome.json["meta"] == case.answer["meta"], "the same links")?;
    let column = order(case);
    let values = |json| {
        items(json)
            .iter()
            .map(|item| item[&column].clone())
            .collect::<Vec<_>>()
    };
    that(values(&outcome.json) == values(&case.answer), "the same order")?;
    let ids = |json| {
        items(json)
            .iter()
            .filter_map(|item| item["id"].as_i64())
            .collect::<Vec<_>>()
    };
    let (ours, theirs) = (ids(&outcome.json), ids(&case.answer));
    let all = |ids: &[i64]| ids.iter().copied().collect::<BTreeSet<_>>();
    that(all(&ours).len() == ours.len(), "each compose once")?;
    that(
        case.answer["meta"]["pages"] != 1 || all(&ours) == all(&theirs),
        "the same composes",
    )?;
    let pairs = items(&outcome.json).windows(2);
    let mut equal = pairs.filter(|pair| pair[0][&column] == pair[1][&column]);
    that(
        equal
            .clone()
            .all(|pair| pair[0]["id"].as_i64() < pair[1]["id"].as_i64())
            || equal.all(|pair| pair[0]["id"].as_i64() > pair[1]["id"].as_i64()),
        "equal ones in the order of ids",
    )?;
    let theirs = items(&case.answer);
    let mut known = items(&outcome.json).iter().filter_map(|item| {
        let same = theirs.iter().find(|other| other["id"] == item["id"])?;
        Some((item, same))
    });
    that(
        known.all(|(ours, theirs)| fields("", theirs, ours).is_empty()),
        "the same records",
    )
}

pub(super) fn order(case: &Case) -> String {
    let order = case.parameter("order_by").unwrap_or_default();
    order.strip_prefix('-').unwrap_or(&order).to_owned()
}

pub(super) fn past_the_end(outcome: &Outcome) -> bool {
    let meta = &outcome.json["meta"];
    meta["page"].as_u64() > meta["pages"].as_u64()
}

pub(super) fn items(json: &Value) -> &[Value] {
    json["items"].as_array().map_or(&[], Vec::as_slice)
}

/// `per_page` and where `prev` leads to, if it is not the page before.
pub(super) fn expected_page(case: &Case, total: Option<u64>) -> (Option<u64>, Option<String>) {
    let number = |name: &str| {
        let text = case.parameter(name)?;
        text.trim().replace('_', "").parse::<i128>().ok()
    };
    let per_page = match number("per_page") {
        Some(n) if n < 1 => 10,
        Some(n) => u64::try_from(n.min(100)).unwrap_or(10),
        None => 10,
    };
    let page = number("page").unwrap_or(1);
    let pages = total.map_or(1, |total| i128::from(total.div_ceil(per_page).max(1)));
    let prev = (page > pages + 1).then(|| format!("page={pages}&"));
    (Some(per_page), prev)
}

pub(super) fn recorded_page(case: &Case) -> (Option<u64>, Option<String>) {
    (case.answer["meta"]["per_page"].as_u64(), None)
}

pub(super) fn pages(_: &Recording, case: &Case, outcome: &Outcome) -> Check {
    let meta = &outcome.json["meta"];
    let (per_page, prev) = expected_page(case, meta["total"].as_u64());
    let recorded = &case.answer["meta"];
    let total = meta["total"].as_u64().unwrap_or_default();
    let size = per_page.unwrap_or(10);
    let number = |name: &str| meta[name].as_u64();
    that(outcome.status == 200, "a list")?;
    that(number("per_page") == per_page, "another number on a page")?;
    that(
        recorded["total"].is_null() || recorded["total"] == total,
        "the same total",
    )?;
    that(
        number("pages") == Some(total.div_ceil(size)),
        "as many pages as that makes",
    )?;
    let before = number("page").unwrap_or(1).saturating_sub(1).saturating_mul(size);
    let left = usize::try_from(total.saturating_sub(before).min(size)).unwrap_or(0);
    that(items(&outcome.json).len() == left, "the items of this page")?;
    if let Some(prev) = prev {
        that(
            meta["prev"].as_str().is_some_and(|link| link.contains(&prev)),
            "prev that leads back",
        )?;
        that(meta["next"].is_null(), "no page after that")?;
    }
    // What is on both pages is the same.
    let same = items(&outcome.json).iter().zip(items(&case.answer));
    let mut same = same.map(|(a, b)| {
        let words = |item: &Value| sorted(item["source"].as_str().unwrap_or_default());
        number("page") != recorded["page"].as_u64() || (&a["id"], words(a)) == (&b["id"], words(b))
    });
    that(before > 0 || same.all(|is| is), "the same composes")
}
