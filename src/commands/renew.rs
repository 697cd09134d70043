//! `odcs renew`: keep a compose, or have it back.

use serde_json::{Map, Value};

use super::{Failure, wait};
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::output;
use crate::values::{self, Sigkey};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Id of the compose.
    #[arg(value_parser = values::id)]
    id: i64,
    /// How long it is to live from now on; as long as it was made for without this.
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds)]
    seconds_to_live: Option<u64>,
    /// Packages must be signed with this key instead; several in order of preference, "none" or ""
    /// allows unsigned ones. With ARCH= in front, a key of this arch. They replace all there are.
    #[arg(long = "sigkey", value_name = "[ARCH=]KEY", value_parser = values::sigkey)]
    sigkeys: Vec<Sigkey>,
    /// Another label; "" for none.
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
    /// A Koji build to include instead of those before, NAME-VERSION-RELEASE.
    #[arg(long = "build", value_name = "NVR")]
    builds: Vec<String>,
    /// A module to include instead of those before, NAME:STREAM:VERSION:CONTEXT.
    #[arg(long = "module", value_name = "NSVC")]
    modules: Vec<String>,
}

impl Options {
    /// What is to be different; nothing at all is a request without a body.
    fn body(self) -> Option<Value> {
        let (mut source, mut body) = (Map::new(), Map::new());
        let lists = [("builds", self.builds), ("modules", self.modules)];
        for (field, items) in lists.into_iter().filter(|(_, items)| !items.is_empty()) {
            source.insert(field.to_owned(), items.into());
        }
        if !source.is_empty() {
            body.insert("source".to_owned(), source.into());
        }
        if let Some(sigkeys) = values::sigkeys(self.sigkeys) {
            body.insert("sigkeys".to_owned(), sigkeys);
        }
        if let Some(label) = self.label {
            body.insert("label".to_owned(), label.into());
        }
        if let Some(seconds) = self.seconds_to_live {
            body.insert("seconds_to_live".to_owned(), seconds.into());
        }
        (!body.is_empty()).then(|| body.into())
    }
}

pub(crate) async fn run(client_options: ClientOptions, options: Options) -> Result<(), Failure> {
    let client = Client::new(&client_options)?;
    let id = options.id;
    let path = format!("/api/1/composes/{id}");
    let compose = client.patch(&path, options.body().as_ref()).await?;
    let renewed = output::id(&compose);
    if renewed != id && !output::wants_json(&client_options) {
        output::line(&format!("compose {id} is made again as compose {renewed}"));
    }
    wait::accepted(&client_options, &client, compose).await
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::json;

    use crate::cli::{Cli, Command};

    fn body(arguments: &[&str]) -> Option<serde_json::Value> {
        let words = ["odcs", "renew", "1"].iter().chain(arguments);
        match Cli::try_parse_from(words).unwrap().command {
            Command::Renew(options) => options.body(),
            other => panic!("another command: {other:?}"),
        }
    }

    #[test]
    fn the_body_says_what_is_to_be_different() {
        assert_eq!(body(&[]), None);
        assert_eq!(
            body(&["--seconds-to-live", "1000"]),
            Some(json!({"seconds_to_live": 1000}))
        );
        let all = [
            "--sigkey", "123", "--sigkey", "none", "--label", "", "--build", "a-1-1", "--module", "m:s:1:c",
        ];
        let expected = json!({
            "sigkeys": ["123", ""], "label": "", "source": {"builds": ["a-1-1"], "modules": ["m:s:1:c"]},
        });
        assert_eq!(body(&all), Some(expected.clone()));
        let of_arch = body(&["--sigkey", "s390x=ABC"]);
        assert_eq!(of_arch, Some(json!({"sigkeys": {"s390x": ["ABC"]}})));
        let parsed = odcs_core::request::parse::renewal_request(&expected).unwrap();
        assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
    }
}
