//! `odcs create-repo`: a compose from an RPM repository.

use std::path::Path;

use odcs_core::request::Flag;

use super::Failure;
use super::request::{Common, Request, submit};
use crate::cli::ClientOptions;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The repository: a directory of the server, with or without repodata, or the URL of one with repodata that
    /// the server may fetch from. A relative path is taken from the current directory of this machine.
    #[arg(value_name = "PATH")]
    path: String,
    /// Names of packages, or globs; without any, all packages of the repository. After --, a - in front
    /// leaves packages out, though not together with --no-deps: -- 'ed*' -ed-doc.
    #[arg(value_name = "PACKAGE")]
    packages: Vec<String>,
    /// Leave out what the packages depend on: the flag no_deps.
    #[arg(long)]
    no_deps: bool,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(client_options: ClientOptions, options: Options) -> Result<(), Failure> {
    let mut request = Request::new("repo", &absolute(&options.path));
    request
        .source_list("packages", options.packages)
        .common(options.common.with_flag(Flag::NoDeps, options.no_deps));
    submit(client_options, request).await
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
