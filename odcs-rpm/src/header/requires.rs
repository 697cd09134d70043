//! Which of the requirements in a header count: repodata does not have all of them.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::fields::dependency;
use crate::evr::compare_versions;
use crate::repodata::is_primary_file;
use crate::{Comparison, Dependency, FileEntry};

/// `RPMSENSE_PREREQ`, `RPMSENSE_SCRIPT_PRE` and `RPMSENSE_SCRIPT_POST`: what repodata calls `pre`.
const SENSE_PRE: u32 = 1 << 6 | 1 << 9 | 1 << 10;
/// `RPMSENSE_MISSINGOK`: a recommendation, before there was a tag for those.
const SENSE_MISSING_OK: u32 = 1 << 19;

/// A requirement as a header has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requirement<'a> {
    pub(super) name: &'a str,
    pub(super) flags: u32,
    /// As it was written: `0:1` is another text than `1`.
    pub(super) version: &'a str,
}

impl<'a> Requirement<'a> {
    /// What two requirements have in common that are the same word by word.
    fn words(&self) -> Words<'a> {
        (self.name, Comparison::from_header_flags(self.flags), self.version)
    }

    fn is_pre(&self) -> bool {
        self.flags & SENSE_PRE != 0
    }

    fn to_dependency(self) -> Dependency {
        Dependency {
            is_pre: self.is_pre(),
            ..dependency(self.name, self.flags, self.version)
        }
    }
}

type Words<'a> = (&'a str, Option<Comparison>, &'a str);

/// What a package provides, word by word.
pub(super) struct Provided<'a>(HashSet<Words<'a>>);

impl<'a> FromIterator<(&'a str, u32, &'a str)> for Provided<'a> {
    fn from_iter<T: IntoIterator<Item = (&'a str, u32, &'a str)>>(all: T) -> Self {
        let words = all.into_iter();
        Self(
            words
                .map(|(name, flags, version)| (name, Comparison::from_header_flags(flags), version))
                .collect(),
        )
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
pub(super) fn list_requires(
    requires: &[Requirement<'_>],
    provided: &Provided<'_>,
    files: &[FileEntry],
) -> (Vec<Dependency>, Vec<Dependency>) {
    // Few packages require paths, and some have very many files.
    let requires_paths = requires.iter().any(|require| require.name.starts_with('/'));
    let files: HashSet<&str> = if requires_paths {
        let paths = files.iter().map(|file| &*file.path);
        paths.filter(|path| is_primary_file(path)).collect()
    } else {
        HashSet::new()
    };
    let mut last_of_name: HashMap<&str, (Words<'_>, bool)> = HashMap::new();
    let mut listed = Vec::with_capacity(requires.len());
    let mut recommends = Vec::new();
    let mut highest_libc: Option<(&Requirement<'_>, LibcVersion<'_>)> = None;
    for require in requires {
        let same = (require.words(), require.is_pre());
        if require.name.starts_with("rpmlib(")
            || files.contains(require.name)
            || provided.0.contains(&same.0)
            || last_of_name.get(require.name) == Some(&same)
        {
            continue;
        }
        if require.flags & SENSE_MISSING_OK != 0 {
            recommends.push(dependency(require.name, require.flags, require.version));
            continue;
        }
        match LibcVersion::of(require.name) {
            None => {
                last_of_name.insert(require.name, same);
                listed.push(require.to_dependency());
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
    listed.extend(highest_libc.map(|(require, _)| require.to_dependency()));
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

    fn listed(requires: &[(&str, u32, &str)], provided: &[&str], files: &[&str]) -> [Vec<String>; 2] {
        let requires: Vec<_> = requires
            .iter()
            .map(|(name, flags, version)| Requirement {
                name,
                flags: *flags,
                version,
            })
            .collect();
        let provided = provided.iter().map(|version| ("p", EQUAL, *version)).collect();
        let files: Vec<_> = files
            .iter()
            .map(|path| FileEntry {
                path: (*path).into(),
                kind: FileKind::File,
            })
            .collect();
        let (requires, recommends) = list_requires(&requires, &provided, &files);
        [requires, recommends].map(|list| list.iter().map(ToString::to_string).collect())
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
