//! The `odcs` program: the service, and a client for it, put together from the library crates.

mod assemble;
mod cli;
mod client;
mod commands;
mod config;
mod markdown;
mod output;
mod values;
mod watch;

use std::process::ExitCode;

use clap::FromArgMatches as _;

fn main() -> ExitCode {
    let matches = cli::definition().get_matches();
    let cli = cli::Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::failure(&format!("the program cannot start: {error}")),
    };
    let code = runtime.block_on(commands::run(cli));
    // Blocking work that was told to stop, but sits in a read, must not keep the process.
    runtime.shutdown_background();
    code
}
