//! What `dnf` answers about theirs and about ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use odcs_rpm::compression::WriteCompression;
use odcs_rpm::repodata::RepodataOptions;
use rpmgen::{GeneratorOptions, PackageSpec, Random, generate};
use test_support::has;

use crate::deviations::deviates;
use crate::support::{Peer, REVISION, decompress, our_repodata, publish, write_packages};
use crate::{odd, random};

/// Everything that `repoquery` knows to say of packages.
const QUERIES: [&[&str]; 15] = [
    &[
        "--qf",
        "%{name} %{arch} %{epoch} %{version} %{release} %{sourcerpm} %{buildtime} %{downloadsize} %{installsize} %{location}",
    ],
    &[
        "--qf",
        "%{name} | %{summary} | %{description} | %{url} | %{license} | %{vendor} | %{group} | %{packager}",
    ],
    &[
        "--qf",
        "%{name} P %{provides} R %{requires} C %{conflicts} O %{obsoletes} E %{recommends} S %{suggests} U \
         %{supplements} H %{enhances} X %{requires-pre} F %{files}",
    ],
    &["--info"],
    &["--list"],
    &["--requires"],
    &["--requires-pre"],
    &["--provides"],
    &["--recommends"],
    &["--changelogs"],
    &["--deplist"],
    &["--whatrequires", "a"],
    &["--whatprovides", "/usr/bin/a"],
    &["--whatprovides", "b >= 1"],
    &["--file", "/etc/b"],
];

/// What dnf answers, line by line, sorted: it gives packages in no particular order.
fn ask(folder: &Path, cache: &Path, query: &[&str]) -> Vec<String> {
    let mut command = Command::new("dnf");
    command
        .args([
            "--quiet",
            "--releasever=1",
            "--forcearch=x86_64",
            "--setopt=reposdir=/nowhere",
        ])
        .arg(format!("--setopt=cachedir={}", cache.display()))
        .arg(format!("--installroot={}", cache.join("root").display()))
        .arg(format!("--repofrompath=it,file://{}", folder.display()))
        .args(["--repo=it", "repoquery"])
        .args(query)
        .env("LC_ALL", "C.UTF-8");
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{query:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    // The folder is in the answers about locations.
    let answer = String::from_utf8_lossy(&output.stdout).replace(&folder.display().to_string(), "");
    let mut lines: Vec<_> = answer.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

/// All answers about a folder. The cache is its own: metadata is read anew.
fn answers(top: &Path, folder: &Path) -> Vec<Vec<String>> {
    let cache = top.join(format!("cache-{}", folder.file_name().unwrap().to_str().unwrap()));
    QUERIES.iter().map(|query| ask(folder, &cache, query)).collect()
}

/// Copies packages, without their metadata.
fn copy(from: &Path, names: &[String], to: PathBuf) -> PathBuf {
    fs::create_dir(&to).unwrap();
    for name in names {
        fs::hard_link(from.join(name), to.join(name)).unwrap();
    }
    to
}

#[test]
fn dnf_finds_no_difference() {
    if !has("dnf") {
        return;
    }
    let top = tempfile::tempdir().unwrap();
    let theirs = top.path().join("theirs");
    let mut specs: Vec<PackageSpec> = odd::packages();
    // Thousands of files make long answers, and are compared elsewhere.
    let is_long = |name: &str| name.starts_with("very-long") || name.starts_with("thousands");
    specs.retain(|spec| !deviates(&spec.name) && !is_long(&spec.name));
    let mut by_chance = Random::new(7);
    specs.extend((0..60).map(|number| random::package(number, &mut by_chance)));
    let options = GeneratorOptions {
        packages: 60,
        ..GeneratorOptions::default()
    };
    specs.extend(generate(options));
    let names = write_packages(&theirs, &specs);
    if !Peer::Old.make(&theirs, &[]) {
        return;
    }
    let ours = [WriteCompression::Gzip, WriteCompression::Zstd].map(|compression| {
        let folder = copy(&theirs, &names, top.path().join(compression.suffix()));
        let options = RepodataOptions::new(REVISION).with_compression(compression);
        publish(&folder, &our_repodata(&folder, &names, options));
        folder
    });
    let (expected, found) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| answers(top.path(), &theirs));
        let top = top.path();
        let ours = ours
            .each_ref()
            .map(|folder| scope.spawn(move || answers(top, folder)));
        (theirs.join().unwrap(), ours.map(|ours| ours.join().unwrap()))
    });
    for (query, answer) in QUERIES.iter().zip(&expected) {
        assert!(!answer.is_empty(), "{query:?} has no answer");
        println!("ok {} lines for {}", answer.len(), query.join(" "));
    }
    for (folder, found) in ours.iter().zip(found) {
        for ((query, found), expected) in QUERIES.iter().zip(found).zip(&expected) {
            for (ours, theirs) in found.iter().zip(expected) {
                assert_eq!(ours, theirs, "{query:?} of {}", folder.display());
            }
            assert_eq!(found.len(), expected.len(), "{query:?} of {}", folder.display());
        }
    }
}

/// Compressed files are made of blocks, each a gzip member or a zstd frame by itself.
#[test]
fn dnf_reads_block_after_block() {
    if !has("dnf") {
        return;
    }
    let top = tempfile::tempdir().unwrap();
    let packages = top.path().join("packages");
    let binary = |name: &str| PackageSpec::binary(name, "1", "1", "x86_64").built_from("a-1-1.src.rpm");
    let mut long = binary("a");
    let mut words = Random::new(3);
    let mut text = || -> String {
        (0..300_000)
            .map(|_| format!("{:08x} ", words.below(1 << 32)))
            .collect()
    };
    (long.description, long.summary) = (text(), "long".into());
    let many = (0..30_000).fold(binary("b"), |spec, number| {
        spec.with_file(format!("/usr/share/b/a-directory-with-a-long-name/{number}"), "")
    });
    let last = binary("c").with_file("/usr/share/c/last", "text");
    let names = write_packages(&packages, &[long, many, last]);
    for compression in [WriteCompression::Gzip, WriteCompression::Zstd] {
        let options = RepodataOptions::new(REVISION).with_compression(compression);
        let files = our_repodata(&packages, &names, options);
        for file in files.iter().take(2) {
            let open = decompress(&file.name, &file.bytes).len();
            assert!(open > 3 << 19, "{} is one block", file.name);
        }
        publish(&packages, &files);
        let cache = top.path().join(compression.suffix());
        let found = ask(&packages, &cache, &["--file", "/usr/share/c/last"]);
        assert_eq!(found, ["c-0:1-1.x86_64"]);
        assert_eq!(ask(&packages, &cache, &["--list", "b"]).len(), 30_000);
        assert_eq!(ask(&packages, &cache, &["--list"]).len(), 30_002);
    }
}
