//! `odcs about`: what the server can do.

use serde_json::Value;

use super::Failure;
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::output;

pub(crate) async fn run(options: ClientOptions) -> Result<(), Failure> {
    let about = Client::new(&options.server)?.get("/api/1/about/").await?;
    if output::wants_json(&options) {
        output::json(&about);
        return Ok(());
    }
    output::line(&format!(
        "ODCS {} at {}",
        about["version"].as_str().unwrap_or("?"),
        options.server
    ));
    for (key, name) in [
        ("source_types", "sources"),
        ("arches", "arches"),
        ("flags", "flags"),
        ("results", "results"),
    ] {
        let items = about[key].as_array().map(Vec::as_slice).unwrap_or_default();
        let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
        output::line(&format!("  {name:<8} {}", items.join(" ")));
    }
    Ok(())
}
