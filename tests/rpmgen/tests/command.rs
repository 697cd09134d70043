//! The command line.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods)]

use std::process::{Command, Output};

fn rpmgen(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rpmgen"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn writes_as_many_packages_as_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/repository");
    let output = rpmgen(&[path.to_str().unwrap(), "--packages", "12", "--seed", "3"]);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.starts_with(b"12 packages, "));
    let found = test_support::files(&path);
    assert_eq!(found.len(), 12);
    assert!(
        found
            .iter()
            .all(|file| file.starts_with("Packages/") && file.ends_with(".rpm")),
        "{found:?}"
    );

    // A second run into the same directory must not mix two distributions.
    let again = rpmgen(&[path.to_str().unwrap(), "--packages", "12", "--seed", "3"]);
    assert_eq!(again.status.code(), Some(1));
}

#[test]
fn lays_out_a_koji_volume() {
    let directory = tempfile::tempdir().unwrap();
    let output = rpmgen(&["--ed", "--layout", "koji", directory.path().to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let release = "2.module_fd8ca23e";
    let macros = "1.module_fd8ca23e";
    let expected = [
        format!("packages/ed/1.14.1/{release}/src/ed-1.14.1-{release}.src.rpm"),
        format!("packages/ed/1.14.1/{release}/x86_64/ed-1.14.1-{release}.x86_64.rpm"),
        format!("packages/ed/1.14.1/{release}/x86_64/ed-debuginfo-1.14.1-{release}.x86_64.rpm"),
        format!(
            "packages/module-build-macros/0.1/{macros}/noarch/module-build-macros-0.1-{macros}.noarch.rpm"
        ),
        format!("packages/module-build-macros/0.1/{macros}/src/module-build-macros-0.1-{macros}.src.rpm"),
    ];
    assert_eq!(test_support::files(directory.path()), expected);
}

#[test]
fn profiles_differ_in_size_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut listed = Vec::new();
    for profile in ["distribution", "real-sizes"] {
        let path = directory.path().join(profile);
        let output = rpmgen(&[path.to_str().unwrap(), "--packages", "20", "--profile", profile]);
        assert!(output.status.success(), "{output:?}");
        let files = test_support::files(&path);
        let bytes: u64 = files
            .iter()
            .map(|file| path.join(file).metadata().unwrap().len())
            .sum();
        listed.push((files, bytes));
    }
    assert_eq!(listed[0].0, listed[1].0);
    assert!(
        listed[1].1 > 3 * listed[0].1,
        "{} and {} bytes",
        listed[0].1,
        listed[1].1
    );
}

#[test]
fn wrong_words_are_explained() {
    for arguments in [
        &[][..],
        &["d", "--packages"],
        &["d", "--packages", "x"],
        &["d", "--layout", "y"],
        &["d", "--profile", "z"],
        &["d", "e"],
        &["--z"],
    ] {
        let output = rpmgen(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage: rpmgen"));
    }
}
