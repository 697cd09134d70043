//! `odcs diff`: what is different between two composes.

use serde_json::Value;

use super::Failure;
use super::packages::arches;
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::{output, values};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Id of the compose that is compared.
    #[arg(value_name = "BEFORE", value_parser = values::id)]
    before: i64,
    /// Id of the compose that it is compared with.
    #[arg(value_name = "AFTER", value_parser = values::id)]
    after: i64,
}

pub(crate) async fn run(options: ClientOptions, Options { before, after }: Options) -> Result<(), Failure> {
    let difference = Client::new(&options)?
        .get(&format!("/api/1/composes/{before}/diff/{after}"))
        .await?;
    if output::wants_json(&options) {
        output::json(&difference);
        return Ok(());
    }
    let mut rows = vec![["CHANGE", "KIND", "BEFORE", "AFTER", "ARCHES"].map(str::to_owned)];
    rows.extend(output::items(&difference, "items").iter().map(row));
    if rows.len() > 1 {
        output::table(&rows);
    }
    output::line(&summary(&difference, before, after));
    Ok(())
}

fn row(item: &Value) -> [String; 5] {
    let text = |name| output::text(item, name).unwrap_or("-").to_owned();
    let nevra = |side| {
        let file = item.get(side);
        let nevra = file.and_then(|file| output::text(file, "nevra"));
        nevra.unwrap_or("-").to_owned()
    };
    [
        text("change"),
        text("kind"),
        nevra("before"),
        nevra("after"),
        arches(item),
    ]
}

fn summary(difference: &Value, before: i64, after: i64) -> String {
    let counts = difference.get("counts").and_then(Value::as_object);
    let counts = counts.into_iter().flatten().filter_map(|(change, count)| {
        let count = count.as_u64().filter(|count| *count > 0)?;
        Some(format!("{count} {change}"))
    });
    let counts: Vec<_> = counts.collect();
    if counts.is_empty() {
        format!("composes {before} and {after} have the same packages")
    } else {
        counts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_and_their_sum() {
        let item = json!({
            "change": "added", "kind": "source", "before": null, "after": {"nevra": "ed-0:1-1.src"}, "arches": ["x86_64"],
        });
        assert_eq!(row(&item), ["added", "source", "-", "ed-0:1-1.src", "x86_64"]);
        let counts = json!({"counts": {"added": 1, "changed": 0, "upgraded": 12}});
        assert_eq!(summary(&counts, 1, 2), "1 added, 12 upgraded");
        let nothing = json!({"counts": {"added": 0}});
        assert_eq!(summary(&nothing, 1, 2), "composes 1 and 2 have the same packages");
    }
}
