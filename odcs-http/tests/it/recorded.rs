//! Recorded requests and answers of the reference server, replayed.

use std::path::Path;
use std::sync::Arc;

use crate::common::{MemoryService, compose, fixture, get, send, state_of};
use odcs_core::Timestamp;
use odcs_core::compose::{Compose, ComposeId, ComposeState};
use odcs_core::request::{ComposeResults, Flags};
use odcs_http::{HttpOptions, router};
use serde_json::Value;

/// A row of the reference server's table as a record.
fn record(row: &Value) -> Compose {
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| row.get(name).and_then(Value::as_i64);
    let bits = |name: &str| u32::try_from(number(name).unwrap()).unwrap();
    let time = |name: &str| {
        let text = text(name)?;
        let (whole, _) = text.split_once('.').unwrap();
        Some(
            format!("{}Z", whole.replace(' ', "T"))
                .parse::<Timestamp>()
                .unwrap(),
        )
    };
    let mut compose = compose(number("id").unwrap());
    compose.owner = text("owner").unwrap();
    compose.state = ComposeState::from_number(number("state").unwrap()).unwrap();
    compose.state_reason = text("state_reason");
    compose.times.submitted = time("time_submitted").unwrap();
    compose.times.started = time("time_started");
    compose.times.done = time("time_done");
    compose.times.removed = time("time_removed");
    compose.times.expires = time("time_to_expire").unwrap();
    compose.removed_by = text("removed_by");
    compose.reused_id = number("reused_id").map(ComposeId::new);
    compose.koji_task_id = number("koji_task_id");
    compose.pungi_compose_id = text("pungi_compose_id");
    let requested = &mut compose.requested;
    requested.source_type = number("source_type").unwrap();
    requested.source = text("source").unwrap();
    requested.packages = text("packages");
    requested.builds = text("builds");
    requested.sigkeys = text("sigkeys");
    requested.koji_event = number("koji_event");
    requested.flags = Flags::from(bits("flags"));
    requested.results = ComposeResults::from(bits("results"));
    requested.arches = text("arches").unwrap();
    requested.multilib_arches = text("multilib_arches").unwrap_or_default();
    requested.multilib_method = number("multilib_method").unwrap_or_default();
    requested.lookaside_repos = text("lookaside_repos").unwrap_or_default();
    requested.compose_type = text("compose_type");
    requested.label = text("label");
    compose
}

#[tokio::test]
async fn single_composes() {
    for case in fixture("get.jsonl") {
        let name = case["name"].as_str().unwrap();
        let service = MemoryService {
            composes: case["rows"]
                .as_array()
                .unwrap()
                .iter()
                .map(record)
                .collect::<Vec<_>>()
                .into(),
            ..MemoryService::default()
        };
        let files = Path::new("/proc/self/fdinfo");
        let public_url = "http://localhost/odcs";
        let app = router(state_of(
            Arc::new(service),
            files,
            public_url,
            HttpOptions::default(),
        ));
        let (method, path) = (case["method"].as_str().unwrap(), case["path"].as_str().unwrap());
        let answer = send(&app, method, path, &[], "").await;
        assert_eq!(u64::from(answer.status.as_u16()), case["status"], "{name}");
        for (header, value) in case["headers"].as_object().unwrap() {
            assert_eq!(answer.header(header), value, "{name}: {header}");
        }
        if method == "HEAD" {
            assert!(answer.body.is_empty());
        } else {
            assert_eq!(answer.json(), case["body"], "{name}");
        }
    }
}

/// Where we answer better than the reference server on purpose: rules upon the request and the
/// recorded answer.
fn deviation(parameter: impl Fn(&str) -> Option<String>, case: &Value) -> Option<&'static str> {
    let per_page = parameter("per_page").and_then(|text| text.parse::<i128>().ok());
    let page = parameter("page").and_then(|text| text.parse::<i128>().ok());
    let pages = i128::from(case["meta"]["pages"].as_i64().unwrap_or_default());
    if per_page.is_some_and(|per_page| per_page < 1) {
        Some("a page of less than one record is one of ten")
    } else if per_page.is_some_and(|per_page| per_page > 100) {
        Some("a page has at most a hundred records")
    } else if page.is_some_and(|page| page > pages.max(1) + 1) {
        Some("past the end, prev leads back to where something is")
    } else if parameter("order_by").is_some_and(|order| order.trim_start_matches('-') == "source_type") {
        Some("lists can be ordered by source_type")
    } else if case["status"] == 500 {
        Some("nothing in a query is a failure of the server")
    } else {
        None
    }
}

#[tokio::test]
async fn lists() {
    let (mut same, mut deviations) = (0, 0);
    for case in fixture("list.jsonl") {
        let path = case["path"].as_str().unwrap();
        let service = Arc::new(MemoryService {
            total: Some(case["meta"]["total"].as_u64().unwrap_or_default()),
            ..MemoryService::default()
        });
        let files = Path::new("/proc/self/fdinfo");
        let app = router(state_of(
            service.clone(),
            files,
            "http://localhost/odcs",
            HttpOptions::default(),
        ));
        let answer = get(&app, path).await;
        let url = url::Url::parse(&format!("http://localhost{path}")).unwrap();
        let parameter = |name: &str| {
            let found = url.query_pairs().find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        if let Some(rule) = deviation(parameter, &case) {
            println!("deviation {} {rule}", case["name"]);
            assert!(
                answer.status.is_success() || answer.status == 400,
                "{}",
                answer.text()
            );
            deviations += 1;
            continue;
        }
        same += 1;
        assert_eq!(u64::from(answer.status.as_u16()), case["status"], "{path}");
        if answer.status == 200 {
            assert_eq!(answer.json()["meta"], case["meta"], "{path}");
            let query = service.query.lock().unwrap().clone().unwrap();
            assert_eq!((query.page, query.per_page), {
                let meta = &case["meta"];
                (meta["page"].as_u64().unwrap(), meta["per_page"].as_u64().unwrap())
            });
        } else {
            assert!(answer.assert_error(400).contains("order_by"), "{path}");
        }
    }
    assert!(
        same > 60 && deviations < 20,
        "{same} the same, {deviations} deviations"
    );
}

#[tokio::test]
async fn where_lists_answer_better() {
    let service = Arc::new(MemoryService {
        total: Some(101),
        ..MemoryService::default()
    });
    let files = Path::new("/proc/self/fdinfo");
    let app = router(state_of(
        service,
        files,
        "http://localhost/odcs",
        HttpOptions::default(),
    ));
    let meta = async |query: &str| {
        let answer = get(&app, &format!("/api/1/composes/{query}")).await;
        answer.json()["meta"].clone()
    };
    for query in ["?per_page=0", "?per_page=-1", "?per_page="] {
        assert_eq!(meta(query).await["per_page"], 10, "{query}");
    }
    for query in ["?per_page=101", "?per_page=99999999999999999999"] {
        assert_eq!(meta(query).await["per_page"], 100, "{query}");
    }
    let past = meta("?page=9999&per_page=2").await;
    assert_eq!(
        past["prev"],
        "http://localhost/api/1/composes/?page=51&per_page=2"
    );
    assert_eq!(past["next"], Value::Null);
    // The URLs are those of the request: its host and port, and the older base.
    let answer = send(
        &app,
        "GET",
        "/odcs/1/composes?per_page=2",
        &[("host", "127.0.0.1:5000")],
        "",
    )
    .await;
    assert_eq!(
        answer.json()["meta"]["next"],
        "http://127.0.0.1:5000/odcs/1/composes/?page=2&per_page=2"
    );
}
