//! `odcs create`: a compose from a source of any type.

use odcs_core::request::Flag;

use super::Failure;
use super::koji::{Additions, Tagged};
use super::request::{Common, Request, submit};
use crate::cli::ClientOptions;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Type of the source: tag, module, repo, pulp, raw_config, build, pungi_compose, or another one that
    /// the server has; odcs about lists them.
    #[arg(value_name = "TYPE")]
    source_type: String,
    /// The source, as the server is to read it: Koji tags, modules, content sets (several in one
    /// argument, separated by blanks), the path or URL of a repository, KEY#COMMIT of a Pungi
    /// configuration, the URL of a Pungi compose; "" for builds.
    source: String,
    /// Names of packages, or globs; without any, all packages of the source. After --, a - in front leaves
    /// packages out.
    #[arg(value_name = "PACKAGE")]
    packages: Vec<String>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    tagged: Tagged,
    #[command(flatten)]
    additions: Additions,
    #[command(flatten)]
    modules: Modules,
    #[command(flatten)]
    pungi: Pungi,
}

/// Modules to include, and where they come from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Modules")]
pub(super) struct Modules {
    /// A module to include, NAME:STREAM:VERSION:CONTEXT.
    #[arg(long = "module", value_name = "NSVC")]
    modules: Vec<String>,
    /// A scratch module to include, NAME:STREAM:VERSION:CONTEXT.
    #[arg(long = "scratch-module", value_name = "NSVC")]
    scratch_modules: Vec<String>,
    /// A Koji tag whose modules are to be included.
    #[arg(long = "modular-tag", value_name = "TAG")]
    modular_koji_tags: Vec<String>,
    /// URL of a git repository with module defaults; goes with --module-defaults-commit.
    #[arg(long, value_name = "URL")]
    module_defaults_url: Option<String>,
    /// The commit or branch of it.
    #[arg(long, value_name = "COMMIT")]
    module_defaults_commit: Option<String>,
    /// Take modules only that are built on this base module, such as platform.
    #[arg(long, value_name = "NAME")]
    base_module_br_name: Option<String>,
    /// The stream of the base module.
    #[arg(long, value_name = "STREAM")]
    base_module_br_stream: Option<String>,
    /// The highest stream version of the base module, as a number: 80301 for el8.3.1.
    #[arg(long, value_name = "NUMBER")]
    base_module_br_stream_version_lte: Option<i64>,
    /// The lowest stream version of the base module.
    #[arg(long, value_name = "NUMBER")]
    base_module_br_stream_version_gte: Option<i64>,
}

/// What only composes that Pungi makes have.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Composes from a Pungi configuration")]
struct Pungi {
    /// Do not label the compose: the flag no_label.
    #[arg(long)]
    no_label: bool,
    /// Id of a Pungi compose that this one is based on.
    #[arg(long = "parent-pungi-compose-id", value_name = "ID")]
    parent_pungi_compose_ids: Vec<String>,
    /// Id of the Pungi compose that this one is a respin of.
    #[arg(long, value_name = "ID")]
    respin_of: Option<String>,
}

impl Options {
    fn request(self) -> Request {
        let pungi = self.pungi;
        let mut request = Request::new(&self.source_type, &self.source);
        request
            .common(self.common.with_flag(Flag::NoLabel, pungi.no_label))
            .source_list("packages", self.packages)
            .beside_list("parent_pungi_compose_ids", pungi.parent_pungi_compose_ids)
            .beside("respin_of", pungi.respin_of);
        self.tagged.add_to(&mut request);
        self.additions.add_to(&mut request);
        self.modules.add_to(&mut request);
        request
    }
}

impl Modules {
    pub(super) fn add_to(self, request: &mut Request) {
        let modules = self;
        request
            .source_list("modules", modules.modules)
            .source_list("scratch_modules", modules.scratch_modules)
            .source_list("modular_koji_tags", modules.modular_koji_tags)
            .source("module_defaults_url", modules.module_defaults_url)
            .source("module_defaults_commit", modules.module_defaults_commit)
            .source("base_module_br_name", modules.base_module_br_name)
            .source("base_module_br_stream", modules.base_module_br_stream)
            .source(
                "base_module_br_stream_version_lte",
                modules.base_module_br_stream_version_lte,
            )
            .source(
                "base_module_br_stream_version_gte",
                modules.base_module_br_stream_version_gte,
            );
    }
}

pub(crate) async fn run(client_options: ClientOptions, options: Options) -> Result<(), Failure> {
    submit(client_options, options.request()).await
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use odcs_core::request::Embargo;
    use odcs_core::request::parse::compose_request;

    use crate::cli::{Cli, Command};

    /// Every option that takes a value, with one that is no default.
    const ARGUMENTS: &str = "odcs create tag f36 ed ed-doc --arch aarch64 --sigkey 123 --sigkey none --flag no_deps \
        --result iso --lookaside-repo http://example.com/r --multilib-arch x86_64 --multilib-method devel \
        --label RC-1.0 --compose-type nightly --target-dir releases --seconds-to-live 60 --build ed-1-1 \
        --koji-event 7 --scratch-build-task 12 --embargo ed-2-1 --module m:s:1:c --scratch-module m:s:2:c --modular-tag f36-modular \
        --module-defaults-url http://example.com/d.git --module-defaults-commit main \
        --base-module-br-name platform --base-module-br-stream el8 --base-module-br-stream-version-lte 80301 \
        --base-module-br-stream-version-gte 80300 --parent-pungi-compose-id F-36-20220101.n.0 \
        --respin-of F-36-20220101.n.0";

    #[test]
    fn every_field_of_a_request_has_an_option() {
        let cli = Cli::try_parse_from(ARGUMENTS.split_whitespace()).unwrap();
        let Command::Create(options) = cli.command else {
            panic!("another command: {:?}", cli.command)
        };
        let body = options.request().into_body();
        // The server reads all of it: nothing is misspelled, misplaced or of the wrong type.
        let parsed = compose_request(&body, &[]).unwrap();
        assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
        let request = parsed.request;
        assert_eq!(request.packages.unwrap().len(), 2);
        assert_eq!(request.sigkeys.unwrap().len(), 2);
        assert_eq!(request.builds.unwrap().len(), 1);
        assert_eq!(request.modules.unwrap().len(), 1);
        assert_eq!(request.scratch_modules.unwrap().len(), 1);
        assert_eq!(request.scratch_build_tasks.unwrap().len(), 1);
        assert!(matches!(request.embargo, Some(Embargo::Builds(_))));
        assert_eq!(request.modular_koji_tags.unwrap().len(), 1);
        assert_eq!(request.parent_pungi_compose_ids.unwrap().len(), 1);
        assert_eq!(request.lookaside_repos.len(), 1);
        assert_eq!(request.base_module.stream_version_gte, Some(80300));
        assert_eq!(request.base_module.stream_version_lte, Some(80301));
        assert!(request.module_defaults.is_some() && request.koji_event.is_some());
        assert!(request.respin_of.is_some() && request.label.is_some());
        assert_eq!(request.lifetime.unwrap().seconds(), 60);
        assert_eq!(request.target_dir.as_str(), "releases");
        assert_eq!(request.compose_type.as_str(), "nightly");
        assert_eq!(request.flags.iter().count(), 1);
        assert_eq!(request.results.iter().count(), 2);
    }

    #[test]
    fn no_option_of_create_is_left_out_of_that_test() {
        use clap::CommandFactory as _;
        let mut command = Cli::command();
        command.build();
        let create = command.find_subcommand("create").unwrap();
        for argument in create
            .get_arguments()
            .filter(|argument| !argument.is_global_set())
        {
            let Some(long) = argument.get_long() else { continue };
            let tested = ARGUMENTS
                .split_whitespace()
                .any(|word| word == format!("--{long}"));
            assert!(
                tested || ["help", "no-label", "dry-run", "embargo-tag"].contains(&long),
                "--{long}"
            );
        }
    }
}
