//! The table of what has to come of requests.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::lab::Made;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    build: BTreeMap<String, Build>,
    pub(crate) history: Vec<History>,
    pub(crate) case: Vec<Case>,
}

/// The RPMs of a build, by arch.
#[derive(Default, Deserialize)]
struct Build {
    #[serde(default)]
    source: Vec<String>,
    #[serde(default)]
    debug: BTreeMap<String, Vec<String>>,
    #[serde(flatten)]
    binary: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct History {
    pub(crate) tag: String,
    pub(crate) steps: Vec<(i64, String)>,
    pub(crate) alone: Option<Vec<(i64, String)>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) request: Value,
    #[serde(default)]
    trees: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    exactly: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    binaries: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    with_i686: bool,
    #[serde(default)]
    keys: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) fails: Vec<String>,
}

/// The packages of an arch with their keys.
pub(crate) type Tree = BTreeMap<String, String>;

impl Expected {
    pub(crate) fn read() -> Self {
        toml::from_str(include_str!("expected.toml")).unwrap()
    }

    /// What the tree of an arch has of builds: nothing of a build of which no binary package belongs.
    pub(crate) fn of_builds<'b>(
        &self,
        builds: impl IntoIterator<Item = &'b String>,
        arch: &str,
        with_i686: bool,
    ) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for nvr in builds {
            let build = self.build.get(nvr).unwrap_or_else(|| panic!("no build {nvr}"));
            let mut arches = vec![arch];
            arches.extend(Some("i686").filter(|_| with_i686 && arch == "x86_64"));
            let of = |packages: &BTreeMap<String, Vec<String>>, arch: &str| {
                packages.get(arch).cloned().unwrap_or_default()
            };
            let mut packages = of(&build.binary, "noarch");
            packages.extend(arches.iter().flat_map(|arch| of(&build.binary, arch)));
            if !packages.is_empty() {
                packages.extend(arches.iter().flat_map(|arch| of(&build.debug, arch)));
                packages.extend(build.source.clone());
            }
            all.extend(packages);
        }
        all
    }

    /// What a compose has to have, by arch.
    fn trees(&self, case: &Case) -> BTreeMap<String, Tree> {
        let whole = case.trees.iter().map(|(arch, builds)| {
            let packages = self.of_builds(builds, arch, case.with_i686);
            (arch.clone(), packages)
        });
        let listed = case.exactly.iter().chain(&case.binaries);
        let listed = listed.map(|(arch, packages)| (arch.clone(), packages.iter().cloned().collect()));
        let keyed = |packages: BTreeSet<String>| {
            let keyed = packages.into_iter().map(|nevra| {
                let key = self.key(case, &nevra);
                (nevra, key)
            });
            keyed.collect::<Tree>()
        };
        let mut trees: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (arch, packages) in whole.chain(listed) {
            trees.entry(arch).or_default().extend(packages);
        }
        trees
            .into_iter()
            .map(|(arch, packages)| (arch, keyed(packages)))
            .collect()
    }

    /// The key of a package: its own, or that of its build.
    fn key(&self, case: &Case, nevra: &str) -> String {
        let is_of = |nvr: &String| {
            self.build.get(nvr).is_some_and(|build| {
                let lists = build.binary.values().chain(build.debug.values());
                let mut packages = lists.flatten().chain(&build.source);
                packages.any(|package| package == nevra)
            })
        };
        let of_build = || case.keys.iter().find(|(nvr, _)| is_of(nvr)).map(|(_, key)| key);
        case.keys
            .get(nevra)
            .or_else(of_build)
            .cloned()
            .unwrap_or_default()
    }

    /// How a compose differs from what it has to be.
    pub(crate) fn difference(&self, case: &Case, made: &Made) -> Option<String> {
        let expected = self.trees(case);
        let mut found: BTreeMap<String, Tree> = made
            .trees
            .keys()
            .map(|arch| (arch.clone(), made.keys(arch)))
            .collect();
        if !case.binaries.is_empty() {
            for (arch, packages) in &mut found {
                packages.retain(|nevra, _| made.trees[arch][nevra].category == "binary");
            }
        }
        difference(&expected, &found)
    }
}

/// What is too much and what is missing.
pub(crate) fn difference(
    expected: &BTreeMap<String, Tree>,
    found: &BTreeMap<String, Tree>,
) -> Option<String> {
    let lines = |trees: &BTreeMap<String, Tree>| -> BTreeSet<String> {
        let lines = trees.iter().flat_map(|(arch, packages)| {
            packages.iter().map(move |(nevra, key)| {
                let key = if key.is_empty() { "unsigned" } else { key };
                format!("{arch}: {nevra} {key}")
            })
        });
        lines.collect()
    };
    let (expected, found) = (lines(expected), lines(found));
    let missing = expected.difference(&found).map(|line| format!("missing {line}"));
    let extra = found.difference(&expected).map(|line| format!("extra {line}"));
    let all: Vec<_> = missing.chain(extra).collect();
    (!all.is_empty()).then(|| all.join("\n  "))
}
