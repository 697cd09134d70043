//! The manual in Markdown, made of the definition of the command line.

use clap::{Arg, ArgAction, Command};

/// What stands at the top of the file that is kept in the project.
const HEAD: &str = "<!-- Made of the program's own definitions: odcs man --markdown > docs/cli.md -->

# The command line
";

/// What those need to know who have scripts for the client that is written in Python.
const COMING_FROM_PYTHON: &str = "
## Coming from the Python client
Scripts that call the client of the Python package `odcs` go on working with these differences:

- The server is chosen with `--server` or `ODCS_SERVER`; there is no `--env` and no `--staging`.
- `create` takes every type of source, also `repo`, and says nothing of being deprecated.
- Standard output has the answer in JSON and nothing else. The log that `--watch` prints goes to standard error.
- `get` shows a compose as it is: it does not wait for it, and a failed one is no failure of `get`. `wait` does both.
- Without a command the command line is wrong (exit code 2).
- `wait` also takes `--timeout`; waiting has no end without it.
- What is no id, or no lifetime, is a wrong command line (exit code 2) before any server is asked.
- `--token` is not there yet, for there is no authentication yet.
";

/// The manual of a command and all its subcommands.
pub(crate) fn manual(mut command: Command) -> String {
    command.build();
    let mut text = String::from(HEAD);
    about(&command, &mut text);
    usage(&command, &mut text);
    text.push_str("| command | |\n| --- | --- |\n");
    for subcommand in visible(&command) {
        let name = subcommand.get_name();
        let about = subcommand
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        text.push_str(&format!("| [`{name}`](#odcs-{name}) | {} |\n", escaped(&about)));
    }
    arguments(&command, |argument| !is_helper(argument), &mut text);
    if let Some(after) = command.get_after_help() {
        text.push_str(&format!("\n```text\n{after}\n```\n"));
    }
    sections(&command, "odcs", &mut text);
    text.push_str(COMING_FROM_PYTHON);
    text
}

/// A section for each command below one, and for those below that.
fn sections(command: &Command, name: &str, text: &mut String) {
    for subcommand in visible(command) {
        let name = format!("{name} {}", subcommand.get_name());
        text.push_str(&format!("\n## {name}\n"));
        about(subcommand, text);
        usage(subcommand, text);
        // What all commands have is listed once, at the top.
        let own = |argument: &Arg| !argument.is_global_set() && !is_helper(argument);
        arguments(subcommand, own, text);
        if let Some(after) = subcommand.get_after_help() {
            text.push_str(&format!("\n{}\n", escaped(&after.to_string())));
        }
        sections(subcommand, &name, text);
    }
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    let subcommands = command.get_subcommands();
    subcommands.filter(|subcommand| !subcommand.is_hide_set() && subcommand.get_name() != "help")
}

fn is_helper(argument: &Arg) -> bool {
    matches!(argument.get_id().as_str(), "help" | "version")
}

fn about(command: &Command, text: &mut String) {
    if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
        text.push_str(&format!("{}\n", escaped(&about.to_string())));
    }
}

fn usage(command: &Command, text: &mut String) {
    // Of a command that has been built, this changes nothing but the text that is made.
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    text.push_str(&format!("\n```text\n{usage}\n```\n\n"));
}

/// The arguments as lists, those under a heading of their own after the others.
fn arguments(command: &Command, wanted: impl Fn(&Arg) -> bool, text: &mut String) {
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && wanted(argument))
        .collect();
    let mut headings: Vec<Option<&str>> = vec![None];
    for argument in &arguments {
        if !headings.contains(&argument.get_help_heading()) {
            headings.push(argument.get_help_heading());
        }
    }
    for heading in headings {
        if let Some(heading) = heading {
            text.push_str(&format!("\n{heading}:\n\n"));
        }
        let below = arguments
            .iter()
            .filter(|argument| argument.get_help_heading() == heading);
        // Arguments that have a place come before those that have a name.
        let (placed, named): (Vec<_>, Vec<_>) = below.partition(|argument| argument.is_positional());
        for argument in placed.into_iter().chain(named) {
            text.push_str(&item(argument));
        }
    }
}

/// One argument: how it is written, what it means, and what it is without it.
fn item(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let mut meaning = escaped(&help).split_whitespace().collect::<Vec<_>>().join(" ");
    if matches!(argument.get_action(), ArgAction::Append) && !argument.is_positional() {
        meaning.push_str(" [repeatable]");
    }
    let mut add = |what: &str, values: &[&str]| {
        if !values.is_empty() {
            let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
            meaning.push_str(&format!(" [{what}: {}]", values.join(", ")));
        }
    };
    if argument.get_action().takes_values() {
        let possible = argument.get_possible_values();
        let possible = possible.iter().filter(|value| !value.is_hide_set());
        let names: Vec<_> = possible.map(|value| value.get_name()).collect();
        add("one of", &names);
        let variable = argument.get_env().and_then(|variable| variable.to_str());
        add("env", variable.as_slice());
        let defaults = argument.get_default_values().iter();
        let defaults: Vec<_> = defaults.filter_map(|value| value.to_str()).collect();
        add("default", &defaults);
    }
    let short = argument
        .get_short()
        .map(|short| format!("-{short}, "))
        .unwrap_or_default();
    format!("- `{short}{argument}`: {meaning}\n")
}

/// What would be taken for Markdown in running text.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '_' | '<' | '>' | '|' | '`' | '[' | ']') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::definition;

    #[test]
    fn the_manual_mentions_every_command_and_every_option() {
        let text = manual(definition());
        let mut command = definition();
        command.build();
        for subcommand in visible(&command) {
            let name = subcommand.get_name();
            let section = text.split(&format!("\n## odcs {name}\n")).nth(1);
            let section = section.unwrap_or_else(|| panic!("{name} has no section"));
            let section = section.split("\n## ").next().unwrap();
            for argument in subcommand.get_arguments() {
                let Some(long) = argument.get_long().filter(|_| !argument.is_hide_set()) else {
                    continue;
                };
                let place = if argument.is_global_set() { &text } else { section };
                assert!(
                    long == "help" || place.contains(&format!("--{long}")),
                    "{name}: --{long}"
                );
            }
        }
    }

    #[test]
    fn the_manual_in_the_project_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md");
        #[expect(clippy::disallowed_methods, reason = "the project's own file")]
        let there = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            there == manual(definition()),
            "docs/cli.md is not up to date; write it anew: cargo run -- man --markdown > docs/cli.md"
        );
    }
}
