//! Names, versions, paths and sentences that look like the real thing.

use std::collections::BTreeSet;

use crate::{ChangelogSpec, Random};

const ONSETS: [&str; 20] = [
    "b", "c", "d", "f", "g", "gl", "h", "k", "l", "m", "n", "p", "qu", "r", "s", "st", "t", "tr", "v", "z",
];
const NUCLEI: [&str; 10] = ["a", "e", "i", "o", "u", "ai", "au", "ea", "io", "y"];
const CODAS: [&str; 10] = ["", "", "", "d", "l", "m", "n", "r", "s", "x"];
const VERBS: [&str; 8] = [
    "Fix",
    "Update",
    "Rebuild for",
    "Drop",
    "Add",
    "Backport",
    "Move",
    "Enable",
];
const NOUNS: [&str; 12] = [
    "the build with a newer compiler",
    "a crash when the configuration file is empty",
    "version checks in the test suite",
    "a patch that upstream has merged",
    "the unused dependency of the library subpackage",
    "hardening flags on all architectures",
    "the default path of the cache",
    "an overflow in the parser of long options (rhbz#0000000)",
    "translations",
    "the licence field, now as an SPDX expression",
    "a memory leak that shows under load",
    "the manual page, it named an option of long ago",
];

/// A word of a few syllables.
pub(super) fn word(random: &mut Random, syllables: usize) -> String {
    let mut word = String::new();
    for _ in 0..syllables {
        for part in [&ONSETS[..], &NUCLEI[..], &CODAS[..]] {
            word.push_str(random.pick(part).copied().unwrap_or_default());
        }
    }
    word
}

/// A package name that nobody has yet.
pub(super) fn unused_name(random: &mut Random, used: &mut BTreeSet<String>) -> String {
    loop {
        let mut name = String::from(match random.below(10) {
            0 | 1 => "python3-",
            2 => "perl-",
            3 => "lib",
            _ => "",
        });
        let syllables = random.between(2, 3);
        name.push_str(&word(random, syllables));
        if random.percent(25) {
            name.push('-');
            name.push_str(&word(random, 2));
        }
        if used.insert(name.clone()) {
            return name;
        }
    }
}

/// `2.14`, `1.0.3`, ...
pub(super) fn version(random: &mut Random) -> String {
    let (major, minor) = (random.low_below(12), random.below(30));
    if random.percent(60) {
        format!("{major}.{minor}.{}", random.below(15))
    } else {
        format!("{major}.{minor}")
    }
}

/// A changelog, newest first; most are short, some very long.
pub(super) fn changelog(random: &mut Random, newest: u32, version: &str) -> Vec<ChangelogSpec> {
    let entries = match random.below(10) {
        0 => random.between(150, 290),
        1..=3 => random.between(50, 130),
        _ => random.between(2, 25),
    };
    let author = word(random, 3);
    let mut time = newest - newest % 86_400 + 43_200;
    (0..entries)
        .map(|index| {
            let release = entries - index;
            let lines: Vec<String> = (0..random.between(1, 4))
                .map(|_| {
                    let verb = random.pick(&VERBS).copied().unwrap_or_default();
                    format!("- {verb} {}", random.pick(&NOUNS).copied().unwrap_or_default())
                })
                .collect();
            let entry = ChangelogSpec {
                time,
                author: format!("{author} <{author}@example.com> - {version}-{release}"),
                text: lines.join("\n"),
            };
            let days = u32::try_from(random.between(3, 90)).unwrap_or(3);
            time = time.saturating_sub(days * 86_400);
            entry
        })
        .collect()
}
