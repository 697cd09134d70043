//! File systems and kernels that do not let packages be hardlinked. Full disks and other file systems are
//! among the tests of what users see.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::support::{NOBODY, Repository, Server, Start, is_root};

const ED: &str = "ed-1.20-1.x86_64.rpm";
/// The limit of ext4; others have higher ones, or none.
const LINKS: usize = 65_000;

/// Makes a compose of a repository, with copying allowed or not, and returns its record and its log.
async fn compose_of(start: Start, repository: &Path) -> (serde_json::Value, String, Server) {
    let server = start.start();
    let compose = server
        .compose(&json!({"source": {"type": "repo", "source": repository, "packages": ["ed"]}}))
        .await;
    let log = server
        .get(&format!("/composes/odcs-{}/pungi-stderr.log", compose["id"]))
        .await
        .text();
    (compose, log, server)
}

/// A directory on a file system of its own, with a limit of links.
struct Image(TempDir);

impl Image {
    fn mount() -> Option<Self> {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("image");
        std::fs::File::create(&file).unwrap().set_len(64 << 20).unwrap();
        let inside = directory.path().join("mounted");
        std::fs::create_dir(&inside).unwrap();
        let run = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
        let mounted = run(Command::new("mkfs.ext4").arg("-qF").arg(&file))
            && run(Command::new("mount").args(["-o", "loop"]).arg(&file).arg(&inside));
        mounted.then_some(Self(directory))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("mounted")
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

/// Links a file until the file system says that it is enough.
fn exhaust(file: &Path, links: &Path) -> bool {
    std::fs::create_dir(links).unwrap();
    for number in 0..=LINKS {
        if let Err(error) = std::fs::hard_link(file, links.join(number.to_string())) {
            assert_eq!(
                error.raw_os_error(),
                Some(nix::errno::Errno::EMLINK as i32),
                "{error}"
            );
            println!("{} links are all that there can be", number + 1);
            return true;
        }
    }
    false
}

#[tokio::test]
async fn a_file_with_as_many_links_as_there_can_be_is_copied() {
    let temporary = TempDir::new().unwrap();
    let mut image = None;
    let mut repository = Repository::copy_below(temporary.path());
    if !exhaust(&repository.package(ED), &temporary.path().join("links")) {
        image = Image::mount();
        let Some(image) = &image else {
            println!("skipped: no file system with a limit of {LINKS} links, and none can be mounted");
            return;
        };
        repository = Repository::copy_below(&image.path());
        assert!(
            exhaust(&repository.package(ED), &image.path().join("links")),
            "ext4 has a limit"
        );
    }
    let top = image.as_ref().map_or(temporary.path().to_owned(), Image::path);
    let before = std::fs::metadata(repository.package(ED)).unwrap();
    for (fallback, state) in [("copy", "done"), ("fail", "failed")] {
        let data = top.join(fallback);
        let arguments = [
            "--link-fallback",
            fallback,
            "--data-dir",
            data.to_str().unwrap(),
            "--repo-root",
            top.to_str().unwrap(),
        ];
        let (compose, log, _server) = compose_of(Start::new().args(arguments), &repository.path).await;
        assert_eq!(compose["state_name"], state, "{compose}");
        let obstacle = "it has too many links already";
        if state == "done" {
            assert!(log.contains(&format!("1 copied ({obstacle}")), "{log}");
            let copy = data
                .join("composes/odcs-1/compose/Temporary/x86_64/os/Packages/e")
                .join(ED);
            assert_eq!(
                std::fs::read(copy).unwrap(),
                std::fs::read(repository.package(ED)).unwrap()
            );
        } else {
            let reason = compose["state_reason"].as_str().unwrap();
            assert!(reason.contains(obstacle) && reason.contains(ED), "{reason}");
        }
    }
    let after = std::fs::metadata(repository.package(ED)).unwrap();
    assert_eq!((before.nlink(), before.mtime()), (after.nlink(), after.mtime()));
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_copied() {
    let protected = std::fs::read_to_string("/proc/sys/fs/protected_hardlinks");
    if !is_root() || !protected.is_ok_and(|text| text.trim() == "1") {
        println!("skipped: without root, or where the kernel lets everybody link everything");
        return;
    }
    for (fallback, state) in [("copy", "done"), ("fail", "failed")] {
        let start = Start::new().run_by(NOBODY).args(["--link-fallback", fallback]);
        let repository = Repository::copy_below(start.dir());
        let (compose, log, _server) = compose_of(start, &repository.path).await;
        assert_eq!(compose["state_name"], state, "{compose}");
        let obstacle = "the system does not permit it";
        if state == "done" {
            assert!(log.contains(&format!("0 linked, 6 copied ({obstacle}")), "{log}");
        } else {
            let reason = compose["state_reason"].as_str().unwrap();
            assert!(reason.contains(obstacle), "{reason}");
        }
        let stat = std::fs::metadata(repository.package(ED)).unwrap();
        assert_eq!((stat.nlink(), stat.uid()), (1, 0));
    }
}
