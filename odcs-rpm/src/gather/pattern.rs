//! What a request asks for, and what it excludes.

use crate::name::glob_matches;

/// A name or a glob over names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NamePattern<'a> {
    /// With `*`, `?` and `[…]`.
    Shell(&'a str),
    /// With `*` only.
    Star(&'a str),
}

impl<'a> NamePattern<'a> {
    pub(super) fn matches(self, name: &str) -> bool {
        match self {
            Self::Shell("*") | Self::Star("*") => true,
            // A name that looks like a pattern still is a name.
            Self::Shell(pattern) => pattern == name || glob_matches(pattern, name),
            Self::Star(pattern) => star_matches(pattern, name),
        }
    }

    /// Whether it can match one name only.
    pub(super) fn is_literal(self) -> bool {
        let (Self::Shell(pattern) | Self::Star(pattern)) = self;
        !pattern.contains(['*', '?', '['])
    }

    /// What every name that matches starts with.
    pub(super) fn literal_prefix(self) -> &'a str {
        let (Self::Shell(pattern) | Self::Star(pattern)) = self;
        // For `Star` a shorter prefix than possible does no harm.
        pattern.split(['*', '?', '[']).next().unwrap_or_default()
    }
}

/// Matches the pieces between the stars one after the other, each at its first place.
fn star_matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(head) else {
        return false;
    };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in middle.split('*') {
        match name.split_once(piece) {
            _ if piece.is_empty() => {}
            Some((_, after)) => name = after,
            None => return false,
        }
    }
    name.ends_with(tail)
}

/// One entry of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wanted<'a> {
    /// `NAME`: ordinary packages.
    Binary(NamePattern<'a>),
    /// `NAME.+`: the multilib build.
    Multilib(NamePattern<'a>),
    /// A name that looks like one of debug packages.
    Debug(NamePattern<'a>),
    /// The same with `.+`.
    MultilibDebug(NamePattern<'a>),
    /// `-NAME`.
    Exclude(Excluded<'a>),
}

/// What an exclusion hides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Excluded<'a> {
    /// `-NAME`: ordinary packages.
    Binary(NamePattern<'a>),
    /// `-NAME.+`: multilib builds.
    Multilib(NamePattern<'a>),
    /// `-NAME.src`: source packages.
    Source(NamePattern<'a>),
    /// `-NAME` that looks like one of debug packages.
    Debug(NamePattern<'a>),
}

impl<'a> Wanted<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        if let Some(excluded) = text.strip_prefix('-') {
            return Self::Exclude(Excluded::parse(excluded));
        }
        match text.strip_suffix(".+") {
            Some(name) if looks_like_debug(name) => Self::MultilibDebug(NamePattern::Shell(name)),
            Some(name) => Self::Multilib(NamePattern::Shell(name)),
            None if looks_like_debug(text) => Self::Debug(NamePattern::Shell(text)),
            None => Self::Binary(NamePattern::Shell(text)),
        }
    }
}

impl<'a> Excluded<'a> {
    fn parse(text: &'a str) -> Self {
        if let Some(name) = text.strip_suffix(".+") {
            Self::Multilib(NamePattern::Shell(name))
        } else if let Some(name) = text.strip_suffix(".src") {
            Self::Source(NamePattern::Shell(name))
        } else if looks_like_debug(text) {
            Self::Debug(NamePattern::Shell(text))
        } else {
            Self::Binary(NamePattern::Shell(text))
        }
    }
}

/// Whether a pattern is after debug packages. Wider than
/// [`is_debug_name`](crate::package::is_debug_name), so that `foo-debuginfo*` is one, too.
fn looks_like_debug(pattern: &str) -> bool {
    ["-debuginfo", "-debugsource"]
        .iter()
        .any(|mark| pattern.find(mark).is_some_and(|at| at > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_pattern_tells_what_it_is_after() {
        let name = NamePattern::Shell;
        for (text, wanted) in [
            ("foo", Wanted::Binary(name("foo"))),
            ("*", Wanted::Binary(name("*"))),
            ("foo.+", Wanted::Multilib(name("foo"))),
            ("foo-debuginfo", Wanted::Debug(name("foo-debuginfo"))),
            ("*-debuginfo*", Wanted::Debug(name("*-debuginfo*"))),
            (
                "foo-debugsource.+",
                Wanted::MultilibDebug(name("foo-debugsource")),
            ),
            ("-foo", Wanted::Exclude(Excluded::Binary(name("foo")))),
            ("-foo.+", Wanted::Exclude(Excluded::Multilib(name("foo")))),
            ("-foo.src", Wanted::Exclude(Excluded::Source(name("foo")))),
            (
                "-foo-debuginfo",
                Wanted::Exclude(Excluded::Debug(name("foo-debuginfo"))),
            ),
        ] {
            assert_eq!(Wanted::parse(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_star_is_the_only_wildcard_of_a_plain_selection() {
        for (pattern, text, expected) in [
            ("ed", "ed", true),
            ("ed", "sed", false),
            ("ed*", "ed-doc", true),
            ("*ed", "sed", true),
            ("*ed", "sed-doc", false),
            ("l*b*c", "libabc", true),
            ("a*a", "a", false),
            ("a**b", "ab", true),
            ("ab*bc", "abc", false),
            ("e?", "ed", false),
            ("[e]d", "ed", false),
            ("*", "", true),
        ] {
            assert_eq!(star_matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
