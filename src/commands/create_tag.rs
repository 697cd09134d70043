//! `odcs create-tag`: a compose from Koji tags.

use odcs_core::request::Flag;

use super::Failure;
use super::create::Modules;
use super::koji::{Additions, Tagged};
use super::request::{Common, Request, submit};
use crate::cli::ClientOptions;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The Koji tag; several in one argument, separated by blanks, in order of preference.
    #[arg(value_name = "TAG")]
    tag: String,
    /// Names of packages, or globs; without any, all packages of the tag. After --, a - in front leaves
    /// packages out.
    #[arg(value_name = "PACKAGE")]
    packages: Vec<String>,
    /// Leave out what the packages depend on: the flag no_deps.
    #[arg(long)]
    no_deps: bool,
    /// Leave out what the tag inherits from others: the flag no_inheritance.
    #[arg(long)]
    no_inheritance: bool,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    tagged: Tagged,
    #[command(flatten)]
    additions: Additions,
    #[command(flatten)]
    modules: Modules,
}

impl Options {
    fn request(self) -> Request {
        let common = self.common.with_flag(Flag::NoDeps, self.no_deps);
        let mut request = Request::new("tag", &self.tag);
        request
            .common(common.with_flag(Flag::NoInheritance, self.no_inheritance))
            .source_list("packages", self.packages);
        self.tagged.add_to(&mut request);
        self.additions.add_to(&mut request);
        self.modules.add_to(&mut request);
        request
    }
}

pub(crate) async fn run(client_options: ClientOptions, options: Options) -> Result<(), Failure> {
    submit(client_options, options.request()).await
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use odcs_core::request::parse::compose_request;
    use serde_json::json;

    use crate::cli::{Cli, Command};

    fn body(arguments: &str) -> serde_json::Value {
        let words = ["odcs", "create-tag"].into_iter().chain(arguments.split(' '));
        match Cli::try_parse_from(words).unwrap().command {
            Command::CreateTag(options) => options.request().into_body(),
            other => panic!("another command: {other:?}"),
        }
    }

    #[test]
    fn the_body_says_what_the_options_say() {
        assert_eq!(body("f36"), json!({"source": {"type": "tag", "source": "f36"}}));
        let all = body(
            "f36 ed line-editor-* --sigkey 123 --sigkey none --sigkey s390x=ABC --sigkey s390x=none --koji-event 7 \
             --build ed-1-1 --embargo ed-2-1 --embargo foo-2-2 --scratch-build-task 12 --no-deps --no-inheritance \
             --flag no_reuse --arch s390x --arch x86_64",
        );
        let expected = json!({
            "source": {
                "type": "tag", "source": "f36", "packages": ["ed", "line-editor-*"], "koji_event": 7,
                "sigkeys": {"*": ["123", ""], "s390x": ["ABC", ""]}, "builds": ["ed-1-1"],
                "embargo": ["ed-2-1", "foo-2-2"], "scratch_build_tasks": ["12"],
            },
            "flags": ["no_reuse", "no_deps", "no_inheritance"], "arches": ["s390x", "x86_64"],
        });
        assert_eq!(all, expected);
        let parsed = compose_request(&all, &[]).unwrap();
        assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
        assert_eq!(body("f36 --embargo-tag secret")["source"]["embargo"], "secret");
    }

    #[test]
    fn builds_and_a_tag_are_not_kept_out_at_once() {
        let words = "odcs create-tag f36 --embargo ed-1-1 --embargo-tag secret";
        assert!(Cli::try_parse_from(words.split(' ')).is_err());
    }
}
