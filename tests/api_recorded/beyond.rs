//! What no recording shows: the allow list, and what an old record may become.

use serde_json::{Value, json};

use crate::recording::{Case, Recording, Row};
use crate::server::{Outcome, run};

const NOW: &str = "2026-11-21T12:00:00Z";

/// Sends a request to a server with one allowed place, one more target directory, and a Pungi configuration.
async fn send(method: &str, path: &str, body: &Value, before: &[Value]) -> Outcome {
    let before = before.iter().map(|row| row.as_object().unwrap().clone());
    let before: Vec<Row> = before.collect();
    let line = json!({
        "now": NOW,
        "request": {"method": method, "path": path, "body": body},
        "response": {"status": 200, "headers": {}, "body": {}},
    });
    let recording = Recording {
        cases: Vec::new(),
        config: json!({
            "target_dir": "/srv/composes",
            "target_dir_url": "http://localhost/composes",
            "extra_target_dirs": {"private": "/srv/private"},
            "raw_config_urls": {
                "cfg": {"url": "https://example.com/cfg.git", "config_filename": "pungi.conf", "seconds_to_live": 1000, "max_seconds_to_live": 2000},
            },
        }),
        places: ["https://example.com/pub/".to_owned()].into(),
    };
    run(&recording, &Case::read(&line, before)).await
}

async fn post(body: Value) -> Outcome {
    send("POST", "/api/1/composes/", &body, &[]).await
}

fn row(fields: &Value) -> Value {
    let mut row = json!({
        "id": 1, "owner": "joe", "source_type": 5, "source": "cfg#main", "state": 2, "results": 1, "flags": 0,
        "arches": "x86_64", "sigkeys": "", "compose_type": "test", "target_dir": "/srv/composes",
        "time_submitted": "2026-11-21 11:00:00.000000", "time_done": "2026-11-21 11:10:00.000000",
        "time_to_expire": "2026-11-21 12:10:00.000000",
    });
    let fields = fields.as_object().unwrap().clone();
    row.as_object_mut().unwrap().extend(fields);
    row
}

#[tokio::test]
async fn urls_off_the_list_are_refused_wherever_they_stand() {
    let tag = json!({"type": "tag", "source": "f36"});
    for url in [
        "https://example.com/pub/a/$basearch/os",
        "https://EXAMPLE.com:443/pub/$arch",
    ] {
        let outcome = post(json!({"source": tag, "lookaside_repos": [url]})).await;
        assert_eq!(outcome.status, 200, "{url}: {}", outcome.message());
        assert_eq!(outcome.json["lookaside_repos"], url);
    }
    for url in [
        "https://example.com/public",
        "http://example.com/pub/",
        "https://example.com/pub/../private",
        "https://example.com/pub/%2e%2e/private",
        "https://joe@example.com/pub/",
        "https://169.254.169.254/latest/",
        "file:///etc",
    ] {
        let allowed = "https://example.com/pub/";
        let bodies = [
            (
                "lookaside_repos",
                json!({"source": tag, "lookaside_repos": [allowed, url]}),
            ),
            (
                "source",
                json!({"source": {"type": "pungi_compose", "source": url}}),
            ),
            ("source", json!({"source": {"type": "repo", "source": url}})),
            (
                "module_defaults_url",
                json!({"source": {"type": "tag", "source": "f36", "module_defaults_url": url, "module_defaults_commit": "main"}}),
            ),
        ];
        for (field, body) in bodies {
            let outcome = post(body).await;
            assert_eq!(outcome.status, 400, "{field} {url}");
            assert!(outcome.message().contains(field), "{}", outcome.message());
            assert!(outcome.records.is_empty());
        }
    }
}

#[tokio::test]
async fn pungi_configurations_have_lifetimes_of_their_own_also_when_they_are_renewed() {
    let patch =
        async |body: Value, fields: Value| send("PATCH", "/api/1/composes/1", &body, &[row(&fields)]).await;
    let until = |outcome: &Outcome| {
        outcome.json["time_to_expire"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let kept = patch(json!({}), json!({})).await;
    assert_eq!(
        (&kept.json["id"], until(&kept).as_str()),
        (&json!(1), "2026-11-21T12:16:40Z")
    );
    let longest = patch(json!({"seconds_to_live": 100_000}), json!({})).await;
    assert_eq!(until(&longest), "2026-11-21T12:33:20Z");
    let removed = patch(
        json!({"label": "RC-1"}),
        json!({"state": 3, "pungi_compose_id": "F-1-20261121.0"}),
    )
    .await;
    assert_eq!(
        (&removed.json["id"], until(&removed).as_str()),
        (&json!(2), "2026-11-21T12:16:40Z")
    );
    assert_eq!(removed.json["respin_of"], "F-1-20261121.0");
    assert_eq!(
        (&removed.json["owner"], &removed.json["label"]),
        (&json!("unknown"), &json!("RC-1"))
    );
    // A configuration that is not there any more: kept longer, not made again.
    let gone = json!({"source": "gone#main"});
    assert_eq!(
        until(&patch(json!({}), gone.clone()).await),
        "2026-11-22T12:00:00Z"
    );
    let refused = patch(json!({"label": "RC-1"}), gone).await;
    assert_eq!(refused.status, 400);
    assert!(refused.message().contains("source") && refused.records.len() == 1);
    // So is a target directory.
    let elsewhere = patch(json!({"label": "RC-1"}), json!({"target_dir": "/gone"})).await;
    assert_eq!(elsewhere.status, 400);
    assert!(
        elsewhere.message().contains("target_dir"),
        "{}",
        elsewhere.message()
    );
}

#[tokio::test]
async fn what_is_the_same_is_kept_and_what_is_not_is_made_again() {
    let tag = json!({
        "source_type": 1, "source": "f36", "sigkeys": "123", "builds": "a-1-1", "modules": "m:s:1:c",
        "label": "RC-1", "koji_event": 77,
    });
    for (body, id) in [
        (json!({"sigkeys": ["123"]}), 1),
        (json!({"label": "RC-1"}), 1),
        (json!({"label": ""}), 1),
        (
            json!({"source": {"builds": ["a-1-1"], "modules": ["m:s:1:c"]}}),
            1,
        ),
        (json!({"sigkeys": []}), 2),
        (json!({"sigkeys": ["", "123"]}), 2),
        (json!({"source": {"builds": []}}), 2),
        (json!({"source": {"modules": ["m:s:2:c"]}}), 2),
    ] {
        let outcome = send("PATCH", "/api/1/composes/1", &body, &[row(&tag)]).await;
        assert_eq!(outcome.json["id"], id, "{body}: {}", outcome.message());
        if id == 2 {
            let request = outcome.records[&2].request.clone().unwrap();
            assert_eq!(
                request.koji_event.map(i64::from),
                Some(77),
                "the same point in history"
            );
            let recorded = (&outcome.json["koji_event"], &outcome.json["builds"]);
            assert_eq!(recorded, (&json!(77), &json!("a-1-1")));
        }
    }
}
