//! One recorded run of the reference's command line, and what it tells about the server it talked to.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::server::Answer;

/// A line of the recording.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Case {
    argv: Vec<String>,
    rc: i32,
    stdout: String,
}

/// Options of the reference that stand before a command and take a value.
const GLOBAL_WITH_VALUE: [&str; 4] = ["--server", "--token", "-e", "--env"];

/// Options of the reference that take none.
const WITHOUT_VALUE: [&str; 11] = [
    "--redhat",
    "--staging",
    "--no-wait",
    "-q",
    "--quiet",
    "-v",
    "--verbose",
    "--watch",
    "--no-label",
    "-h",
    "--help",
];

impl Case {
    /// The command line without the program and the server.
    pub(crate) fn name(&self) -> String {
        let mut words = Vec::new();
        let mut arguments = self.argv.iter().skip(1);
        while let Some(argument) = arguments.next() {
            if argument == "--server" {
                arguments.next();
            } else if argument.is_empty() || argument.contains(char::is_whitespace) {
                words.push(format!("{argument:?}"));
            } else {
                words.push(argument.clone());
            }
        }
        if words.is_empty() {
            "(no arguments)".to_owned()
        } else {
            words.join(" ")
        }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> i32 {
        self.rc
    }

    pub(crate) fn stdout(&self) -> &str {
        &self.stdout
    }

    /// The arguments, with this server instead of the one that was asked.
    pub(crate) fn arguments_for(&self, server: &str) -> Vec<String> {
        let mut arguments: Vec<String> = self.argv.iter().skip(1).cloned().collect();
        if let Some(place) = arguments.iter().position(|argument| argument == "--server") {
            arguments[place + 1] = server.to_owned();
        }
        arguments
    }

    pub(crate) fn has(&self, option: &str) -> bool {
        self.argv.iter().any(|argument| argument == option)
    }

    /// The value of an option.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        let place = self.argv.iter().position(|argument| argument == name)?;
        self.argv.get(place + 1).map(String::as_str)
    }

    /// The command, and what follows it.
    fn split(&self) -> Option<(&str, &[String])> {
        let mut place = 1;
        loop {
            match self.argv.get(place)?.as_str() {
                option if GLOBAL_WITH_VALUE.contains(&option) => place += 2,
                option if option.starts_with('-') => place += 1,
                command => return Some((command, &self.argv[place + 1..])),
            }
        }
    }

    pub(crate) fn command(&self) -> Option<&str> {
        self.split().map(|(command, _)| command)
    }

    /// The arguments of the command that are neither options nor their values.
    pub(crate) fn positional(&self) -> Vec<&str> {
        let Some((_, arguments)) = self.split() else {
            return Vec::new();
        };
        let mut positional = Vec::new();
        let mut arguments = arguments.iter().map(String::as_str);
        while let Some(argument) = arguments.next() {
            if !argument.starts_with('-') {
                positional.push(argument);
            } else if !argument.contains('=') && !WITHOUT_VALUE.contains(&argument) {
                arguments.next();
            }
        }
        positional
    }

    /// What was printed before the answer (that the compose is waited for, warnings, logs), and the answer.
    fn parts(&self) -> (&str, &str) {
        let begins = self
            .stdout
            .match_indices("{\n")
            .map(|(at, _)| self.stdout.split_at(at));
        let mut begins = begins.filter(|(before, _)| before.is_empty() || before.ends_with('\n'));
        begins.next().unwrap_or(("", &self.stdout))
    }

    pub(crate) fn prologue(&self) -> &str {
        self.parts().0
    }

    /// What was printed of the answer.
    pub(crate) fn printed(&self) -> &str {
        self.parts().1
    }

    /// The answer, if JSON was printed.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_str(self.printed()).ok()
    }

    pub(crate) fn waits(&self) -> bool {
        self.prologue().contains("Waiting for command")
    }

    /// What the server answered, request by request; the last answer is that to all that follow.
    pub(crate) fn answers(&self) -> Vec<Answer> {
        let refusal = json!({"error": "Bad Request", "message": "nothing was recorded", "status": 400});
        match (self.rc, self.json()) {
            (255, json) => {
                // The reference ends the line that the body ends already.
                let body = self.stdout.strip_suffix('\n').unwrap_or_default().to_owned();
                let status = json.and_then(|json| json["status"].as_u64()).unwrap_or(500);
                vec![Answer {
                    status: u16::try_from(status).unwrap(),
                    body,
                }]
            }
            (0 | 1, Some(json)) => {
                let status = if self.command() == Some("delete") {
                    202
                } else {
                    200
                };
                let answer = |json: &Value| Answer {
                    status,
                    body: unsorted(json),
                };
                let ended = answer(&json);
                if !self.waits() {
                    return vec![ended];
                }
                let mut waiting = json;
                waiting["state"] = 0.into();
                waiting["state_name"] = "wait".into();
                vec![answer(&waiting), ended]
            }
            _ => vec![Answer {
                status: 400,
                body: refusal.to_string(),
            }],
        }
    }

    /// The same request by `create`, if this is one that a command for its type made.
    pub(crate) fn with_create(&self) -> Option<Self> {
        let kind = self.command()?.strip_prefix("create-")?.replace('-', "_");
        if self.rc == 2 {
            return None;
        }
        let (place, positional) = (
            self.argv.iter().position(|a| a.starts_with("create-"))?,
            self.positional(),
        );
        let mut argv = self.argv[..place].to_vec();
        let mut add = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
        add(&["create", &kind]);
        match (kind.as_str(), positional.as_slice()) {
            ("raw_config", [key, commit]) => add(&[&format!("{key}#{commit}")]),
            ("build", builds) => {
                add(&[""]);
                builds.iter().for_each(|build| add(&["--build", build]));
            }
            ("tag", [tag, packages @ ..]) => {
                add(&[tag]);
                add(packages);
            }
            (_, words) => add(&[&words.join(" ")]),
        }
        for option in ["--label", "--compose-type", "--sigkey", "--flag", "--arch"] {
            if let Some(value) = self.option(option) {
                add(&[option, value]);
            }
        }
        Some(Self { argv, ..self.clone() })
    }
}

/// JSON whose keys are in no order that could be taken for sorting.
fn unsorted(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|a, b| b.0.cmp(a.0));
            let fields = fields
                .iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), unsorted(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(unsorted).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}
