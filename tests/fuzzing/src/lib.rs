//! What the fuzz targets do with their input: read it, and hold what came out against what must be true of it.
//!
//! Every target is a function that panics when something is wrong, and returns when not; refusing the input is
//! never wrong. `fuzz/` runs them on inputs that it makes up, `odcs-rpm/tests/fuzz_corpus.rs` on those kept in
//! `odcs-rpm/tests/corpus`, and both on the [`seeds`], which are made up to be accepted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a target says by a panic what it has found"
)]

mod compression;
mod dependency;
mod facts;
mod gather;
mod names;
mod repodata;
mod rpm;
mod same;
pub mod seeds;

/// One thing that is fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of its file in `fuzz/fuzz_targets`, and of its folder in the corpus.
    pub name: &'static str,
    /// Looks at one input.
    pub run: fn(&[u8]),
    /// Bytes that an input has at most: enough for everything that is told apart.
    pub max_len: usize,
    /// The words that inputs are made of: the name of a file in `fuzz/dictionaries`.
    pub dictionary: &'static str,
}

/// All targets, in the order of their names.
pub const TARGETS: &[Target] = &[
    target("comps", repodata::comps, 8 << 10, "xml"),
    target("compression", compression::decompress, 4 << 10, "compression"),
    target("dependency", dependency::versions, 512, "text"),
    target("facts", facts::facts, 4 << 10, "text"),
    target("filelists", repodata::filelists, 8 << 10, "xml"),
    target("gather", gather::packages, 4 << 10, "text"),
    target("installable", gather::installable, 4 << 10, "text"),
    target("keyring", rpm::keyring, 8 << 10, "openpgp"),
    target("names", names::names, 1 << 10, "text"),
    target("other", repodata::other, 8 << 10, "xml"),
    target("package_set", gather::set, 16 << 10, "text"),
    target("primary", repodata::primary, 8 << 10, "xml"),
    target("repomd", repodata::repomd, 8 << 10, "xml"),
    target("rpm_header", rpm::header, 32 << 10, "rpm"),
    target("rpm_signature", rpm::signature, 1 << 10, "openpgp"),
    target("updateinfo", repodata::updateinfo, 8 << 10, "xml"),
];

const fn target(name: &'static str, run: fn(&[u8]), max_len: usize, dictionary: &'static str) -> Target {
    Target {
        name,
        run,
        max_len,
        dictionary,
    }
}

/// Runs the target of that name.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.unwrap_or_else(|| panic!("there is no target {name}")).run)(input);
}

/// Whether a message is one line of bounded length, whatever the input holds.
fn is_brief(error: &impl std::fmt::Display) -> bool {
    let message = error.to_string();
    message.len() < 4000 && !message.contains(char::is_control)
}
