//! `odcs create-repo`: a compose from an RPM repository.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Failure, wait};
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::{output, watch};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The repository: a directory of the server, with or without repodata. A relative path is taken
    /// from the current directory of this machine.
    path: String,
    /// Names of packages, or globs; without any, all packages of the repository. After --, a - in front
    /// leaves packages out, though not together with --no-deps: -- 'ed*' -ed-doc.
    packages: Vec<String>,
    /// An arch to make the compose for; x86_64 without any.
    #[arg(long = "arch", value_name = "ARCH")]
    arches: Vec<String>,
    /// Leave out what the packages depend on.
    #[arg(long)]
    no_deps: bool,
    /// Packages must be signed with this key; several in order of preference, "" allows unsigned ones.
    #[arg(long = "sigkey", value_name = "KEY")]
    sigkeys: Vec<String>,
    /// How long the compose is to live; servers have a limit, three days without configuration.
    #[arg(long, value_name = "SECONDS")]
    seconds_to_live: Option<u64>,
}

impl Options {
    fn request(self) -> Value {
        let (mut source, mut request) = (Map::new(), Map::new());
        source.insert("type".into(), "repo".into());
        source.insert("source".into(), absolute(&self.path).into());
        let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
        if let Some(packages) = some(self.packages) {
            source.insert("packages".into(), packages.into());
        }
        if let Some(sigkeys) = some(self.sigkeys) {
            source.insert("sigkeys".into(), sigkeys.into());
        }
        if let Some(arches) = some(self.arches) {
            request.insert("arches".into(), arches.into());
        }
        request.insert("source".into(), source.into());
        if self.no_deps {
            request.insert("flags".into(), vec!["no_deps"].into());
        }
        if let Some(seconds) = self.seconds_to_live {
            request.insert("seconds_to_live".into(), seconds.into());
        }
        request.into()
    }
}

pub(crate) async fn run(client_options: ClientOptions, options: Options) -> Result<(), Failure> {
    let client = Client::new(&client_options.server)?;
    let compose = client.post("/api/1/composes/", &options.request()).await?;
    for warning in output::items(&compose, "warnings")
        .iter()
        .filter_map(Value::as_str)
    {
        output::warning(warning);
    }
    if client_options.no_wait {
        if output::wants_json(&client_options) {
            output::json(&compose);
        } else {
            output::compose(&compose);
        }
        return Ok(());
    }
    let id = output::id(&compose);
    let compose = watch::until_ended(&client, id, None).await?;
    wait::show_ended(&client_options, &compose)
}

/// What is a directory here is sent by its full path. So is a relative path to nothing: the server, which
/// is to say that it is not there, then names the place. The rest is for the server to judge.
fn absolute(path: &str) -> String {
    if path.is_empty() || path.contains("://") {
        return path.to_owned();
    }
    let local = Path::new(path).canonicalize();
    let local = local.or_else(|_| std::path::absolute(path)).ok();
    local.as_deref().and_then(Path::to_str).unwrap_or(path).to_owned()
}
