//! Which of the requirements in a header count: repodata does not have all of them.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::relations::Relation;
use crate::evr::compare_versions;
use crate::repodata::is_primary_file;
use crate::{Comparison, Dependency, FileEntry};

/// `RPMSENSE_PREREQ`, `RPMSENSE_SCRIPT_PRE` and `RPMSENSE_SCRIPT_POST`: what repodata calls `pre`.
const SENSE_PRE: u32 = 1 << 6 | 1 << 9 | 1 << 10;
/// `RPMSENSE_MISSINGOK`: a recommendation, before there was a tag for those.
const SENSE_MISSING_OK: u32 = 1 << 19;

/// So many are looked through faster than a table of them is made.
const FEW: usize = 32;

/// What two requirements have in common that are the same word by word.
type Words<'a> = (&'a str, Option<Comparison>, &'a str);

fn words<'a>(relation: &Relation<'a>) -> Words<'a> {
    (
        relation.name,
        Comparison::from_header_flags(relation.flags),
        relation.version,
    )
}

fn is_pre(relation: &Relation<'_>) -> bool {
    relation.flags & SENSE_PRE != 0
}

fn to_dependency(relation: &Relation<'_>) -> Dependency {
    Dependency {
        is_pre: is_pre(relation),
        ..relation.to_dependency()
    }
}

/// What the package provides, word by word.
enum Provided<'a, 'b> {
    Few(&'b [Relation<'a>]),
    Many(HashSet<Words<'a>>),
}

impl<'a, 'b> Provided<'a, 'b> {
    fn new(provides: &'b [Relation<'a>], questions: usize) -> Self {
        if provides.len().min(questions) <= FEW {
            Self::Few(provides)
        } else {
            Self::Many(provides.iter().map(words).collect())
        }
    }

    fn has(&self, require: &Relation<'a>) -> bool {
        match self {
            Self::Few(all) => all
                .iter()
                .any(|provide| provide.name == require.name && words(provide) == words(require)),
            Self::Many(all) => all.contains(&words(require)),
        }
    }
}

/// The paths of the package that `primary` lists.
enum Paths<'a> {
    /// Nobody asks.
    NotNeeded,
    Few(&'a [FileEntry]),
    Many(HashSet<&'a str>),
}

impl<'a> Paths<'a> {
    fn new(files: &'a [FileEntry], requires: &[Relation<'_>]) -> Self {
        // Few packages require paths, and some have very many files.
        if !requires.iter().any(|require| require.name.starts_with('/')) {
            Self::NotNeeded
        } else if requires.len().min(files.len()) <= FEW {
            Self::Few(files)
        } else {
            Self::Many(files.iter().map(|file| &*file.path).collect())
        }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::NotNeeded => false,
            Self::Few(files) => is_primary_file(name) && files.iter().any(|file| *file.path == *name),
            Self::Many(paths) => is_primary_file(name) && paths.contains(name),
        }
    }
}

/// What was listed last under each name.
enum Last<'a> {
    Few(Vec<(Words<'a>, bool)>),
    Many(HashMap<&'a str, (Words<'a>, bool)>),
}

impl<'a> Last<'a> {
    fn new(requires: usize) -> Self {
        if requires <= FEW {
            Self::Few(Vec::with_capacity(requires))
        } else {
            Self::Many(HashMap::new())
        }
    }

    fn of(&self, name: &str) -> Option<&(Words<'a>, bool)> {
        match self {
            Self::Few(all) => all.iter().rev().find(|((listed, ..), _)| *listed == name),
            Self::Many(all) => all.get(name),
        }
    }

    fn insert(&mut self, listed: (Words<'a>, bool)) {
        match self {
            Self::Few(all) => all.push(listed),
            Self::Many(all) => {
                all.insert(listed.0.0, listed);
            }
        }
    }
}

/// The requirements that `createrepo_c` 0.17 writes, in its order, and those that it writes as
/// recommendations. Left out are those that nobody needs to resolve:
///
/// - `rpmlib(…)`, which rpm itself satisfies;
/// - a path that the package has itself, if `primary` lists it;
/// - what the package provides, word by word (`foo = 1` for `foo = 1`, neither for `foo` nor for
///   `foo = 0:1`);
/// - repetitions of the last requirement of the same name;
/// - all requirements of glibc's `libc.so.6` but the highest, which implies the others and comes last.
pub(super) fn list_requires<'a>(
    requires: &[Relation<'a>],
    provides: &[Relation<'a>],
    files: &[FileEntry],
) -> (Vec<Dependency>, Vec<Dependency>) {
    let provided = Provided::new(provides, requires.len());
    let paths = Paths::new(files, requires);
    let mut last_of_name = Last::new(requires.len());
    let mut listed = Vec::with_capacity(requires.len());
    let mut recommends = Vec::new();
    let mut highest_libc: Option<(&Relation<'_>, LibcVersion<'_>)> = None;
    for require in requires {
        let same = (words(require), is_pre(require));
        if require.name.starts_with("rpmlib(")
            || paths.has(require.name)
            || provided.has(require)
            || last_of_name.of(require.name) == Some(&same)
        {
            continue;
        }
        if require.flags & SENSE_MISSING_OK != 0 {
            recommends.push(require.to_dependency());
            continue;
        }
        match LibcVersion::of(require.name) {
            None => {
                last_of_name.insert(same);
                listed.push(to_dependency(require));
            }
            Some(version) => {
                if highest_libc
                    .as_ref()
                    .is_none_or(|(_, highest)| version.cmp(highest) == Ordering::Greater)
                {
                    highest_libc = Some((require, version));
                }
            }
        }
    }
    listed.extend(highest_libc.map(|(require, _)| to_dependency(require)));
    (listed, recommends)
}

/// What is in the first parentheses of `libc.so.6(GLIBC_2.34)(64bit)`; nothing sorts before `()`.
#[derive(Clone, Copy)]
struct LibcVersion<'a>(Option<&'a str>);

impl<'a> LibcVersion<'a> {
    fn of(name: &'a str) -> Option<Self> {
        let rest = name.strip_prefix("libc.so.6")?;
        match rest.strip_prefix('(') {
            None => rest.is_empty().then_some(Self(None)),
            Some(rest) => Some(Self(rest.split(')').next())),
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        match (self.0, other.0) {
            (Some(left), Some(right)) => compare_versions(left, right),
            (left, right) => left.is_some().cmp(&right.is_some()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileKind;

    const EQUAL: u32 = 8;

    fn relation<'a>((name, flags, version): (&'a str, u32, &'a str)) -> Relation<'a> {
        Relation { name, flags, version }
    }

    /// Requirements and recommendations, whatever the number of others that mean nothing to any of them.
    fn listed(requires: &[(&str, u32, &str)], provided: &[&str], files: &[&str]) -> [Vec<String>; 2] {
        let mut requires: Vec<_> = requires.iter().copied().map(relation).collect();
        let provided = provided.iter().map(|version| ("p", EQUAL, *version));
        let mut provides: Vec<_> = provided.map(relation).collect();
        let file = |path: &str| FileEntry {
            path: path.into(),
            kind: FileKind::File,
        };
        let mut files: Vec<_> = files.iter().copied().map(file).collect();
        let few = list_requires(&requires, &provides, &files);
        let more = FEW + 1;
        requires.extend(vec![relation(("/x/bin/many", 0, "")); more]);
        provides.extend(vec![relation(("/x/bin/many", 0, "")); more]);
        files.extend((0..more).map(|number| file(&number.to_string())));
        assert_eq!(list_requires(&requires, &provides, &files), few);
        [few.0, few.1].map(|list| list.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn of_libc_only_the_highest_is_listed() {
        for (requires, expected) in [
            (
                &["libc.so.6", "libc.so.6()(64bit)", "a"][..],
                &["a", "libc.so.6()(64bit)"][..],
            ),
            (
                &["libc.so.6(GLIBC_2.4)", "libc.so.6(GLIBC_2.4)(64bit)"],
                &["libc.so.6(GLIBC_2.4)"],
            ),
            (
                &[
                    "libc.so.6(GLIBC_2.10)(64bit)",
                    "libc.so.6(GLIBC_2.9)(64bit)",
                    "libc.so.6(GLIBC_PRIVATE)",
                ],
                &["libc.so.6(GLIBC_2.10)(64bit)"],
            ),
            (&["libc.so.60", "libcrypt.so.1"], &["libc.so.60", "libcrypt.so.1"]),
        ] {
            let requires: Vec<_> = requires.iter().map(|name| (*name, 0, "")).collect();
            assert_eq!(listed(&requires, &[], &[])[0], expected);
        }
    }

    #[test]
    fn what_the_package_has_itself_is_not_listed() {
        let pre = 1 << 9;
        let requires = [
            ("/usr/bin/ed", 0, ""),
            ("/usr/share/ed", 0, ""),
            ("rpmlib(X)", 0, ""),
            ("a", 0, ""),
            ("a", 0, ""),
            ("p", EQUAL, "1"),
            ("p", EQUAL, "0:1"),
            ("a", pre, ""),
            ("a", 0, ""),
            ("weak", 1 << 19 | EQUAL, "2"),
        ];
        let [requires, recommends] = listed(&requires, &["1"], &["/usr/bin/ed", "/usr/share/ed"]);
        assert_eq!(requires, ["/usr/share/ed", "a", "p = 1", "a", "a"]);
        assert_eq!(recommends, ["weak = 2"]);
    }
}
