//! Builds by a pattern of their NVRs.

use regex::{Regex, RegexBuilder};

use super::args::Args;
use super::{Answer, Calls, Fault};
use crate::Value;
use crate::value::row;

/// What can be searched for. This hub finds builds only.
const TYPES: [&str; 11] = [
    "user", "package", "build", "tag", "target", "host", "rpm", "maven", "win", "archive", "file",
];

impl Calls<'_> {
    pub(super) fn search(&self, args: &Args) -> Answer {
        let terms = args.get("terms").as_str().unwrap_or_default();
        if terms.is_empty() {
            return Err(Fault::generic("empty search terms"));
        }
        let kind = args.get("type").as_str().unwrap_or_default();
        if !TYPES.contains(&kind) {
            return Err(Fault::generic(format!("No such search type: {kind}")));
        }
        let pattern = match args.get("matchType").as_str() {
            Some("glob") => Some(glob(terms)),
            Some("regexp") => Some(Regex::new(terms).map_err(|error| {
                let why = match error.to_string().contains("unclosed group") {
                    true => "parentheses () not balanced".to_owned(),
                    false => error.to_string(),
                };
                Fault::uncaught(format!(
                    "<class 'psycopg2.errors.InvalidRegularExpression'>: invalid regular expression: {why}\n"
                ))
            })?),
            _ => None,
        };
        let builds = self.state.build.iter().filter(|_| kind == "build");
        let mut found: Vec<_> = builds
            .map(|build| (self.state.nvr(build), build.id))
            .filter(|(nvr, _)| match &pattern {
                Some(pattern) => pattern.is_match(nvr),
                None => nvr == terms,
            })
            .collect();
        found.sort();
        let rows = found
            .into_iter()
            .map(|(nvr, id)| row([("id", id.into()), ("name", nvr.into())]));
        Ok(args.with_options(rows.collect::<Vec<Value>>()))
    }
}

/// `*` and `?` are all that is special, and letters have no case.
fn glob(terms: &str) -> Regex {
    let pattern: String = terms
        .chars()
        .map(|character| match character {
            '*' => ".*".to_owned(),
            '?' => ".".to_owned(),
            other => regex::escape(&other.to_string()),
        })
        .collect();
    RegexBuilder::new(&format!("^{pattern}$"))
        .case_insensitive(true)
        .build()
        .unwrap()
}
