//! What the core offers to sources of plain files, over real packages.

use std::path::Path;
use std::sync::Arc;

use crate::support::Lab;
use odcs_core::files::{RelativePath, Root};
use odcs_core::source::local::{PinnedFiles, blocking, io_error, recorded_file};
use odcs_core::{ErrorKind, Result};

fn root(path: &Path) -> Arc<Root> {
    Arc::new(Root::open(path).unwrap())
}

fn path(text: &str) -> RelativePath {
    text.parse().unwrap()
}

#[test]
fn what_was_listed_is_read_or_gone() {
    let lab = Lab::new();
    let packages = lab.repository("repo").join("Packages");
    let root = root(lab.dir.path());
    std::fs::write(packages.join("half.rpm.part"), "").unwrap();
    let listed = PinnedFiles::list(&root, &path("repo/Packages")).unwrap();
    assert_eq!(listed, PinnedFiles::list(&root, &path("repo/Packages")).unwrap());
    let before = listed.read(&root).unwrap();
    assert_eq!(before.len(), 13);
    let files: Vec<_> = before
        .iter()
        .map(|candidate| candidate.file.here().unwrap().path.clone())
        .collect();
    assert!(files.is_sorted(), "{files:?}");

    std::fs::rename(packages.join("half.rpm.part"), packages.join("half.rpm")).unwrap();
    assert_eq!(
        listed.read(&root).unwrap().len(),
        13,
        "what comes later changes nothing"
    );
    let with_half = PinnedFiles::list(&root, &path("repo/Packages")).unwrap();
    let error = with_half.read(&root).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.message().contains("half.rpm is damaged"), "{error}");

    let ed = packages.join("ed-1.20-1.x86_64.rpm");
    let bytes = std::fs::read(&ed).unwrap();
    std::fs::remove_file(&ed).unwrap();
    let error = listed.read(&root).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    assert!(
        error.message().contains("ed-1.20-1.x86_64.rpm was removed"),
        "{error}"
    );
    // The same bytes, but who knows that.
    std::fs::write(&ed, bytes).unwrap();
    let error = listed.read(&root).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    assert!(error.message().contains("was changed since"), "{error}");
}

#[test]
fn directories_that_cannot_be_listed_say_why() {
    let (lab, elsewhere) = (Lab::new(), Lab::new());
    let outside = elsewhere.repository("repo").join("Packages");
    let top = lab.dir.path();
    std::fs::create_dir(top.join("empty")).unwrap();
    std::fs::write(top.join("file"), "").unwrap();
    std::os::unix::fs::symlink(&outside, top.join("link")).unwrap();
    std::fs::create_dir(top.join("loop")).unwrap();
    std::os::unix::fs::symlink("x.rpm", top.join("loop/x.rpm")).unwrap();
    std::fs::create_dir(top.join("out")).unwrap();
    let target = outside.join("ed-1.20-1.x86_64.rpm");
    std::os::unix::fs::symlink(target, top.join("out/x.rpm")).unwrap();
    let root = root(top);
    for (name, kind, expected) in [
        ("absent", ErrorKind::NotFound, "absent is not there"),
        ("file", ErrorKind::NotFound, "file is not there"),
        ("empty", ErrorKind::NotFound, "empty has no .rpm files"),
        ("link", ErrorKind::Forbidden, "it was not followed"),
        (
            "loop",
            ErrorKind::Invalid,
            "loop/x.rpm is a symbolic link that leads in circles",
        ),
        (
            "out",
            ErrorKind::Forbidden,
            "out/x.rpm is, or lies behind, a symbolic link",
        ),
    ] {
        let error = PinnedFiles::list(&root, &path(name)).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.message().contains(expected), "{name}: {error}");
    }
}

#[test]
fn recorded_paths_are_those_below_a_root() {
    let roots = [root(Path::new("/usr/lib")), root(Path::new("/usr/share/doc"))];
    let file = recorded_file(&roots, "/usr/share/doc/x/y.rpm").unwrap();
    assert_eq!(file.path.as_str(), "x/y.rpm");
    assert_eq!(file.to_string(), "/usr/share/doc/x/y.rpm");
    for other in [
        "/usr/library/x",
        "/usr/lib",
        "/usr/lib/",
        "/usr/lib/../x",
        "usr/lib/x",
        "",
        "/etc/x",
    ] {
        let error = recorded_file(&roots, other).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{other:?}");
    }
    assert_eq!(
        recorded_file(&[root(Path::new("/"))], "/etc/x")
            .unwrap()
            .path
            .as_str(),
        "etc/x"
    );
}

#[test]
fn only_what_may_pass_is_worth_another_try() {
    use std::io::{Error, ErrorKind as Io};
    let full = io_error(Error::from_raw_os_error(5), "/srv/x");
    assert!(full.is_retryable(), "{full}");
    assert!(!full.message().contains("os error"), "{full}");
    for kind in [Io::NotFound, Io::PermissionDenied, Io::CrossesDevices] {
        assert!(!io_error(kind.into(), "/srv/x").is_retryable(), "{kind:?}");
    }
}

#[tokio::test]
async fn a_panic_is_an_error() {
    let error = blocking(|| -> Result<()> { panic!("as tests do") })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(!error.message().contains("as tests do"), "{error}");
}
