#![allow(clippy::disallowed_methods, reason = "tests make files of their own")]

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use odcs_core::files::{Root, SourceFile};
use odcs_core::productmd::{ComposeIdent, ComposeKind};
use odcs_core::source::Candidate;
use odcs_rpm::compression::{Compression, decoder, gzip};
use odcs_rpm::header::{FileFacts, read_file, read_file_digests};
use odcs_rpm::repodata::{Described, Pieces, UpdateInfo};

use super::*;
use crate::arrange::Places;
use crate::packages::Stamp;
use crate::repodata::TreeRepodata;
use crate::tree::write_tree_files;

const PACKAGE: &str = "Temporary/source/tree/Packages/e/ed-1.14.1-2.module_fd8ca23e.src.rpm";

/// What the trees are made from.
fn plan() -> Plan {
    Plan {
        arches: Vec::new(),
        timestamp: 7,
        comps_packages: vec!["ed".parse().unwrap()],
        updateinfo: Some(Arc::new(UpdateInfo::parse("<updates/>".into()).unwrap())),
        source_description: String::new(),
    }
}

const SOURCE: &str = "Temporary/source/tree";
const OS: &str = "Temporary/x86_64/os";

fn os() -> Tree {
    Tree::Os("x86_64".parse().unwrap())
}

/// A package of the test repository, placed in a tree.
fn placed(root: &Path, tree: &Tree, is_it: impl Fn(&rpmgen::PackageSpec) -> bool) -> PlacedPackage {
    let specs = rpmgen::ed_repository();
    let bytes = rpmgen::write(specs.iter().find(|spec| is_it(spec)).unwrap()).unwrap();
    let facts = FileFacts {
        size: bytes.len() as u64,
        modified: 5,
    };
    let read = read_file(bytes.as_slice(), facts, None).unwrap();
    let path = root.join(tree.package_path(&read.package.nevra));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, &bytes).unwrap();
    touch(&path, 5);
    let metadata = std::fs::metadata(&path).unwrap();
    let file = SourceFile {
        root: Arc::new(Root::open(root).unwrap()),
        path: tree.package_path(&read.package.nevra).parse().unwrap(),
    };
    PlacedPackage {
        nevra: read.package.nevra.clone(),
        source_rpm: read.package.source_rpm.clone(),
        location: layout::package_location(&read.package.nevra),
        sha256: read.sha256,
        sigkey: None,
        places: Arc::new(Places {
            numbers: vec![0],
            trees: vec![tree.clone()],
        }),
        stamp: Stamp {
            size: bytes.len() as u64,
            modified: 5,
            inode: Some((metadata.dev(), metadata.ino())),
        },
        candidate: Arc::new(Candidate::new(Arc::new(read.package), file)),
    }
}

/// Writes the repodata of a tree with these packages.
fn write_repodata(
    compose: &Dir,
    tree: &Tree,
    packages: &[PlacedPackage],
    settings: RepodataSettings,
) -> Finished<File> {
    let (plan, count) = (plan(), packages.len() as u64);
    let mut repodata = TreeRepodata::begin(compose, tree, &plan, count, settings, None).unwrap();
    for package in packages {
        let file = package.candidate.file.open().unwrap();
        let mut pieces = Pieces::default();
        pieces.render_with_digests(&package.candidate.package, &read_file_digests(file).unwrap());
        let described = Described {
            pieces: pieces.view(),
            checksum: &package.sha256,
            location: &package.location,
        };
        repodata.write(&[described]).unwrap();
    }
    repodata.finish().unwrap()
}

fn touch(path: &Path, seconds: u64) {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

/// A tree of source packages with one package.
struct Case {
    temporary: tempfile::TempDir,
    compose: Dir,
    packages: Vec<PlacedPackage>,
    written: Finished<File>,
}

impl Case {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let compose = Dir::open_root(temporary.path()).unwrap();
        let packages = vec![placed(temporary.path(), &Tree::Source, |spec| {
            spec.name == "ed" && spec.is_source()
        })];
        let written = write_repodata(&compose, &Tree::Source, &packages, RepodataSettings::default());
        Self {
            temporary,
            compose,
            packages,
            written,
        }
    }

    fn check(&self) -> Result<()> {
        let here: Vec<_> = self.packages.iter().collect();
        self.check_for(&here)
    }

    fn check_for(&self, packages: &[&PlacedPackage]) -> Result<()> {
        check_tree(
            &self.compose,
            &Tree::Source,
            &plan(),
            packages,
            RepodataSettings::default(),
            &self.written,
        )
    }
}

#[test]
fn what_was_written_can_be_read_back_and_nothing_else_passes() {
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil); 10] = [
        ("its size is", |root| {
            std::fs::write(root.join(PACKAGE), "short").unwrap();
        }),
        ("its size is None", |root| {
            std::fs::remove_file(root.join(PACKAGE)).unwrap();
        }),
        ("it is damaged", |root| {
            let file = repodata(root, "filelists");
            let mut bytes = std::fs::read(&file).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::write(file, bytes).unwrap();
        }),
        ("it is damaged", |root| {
            let file = repodata(root, "other");
            let bytes = std::fs::read(&file).unwrap();
            std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("cannot open the file", |root| {
            let file = repodata(root, "primary");
            std::fs::rename(&file, file.with_extension("moved")).unwrap();
        }),
        ("it was written to after", |root| touch(&root.join(PACKAGE), 6)),
        ("it is another file than the one that was linked", |root| {
            let (path, other) = (root.join(PACKAGE), root.join("other"));
            std::fs::copy(&path, &other).unwrap();
            touch(&other, 5);
            std::fs::rename(other, path).unwrap();
        }),
        ("it is not what was written", |root| {
            let path = root.join(SOURCE).join("repodata/repomd.xml");
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(path, text.replace("\n</repomd>", "</repomd>")).unwrap();
        }),
        ("2 files are there of 1 packages", |root| {
            std::fs::write(root.join(PACKAGE).with_extension("more"), "").unwrap();
        }),
        ("it names 4 files of 5", |root| {
            std::fs::write(root.join("Temporary/source/tree/repodata/extra"), "").unwrap();
        }),
    ];
    for (expected, spoil) in cases {
        let case = Case::new();
        case.check().unwrap();
        let error = case.check_for(&[]).unwrap_err().to_string();
        assert!(error.contains("packages of 0"), "{error}");
        spoil(case.temporary.path());
        let error = case.check().unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn files_beside_the_packages_are_read_back() {
    let temporary = tempfile::tempdir().unwrap();
    let compose = Dir::open_root(temporary.path()).unwrap();
    compose.make_path(&os().segments()).unwrap();
    let ident = ComposeIdent {
        short: "odcs-1".into(),
        version: "1".into(),
        date: "20261121".into(),
        kind: ComposeKind::Test,
        respin: 0,
    };
    let files = write_tree_files(&compose, &os(), &ident, 7).unwrap();
    assert_eq!(files.len(), 3);
    check_files(&compose, &files).unwrap();
    for name in test_support::names(&temporary.path().join(OS)) {
        let path = temporary.path().join(OS).join(name);
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        bad[3] ^= 1;
        std::fs::write(&path, bad).unwrap();
        let error = check_files(&compose, &files).unwrap_err().to_string();
        assert!(error.contains("it is not what was written"), "{error}");
        assert!(
            error.contains(path.file_name().unwrap().to_str().unwrap()),
            "{error}"
        );
        std::fs::write(&path, good).unwrap();
    }
    check_files(&compose, &files).unwrap();
}

#[test]
fn another_package_in_its_place_is_noticed() {
    let mut case = Case::new();
    case.packages[0].sha256 = Digest::of_bytes(DigestAlgorithm::Sha256, b"other");
    let error = case.check().unwrap_err().to_string();
    assert!(
        error.contains("where ed-0:1.14.1-2.module_fd8ca23e.src was written"),
        "{error}"
    );
}

#[test]
fn lists_that_are_right_by_themselves_are_not_what_was_written() {
    for kind in ["primary", "filelists", "other"] {
        let case = Case::new();
        rewrite(case.temporary.path(), kind, "1.14.1", "1.14.2");
        let error = case.check().unwrap_err().to_string();
        assert!(error.contains("repomd.xml"), "{kind}: {error}");
        assert!(error.contains("it is not what was written"), "{kind}: {error}");
    }
}

/// Replaces something in a list; its checksums are right after that.
fn rewrite(root: &Path, kind: &str, what: &str, instead: &str) {
    let path = repodata(root, kind);
    let mut xml = String::new();
    let bytes = std::fs::read(&path).unwrap();
    let mut decoder = decoder(&*bytes, Compression::Gzip, "test", 1 << 20).unwrap();
    Read::read_to_string(&mut decoder, &mut xml).unwrap();
    assert!(xml.contains(what), "{xml}");
    let xml = xml.replacen(what, instead, 1);
    let compressed = gzip(xml.as_bytes()).unwrap();
    let repomd_path = path.with_file_name("repomd.xml");
    let mut repomd = Repomd::parse(&std::fs::read(&repomd_path).unwrap()).unwrap();
    let record = repomd
        .records
        .iter_mut()
        .find(|record| record.kind == kind)
        .unwrap();
    record.checksum = Digest::of_bytes(DigestAlgorithm::Sha256, &compressed);
    record.size = Some(compressed.len() as u64);
    record.open_checksum = Some(Digest::of_bytes(DigestAlgorithm::Sha256, xml.as_bytes()));
    record.open_size = Some(xml.len() as u64);
    record.location = format!("repodata/{}-{kind}.xml.gz", record.checksum.hex());
    std::fs::remove_file(&path).unwrap();
    std::fs::write(root.join(SOURCE).join(&record.location), compressed).unwrap();
    std::fs::write(repomd_path, repomd.to_xml()).unwrap();
}

#[test]
fn every_file_that_was_meant_has_to_be_there() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    let compose = Dir::open_root(root).unwrap();
    let packages = [placed(root, &os(), |spec| {
        spec.name == "ed" && spec.arch == "x86_64" && !spec.is_source()
    })];
    let here: Vec<_> = packages.iter().collect();
    let settings = RepodataSettings::default()
        .with_compression(WriteCompression::Zstd)
        .with_filelists_ext(true);
    let written = write_repodata(&compose, &os(), &packages, settings);
    let check = |plan: &Plan, settings| check_tree(&compose, &os(), plan, &here, settings, &written);
    check(&plan(), settings).unwrap();
    let kinds = "it names primary, filelists, other, filelists-ext, group, group_zst, updateinfo";
    let changed = |change: fn(&mut Plan)| {
        let mut plan = plan();
        change(&mut plan);
        plan
    };
    for (meant, settings, expected) in [
        (plan(), settings.with_filelists_ext(false), kinds),
        (plan(), settings.with_compression(WriteCompression::Gzip), kinds),
        (changed(|plan| plan.updateinfo = None), settings, kinds),
        (
            changed(|plan| plan.comps_packages.clear()),
            settings,
            "is not the document that was meant",
        ),
        (
            changed(|plan| plan.timestamp = 8),
            settings,
            "its revision is Some(\"7\") instead of 8",
        ),
        (
            changed(|plan| {
                let other = UpdateInfo::parse("<updates></updates>".into()).unwrap();
                plan.updateinfo = Some(Arc::new(other));
            }),
            settings,
            "is not the document that was meant",
        ),
    ] {
        let error = check(&meant, settings).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    // The digests are those of the header.
    let extended = test_support::names(&root.join(OS))
        .into_iter()
        .find(|name| name.ends_with("-filelists-ext.xml.zst"))
        .unwrap();
    let bytes = std::fs::read(root.join(OS).join("repodata").join(extended)).unwrap();
    let mut xml = String::new();
    let mut decoder = decoder(&*bytes, Compression::Zstd, "test", 1 << 20).unwrap();
    Read::read_to_string(&mut decoder, &mut xml).unwrap();
    let file = File::open(root.join(OS).join(&packages[0].location)).unwrap();
    let digests = read_file_digests(file).unwrap();
    let digest = digests.digests.iter().find(|digest| !digest.is_empty()).unwrap();
    assert!(xml.contains(&format!(" hash=\"{digest}\">/")), "{xml}");
}

fn repodata(root: &Path, kind: &str) -> std::path::PathBuf {
    let directory = root.join("Temporary/source/tree/repodata");
    let entries = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let suffix = format!("-{kind}.xml.gz");
    entries
        .into_iter()
        .find(|path| path.to_str().unwrap().ends_with(&suffix))
        .unwrap()
}
