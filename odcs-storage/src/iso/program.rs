//! The program that makes ISO images: `xorriso`.
//!
//! It is given names of our own only, relative to the staging directory that it runs in, writes to a pipe, and has no
//! environment. So it knows nothing of the machine, and what it makes depends on the files alone: with a weight for
//! each of them, which puts their content into the order of our list instead of that of inode numbers, and with one
//! time, owner and mode for all.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::process::Command;

use odcs_core::Timestamp;
use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::listing::Listing;
use super::process::{self, Bounds};
use crate::dir::Dir;
use crate::error::{Error, IsoFault, Result};

/// The last second that the directories of an image can write: 2155-12-31T23:59:59Z.
const LAST: u64 = 5_869_583_999;

/// Bytes of a listing for each file, and for the rest of it.
const LISTING_PER_FILE: usize = 1 << 10;
const LISTING: usize = 64 << 10;

/// The program, found on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Xorriso {
    path: PathBuf,
}

/// An image to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    /// The directory that becomes the top of the image, relative to the staging directory.
    pub(super) top: &'a str,
    /// A directory with files that take the place of those at the top, likewise.
    pub(super) own: &'a str,
    /// Their names.
    pub(super) own_files: &'a [&'a str],
    /// The list of weights, likewise.
    pub(super) weights: &'a str,
    /// The name that the image is mounted under.
    pub(super) volume_id: &'a str,
    /// The time of everything in it, in seconds since 1970.
    pub(super) timestamp: u64,
}

impl Xorriso {
    /// Looks for it: under this path if it has a slash, else in the directories of `PATH`.
    pub(crate) fn find(program: &Path) -> Option<Self> {
        let is_path = program.as_os_str().as_encoded_bytes().contains(&b'/');
        let path = if is_path {
            is_program(program).then(|| program.to_owned())
        } else {
            let directories = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&directories)
                // What a relative path leads to depends on where the service was started.
                .filter(|directory| directory.is_absolute())
                .map(|directory| directory.join(program))
                .find(|path| is_program(path))
        };
        path.map(|path| Self { path })
    }

    /// The weights of files by their paths in the image: the content of the first comes first.
    pub(super) fn weights(paths: &[&str]) -> String {
        let weights = (1..=paths.len()).rev();
        weights
            .zip(paths)
            .map(|(weight, path)| format!("{weight} {path}\n"))
            .collect()
    }

    /// Makes an image, and hands it out as it comes. Returns what the program said about it.
    pub(super) fn make(
        &self,
        staging: &Dir,
        source: &Source<'_>,
        bounds: &Bounds<'_>,
        failed: impl Fn(IsoFault) -> Error + Copy,
        take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<String> {
        let time = source.timestamp.min(LAST);
        let mut command = self.command(staging);
        command
            .env("SOURCE_DATE_EPOCH", time.to_string())
            .args(arguments(source, time));
        let ended = process::run(command, bounds, failed, take)?;
        if ended.status.success() {
            Ok(ended.said)
        } else {
            Err(failed(IsoFault::Failed {
                status: ended.status,
                said: what_is_wrong(&ended.said),
            }))
        }
    }

    /// Lists what is in an image.
    pub(super) fn list(
        &self,
        directory: &Dir,
        name: &str,
        files: usize,
        bounds: &Bounds<'_>,
        failed: impl Fn(IsoFault) -> Error + Copy,
    ) -> Result<Listing> {
        let mut command = self.command(directory);
        command
            .args(["-no_rc", "-abort_on", "FAILURE", "-indev"])
            .arg(format!("stdio:{name}"))
            .args(Listing::COMMANDS);
        let limit = files.saturating_mul(LISTING_PER_FILE).saturating_add(LISTING);
        let mut listed = Vec::new();
        let ended = process::run(command, bounds, failed, |bytes| {
            listed.extend_from_slice(bytes);
            if listed.len() > limit {
                return Err(failed(IsoFault::TooLarge));
            }
            Ok(())
        })?;
        if !ended.status.success() {
            return Err(failed(IsoFault::Unreadable(what_is_wrong(&ended.said))));
        }
        Listing::parse(&String::from_utf8_lossy(&listed))
            .map_err(|reason| failed(IsoFault::Unreadable(reason)))
    }

    fn command(&self, directory: &Dir) -> Command {
        let mut command = Command::new(&self.path);
        // The directory that is held open, whatever its name stands for by now.
        command.current_dir(format!("/proc/self/fd/{}", directory.as_fd().as_raw_fd()));
        command
    }
}

fn is_program(path: &Path) -> bool {
    path.is_file() && accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_ok()
}

/// Of an image as `mkisofs` makes it: with files of 4 GiB and more (level 3), and with names for Linux (Rock Ridge) and
/// for Windows (Joliet).
fn arguments(source: &Source<'_>, time: u64) -> Vec<OsString> {
    let plain = |text: &str| OsStr::new(text).to_owned();
    let mut arguments: Vec<OsString> = ["-as", "mkisofs", "-iso-level", "3", "-J", "-joliet-long"]
        .map(plain)
        .into();
    arguments.extend(
        [
            "-uid",
            "0",
            "-gid",
            "0",
            "-file-mode",
            "0444",
            "-dir-mode",
            "0555",
        ]
        .map(plain),
    );
    arguments.extend(["-V", source.volume_id, "-p", "", "-A", ""].map(plain));
    arguments.push(format!("--modification-date={}", volume_date(time)).into());
    arguments.extend(["--set_all_file_dates", &format!("={time}")].map(plain));
    arguments.extend(["--sort-weight-list", source.weights].map(plain));
    arguments.extend(["-graft-points", &format!("/={}", source.top)].map(plain));
    let own_files = source.own_files.iter();
    arguments.extend(own_files.map(|file| format!("/{file}={}/{file}", source.own).into()));
    arguments
}

/// A time as the descriptor of a volume has it: `YYYYMMDDhhmmsscc`.
fn volume_date(time: u64) -> String {
    let time = Timestamp::from_seconds(i64::try_from(time).unwrap_or(i64::MAX)).to_string();
    let digits = time.chars().filter(char::is_ascii_digit);
    digits.chain("00".chars()).collect()
}

/// What people should read of what the program said when it failed, as one line.
fn what_is_wrong(said: &str) -> String {
    const SHOWN: usize = 400;
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let severe = |line: &&str| {
        ["SORRY", "MISHAP", "FAILURE", "FATAL"]
            .iter()
            .any(|word| line.contains(word))
    };
    let mut chosen: Vec<&str> = lines().filter(severe).take(3).collect();
    if chosen.is_empty() {
        chosen.extend(lines().next_back());
    }
    let text = chosen.join("; ");
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(SHOWN).collect()
}

/// What of the words of a program that has done its work belongs into the log of the compose. Paths of the machine and
/// what it thinks of names that it was given do not.
pub(super) fn for_the_log(said: &str) -> Vec<&str> {
    const LINES: usize = 50;
    let lines = said.lines().map(str::trim);
    let wanted = lines.filter(|line| {
        let warns = line.starts_with("xorriso : ")
            && !line.contains(" UPDATE : ")
            && !line.contains(" NOTE : ")
            && !line.contains(" -volid text ");
        warns || line.starts_with("ISO image produced:")
    });
    wanted.take(LINES).collect()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_what_can_be_run_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("xorriso");
        assert!(Xorriso::find(&path).is_none());
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Xorriso::find(&path).is_none());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(Xorriso::find(&path).unwrap().path, path);
        assert!(Xorriso::find(directory.path()).is_none());
        assert!(Xorriso::find(Path::new("sh")).unwrap().path.is_absolute());
        assert!(Xorriso::find(Path::new("no-such-program-anywhere")).is_none());
    }

    #[test]
    fn times_are_those_that_an_image_can_hold() {
        assert_eq!(volume_date(1_496_834_159), "2017060711155900");
        assert_eq!(volume_date(0), "1970010100000000");
        assert_eq!(volume_date(LAST), "2155123123595900");
    }

    #[test]
    fn the_reason_is_found_in_what_was_said() {
        let said = "xorriso 1.5.4\nDrive current: x\nxorriso : FAILURE : no\u{1b}[1m such file\nxorriso : aborting\n";
        assert_eq!(what_is_wrong(said), "xorriso : FAILURE : no [1m such file");
        assert_eq!(what_is_wrong("one\n\ntwo\n"), "two");
        assert_eq!(what_is_wrong(""), "");
        assert_eq!(what_is_wrong(&"x".repeat(100_000)).len(), 400);
        let said = "Added to ISO image: directory '/'='/srv'\nxorriso : UPDATE : 5\nxorriso : WARNING : odd\n\
                    ISO image produced: 9 sectors\n";
        assert_eq!(
            for_the_log(said),
            ["xorriso : WARNING : odd", "ISO image produced: 9 sectors"]
        );
    }
}
