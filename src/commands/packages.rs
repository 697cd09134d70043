//! `odcs packages`: what is in a compose.

use indicatif::HumanBytes;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::Failure;
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::{output, values};

/// Packages that are asked for at a time: as many as servers give.
const PER_PAGE: u64 = 10_000;

/// Pages that are asked for at most, should a server go on without end.
const MAX_PAGES: u64 = 1_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Id of the compose.
    #[arg(value_parser = values::id)]
    id: i64,
    /// Only packages of this name, or of the names that a glob matches.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only packages that are there for this arch.
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    /// Only packages of this kind: binary, debug or source; lookaside are those that are in lookaside
    /// repositories instead, and that others are there for.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
}

impl Options {
    fn path(&self, page: u64) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("page", &page.to_string());
        query.append_pair("per_page", &PER_PAGE.to_string());
        for (name, text) in [("name", &self.name), ("arch", &self.arch), ("kind", &self.kind)] {
            if let Some(text) = text {
                query.append_pair(name, text);
            }
        }
        format!("/api/1/composes/{}/packages?{}", self.id, query.finish())
    }
}

pub(crate) async fn run(client_options: ClientOptions, options: Options) -> Result<(), Failure> {
    let client = Client::new(&client_options)?;
    let mut answer = client.get(&options.path(1)).await?;
    let pages = answer.pointer("/meta/pages").and_then(Value::as_u64);
    let mut items = output::items(&answer, "items").to_vec();
    for page in 2..=pages.unwrap_or(1).min(MAX_PAGES) {
        let answer = client.get(&options.path(page)).await?;
        items.extend_from_slice(output::items(&answer, "items"));
    }
    if output::wants_json(&client_options) {
        let total = items.len();
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("items".to_owned(), items.into());
            let meta =
                json!({"page": 1, "pages": 1, "per_page": total, "total": total, "next": null, "prev": null});
            answer.insert("meta".to_owned(), meta);
        }
        output::json(&answer);
        return Ok(());
    }
    table(&items);
    output::line(&counted(items.len()));
    Ok(())
}

/// Packages for people.
pub(super) fn table(items: &[Value]) {
    let mut rows = vec![["PACKAGE", "KIND", "ARCHES", "SIZE", "WHY"].map(str::to_owned)];
    rows.extend(items.iter().map(row));
    if rows.len() > 1 {
        output::table(&rows);
    }
}

/// So many packages, in words.
pub(super) fn counted(count: usize) -> String {
    match count {
        0 => "no packages".to_owned(),
        1 => "1 package".to_owned(),
        _ => format!("{count} packages"),
    }
}

fn row(package: &Value) -> [String; 5] {
    let text = |name| output::text(package, name).unwrap_or("-").to_owned();
    let size = package.get("size").and_then(Value::as_u64);
    // The reasons may differ between arches; one is enough to go on with.
    let why = package.get("why").and_then(Value::as_object);
    let why = why.and_then(|why| why.values().find_map(|why| output::text(why, "text")));
    [
        text("nevra"),
        text("kind"),
        arches(package),
        size.map_or_else(|| "-".to_owned(), |size| HumanBytes(size).to_string()),
        why.unwrap_or("-").to_owned(),
    ]
}

/// The arches of a package, or of what became of it.
pub(super) fn arches(item: &Value) -> String {
    let arches: Vec<_> = output::items(item, "arches")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    arches.join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn filters_are_passed_on() {
        let words = "odcs packages 3 --name ed* --arch x86_64 --kind debug".split(' ');
        let Command::Packages(options) = Cli::try_parse_from(words).unwrap().command else {
            panic!("another command")
        };
        let path = "/api/1/composes/3/packages?page=2&per_page=10000&name=ed*&arch=x86_64&kind=debug";
        assert_eq!(options.path(2), path);
    }

    #[test]
    fn rows_show_what_there_is() {
        let package = json!({
            "nevra": "ed-0:1-1.noarch", "kind": "binary", "arches": ["aarch64", "x86_64"], "size": 2048,
            "why": {"x86_64": {"text": "ed was asked for"}},
        });
        let expected = [
            "ed-0:1-1.noarch",
            "binary",
            "aarch64 x86_64",
            "2.00 KiB",
            "ed was asked for",
        ];
        assert_eq!(row(&package), expected);
        assert_eq!(row(&json!({})), ["-", "-", "", "-", "-"]);
    }
}
