//! `odcs completions`: what makes a shell complete the command line.

use clap_complete::Shell;

use super::Failure;
use crate::cli::definition;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(Options { shell }: Options) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition(), "odcs", &mut script);
    output::bytes(&script);
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_is_told_every_command_and_option() {
        let mut command = definition();
        command.build();
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut definition(), "odcs", &mut script);
            let script = String::from_utf8(script).unwrap();
            for subcommand in command.get_subcommands() {
                assert!(
                    script.contains(subcommand.get_name()),
                    "{shell}: {}",
                    subcommand.get_name()
                );
                let visible = subcommand
                    .get_arguments()
                    .filter(|argument| !argument.is_hide_set());
                for long in visible.filter_map(clap::Arg::get_long) {
                    // fish writes options as `-l name`.
                    assert!(
                        script.contains(&format!("--{long}")) || script.contains(&format!("-l {long}")),
                        "{shell}: {} --{long}",
                        subcommand.get_name()
                    );
                }
            }
        }
    }
}
