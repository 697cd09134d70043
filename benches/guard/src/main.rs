//! Counts the instructions of hot paths on made-up packages under valgrind's callgrind, and holds them against the
//! figures recorded in `benches/guard.toml`: `cargo run --profile guard -p guard`.
//!
//! Time on a shared machine says little; the number of instructions is the same in every run. It depends on what was
//! compiled, and by which compiler, and on whether the processor has AVX2, for which memory is searched and copied by
//! other functions. So there are figures for each such toolchain. One without figures is named, and is no failure: it
//! is not what a change has made slower. `ODCS_UPDATE=1` records what was counted.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a bench that cannot go on has failed; its result is what it prints"
)]

mod figures;
mod paths;

use std::path::Path;
use std::process::{Command, ExitCode};

use figures::{Figures, Verdict};

/// Percent that a count may differ from its figure by.
const TOLERANCE: u64 = 5;

/// The argument of the process that is counted.
const COUNTED: &str = "counted";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some(COUNTED) {
        paths::run(words.next().unwrap());
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: valgrind is not installed");
        // In CI nothing is skipped.
        return ExitCode::from(u8::from(std::env::var("CI").is_ok_and(|ci| ci == "true")));
    }
    let counts = count();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guard.toml");
    let mut figures = Figures::read(&path);
    let toolchain = toolchain();
    if std::env::var("ODCS_UPDATE").is_ok_and(|update| update == "1") {
        figures.record(&toolchain, &counts);
        figures.write(&path);
    }
    println!(
        "{:<16} {:>13} {:>13} {:>8}   {toolchain}",
        "", "recorded", "counted", ""
    );
    let mut is_ok = true;
    for (name, count) in &counts {
        let verdict = figures.judge(&toolchain, name, *count, TOLERANCE);
        is_ok &= verdict.is_ok();
        println!("{name:<16} {verdict}");
    }
    if is_ok {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "a count differs from its figure by more than {TOLERANCE} %: if that is meant, ODCS_UPDATE=1 cargo run \
         --profile guard -p guard records the new ones"
    );
    ExitCode::FAILURE
}

/// What the figures depend on besides the code.
fn toolchain() -> String {
    let vectors = if has_avx2() { "with" } else { "without" };
    format!("rustc {}, {vectors} AVX2", env!("GUARD_RUSTC"))
}

fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// Runs this program under callgrind once for each path: its instructions.
fn count() -> Vec<(String, u64)> {
    paths::NAMES.map(|name| (name.to_owned(), count_one(name))).into()
}

fn count_one(name: &str) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let counted = directory.path().join("counted");
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", counted.display()))
        .arg("--toggle-collect=*measured*")
        .arg(std::env::current_exe().unwrap())
        .args([COUNTED, name])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = std::fs::read_to_string(counted).unwrap();
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let count = totals.unwrap().trim().parse().unwrap();
    assert!(count > 0, "nothing of {name} was counted");
    count
}

impl Verdict {
    fn is_ok(&self) -> bool {
        !matches!(self, Self::Differs { .. })
    }
}
