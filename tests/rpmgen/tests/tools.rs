//! The real programs take what is written. Each test is skipped where its program is not installed,
//! except under `CI=true`; two of them need root.
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
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rpmgen::{FileKind, GeneratorOptions, Layout, PackageSpec, generate, write, write_repository};

use common::{everything, paths, requires_in_header, samples, tuples};

/// Runs a program that must succeed; `None`, and a line on the terminal, if it is not installed.
/// Under `CI=true` it has to be.
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    let output = match Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .output()
    {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            assert!(!test_support::is_ci(), "{program} is not installed");
            println!("skipped: {program} is not installed");
            return None;
        }
        Err(error) => panic!("{program}: {error}"),
    };
    let streams = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}\n{}\n{}",
        output.status,
        streams.0,
        streams.1
    );
    Some(output)
}

fn written(directory: &Path, specs: &[PackageSpec]) -> Vec<PathBuf> {
    specs
        .iter()
        .map(|spec| {
            let path = directory.join(spec.file_name());
            fs::write(&path, write(spec).unwrap()).unwrap();
            path
        })
        .collect()
}

/// Answer of `rpm -qp --queryformat`, with an own, empty database.
fn query(directory: &Path, path: &Path, format: &str) -> Option<String> {
    let database = directory.join("db");
    let arguments = [
        "--dbpath",
        database.to_str()?,
        "-qp",
        "--queryformat",
        format,
        path.to_str()?,
    ];
    Some(String::from_utf8(run("rpm", &arguments)?.stdout).unwrap())
}

#[test]
fn rpm_verifies_the_digests() {
    let directory = tempfile::tempdir().unwrap();
    for path in written(directory.path(), &samples()) {
        let database = directory.path().join("db");
        let arguments = [
            "--dbpath",
            database.to_str().unwrap(),
            "-Kv",
            "--nosignature",
            path.to_str().unwrap(),
        ];
        let Some(output) = run("rpmkeys", &arguments) else {
            return;
        };
        let stdout = String::from_utf8(output.stdout).unwrap();
        for expected in ["Header SHA256 digest: OK", "Payload SHA256 digest: OK"] {
            assert!(stdout.contains(expected), "{stdout}");
        }
    }
}

#[test]
fn rpm_reads_what_the_spec_says() {
    let directory = tempfile::tempdir().unwrap();
    let specs = samples();
    let lists = |name: &str, relations: &[(String, u32, String)]| {
        let lines = relations
            .iter()
            .map(|(relation, flags, evr)| format!("{name} {relation} {flags} {evr}\n"));
        lines.collect::<String>()
    };
    for (spec, path) in specs.iter().zip(written(directory.path(), &specs)) {
        let format = "%{NEVRA} %{SOURCERPM} %{SOURCEPACKAGE} %{SUMMARY}\n%{DESCRIPTION}\n%{LICENSE} %{GROUP} \
            %{URL} %{VENDOR} %{BUILDTIME} %{BUILDHOST}\n\
            [R %{REQUIRENAME} %{REQUIREFLAGS} %{REQUIREVERSION}\n]\
            [P %{PROVIDENAME} %{PROVIDEFLAGS} %{PROVIDEVERSION}\n]\
            [C %{CONFLICTNAME} %{CONFLICTFLAGS} %{CONFLICTVERSION}\n]\
            [O %{OBSOLETENAME} %{OBSOLETEFLAGS} %{OBSOLETEVERSION}\n]\
            [M %{RECOMMENDNAME} %{RECOMMENDFLAGS} %{RECOMMENDVERSION}\n]\
            [S %{SUGGESTNAME} %{SUGGESTFLAGS} %{SUGGESTVERSION}\n]\
            [U %{SUPPLEMENTNAME} %{SUPPLEMENTFLAGS} %{SUPPLEMENTVERSION}\n]\
            [E %{ENHANCENAME} %{ENHANCEFLAGS} %{ENHANCEVERSION}\n]\
            [F %{FILENAMES}\n][L %{CHANGELOGTIME} %{CHANGELOGNAME} %{CHANGELOGTEXT}\n]";
        let Some(read) = query(directory.path(), &path, format) else {
            return;
        };
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".into());
        let epoch = spec.epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
        let nevra = format!(
            "{}-{epoch}{}-{}.{}",
            spec.name, spec.version, spec.release, spec.arch
        );
        let mut expected = format!(
            "{nevra} {} {} {}\n{}\n{} {} {} {} {} {}\n",
            or_none(&spec.source_rpm),
            if spec.is_source() { "1" } else { "(none)" },
            spec.summary,
            spec.description,
            spec.license,
            spec.group,
            or_none(&spec.url),
            or_none(&spec.vendor),
            spec.build_time,
            spec.build_host,
        );
        expected += &lists("R", &requires_in_header(spec));
        let relations = [
            ("P", &spec.provides),
            ("C", &spec.conflicts),
            ("O", &spec.obsoletes),
            ("M", &spec.recommends),
            ("S", &spec.suggests),
            ("U", &spec.supplements),
            ("E", &spec.enhances),
        ];
        expected.extend(relations.map(|(name, relations)| lists(name, &tuples(relations))));
        expected.extend(paths(spec).iter().map(|path| format!("F {path}\n")));
        expected.extend(
            spec.changelogs
                .iter()
                .map(|log| format!("L {} {} {}\n", log.time, log.author, log.text)),
        );
        assert_eq!(read, expected);
    }
}

#[test]
fn rpm_unpacks_every_file() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    fs::create_dir(&root).unwrap();
    if fs::metadata(&root).unwrap().uid() != 0 {
        println!("skipped: rpm --root needs root");
        return;
    }
    let spec = everything();
    let path = written(directory.path(), std::slice::from_ref(&spec)).remove(0);
    let root_text = root.to_str().unwrap();
    let install = [
        "--root",
        root_text,
        "--dbpath",
        "/db",
        "--nodeps",
        "--ignorearch",
        "-i",
        path.to_str().unwrap(),
    ];
    if run("rpm", &install).is_none() {
        return;
    }
    for file in &spec.files {
        let path = root.join(file.path.trim_start_matches('/'));
        if file.ghost {
            assert!(!path.exists());
            continue;
        }
        let metadata = fs::symlink_metadata(&path).unwrap();
        match &file.kind {
            FileKind::Content(content) => assert_eq!(&fs::read(&path).unwrap(), content),
            FileKind::Filled(size) => assert_eq!(metadata.len(), u64::from(*size)),
            FileKind::Directory => assert!(metadata.is_dir()),
            FileKind::Symlink(target) => assert_eq!(fs::read_link(&path).unwrap(), Path::new(target)),
        }
        assert_eq!(
            metadata.permissions().mode() & 0o7777,
            u32::from(file.permissions),
            "{}",
            file.path
        );
        // Directories change when files are put into them.
        if !matches!(file.kind, FileKind::Symlink(_) | FileKind::Directory) {
            assert_eq!(metadata.mtime(), i64::from(spec.build_time));
        }
    }
    // Sizes, digests, modes, owners and times, all once more, by rpm itself.
    let verified = run(
        "rpm",
        &[
            "--root",
            root_text,
            "--dbpath",
            "/db",
            "-V",
            "--nodeps",
            "--noscripts",
            "every-thing",
        ],
    );
    assert_eq!(String::from_utf8_lossy(&verified.unwrap().stdout), "");
}

#[test]
fn createrepo_c_reads_a_directory_without_complaint() {
    let directory = tempfile::tempdir().unwrap();
    let specs = samples();
    for layout in [Layout::Flat, Layout::Koji] {
        let root = directory.path().join(format!("{layout:?}"));
        let written = write_repository(&root, specs.clone(), layout).unwrap();
        assert_eq!(written.packages, specs.len());
        let arguments = [
            "--no-database",
            "--general-compress-type",
            "gz",
            root.to_str().unwrap(),
        ];
        let Some(output) = run("createrepo_c", &arguments) else {
            return;
        };
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !complaints.contains("arning") && !complaints.contains("C_CREATEREPOLIB"),
            "{complaints}"
        );
        assert_eq!(complaints, "");
        let primary = primary(&root);
        assert!(primary.contains(&format!("packages=\"{}\"", specs.len())));
        for spec in &specs {
            assert!(
                primary.contains(&format!("<location href=\"{}\"/>", layout.path(spec))),
                "{}",
                spec.name
            );
        }
    }
}

fn primary(root: &Path) -> String {
    use std::io::Read;

    let mut names = fs::read_dir(root.join("repodata"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let path = names
        .find(|path| path.to_string_lossy().ends_with("primary.xml.gz"))
        .unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    text
}

#[test]
fn dnf_installs_a_package_with_all_that_it_needs() {
    let directory = tempfile::tempdir().unwrap();
    let (repository, root) = (directory.path().join("repository"), directory.path().join("root"));
    if fs::metadata(directory.path()).unwrap().uid() != 0 {
        println!("skipped: dnf --installroot needs root");
        return;
    }
    let specs: Vec<_> = generate(GeneratorOptions {
        packages: 300,
        seed: 21,
    })
    .collect();
    // A package that needs many others: the last one with a program.
    let wanted = specs
        .iter()
        .rev()
        .find(|spec| {
            spec.arch == "x86_64"
                && spec
                    .files
                    .iter()
                    .any(|file| file.path == format!("/usr/bin/{}", spec.name))
        })
        .unwrap();
    write_repository(&repository, specs.clone(), Layout::Flat).unwrap();
    if run("createrepo_c", &["--quiet", repository.to_str().unwrap()]).is_none() {
        return;
    }
    let from = format!("--repofrompath=made-up,file://{}", repository.display());
    let installroot = format!("--installroot={}", root.display());
    let arguments = [
        "--assumeyes",
        "--quiet",
        &from,
        "--setopt=reposdir=",
        "--setopt=install_weak_deps=False",
        &installroot,
        "--releasever=1",
        "--forcearch=x86_64",
        "--nogpgcheck",
        "install",
        &wanted.name,
    ];
    if run("dnf", &arguments).is_none() {
        return;
    }
    let installed = run(
        "rpm",
        &[
            "--root",
            root.to_str().unwrap(),
            "-qa",
            "--queryformat",
            "%{NAME}.%{ARCH}\n",
        ],
    );
    let installed = String::from_utf8(installed.unwrap().stdout).unwrap();
    let by_name: BTreeMap<String, &PackageSpec> = specs
        .iter()
        .map(|spec| (format!("{}.{}", spec.name, spec.arch), spec))
        .collect();
    assert!(
        installed.lines().all(|line| by_name.contains_key(line)),
        "{installed}"
    );
    assert!(
        installed
            .lines()
            .any(|line| line == format!("{}.x86_64", wanted.name)),
        "{installed}"
    );
    assert!(
        installed.lines().any(|line| line == "libcore.x86_64"),
        "{installed}"
    );
    assert!(installed.lines().count() > 10, "{installed}");
}
