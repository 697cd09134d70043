//! The options of the command line that choose values.

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::keys::{KEYS, Key};
use super::layers;
use super::node::Shape;

/// What the command line says about the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// The configuration file.
    pub(super) file: Option<PathBuf>,
    /// Values by their keys.
    pub(super) values: Vec<(&'static Key, Vec<String>)>,
}

impl clap::FromArgMatches for Overrides {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let values = KEYS.iter().filter(|key| key.option.is_some()).filter_map(|key| {
            let values = matches.get_many::<String>(key.name)?;
            Some((key, values.cloned().collect()))
        });
        Ok(Self {
            file: matches.get_one("config").cloned(),
            values: values.collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Overrides {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help(
                "The configuration file [default: odcs.toml if there is one, else /etc/odcs/odcs.toml if there \
                 is one] [env: ODCS_CONFIG]",
            );
        let defaults = super::defaults();
        let options = KEYS
            .iter()
            .filter_map(|key| Some(option(key, key.option?, &key.default_text(&defaults))));
        command.arg(file).args(options)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn option(key: &'static Key, name: &'static str, default: &str) -> Arg {
    let meaning = key.paragraphs().into_iter().next().unwrap_or_default();
    let many = match key.shape {
        Shape::List | Shape::Paths => "; may be given several times",
        Shape::Single | Shape::Table => "",
    };
    let meaning = meaning.trim_end_matches('.');
    let default = default.replace('"', "");
    let help = format!("{meaning}{many} [default: {default}] [env: {}]", key.variable());
    let option = Arg::new(key.name)
        .long(name)
        .value_name(key.placeholder)
        .help(help.replace('`', ""));
    let option = match key.shape {
        Shape::List | Shape::Paths => option.action(ArgAction::Append),
        Shape::Single | Shape::Table => option,
    };
    if key.values.is_empty() {
        option.value_parser(move |text: &str| {
            layers::check_text(key, text, Path::new("/")).map(|()| text.to_owned())
        })
    } else {
        option.value_parser(PossibleValuesParser::new(key.values))
    }
}
