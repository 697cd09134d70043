//! Package names, and the patterns with which packages are asked for.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::{Error, Result};

/// The name of a package: not empty, at most 255 bytes, without `/`, white space and control
/// characters, and not beginning with `.` or `-`. RPM allows little more, and every name of this
/// type can stand in a file name.
///
/// ```
/// use odcs_rpm::PackageName;
/// assert_eq!("gcc-c++".parse::<PackageName>()?.as_str(), "gcc-c++");
/// assert!("../passwd".parse::<PackageName>().is_err());
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct PackageName(Box<str>);

impl PackageName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for PackageName {
    type Error = Error;
    fn try_from(text: Box<str>) -> Result<Self> {
        if is_name(&text) {
            Ok(Self(text))
        } else {
            Err(Error::value(&text, "a package name"))
        }
    }
}

impl FromStr for PackageName {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Box::<str>::from(text).try_into()
    }
}

impl Serialize for PackageName {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<PackageName> for Box<str> {
    fn from(name: PackageName) -> Self {
        name.0
    }
}

impl Borrow<str> for PackageName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_name(text: &str) -> bool {
    !text.starts_with(['.', '-']) && is_name_text(text)
}

fn is_name_text(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && !text
            .chars()
            .any(|c| c == '/' || c.is_whitespace() || c.is_control())
}

/// A package asked for: a name, or a glob over names with `*`, `?` and `[…]`, anchored at both ends.
///
/// A text that is literally a package's name always matches that package, so `[a]` in a name does
/// no harm.
///
/// ```
/// use odcs_rpm::PackagePattern;
/// let pattern: PackagePattern = "ed*".parse()?;
/// assert!(pattern.is_glob());
/// assert!(pattern.matches("ed-debuginfo"));
/// assert!(!pattern.matches("sed"));
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct PackagePattern(Box<str>);

impl PackagePattern {
    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has wildcards.
    pub fn is_glob(&self) -> bool {
        self.0.contains(['*', '?', '['])
    }

    /// Whether a package of this name was asked for.
    pub fn matches(&self, name: &str) -> bool {
        *self.0 == *name || (self.is_glob() && glob_matches(&self.0, name))
    }
}

impl TryFrom<Box<str>> for PackagePattern {
    type Error = Error;
    fn try_from(text: Box<str>) -> Result<Self> {
        if is_name_text(&text) {
            Ok(Self(text))
        } else {
            Err(Error::value(&text, "a package name or a glob over package names"))
        }
    }
}

impl FromStr for PackagePattern {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Box::<str>::from(text).try_into()
    }
}

impl Serialize for PackagePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<PackagePattern> for Box<str> {
    fn from(pattern: PackagePattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for PackagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Shell globbing as `fnmatch` has it, without special treatment of `/` and leading dots.
///
/// Keeps one point to return to (the last `*`), so the time is at most pattern × text.
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&c) = text.get(t) {
        let step = match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') => match class(pattern.get(p + 1..).unwrap_or_default(), c) {
                Some((true, length)) => Some(1 + length),
                Some((false, _)) => None,
                // An unclosed bracket is an ordinary character.
                None => (c == '[').then_some(1),
            },
            Some(&literal) => (literal == c).then_some(1),
            None => None,
        };
        match (step, retry) {
            (Some(length), _) => {
                p += length;
                t += 1;
            }
            (None, Some((after_star, from))) => {
                p = after_star;
                t = from + 1;
                retry = Some((after_star, t));
            }
            (None, None) => return false,
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|&c| c == '*'))
}

/// Matches `c` against the bracket expression that follows a `[`. Returns whether it matched and how
/// many characters the expression has, the closing bracket included; `None` if it is not closed.
fn class(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some('!' | '^'));
    let start = usize::from(negated);
    let mut at = start;
    let mut found = false;
    loop {
        match (pattern.get(at), pattern.get(at + 1), pattern.get(at + 2)) {
            (Some(']'), ..) if at > start => return Some((found != negated, at + 1)),
            (Some(&low), Some('-'), Some(&high)) if high != ']' => {
                found |= (low..=high).contains(&c);
                at += 3;
            }
            (Some(&one), ..) => {
                found |= one == c;
                at += 1;
            }
            (None, ..) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn globs_match_like_a_shell() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "glibc", true),
            ("g*c", "glibc", true),
            ("g*c", "glibcx", false),
            ("lib*-devel", "libfoo-devel", true),
            ("lib?", "libz", true),
            ("lib?", "lib", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]x", "]x", true),
            ("[x", "[x", true),
            ("a*b*c", "aXbXbXc", true),
            ("gcc-c++", "gcc-c++", true),
        ] {
            assert_eq!(glob_matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_do_not_take_for_ever() {
        assert!(!glob_matches(&("a*".repeat(60) + "b"), &"a".repeat(250)));
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_and_every_cut_of_it(name in "[a-z+.\\[\\]-]{1,20}", cut in 0usize..20) {
            let cut = cut.min(name.len());
            prop_assert!(name.parse::<PackagePattern>().unwrap().matches(&name));
            let glob = name.get(..cut).unwrap().replace('[', "?") + "*";
            prop_assert!(glob_matches(&glob, &name));
        }
    }
}
