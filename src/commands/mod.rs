//! The subcommands, one file each.

pub(crate) mod about;
pub(crate) mod cache;
pub(crate) mod cleanup;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod create;
pub(crate) mod create_build;
pub(crate) mod create_pungi_compose;
pub(crate) mod create_repo;
pub(crate) mod create_tag;
pub(crate) mod delete;
pub(crate) mod diff;
mod dry_run;
pub(crate) mod get;
mod koji;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod man;
pub(crate) mod manifest;
pub(crate) mod packages;
pub(crate) mod renew;
mod request;
pub(crate) mod serve;
pub(crate) mod store;
pub(crate) mod wait;
pub(crate) mod why;

use std::process::ExitCode;

use crate::cli::Cli;
use crate::output;

/// Why a command ends with another exit code than 0.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A compose that was waited for is not there to be used; it has been shown.
    Compose,
    /// The service could not start or not go on; or what a command is for could not be done here.
    Service(String),
    /// The server refused; its answer, and what it says for people.
    Refused {
        status: u16,
        body: String,
        message: String,
    },
    /// The server could not be asked.
    Unreachable(String),
}

/// Runs a command and turns its end into an exit code.
pub(crate) async fn run(cli: Cli) -> ExitCode {
    let json = output::wants_json(&cli.client);
    match cli.command.run(cli.client).await {
        Ok(()) => match output::unwritten() {
            None => ExitCode::SUCCESS,
            Some(why) => output::failure(&format!("standard output cannot be written to: {why}")),
        },
        Err(Failure::Compose) => ExitCode::from(1),
        Err(Failure::Service(message)) => output::failure(&message),
        Err(Failure::Refused { body, message, .. }) => {
            // Scripts written for the Python client read the answer from standard output.
            if json {
                output::line(&body);
            }
            output::failure(&message);
            ExitCode::from(255)
        }
        Err(Failure::Unreachable(message)) => {
            output::failure(&message);
            ExitCode::from(255)
        }
    }
}
