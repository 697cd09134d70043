//! What of a package `primary` lists: not all files and not all requirements that a header has.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use crate::evr::compare_versions;
use crate::{Dependency, Package};

/// Whether `primary` lists a path: configuration, programs and, for old time's sake, one program that
/// other packages require by its path. The rule is yum's, and all tools keep it.
pub fn is_primary_file(path: &str) -> bool {
    path.starts_with("/etc/") || path.contains("bin/") || path == "/usr/lib/sendmail"
}

/// The requirements that `createrepo_c` 0.17 writes, in its order. Left out are those that nobody
/// needs to resolve:
///
/// - `rpmlib(…)`, which rpm itself satisfies;
/// - a path that the package has itself, if `primary` lists it;
/// - what the package provides, word by word (`foo = 1` for `foo = 1`, not for `foo`);
/// - repetitions of the last requirement of the same name;
/// - all requirements of glibc's `libc.so.6` but the highest, which implies the others and comes last.
pub(super) fn listed_requires(package: &Package) -> Vec<&Dependency> {
    // Few packages require paths, and some have very many files.
    let requires_paths = package
        .requires
        .iter()
        .any(|require| require.name.starts_with('/'));
    let files: HashSet<&str> = if requires_paths {
        let paths = package.files.iter().map(|file| &*file.path);
        paths.filter(|path| is_primary_file(path)).collect()
    } else {
        HashSet::new()
    };
    let provides = package
        .provides
        .iter()
        .map(|provide| (&provide.name, &provide.version));
    let provided: HashSet<_> = provides.collect();
    let mut last_of_name: HashMap<&str, &Dependency> = HashMap::new();
    let mut listed = Vec::with_capacity(package.requires.len());
    let mut highest_libc: Option<(&Dependency, LibcVersion<'_>)> = None;
    for require in &package.requires {
        if require.name.starts_with("rpmlib(")
            || files.contains(&*require.name)
            || provided.contains(&(&require.name, &require.version))
            || last_of_name
                .get(&*require.name)
                .is_some_and(|last| *last == require)
        {
            continue;
        }
        last_of_name.insert(&require.name, require);
        match LibcVersion::of(&require.name) {
            None => listed.push(require),
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
    listed.extend(highest_libc.map(|(require, _)| require));
    listed
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
    use crate::{Evr, FileEntry, FileKind, Nevra};

    fn package(requires: &[&str]) -> Package {
        let evr = Evr::new(0, "1", "1").unwrap();
        let nevra = Nevra::new("ed".parse().unwrap(), evr, "x86_64".parse().unwrap());
        Package {
            requires: requires
                .iter()
                .map(|name| Dependency::unversioned(*name))
                .collect(),
            ..Package::new(nevra)
        }
    }

    fn listed(package: &Package) -> Vec<&str> {
        listed_requires(package)
            .iter()
            .map(|require| &*require.name)
            .collect()
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
            assert_eq!(listed(&package(requires)), expected);
        }
    }

    #[test]
    fn what_the_package_has_itself_is_not_listed() {
        let mut package = package(&["/usr/bin/ed", "/usr/share/ed", "rpmlib(X)", "a", "a", "b"]);
        package.provides = vec![Dependency::unversioned("b")];
        package.files = ["/usr/bin/ed", "/usr/share/ed"]
            .map(|path| FileEntry {
                path: path.into(),
                kind: FileKind::File,
            })
            .into();
        package.requires.push(Dependency {
            is_pre: true,
            ..Dependency::unversioned("a")
        });
        package.requires.push(Dependency::unversioned("a"));
        assert_eq!(listed(&package), ["/usr/share/ed", "a", "a", "a"]);
    }

    #[test]
    fn primary_files() {
        for path in [
            "/etc/x",
            "/bin/sh",
            "/opt/x/bin/y/z",
            "/usr/lib/sendmail",
            "/usr/sbin/x",
        ] {
            assert!(is_primary_file(path), "{path}");
        }
        for path in ["/etc", "/usr/bin", "/usr/lib/sendmail2", "ed.spec", "/usr/etc/x"] {
            assert!(!is_primary_file(path), "{path}");
        }
    }
}
