//! `--dry-run`: what would be in a compose.

use serde_json::{Value, json};

use super::Failure;
use super::packages::{counted, table};
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::output;

/// Where servers describe what they can do, and where in it the parameters of a request for a compose are.
const DOCUMENT: &str = "/api/1/openapi.json";
const PARAMETERS: &str = "/paths/~1api~11~1composes~1/post/parameters";

/// Shows what a request would lead to.
pub(super) async fn run(options: &ClientOptions, client: &Client, body: &Value) -> Result<(), Failure> {
    // A server that does not know of dry runs takes no notice, and makes a compose.
    let document = match client.get(DOCUMENT).await {
        Ok(document) => document,
        Err(Failure::Refused { .. }) => Value::Null,
        Err(failure) => return Err(failure),
    };
    if !knows_dry_runs(&document) {
        return Err(unknown(options));
    }
    let answer = match client.dry_run(body).await {
        Ok(answer) => answer,
        Err(Failure::Refused {
            status: 422,
            body,
            message,
        }) => return Err(would_fail(options, &body, message)),
        Err(failure) => return Err(failure),
    };
    if answer.get("dry_run") != Some(&Value::Bool(true)) {
        let id = output::id(&answer);
        return Err(Failure::Service(format!(
            "the server took the dry run for a request and makes compose {id}; odcs delete {id} cancels it"
        )));
    }
    show_log(options, &answer);
    if !options.quiet {
        let warnings = output::items(&answer, "warnings").iter();
        warnings.filter_map(Value::as_str).for_each(output::warning);
    }
    if output::wants_json(options) {
        output::json(&answer);
        return Ok(());
    }
    let items = output::items(&answer, "items");
    table(items);
    output::line(&format!(
        "{} would be in the compose; nothing was made",
        counted(items.len())
    ));
    Ok(())
}

/// What the log of the compose would say, where that is asked for.
fn show_log(options: &ClientOptions, answer: &Value) {
    if options.watch {
        let lines = output::items(answer, "log").iter().filter_map(Value::as_str);
        lines.for_each(|line| output::log(format!("{line}\n").as_bytes()));
    }
}

fn knows_dry_runs(document: &Value) -> bool {
    let parameters = document.pointer(PARAMETERS).and_then(Value::as_array);
    parameters
        .into_iter()
        .flatten()
        .any(|parameter| output::text(parameter, "name") == Some("dry_run"))
}

fn unknown(options: &ClientOptions) -> Failure {
    let message = format!(
        "the server {} does not know of dry runs, and would have made a compose",
        options.server
    );
    Failure::Refused {
        status: 501,
        body: json!({"error": "Not Implemented", "message": message, "status": 501}).to_string(),
        message,
    }
}

/// The compose would fail, as one that is waited for may.
fn would_fail(options: &ClientOptions, body: &str, message: String) -> Failure {
    if output::wants_json(options) {
        output::line(body);
    }
    let answer: Option<Value> = serde_json::from_str(body).ok();
    if let Some(answer) = &answer {
        show_log(options, answer);
    }
    let reason = answer.as_ref().and_then(|answer| output::text(answer, "message"));
    let reason = reason.map(|reason| format!("the compose would fail: {reason}"));
    Failure::Service(reason.unwrap_or(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_say_whether_they_know_of_it() {
        let ours: Value = serde_json::from_str(&odcs_http::openapi()).unwrap();
        assert!(knows_dry_runs(&ours));
        let older = json!({"paths": {"/api/1/composes/": {"post": {"parameters": [{"name": "other"}]}}}});
        assert!(!knows_dry_runs(&older) && !knows_dry_runs(&Value::Null));
    }
}
