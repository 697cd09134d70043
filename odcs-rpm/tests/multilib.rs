//! Holds multilib decisions against those of python-multilib 1.3, called as Pungi does.
//!
//! `ODCS_TEST_PYTHON` names a Python that has it, as `dev/test` makes one; without it the suite passes, saying so,
//! except under `CI=true`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use common::open;
use odcs_rpm::multilib::Method;
use odcs_rpm::repodata::{self, Limits, Repomd};
use odcs_rpm::{Dependency, Evr, FileEntry, FileKind, Nevra, Package};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use test_support::{is_ci, recordings};

/// Reads a package a line, prints its decisions: one digit for each method.
const PEER: &str = r#"
import json, sys
from multilib import multilib

class Provide:  # neither text nor tuple, as those of dnf
    def __init__(self, text): self.text = text
    def __str__(self): return self.text

class Package: pass

methods = [multilib.RuntimeMultilibMethod(None), multilib.DevelMultilibMethod(None), multilib.AllMultilibMethod(None)]
for line in sys.stdin:
    package = Package()
    package.__dict__.update(json.loads(line))
    package.provides = [Provide(provide) for provide in package.provides]
    # It cannot take a path without slash, which its callers never give it.
    package.files = [path for path in package.files if "/" in path]
    print("".join(str(int(method.select(package))) for method in methods))
"#;

/// What python-multilib decides, a line for each package; `None` where it is not installed.
fn peer(packages: &[Package]) -> Option<Vec<String>> {
    let python = std::env::var_os("ODCS_TEST_PYTHON");
    let has_it = |python: &std::ffi::OsString| {
        let output = Command::new(python)
            .args(["-c", "import multilib.multilib"])
            .output();
        output.is_ok_and(|output| output.status.success())
    };
    let Some(python) = python.filter(has_it) else {
        assert!(
            !is_ci(),
            "ODCS_TEST_PYTHON should name a Python with python-multilib"
        );
        println!("skipped: ODCS_TEST_PYTHON does not name a Python with python-multilib");
        return None;
    };
    let mut child = Command::new(python)
        .args(["-c", PEER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: String = packages
        .iter()
        .map(|package| {
            let line = serde_json::json!({
                "name": package.nevra.name().as_str(),
                "arch": package.nevra.arch().as_str(),
                "provides": package.provides.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "files": package.files.iter().map(|file| &*file.path).collect::<Vec<_>>(),
            });
            format!("{line}\n")
        })
        .collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    Some(
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(Into::into)
            .collect(),
    )
}

/// Compares, and tells how many packages each method took.
#[track_caller]
fn compare(what: &str, packages: &[Package]) -> Option<[usize; 3]> {
    let theirs = peer(packages)?;
    assert_eq!(theirs.len(), packages.len());
    let mut taken = [0; 3];
    for (package, theirs) in packages.iter().zip(theirs) {
        let ours = Method::ALL.map(|method| method.selects(package));
        let text: String = ours
            .iter()
            .map(|&selects| char::from(b'0' + u8::from(selects)))
            .collect();
        assert_eq!(
            text,
            theirs,
            "{what}: {} {:?} {:?}",
            package.nevra,
            package.provides,
            package
                .files
                .iter()
                .filter(|file| {
                    let mut one = package.clone();
                    one.files = vec![(*file).clone()];
                    Method::Runtime.selects(&one)
                })
                .collect::<Vec<_>>()
        );
        for (taken, selects) in taken.iter_mut().zip(ours) {
            *taken += usize::from(selects);
        }
    }
    println!("ok {what}: {} packages, {taken:?} taken", packages.len());
    Some(taken)
}

fn package(name: &str, arch: &str, provides: Vec<String>, files: Vec<String>) -> Package {
    let evr = Evr::new(0, "1", "1").unwrap();
    let mut package = Package::new(Nevra::new(name.parse().unwrap(), evr, arch.parse().unwrap()));
    package.provides = provides.into_iter().map(Dependency::unversioned).collect();
    let file = |path: String| FileEntry {
        path: path.into(),
        kind: FileKind::File,
    };
    package.files = files.into_iter().map(file).collect();
    package
}

/// Names, those that some rule knows with all that may stand around them.
fn names() -> impl Strategy<Value = String> {
    let known = [
        "gdb",
        "frysk",
        "systemtap",
        "systemtap-runtime",
        "ltrace",
        "strace",
        "kernel",
        "kernel-core",
        "yaboot",
        "libflashsupport",
        "libgnat",
        "lmms-vst",
        "nspluginwrapper",
        "perl-libs",
        "redhat-lsb",
        "syslinux-extlinux-nonlinux",
        "syslinux-nonlinux",
        "syslinux-tftpboot",
        "valgrind",
        "wine",
        "httpd",
        "php",
        "tomcat-native",
        "dmraid",
        "kdeutils",
        "mkinitrd",
        "java-1.5.0-gcj",
        "java-1.6.0-openjdk",
        "java-1.7.0-icedtea",
        "java-1.7.0-openjdk",
        "java-1.8.0-openjdk",
        "java-11-openjdk",
        "glibc",
        "ghc-",
        "ghc",
        "zlib",
        "steam",
        "devel",
        "static",
    ];
    let ends = [
        "",
        "-devel",
        "-static",
        "-libs",
        "-debuginfo",
        "-devel-doc",
        "s",
        "devel",
    ];
    prop_oneof![
        6 => (prop::sample::select(known.to_vec()), prop::sample::select(ends.to_vec()))
            .prop_map(|(name, end)| format!("{name}{end}")),
        1 => (prop::sample::select(known.to_vec()), 0usize..8, 1usize..12).prop_map(|(name, from, length)| {
            let cut: String = name.chars().skip(from).take(length).collect();
            // Names begin with a letter or digit.
            match cut.trim_start_matches(['-', '.']) {
                "" => "x".to_owned(),
                cut => cut.to_owned(),
            }
        }),
    ]
}

/// Paths, made of the parts that some rule looks at.
fn paths() -> impl Strategy<Value = String> {
    let tops = [
        "/lib",
        "/lib64",
        "/usr/lib",
        "/usr/lib64",
        "/usr/libexec",
        "/usr/lib32",
        "/usr",
        "/etc",
        "/opt",
        "",
        "/usr/lib/gtk-2.0",
        "/usr/lib64/gtk-2.0",
        "/usr/lib/gtk-2.0x",
    ];
    let parts = [
        "security",
        "alsa-lib",
        "dri",
        "gtk-2.0",
        "gtk-3.0",
        "modules",
        "immodules",
        "krb5",
        "plugins",
        "sasl2",
        "vdpau",
        "lsb-release.d",
        "ld.so.conf.d",
        "engines",
        "loaders",
        "printbackends",
        "filesystems",
        "2.10.0",
        "gstreamer-1.0",
        "gstreamer-",
        "gstreamer1",
        "qt",
        "qt5",
        "qt4x",
        "kde4",
        "kde",
        "qml",
        "gdk-pixbuf-2.0",
        "xine",
        "oprofile",
        "wine",
        "sane",
        "pkgconfig",
        "sub",
        "engines-x",
        "qmlx",
        ".",
    ];
    let files = [
        "libz.so.1",
        "libz.so",
        ".so.",
        "so.1",
        "libnss_files.so",
        "libnss_",
        "libnss",
        "libdb-5.3.so",
        "libdb.so",
        "a.conf",
        ".conf",
        "a.conf.d",
        "libsane-epson.so.1",
        "libsane.so",
        "x.so",
        "z.pc",
        "",
        "*",
        "engines",
        "modules",
    ];
    // Whole paths of rules, so that most of them are met often; cut and joined parts for what is close to them.
    let close = [
        "/usr/lib/krb5/plugins",
        "/usr/lib/krb5/plugins/kdb",
        "/usr/lib/gtk-2.0/2.10.0/engines",
        "/usr/lib/gtk-2.0/engines",
        "/usr/lib64/gtk-2.0/2/3/immodules",
        "/usr/lib/qt5/plugins/platforms",
        "/usr/lib/qt5/qml/QtQuick",
        "/usr/lib/qt5/plugins",
        "/usr/lib/kde4/plugins/designer",
        "/usr/lib/gdk-pixbuf-2.0/2.10.0/loaders",
        "/usr/lib/gdk-pixbuf-2.0/loaders",
        "/usr/lib/xine/plugins/2.8",
        "/usr/lib/a/b/xine/plugins/",
        "/usr/lib/sane",
        "/usr/lib64/wine",
        "/usr/lib64/oprofile",
        "/etc/ld.so.conf.d",
        "/etc/lsb-release.d",
        "/lib64/security",
        "/usr/lib/security",
        "/usr/lib/gtk-2.0/qt/plugins/x",
    ];
    let directory = prop_oneof![
        2 => (prop::sample::select(tops.to_vec()), prop::collection::vec(prop::sample::select(parts.to_vec()), 0..4))
            .prop_map(|(top, parts)| parts.iter().fold(top.to_owned(), |path, part| format!("{path}/{part}"))),
        1 => prop::sample::select(close.to_vec()).prop_map(str::to_owned),
    ];
    (directory, prop::sample::select(files.to_vec()))
        .prop_map(|(directory, file)| format!("{directory}/{file}"))
}

fn packages() -> impl Strategy<Value = Package> {
    let arches = ["i686", "x86_64", "ppc", "ppc64", "s390", "noarch", "aarch64"];
    let provides = [
        "kernel",
        "kernel-devel",
        "kernel-core",
        "kernel = 5.14",
        "kernel-devel(x86-64) = 1",
        "kernel-x-devel",
        "zlib-static",
        "libz.so.1",
        "kernel-devel = 5.14-1",
    ];
    (
        names(),
        prop::sample::select(arches.to_vec()),
        prop::collection::vec(
            prop::sample::select(provides.to_vec()).prop_map(str::to_owned),
            0..4,
        ),
        prop::collection::vec(paths(), 0..3),
    )
        .prop_map(|(name, arch, provides, files)| package(&name, arch, provides, files))
}

#[test]
fn generated_packages_are_decided_as_python_multilib_does() {
    let mut runner = TestRunner::deterministic();
    let mut sample = || packages().new_tree(&mut runner).unwrap().current();
    let packages: Vec<_> = (0..20_000).map(|_| sample()).collect();
    if let Some([runtime, devel, all]) = compare("generated", &packages) {
        // Neither answer is rare.
        assert!((3_000..15_000).contains(&runtime), "{runtime}");
        assert!(devel > runtime + 1_000 && devel < 15_000, "{devel}");
        assert_eq!(all, packages.len());
    }
}

#[test]
fn recorded_repositories_are_decided_as_python_multilib_does() {
    let Some(repos) = recordings("ODCS_GATHER_REPOS", "gather/repos") else {
        return;
    };
    let mut folders: Vec<_> = std::fs::read_dir(repos)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    for folder in folders {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        compare(&name, &read(&folder));
    }
}

#[test]
fn centos_stream_9_is_decided_as_python_multilib_does() {
    let Some(real) = recordings("ODCS_REAL_REPODATA", "real") else {
        return;
    };
    // Of AppStream only the files that primary has, of BaseOS only names and files.
    let primary = read(&real.join("cs9-appstream"));
    compare("cs9-appstream", &primary);
    compare(
        "cs9-baseos-filelists",
        &read_filelists(&real.join("cs9-baseos-filelists/filelists.xml.gz")),
    );
}

fn read(folder: &Path) -> Vec<Package> {
    let repomd = Repomd::parse(&std::fs::read(folder.join("repodata/repomd.xml")).unwrap()).unwrap();
    let path_of = |kind: &str| folder.join(&repomd.record(kind).unwrap().location);
    let mut packages = repodata::read_primary(open(&path_of("primary")), Limits::default()).unwrap();
    let filelists = path_of("filelists");
    if filelists.exists() {
        repodata::read_filelists(open(&filelists), &mut packages, Limits::default()).unwrap();
    }
    packages.into_iter().map(|listed| listed.package).collect()
}

/// Reads names, arches and paths from lines as createrepo_c writes them.
fn read_filelists(path: &Path) -> Vec<Package> {
    let attribute = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!(" {name}=\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let mut found: Vec<Package> = Vec::new();
    for line in open(path).lines() {
        let line = line.unwrap();
        if line.starts_with("<package ") {
            found.push(package(
                &attribute(&line, "name"),
                &attribute(&line, "arch"),
                Vec::new(),
                Vec::new(),
            ));
        } else if let Some((_, path)) = line.strip_suffix("</file>").and_then(|line| line.split_once('>')) {
            found.last_mut().unwrap().files.push(FileEntry {
                path: path.into(),
                kind: FileKind::File,
            });
        }
    }
    let arches = found.iter().fold(BTreeMap::new(), |mut counts, package| {
        *counts
            .entry(package.nevra.arch().as_str().to_owned())
            .or_insert(0) += 1;
        counts
    });
    assert!(arches["x86_64"] > 0, "{arches:?}");
    found
}
