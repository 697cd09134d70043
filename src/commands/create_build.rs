//! `odcs create-build`: a compose from Koji builds.

use odcs_core::request::Flag;

use super::Failure;
use super::koji::Additions;
use super::request::{Common, Request, submit};
use crate::cli::ClientOptions;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The Koji builds, NAME-VERSION-RELEASE; several of them may stand in one argument, separated by blanks.
    #[arg(value_name = "NVR", required = true)]
    builds: Vec<String>,
    /// The name of a package, or a glob; without any, all packages of the builds.
    #[arg(long = "package", value_name = "PACKAGE")]
    packages: Vec<String>,
    /// Leave out what the packages depend on: the flag no_deps.
    #[arg(long)]
    no_deps: bool,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    additions: Additions,
}

impl Options {
    fn request(self) -> Request {
        let builds = self.builds.iter().flat_map(|text| text.split_whitespace());
        let mut request = Request::new("build", "");
        request
            .common(self.common.with_flag(Flag::NoDeps, self.no_deps))
            .source_list("builds", builds.map(str::to_owned).collect())
            .source_list("packages", self.packages);
        self.additions.add_to(&mut request);
        request
    }
}

pub(crate) async fn run(client_options: ClientOptions, options: Options) -> Result<(), Failure> {
    submit(client_options, options.request()).await
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::json;

    use crate::cli::{Cli, Command};

    fn body(arguments: &[&str]) -> serde_json::Value {
        let words = ["odcs", "create-build"].iter().chain(arguments);
        match Cli::try_parse_from(words).unwrap().command {
            Command::CreateBuild(options) => options.request().into_body(),
            other => panic!("another command: {other:?}"),
        }
    }

    #[test]
    fn builds_stand_in_one_argument_or_in_several() {
        let expected = json!({"source": {"type": "build", "source": "", "builds": ["ed-1-1", "foo-2-2"]}});
        assert_eq!(body(&["ed-1-1", "foo-2-2"]), expected);
        assert_eq!(body(&["ed-1-1 foo-2-2 "]), expected);
        let more = body(&[
            "ed-1-1",
            "--package",
            "ed",
            "--no-deps",
            "--scratch-build-task",
            "12",
        ]);
        assert_eq!(
            more,
            json!({
                "source": {
                    "type": "build", "source": "", "builds": ["ed-1-1"], "packages": ["ed"],
                    "scratch_build_tasks": ["12"],
                },
                "flags": ["no_deps"],
            })
        );
        assert!(Cli::try_parse_from(["odcs", "create-build"]).is_err());
    }
}
