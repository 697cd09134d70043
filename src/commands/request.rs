//! Requests for composes: the options that all of them share, and the body that is sent.

use odcs_core::request::{ComposeResult, Flag};
use serde_json::{Map, Value};

use super::{Failure, dry_run, wait};
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::values::{self, Sigkey};

/// Options of every command that asks for a compose.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Common {
    /// An arch to make the compose for; the server's default without any.
    #[arg(long = "arch", value_name = "ARCH")]
    arches: Vec<String>,
    /// Packages must be signed with this key; several in order of preference, "none" or "" allows
    /// unsigned ones. With ARCH= in front, as in s390x=fd431d51, a key of this arch, which then goes by its
    /// own keys alone.
    #[arg(long = "sigkey", value_name = "[ARCH=]KEY", value_parser = values::sigkey)]
    sigkeys: Vec<Sigkey>,
    #[arg(long = "flag", value_name = "FLAG", help = flags_help())]
    flags: Vec<String>,
    #[arg(long = "result", value_name = "RESULT", help = results_help())]
    results: Vec<String>,
    /// URL of a repository whose packages are left out of the compose, for they are there already;
    /// file:///DIR for a directory of the server. $basearch in it stands for each arch of the compose.
    #[arg(long = "lookaside-repo", value_name = "URL")]
    lookaside_repos: Vec<String>,
    /// An arch whose compose gets packages of its 32-bit relative, too.
    #[arg(long = "multilib-arch", value_name = "ARCH")]
    multilib_arches: Vec<String>,
    /// Which packages these are: runtime, devel or all.
    #[arg(long = "multilib-method", value_name = "METHOD")]
    multilib_methods: Vec<String>,
    /// A label such as RC-1.0.
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
    /// Type of the compose: test, nightly, ci, production, …
    #[arg(long, value_name = "TYPE")]
    compose_type: Option<String>,
    /// Name of the server's directory that the compose is put into.
    #[arg(long, value_name = "NAME")]
    target_dir: Option<String>,
    /// How long the compose is to live; servers have a limit, three days without configuration.
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds)]
    seconds_to_live: Option<u64>,
    /// Make nothing: show what would be in the compose, and why.
    #[arg(long)]
    dry_run: bool,
}

fn flags_help() -> String {
    let names = Flag::ALL.map(Flag::as_str).join(", ");
    format!("A flag; which ones a type of source knows differs: {names}")
}

fn results_help() -> String {
    let names = ComposeResult::ALL.map(ComposeResult::as_str).join(", ");
    format!("What to make, if the server can, besides a repository: {names}")
}

/// The body of a request. What is empty is left out, so that the server's defaults hold.
#[derive(Debug)]
pub(crate) struct Request {
    source: Map<String, Value>,
    beside: Map<String, Value>,
    dry_run: bool,
}

impl Request {
    pub(crate) fn new(source_type: &str, source: &str) -> Self {
        let mut fields = Map::new();
        fields.insert("type".into(), source_type.into());
        fields.insert("source".into(), source.into());
        Self {
            source: fields,
            beside: Map::new(),
            dry_run: false,
        }
    }

    /// A field within `source`.
    pub(crate) fn source<T: Into<Value>>(&mut self, field: &str, value: Option<T>) -> &mut Self {
        insert(&mut self.source, field, value);
        self
    }

    /// A list within `source`.
    pub(crate) fn source_list(&mut self, field: &str, items: Vec<String>) -> &mut Self {
        insert(&mut self.source, field, some(items));
        self
    }

    /// A field beside `source`.
    pub(crate) fn beside<T: Into<Value>>(&mut self, field: &str, value: Option<T>) -> &mut Self {
        insert(&mut self.beside, field, value);
        self
    }

    /// A list beside `source`.
    pub(crate) fn beside_list(&mut self, field: &str, items: Vec<String>) -> &mut Self {
        insert(&mut self.beside, field, some(items));
        self
    }

    /// What all commands share.
    pub(crate) fn common(&mut self, common: Common) -> &mut Self {
        self.dry_run = common.dry_run;
        self.source("sigkeys", values::sigkeys(common.sigkeys))
            .beside_list("arches", common.arches)
            .beside_list("flags", common.flags)
            .beside_list("results", common.results)
            .beside_list("lookaside_repos", common.lookaside_repos)
            .beside_list("multilib_arches", common.multilib_arches)
            .beside_list("multilib_method", common.multilib_methods)
            .beside("label", common.label)
            .beside("compose_type", common.compose_type)
            .beside("target_dir", common.target_dir)
            .beside("seconds_to_live", common.seconds_to_live)
    }

    pub(crate) fn into_body(self) -> Value {
        let mut body = self.beside;
        body.insert("source".into(), self.source.into());
        body.into()
    }
}

impl Common {
    /// With a flag that has an option of its own.
    pub(crate) fn with_flag(mut self, flag: Flag, wanted: bool) -> Self {
        if wanted && !self.flags.iter().any(|given| given == flag.as_str()) {
            self.flags.push(flag.as_str().to_owned());
        }
        self
    }
}

fn some(items: Vec<String>) -> Option<Vec<String>> {
    (!items.is_empty()).then_some(items)
}

fn insert<T: Into<Value>>(fields: &mut Map<String, Value>, field: &str, value: Option<T>) {
    if let Some(value) = value {
        fields.insert(field.to_owned(), value.into());
    }
}

/// Sends a request, and waits for the compose unless told not to; or has it tried without making anything.
pub(crate) async fn submit(options: ClientOptions, request: Request) -> Result<(), Failure> {
    let client = Client::new(&options)?;
    if request.dry_run {
        return dry_run::run(&options, &client, &request.into_body()).await;
    }
    let compose = client.post("/api/1/composes/", &request.into_body()).await?;
    wait::accepted(&options, &client, compose).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_given_is_not_sent() {
        let mut request = Request::new("tag", "f36");
        request
            .common(Common::default())
            .source("koji_event", None::<i64>);
        assert_eq!(
            request.into_body(),
            json!({"source": {"type": "tag", "source": "f36"}})
        );
    }

    #[test]
    fn a_dry_run_is_no_part_of_the_body() {
        let mut request = Request::new("tag", "f36");
        request.common(Common {
            dry_run: true,
            ..Common::default()
        });
        assert!(request.dry_run);
        assert_eq!(
            request.into_body(),
            json!({"source": {"type": "tag", "source": "f36"}})
        );
    }

    #[test]
    fn fields_stand_where_the_api_has_them() {
        let mut request = Request::new("tag", "f36");
        let common = Common {
            sigkeys: ["123", "none"].map(|key| values::sigkey(key).unwrap()).to_vec(),
            label: Some("RC-1.0".into()),
            flags: vec!["no_deps".into()],
            seconds_to_live: Some(60),
            ..Common::default()
        };
        // An option of its own does not repeat a flag.
        request
            .common(
                common
                    .with_flag(Flag::NoDeps, true)
                    .with_flag(Flag::NoReuse, true),
            )
            .source_list("builds", vec!["ed-1-1".into()]);
        let body = json!({
            "source": {"type": "tag", "source": "f36", "sigkeys": ["123", ""], "builds": ["ed-1-1"]},
            "label": "RC-1.0", "flags": ["no_deps", "no_reuse"], "seconds_to_live": 60,
        });
        assert_eq!(request.into_body(), body);
    }
}
