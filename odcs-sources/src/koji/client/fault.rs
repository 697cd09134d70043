//! Faults: how a hub says that a call did not work.

use std::fmt;

/// Characters of a fault that people are shown.
const SHOWN: usize = 200;

/// A fault. What it means is in its code; its text is for people, and differs between versions.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Fault {
    /// The code: one of the constants here, or another.
    pub code: i64,
    /// All that the hub said: a sentence, SQL, or a whole traceback. For the log; [`Fault`] displays the essence.
    pub text: Box<str>,
}

impl Fault {
    /// An exception in the hub that nobody caught: a fault of the hub, or an argument that it did not expect.
    pub const UNCAUGHT: i64 = 1;
    /// No reason of its own: mostly something that does not exist.
    pub const GENERIC: i64 = 1000;
    /// A login is needed, or not valid.
    pub const AUTHENTICATION: i64 = 1002;
    /// Something about a tag, such as a build that is in it already.
    pub const TAG: i64 = 1003;
    /// It may not be done by this user.
    pub const NOT_ALLOWED: i64 = 1004;
    /// Something about a build.
    pub const BUILD: i64 = 1005;
    /// The hub, or its database, is down: the only fault that goes by itself.
    pub const OFFLINE: i64 = 1014;
    /// An argument that the method does not take.
    pub const PARAMETER: i64 = 1019;
    /// A name that cannot be one.
    pub const NAME: i64 = 1024;

    /// A fault.
    pub fn new(code: i64, text: impl Into<Box<str>>) -> Self {
        let text = text.into();
        Self { code, text }
    }

    /// Whether the hub is offline, and the same call may work later.
    pub fn is_offline(&self) -> bool {
        self.code == Self::OFFLINE
    }

    /// The text for people: one line of at most 200 characters. Of a traceback the last line that says something, and
    /// of an error in SQL what the database said without the statement.
    pub fn summary(&self) -> String {
        summary(&self.text)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
    }
}

fn summary(text: &str) -> String {
    // Some texts come with their marks escaped once more.
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    // Of several tracebacks the last is of what the hub answered for.
    let (is_traceback, text) = match text.rsplit_once("Traceback (most recent call last)") {
        Some((_, traceback)) => (true, traceback),
        None => (false, &*text),
    };
    let mut lines = text.lines().skip(usize::from(is_traceback));
    // An exception is told from the frames above it by beginning at the margin.
    let line =
        lines.find(|line| !line.trim().is_empty() && (!is_traceback || !line.starts_with([' ', '\t'])));
    let line = line.map_or("", |line| line.trim());
    let line = without_class(line);
    let mut shown = String::with_capacity(line.len().min(SHOWN * 4));
    for c in line.chars().take(SHOWN) {
        shown.push(if c.is_control() { ' ' } else { c });
    }
    if line.chars().nth(SHOWN).is_some() {
        shown.pop();
        shown.push('…');
    }
    if shown.is_empty() {
        shown.push_str("without a reason");
    }
    shown
}

/// `koji.GenericError: text` and `<class 'psycopg2.errors.SyntaxError'>: text` say no more than their text.
fn without_class(line: &str) -> &str {
    let Some((before, after)) = line.split_once(": ") else {
        return line;
    };
    let is_class = before.starts_with("<class '")
        || (before.contains('.')
            && before
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_')));
    if is_class && !after.trim().is_empty() {
        after.trim()
    } else {
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_one_line() {
        let shown = |text: &str| Fault::new(1, text).summary();
        assert_eq!(shown("database outage"), "database outage");
        assert_eq!(
            shown(
                "<class 'psycopg2.errors.SyntaxError'>: syntax error at or near \")\"\nLINE 5:  WHERE (tag_id IN ())\n  ^\n"
            ),
            "syntax error at or near \")\""
        );
        assert_eq!(
            shown("&lt;class 'KeyError'&gt;: 'HTTP_KOJI_SESSION_KEY'"),
            "'HTTP_KOJI_SESSION_KEY'"
        );
        let traceback = "Traceback (most recent call last):\n  File \"x.py\", line 278, in f\n    raise koji.GenericError(\n\
                         koji.GenericError: No such entry in table tag: x\n";
        assert_eq!(shown(traceback), "No such entry in table tag: x");
        assert_eq!(shown(""), "without a reason");
        assert_eq!(shown("\n \n"), "without a reason");
        let long = shown(&"é".repeat(300));
        assert_eq!(long.chars().count(), 200);
        assert!(long.ends_with('…'));
    }
}
