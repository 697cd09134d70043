//! What the rooms of this suite have in common.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use odcs_rpm::compression::{Compression, decoder};
use odcs_rpm::header::{FileFacts, ReadFile, read_file, read_file_digests};
use odcs_rpm::repodata::{Entry, RepodataFile, RepodataOptions, write_repodata};
use rpmgen::PackageSpec;
use test_support::{has, is_ci, project_root};

/// The time that all repodata here carries.
pub(crate) const REVISION: u64 = 1_795_254_151;

/// Builds source and binary packages, and gives the paths of those that come out.
pub(crate) fn build(top: &Path, name: &str, spec: &str) -> Vec<PathBuf> {
    let path = top.join(format!("{name}.spec"));
    fs::write(&path, spec).unwrap();
    fs::create_dir_all(top.join("SOURCES")).unwrap();
    fs::write(top.join("SOURCES/nothing.txt"), "nothing").unwrap();
    let output = Command::new("rpmbuild")
        .args([
            "-ba",
            "--nodeps",
            "--define",
            "_invalid_encoding_terminates_build 0",
            "--define",
        ])
        .arg(format!("_topdir {}", top.display()))
        .arg(&path)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut packages = Vec::new();
    for folder in ["RPMS/noarch", "SRPMS"] {
        for entry in fs::read_dir(top.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_str().unwrap().starts_with(name) {
                packages.push(path);
            }
        }
    }
    packages.sort();
    packages
}

pub(crate) fn read(path: &Path) -> ReadFile {
    let file = File::open(path).unwrap();
    let metadata = file.metadata().unwrap();
    let facts = FileFacts {
        size: metadata.len(),
        modified: metadata
            .modified()
            .unwrap()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs(),
    };
    read_file(file, facts, None).unwrap()
}

pub(crate) fn decompress(name: &str, bytes: &[u8]) -> String {
    let mut text = String::new();
    let compression = Compression::of_file_name(name);
    decoder(bytes, compression, "a repository file", 1 << 30)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// A `createrepo_c` to be held against.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Peer {
    /// 0.17 of the distribution: what Pungi composes have.
    Old,
    /// 1.2.5, for what 0.17 does not know.
    New,
}

impl Peer {
    /// Its program, if there is one: the newer one is in a Python environment, beside what `ODCS_TEST_PYTHON`
    /// names or in `target/venv`.
    pub(crate) fn program(self) -> Option<PathBuf> {
        if self == Self::Old {
            return has("createrepo_c").then(|| "createrepo_c".into());
        }
        let named = std::env::var_os("ODCS_TEST_PYTHON").map(PathBuf::from);
        let python = named.unwrap_or_else(|| project_root().join("target/venv/bin/python"));
        let program = python.with_file_name("createrepo_c");
        let output = Command::new(&program).arg("--version").output();
        let is_it = output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("1.2.5"));
        assert!(
            is_it || !is_ci(),
            "there is no createrepo_c 1.2.5 at {}",
            program.display()
        );
        if !is_it {
            println!("skipped: there is no createrepo_c 1.2.5 at {}", program.display());
        }
        is_it.then_some(program)
    }

    /// Makes repodata of a folder. What it warns of is not looked at.
    pub(crate) fn make(self, folder: &Path, more: &[&str]) -> bool {
        let Some(program) = self.program() else {
            return false;
        };
        let mut command = Command::new(program);
        command.args([
            "--quiet",
            "--no-database",
            "--set-timestamp-to-revision",
            "--revision",
        ]);
        let output = command
            .arg(REVISION.to_string())
            .args(more)
            .arg(folder)
            .output()
            .unwrap();
        let folder = folder.join("repodata/repomd.xml");
        assert!(folder.exists(), "{}", String::from_utf8_lossy(&output.stderr));
        true
    }
}

/// Writes packages into a folder. Gives their names in the order in which they are listed.
pub(crate) fn write_packages(folder: &Path, specs: &[PackageSpec]) -> Vec<String> {
    fs::create_dir_all(folder).unwrap();
    let mut names = Vec::new();
    for spec in specs {
        let path = folder.join(spec.file_name());
        assert!(!path.exists(), "{} is there twice", spec.file_name());
        fs::write(&path, rpmgen::write(spec).unwrap()).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1_700_000_000))
            .unwrap();
        names.push(spec.file_name());
    }
    names.sort();
    names
}

/// Our repodata of packages in a folder, everything that there is included.
pub(crate) fn our_repodata(
    folder: &Path,
    names: &[String],
    options: RepodataOptions<'_>,
) -> Vec<RepodataFile> {
    let files: Vec<_> = names.iter().map(|name| read(&folder.join(name))).collect();
    let entries: Vec<_> = files
        .iter()
        .zip(names)
        .map(|(file, location)| Entry {
            package: &file.package,
            checksum: &file.sha256,
            location,
        })
        .collect();
    let digests = |entry: &Entry<'_>| read_file_digests(File::open(folder.join(entry.location))?);
    write_repodata(&entries, options.with_filelists_ext(&digests)).unwrap()
}

/// Puts our repodata where it belongs, in place of any other.
pub(crate) fn publish(folder: &Path, files: &[RepodataFile]) {
    let repodata = folder.join("repodata");
    let _ = fs::remove_dir_all(&repodata);
    fs::create_dir(&repodata).unwrap();
    for file in files {
        fs::write(repodata.join(&file.name), &file.bytes).unwrap();
    }
}
