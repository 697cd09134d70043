//! The command line.

use clap::{Parser, Subcommand};
use url::Url;

use crate::commands::{about, config, create_repo, delete, get, list, serve, wait};
use crate::values;

/// The On Demand Compose Service: temporary RPM repositories with exactly the packages asked for.
#[derive(Debug, Parser)]
#[command(name = "odcs", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) client: ClientOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    it worked; a compose that was waited for is done
  1    the compose that was waited for failed, was removed or took too long; or the service ended
       with an error
  2    the command line is wrong
  255  the server refused, or cannot be reached";

/// Options of all commands that talk to a server.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ClientOptions {
    /// The server to talk to.
    #[arg(
        long,
        global = true,
        env = "ODCS_SERVER",
        value_name = "URL",
        value_parser = values::server,
        default_value = "http://127.0.0.1:5000"
    )]
    pub(crate) server: Url,
    /// Print JSON, as is done anyway when the output is not a terminal.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Do not wait for the compose: print its record as soon as it is accepted.
    #[arg(long, global = true)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service: the REST API, a worker, and the published composes.
    Serve(serve::Options),
    /// Show the configuration of the service, and where each value comes from.
    Config(config::Options),
    /// Make a compose from an RPM repository on the server.
    CreateRepo(create_repo::Options),
    /// Wait until a compose is done.
    Wait(wait::Options),
    /// Show a compose.
    Get(get::Options),
    /// List composes, newest first.
    List(list::Options),
    /// Cancel a compose that waits or is being made, or delete one that has ended before its time.
    Delete(delete::Options),
    /// Show what the server can do.
    About,
}

impl Command {
    pub(crate) async fn run(self, client: ClientOptions) -> Result<(), crate::commands::Failure> {
        match self {
            Self::Serve(options) => serve::run(options).await,
            Self::Config(options) => config::run(&client, &options),
            Self::CreateRepo(options) => create_repo::run(client, options).await,
            Self::Wait(options) => wait::run(client, options).await,
            Self::Get(options) => get::run(client, options).await,
            Self::List(options) => list::run(client, options).await,
            Self::Delete(options) => delete::run(client, options).await,
            Self::About => about::run(client).await,
        }
    }
}
