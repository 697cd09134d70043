//! `odcs about`: what the server can do.

use serde_json::Value;

use super::Failure;
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::output;

pub(crate) async fn run(options: ClientOptions) -> Result<(), Failure> {
    let about = Client::new(&options)?.get("/api/1/about/").await?;
    if output::wants_json(&options) {
        output::json(&about);
        return Ok(());
    }
    output::line(&format!(
        "ODCS {} at {}",
        output::text(&about, "version").unwrap_or("?"),
        options.server
    ));
    for (field, name) in [
        ("source_types", "sources"),
        ("arches", "arches"),
        ("flags", "flags"),
        ("results", "results"),
    ] {
        let items: Vec<_> = output::items(&about, field)
            .iter()
            .filter_map(Value::as_str)
            .collect();
        output::line(&format!("  {name:<8} {}", items.join(" ")));
    }
    Ok(())
}
