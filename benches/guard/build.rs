//! Which compiler made the instructions that are counted.
#![allow(clippy::print_stdout, reason = "this is how a build script says something")]

use std::process::Command;

fn main() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(rustc).arg("--version").output();
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    // `rustc 1.95.0 (…)` → `1.95`: what a patch release changes is not worth other figures.
    let version = said.ok().and_then(|said| {
        let mut parts = said.split_whitespace().nth(1)?.split('.');
        Some(format!("{}.{}", parts.next()?, parts.next()?))
    });
    println!("cargo:rustc-env=GUARD_RUSTC={}", version.unwrap_or_default());
    println!("cargo:rerun-if-env-changed=RUSTC");
    println!("cargo:rerun-if-changed=build.rs");
}
