//! What takes long, or means harm: composes that come and go under a reader's hands, repositories and
//! other users that try to lead the service astray, crowds.
//!
//! Each test has a short form, which runs with all others, and a long one: `.ci/nightly`.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod canary;
mod crowd;
mod hostile;
mod obstacles;
mod reading;
mod same_bytes;
mod swapping;

#[allow(dead_code, unused_imports, reason = "shared with the tests of what users see")]
#[path = "../common/mod.rs"]
mod support;

#[allow(unused_imports, reason = "shared with the tests of that crate")]
#[path = "../../odcs-storage/tests/it/support/mod.rs"]
mod storage;

/// A directory, in memory where that can be: it is the service that is tried here, not a disk.
fn in_memory() -> tempfile::TempDir {
    tempfile::TempDir::new_in("/dev/shm").unwrap_or_else(|_| tempfile::TempDir::new().unwrap())
}

/// How often something is done: what a variable says, else the short form.
fn times(variable: &str, short: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is no number: {text:?}")),
        Err(_) => short,
    }
}

/// Where the random choices of a test begin, to see the same again.
fn seed() -> u64 {
    let seed = times("ODCS_TEST_SEED", 1) as u64;
    println!("ODCS_TEST_SEED={seed}");
    seed
}
