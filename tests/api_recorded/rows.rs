//! Rows of the reference server's table as records of this one.

use std::collections::BTreeSet;
use std::time::Duration;

use odcs_core::Timestamp;
use odcs_core::compose::{Compose, ComposeId, ComposeState, Requested, Times};
use odcs_core::request::{ComposeResults, Flags, Lifetime};
use serde_json::Value;

use crate::honour::dishonoured_row;
use crate::recording::{Recording, Row};

/// The record; `None` for a row with a state that there is not.
pub fn record(recording: &Recording, row: &Row) -> Option<Compose> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| row.get(name).and_then(Value::as_i64);
    let bits = |name: &str| u32::try_from(number(name).unwrap_or_default()).unwrap_or_default();
    let time = |name: &str| text(name).map(|text| timestamp(&text));
    let submitted = time("time_submitted")?;
    let expires = time("time_to_expire")?;
    Some(Compose {
        id: ComposeId::new(number("id")?),
        owner: text("owner").unwrap_or_default(),
        state: ComposeState::from_number(number("state")?)?,
        state_reason: text("state_reason"),
        times: Times {
            submitted,
            started: time("time_started"),
            done: time("time_done"),
            removed: time("time_removed"),
            expires,
        },
        lifetime: lifetime(expires.since(submitted)),
        removed_by: text("removed_by"),
        reused_id: number("reused_id").map(ComposeId::new),
        koji_task_id: number("koji_task_id"),
        pungi_compose_id: text("pungi_compose_id"),
        pungi_config_dump: text("pungi_config_dump"),
        requested: Requested {
            source_type: number("source_type").unwrap_or_default(),
            source: text("source").unwrap_or_default(),
            packages: text("packages"),
            builds: text("builds"),
            sigkeys: text("sigkeys"),
            koji_event: number("koji_event"),
            modular_koji_tags: text("modular_koji_tags"),
            module_defaults_url: text("module_defaults_url"),
            scratch_modules: text("scratch_modules"),
            scratch_build_tasks: text("scratch_build_tasks"),
            modules: text("modules"),
            base_module_br_name: text("base_module_br_name"),
            base_module_br_stream: text("base_module_br_stream"),
            base_module_br_stream_version_lte: number("base_module_br_stream_version_lte"),
            base_module_br_stream_version_gte: number("base_module_br_stream_version_gte"),
            flags: Flags::from(bits("flags")),
            results: ComposeResults::from(bits("results")),
            arches: text("arches").unwrap_or_default(),
            multilib_arches: text("multilib_arches").unwrap_or_default(),
            multilib_method: number("multilib_method").unwrap_or_default(),
            lookaside_repos: text("lookaside_repos").unwrap_or_default(),
            label: text("label"),
            compose_type: text("compose_type"),
            target_dir: recording.target_dir(row.get("target_dir").and_then(Value::as_str)),
            parent_pungi_compose_ids: text("parent_pungi_compose_ids"),
            respin_of: text("respin_of"),
        },
        request: None,
        pins: None,
        renews: None,
    })
}

/// Every row is either what a request is recorded as, or holds what nobody may ask for.
pub fn speak_of_requests(recording: &Recording) {
    let cases = recording.cases.iter();
    let rows: BTreeSet<String> = cases
        .flat_map(|case| case.before.iter().chain(&case.after))
        .map(|row| serde_json::to_string(row).unwrap())
        .collect();
    for row in rows {
        let row: Row = serde_json::from_str(&row).unwrap();
        let Some(compose) = record(recording, &row) else {
            continue;
        };
        match compose.requested.to_request() {
            Ok(request) => {
                let mut again = compose.clone();
                again.requested = Requested::from_request(&request);
                // What older servers left open.
                let mut requested = compose.requested.clone();
                requested.sigkeys = requested.sigkeys.or(Some(String::new()));
                requested.compose_type = requested.compose_type.or(Some("test".to_owned()));
                // A package name with a line break in it has become two.
                let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
                requested.packages = requested.packages.map(words);
                // An arch counts once.
                for arches in [&mut requested.arches, &mut requested.multilib_arches] {
                    *arches = each_once(arches);
                }
                let compose = Compose { requested, ..compose };
                assert_eq!(public(&again), public(&compose));
            }
            Err(error) => {
                let why = dishonoured_row(&row, &compose.requested.target_dir);
                let field = error.subject();
                assert!(
                    why.iter().any(|name| name == field),
                    "{row:?}: {error}, not {why:?}"
                );
            }
        }
    }
}

/// `2026-11-21 12:20:00.123456`; answers have whole seconds.
fn timestamp(text: &str) -> Timestamp {
    let whole = text.split('.').next().unwrap();
    format!("{}Z", whole.replace(' ', "T")).parse().unwrap()
}

fn lifetime(duration: Duration) -> Lifetime {
    Lifetime::from_seconds(duration.as_secs().max(1)).unwrap()
}

/// The public side of a record as JSON, with words that come from a set in an order of their own.
pub fn public(compose: &Compose) -> Value {
    let mut compose = compose.clone();
    compose.lifetime = Lifetime::DEFAULT;
    compose.renews = None;
    let mut value = serde_json::to_value(&compose).unwrap();
    let source = &mut value["requested"]["source"];
    *source = Value::from(sorted(source.as_str().unwrap()));
    value
}

/// The words of a text in their order, each once.
pub fn each_once(text: &str) -> String {
    let mut seen = BTreeSet::new();
    let words = text.split_whitespace().filter(|word| seen.insert(*word));
    words.collect::<Vec<_>>().join(" ")
}

/// The words of a text, sorted, each once.
pub fn sorted(text: &str) -> String {
    let words: BTreeSet<_> = text.split_whitespace().collect();
    words.into_iter().collect::<Vec<_>>().join(" ")
}
