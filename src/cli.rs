//! The command line.

use clap::{CommandFactory as _, Parser, Subcommand};
use url::Url;

use crate::commands::{
    about, cache, cleanup, completions, config, create, create_build, create_pungi_compose, create_repo,
    create_tag, delete, diff, get, list, log, man, manifest, packages, renew, serve, store, wait, why,
};
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
  1    the compose that was waited for failed, was removed or took too long; a dry run found that
       it would fail; the package that was asked about is not in the compose; fetched files or the
       cache were found damaged; or the service ended with an error, or something could not be printed or
       written
  2    the command line is wrong
  255  the server refused, or cannot be reached";

const REPEATED: &str = "\
What there can be several of (--sigkey, --arch, --flag, --build, ...) is named by an option each.";

/// Options of all commands that talk to a server.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Options for talking to a server")]
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
    /// While waiting, print the compose's log on standard error; with --dry-run, what it would say.
    #[arg(long, global = true)]
    pub(crate) watch: bool,
    /// Print no warnings, and not how it goes on unless --watch asks for it; errors are printed.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Say on standard error what is asked of the server, and what it answers.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// Means nothing; scripts for the Python client have it.
    #[arg(long, global = true, hide = true)]
    pub(crate) redhat: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service: the REST API, a worker, and the published composes.
    Serve(serve::Options),
    /// Remove what has expired, and what workers left that were killed; the service does so by itself.
    ///
    /// This runs on the machine of the service, with its configuration, also while the service runs.
    Cleanup(cleanup::Options),
    /// Look after the files that were fetched for composes.
    ///
    /// This runs on the machine of the service, with its configuration, also while services run.
    Store(store::Options),
    /// Look after what is known about packages from composes made before.
    ///
    /// This runs on the machine of the service, with its configuration, also while services run.
    Cache(cache::Options),
    /// Make a compose from a source of any type; the server decides what it can make.
    #[command(after_help = REPEATED)]
    Create(Box<create::Options>),
    /// Show the configuration of the service, and where each value comes from.
    Config(config::Options),
    /// Make a compose from an RPM repository on the server.
    #[command(after_help = REPEATED)]
    CreateRepo(create_repo::Options),
    /// Make a compose from Koji tags.
    #[command(after_help = REPEATED)]
    CreateTag(Box<create_tag::Options>),
    /// Make a compose from Koji builds: exactly these, and what their packages need of them.
    #[command(after_help = REPEATED)]
    CreateBuild(create_build::Options),
    /// Make a compose of the packages of a variant of a Pungi compose, taken from Koji.
    #[command(after_help = REPEATED)]
    CreatePungiCompose(create_pungi_compose::Options),
    /// Keep a compose longer, or have it made again.
    ///
    /// A compose that is done is kept longer under its id. One that failed or was removed is made again, from
    /// the same packages, and so is one that is to have other keys, another label, other builds or modules:
    /// the answer has a new id then, and the new compose is waited for.
    #[command(after_help = REPEATED)]
    Renew(renew::Options),
    /// Wait until a compose is done.
    Wait(wait::Options),
    /// Show a compose as it is now, in whatever state; `odcs wait` waits for it.
    Get(get::Options),
    /// List composes, newest first.
    ///
    /// On a terminal that is a table; else it is what the server answers, with the records in full.
    List(list::Options),
    /// Print the log of a compose.
    Log(log::Options),
    /// List the packages of a compose, and why each of them is in it.
    Packages(packages::Options),
    /// Say why a package is in a compose: the way to it from what was asked for.
    ///
    /// If nothing of that name is in it, names that are near are shown, or where else it was met.
    Why(why::Options),
    /// Compare two composes: which packages were added, removed, upgraded, downgraded or changed.
    ///
    /// A package that is "changed" is the same version, but another file, another key or another
    /// architecture. Of several versions of a name, the newest are compared with the newest.
    Diff(diff::Options),
    /// Print what is recorded of the packages of a compose, file by file, as JSON.
    Manifest(manifest::Options),
    /// Cancel a compose that waits or is being made, or delete one that has ended before its time.
    Delete(delete::Options),
    /// Show what the server can do.
    About,
    /// Print a script that completes this program's command line in a shell.
    ///
    /// For bash: odcs completions bash > ~/.local/share/bash-completion/completions/odcs
    Completions(completions::Options),
    /// Print the manual.
    ///
    /// Without options that is the page odcs(1), to be read with: odcs man | man -l -
    Man(man::Options),
}

/// Client options that mean nothing to a command. They are accepted anyway, as everywhere, but not shown.
fn without_meaning(command: &str) -> &'static [&'static str] {
    match command {
        "serve" | "completions" | "man" => &["server", "json", "no_wait", "watch", "quiet", "verbose"],
        "cleanup" | "config" | "store" | "cache" => &["server", "no_wait", "watch", "quiet", "verbose"],
        "get" | "list" | "log" | "delete" | "about" | "packages" | "why" | "diff" | "manifest" => {
            &["no_wait", "watch", "quiet"]
        }
        _ => &[],
    }
}

/// The definition of the command line, of which the program's help and its manual are made.
pub(crate) fn definition() -> clap::Command {
    let command = Cli::command();
    let client: Vec<clap::Arg> = command
        .get_arguments()
        .filter(|arg| arg.is_global_set())
        .cloned()
        .collect();
    command.mut_subcommands(|subcommand| {
        let hidden = without_meaning(subcommand.get_name());
        let hidden = client
            .iter()
            .filter(|arg| hidden.contains(&arg.get_id().as_str()));
        // An argument that is there is not put there from above.
        let hidden: Vec<_> = hidden.map(|arg| arg.clone().hide(true)).collect();
        with_arguments(subcommand, &hidden)
    })
}

/// A command with these arguments, which its own commands have, too.
fn with_arguments(command: clap::Command, arguments: &[clap::Arg]) -> clap::Command {
    let command = command.args(arguments.iter().cloned());
    command.mut_subcommands(|subcommand| with_arguments(subcommand, arguments))
}

impl Command {
    pub(crate) async fn run(self, client: ClientOptions) -> Result<(), crate::commands::Failure> {
        match self {
            Self::Serve(options) => serve::run(options).await,
            Self::Cleanup(options) => cleanup::run(&client, &options).await,
            Self::Store(options) => store::run(&client, options).await,
            Self::Cache(options) => cache::run(&client, options).await,
            Self::Create(options) => create::run(client, *options).await,
            Self::Config(options) => config::run(&client, &options),
            Self::CreateRepo(options) => create_repo::run(client, options).await,
            Self::CreateTag(options) => create_tag::run(client, *options).await,
            Self::CreateBuild(options) => create_build::run(client, options).await,
            Self::CreatePungiCompose(options) => create_pungi_compose::run(client, options).await,
            Self::Renew(options) => renew::run(client, options).await,
            Self::Wait(options) => wait::run(client, options).await,
            Self::Get(options) => get::run(client, options).await,
            Self::List(options) => list::run(client, options).await,
            Self::Log(options) => log::run(client, options).await,
            Self::Packages(options) => packages::run(client, options).await,
            Self::Why(options) => why::run(client, options).await,
            Self::Diff(options) => diff::run(client, options).await,
            Self::Manifest(options) => manifest::run(client, options).await,
            Self::Delete(options) => delete::run(client, options).await,
            Self::About => about::run(client).await,
            Self::Completions(options) => completions::run(options),
            Self::Man(options) => man::run(options).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The options that a command's help shows, of those that all commands take.
    fn shown(command: &str) -> Vec<String> {
        let mut definition = definition();
        definition.build();
        let command = definition.find_subcommand(command).unwrap();
        let arguments = command
            .get_arguments()
            .filter(|arg| arg.is_global_set() && !arg.is_hide_set());
        arguments.map(|arg| arg.get_id().to_string()).collect()
    }

    #[test]
    fn help_shows_what_means_something() {
        assert_eq!(shown("serve"), Vec::<String>::new());
        assert_eq!(shown("config"), ["json"]);
        assert_eq!(shown("store"), ["json"]);
        assert_eq!(shown("cache"), ["json"]);
        assert_eq!(shown("list"), ["server", "json", "verbose"]);
        assert_eq!(
            shown("wait"),
            ["server", "json", "no_wait", "watch", "quiet", "verbose"]
        );
    }

    #[test]
    fn what_is_not_shown_is_taken_all_the_same() {
        for words in [
            "odcs --server http://x list --no-wait",
            "odcs --quiet serve",
            "odcs serve --redhat --json",
        ] {
            definition().try_get_matches_from(words.split(' ')).unwrap();
        }
        let matches = definition()
            .try_get_matches_from(["odcs", "list", "--json", "--quiet"])
            .unwrap();
        let cli = <Cli as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
        assert!(cli.client.json && cli.client.quiet && !cli.client.watch);
    }
}
