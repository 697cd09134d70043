//! `odcs list`: composes, newest first.

use std::collections::HashSet;

use odcs_core::compose::ComposeState;
use odcs_core::request::SourceKind;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::Failure;
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::output;

/// Composes that `--all` prints at most.
const MAX_ALL: u64 = 100_000;

/// Characters of a column that a person reads.
const MAX_SHOWN: usize = 60;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Order by this column, with a - in front the other way round; id, owner, source_type, koji_event,
    /// state, time_to_expire, time_submitted, time_done or time_removed [default: -id]
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    order_by: Option<String>,
    /// The page, counted from 1.
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    page: u64,
    /// Composes on a page, at most 100.
    #[arg(long, default_value_t = 10, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=100))]
    per_page: u64,
    /// All composes, whatever pages they are on; an error if there are more than 100000.
    #[arg(long, conflicts_with_all = ["page", "per_page"])]
    all: bool,
    #[command(flatten)]
    filters: Filters,
}

/// Which composes; each filter has to hold.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which composes (each of these has to hold)")]
struct Filters {
    /// Who asked for it.
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Type of the source: tag, module, repo, pulp, raw_config, build, pungi_compose, another one that the
    /// server has (odcs about lists them), or its number.
    #[arg(long, value_name = "TYPE", value_parser = source_type)]
    source_type: Option<SourceType>,
    /// The source, exactly as its record has it.
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// The state: wait, generating, done, removed or failed.
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<i64>,
    /// The number of the Koji task that makes it.
    #[arg(long, value_name = "TASK")]
    koji_task_id: Option<i64>,
    /// The id that Pungi's metadata give it.
    #[arg(long, value_name = "ID")]
    pungi_compose_id: Option<String>,
    /// Type of the compose: test, nightly, …
    #[arg(long, value_name = "TYPE")]
    compose_type: Option<String>,
    /// The label.
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
}

/// The type of a source, as the API filters by it.
#[derive(Clone, Debug, Eq, PartialEq)]
enum SourceType {
    Number(u32),
    /// One that this program does not know. The server lists nothing for what it does not know either: it is
    /// asked what it has, or else a slip of the pen would look like an empty list.
    Named(String),
}

fn source_type(text: &str) -> Result<SourceType, String> {
    let known = SourceKind::BUILTIN.into_iter().find(|kind| kind.name() == text);
    let number = known.map(|kind| kind.number()).or_else(|| text.parse().ok());
    if let Some(number) = number {
        return Ok(SourceType::Number(number));
    }
    // What may be the name of a type; its number does not matter here.
    SourceKind::custom(text, u32::MAX).map_err(|_| {
        let names = SourceKind::BUILTIN.map(|kind| kind.name().to_owned());
        format!(
            "a type of source is expected ({}, or another one that the server has), or its number",
            names.join(", ")
        )
    })?;
    Ok(SourceType::Named(text.to_owned()))
}

/// Refuses a type that a server does not have, which is what `about` says.
fn check_source_type(wanted: &str, about: &Value) -> Result<(), Failure> {
    let has: Vec<_> = output::items(about, "source_types")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if has.contains(&wanted) {
        return Ok(());
    }
    let message = format!(
        "this server has no source type {wanted:?}; it has {}",
        has.join(", ")
    );
    Err(Failure::Refused {
        status: 400,
        body: json!({"error": "Bad Request", "message": message, "status": 400}).to_string(),
        message,
    })
}

fn state(text: &str) -> Result<i64, String> {
    let states = (0..).map_while(ComposeState::from_number);
    let known = states
        .clone()
        .find(|state| state.name() == text || state.number().to_string() == text);
    known.map(ComposeState::number).ok_or_else(|| {
        let names: Vec<_> = states.map(ComposeState::name).collect();
        format!("a state is expected: {}", names.join(", "))
    })
}

impl Options {
    /// The path of a page.
    fn path(&self, page: u64, per_page: u64) -> String {
        let filters = &self.filters;
        let texts = [
            ("owner", &filters.owner),
            ("source", &filters.source),
            ("pungi_compose_id", &filters.pungi_compose_id),
            ("compose_type", &filters.compose_type),
            ("label", &filters.label),
            ("order_by", &self.order_by),
        ];
        let source_type = filters.source_type.as_ref().map(|source_type| match source_type {
            SourceType::Number(number) => number.to_string(),
            SourceType::Named(name) => name.clone(),
        });
        let numbers = [
            ("source_type", source_type),
            ("state", filters.state.map(|number| number.to_string())),
            (
                "koji_task_id",
                filters.koji_task_id.map(|number| number.to_string()),
            ),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("page", &page.to_string());
        query.append_pair("per_page", &per_page.to_string());
        for (name, text) in texts {
            if let Some(text) = text {
                query.append_pair(name, text);
            }
        }
        for (name, number) in numbers {
            if let Some(number) = number {
                query.append_pair(name, &number);
            }
        }
        format!("/api/1/composes/?{}", query.finish())
    }
}

pub(crate) async fn run(client_options: ClientOptions, options: Options) -> Result<(), Failure> {
    let client = Client::new(&client_options)?;
    if let Some(SourceType::Named(name)) = &options.filters.source_type {
        check_source_type(name, &client.get("/api/1/about/").await?)?;
    }
    let answer = if options.all {
        all(&client, &options).await?
    } else {
        client.get(&options.path(options.page, options.per_page)).await?
    };
    if output::wants_json(&client_options) {
        output::json(&answer);
    } else {
        show(&answer);
    }
    Ok(())
}

/// The composes of all pages as if they were on one. What is submitted meanwhile moves others to later
/// pages: nothing is listed twice for that.
async fn all(client: &Client, options: &Options) -> Result<Value, Failure> {
    let (mut composes, mut seen) = (Vec::new(), HashSet::new());
    let mut page = 1;
    loop {
        let answer = client.get(&options.path(page, 100)).await?;
        let total = number(&answer, "total");
        if total > MAX_ALL {
            return Err(Failure::Service(format!(
                "there are {total} such composes, and --all prints {MAX_ALL} at most: ask for fewer, or for pages"
            )));
        }
        let items = output::items(&answer, "items");
        composes.extend(
            items
                .iter()
                .filter(|compose| seen.insert(output::id(compose)))
                .cloned(),
        );
        // Both ends are needed: a server that counts wrongly, or goes on without end.
        if items.is_empty() || page >= number(&answer, "pages") || page > MAX_ALL / 100 {
            break;
        }
        page += 1;
    }
    let total = composes.len();
    Ok(json!({
        "items": composes,
        "meta": {"page": 1, "pages": 1, "per_page": total, "total": total, "next": null, "prev": null},
    }))
}

fn number(answer: &Value, field: &str) -> u64 {
    let meta = answer.get("meta");
    meta.and_then(|meta| meta.get(field))
        .and_then(Value::as_u64)
        .unwrap_or_default()
}

/// The list for people.
fn show(answer: &Value) {
    let mut rows = vec![
        [
            "ID",
            "STATE",
            "OWNER",
            "SUBMITTED",
            "EXPIRES",
            "TYPE",
            "SOURCE",
            "PACKAGES",
        ]
        .map(str::to_owned),
    ];
    rows.extend(output::items(answer, "items").iter().map(row));
    if rows.len() > 1 {
        output::table(&rows);
    }
    let (page, pages, total) = (
        number(answer, "page"),
        number(answer, "pages"),
        number(answer, "total"),
    );
    output::line(&match (total, pages) {
        (0, _) => "no composes".to_owned(),
        (1, _) => "1 compose".to_owned(),
        (_, 1) => format!("{total} composes"),
        _ => format!("page {page} of {pages}, {total} composes in all"),
    });
}

fn row(compose: &Value) -> [String; 8] {
    let text = |name, otherwise: &str| {
        let text = output::text(compose, name)
            .filter(|text| !text.is_empty())
            .unwrap_or(otherwise);
        // One line each, whatever is in it.
        let text: Vec<_> = text.split_whitespace().collect();
        shortened(&text.join(" "))
    };
    let source_type = compose
        .get("source_type")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let known = SourceKind::BUILTIN
        .into_iter()
        .find(|kind| u64::from(kind.number()) == source_type);
    [
        output::id(compose).to_string(),
        text("state_name", "-"),
        text("owner", "-"),
        text("time_submitted", "-"),
        text("time_to_expire", "-"),
        known.map_or_else(|| source_type.to_string(), |kind| kind.name().to_owned()),
        text("source", "-"),
        text("packages", "(all)"),
    ]
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        None => text.to_owned(),
        Some(_) => text.chars().take(MAX_SHOWN - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(arguments: &[&str]) -> Result<Options, clap::Error> {
        let words = ["odcs", "list"].iter().chain(arguments);
        match Cli::try_parse_from(words)?.command {
            Command::List(options) => Ok(options),
            other => panic!("another command: {other:?}"),
        }
    }

    #[test]
    fn filters_by_name_are_asked_for_by_number() {
        let options = parse(&[
            "--owner",
            "joe@A B",
            "--source-type",
            "pulp",
            "--source",
            "a&b",
            "--state",
            "failed",
            "--koji-task-id",
            "7",
            "--pungi-compose-id",
            "F-36",
            "--compose-type",
            "nightly",
            "--label",
            "RC-1.0",
            "--order-by",
            "-time_done",
        ])
        .unwrap();
        assert_eq!(
            options.path(2, 50),
            "/api/1/composes/?page=2&per_page=50&owner=joe%40A+B&source=a%26b&pungi_compose_id=F-36&compose_type=nightly\
             &label=RC-1.0&order_by=-time_done&source_type=4&state=4&koji_task_id=7"
        );
        assert_eq!(
            parse(&[]).unwrap().path(1, 10),
            "/api/1/composes/?page=1&per_page=10"
        );
        for source_type in ["100", "inbox"] {
            let options = parse(&["--source-type", source_type]).unwrap();
            let path = format!("/api/1/composes/?page=1&per_page=10&source_type={source_type}");
            assert_eq!(options.path(1, 10), path);
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        for (arguments, says) in [
            (["--state", "finished"], "wait, generating, done, removed, failed"),
            (["--source-type", "Koji tag"], "raw_config"),
            (["--page", "0"], "1.."),
            (["--per-page", "101"], "1..=100"),
        ] {
            let error = parse(&arguments).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_type_that_the_server_does_not_have_is_no_empty_list() {
        let about = json!({"source_types": ["repo", "inbox"]});
        assert!(check_source_type("inbox", &about).is_ok());
        match check_source_type("koji", &about) {
            Err(Failure::Refused { message, body, .. }) => {
                assert_eq!(
                    message,
                    "this server has no source type \"koji\"; it has repo, inbox"
                );
                assert!(body.contains("no source type"), "{body}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_have_one_line() {
        let row = row(&json!({"id": 3, "source": "a\nb", "source_type": 100, "packages": "x ".repeat(100)}));
        assert_eq!(
            (row[0].as_str(), row[5].as_str(), row[6].as_str()),
            ("3", "100", "a b")
        );
        assert!(row[7].chars().count() == MAX_SHOWN && row[7].ends_with('…'));
    }
}
