//! The process of another user, who swaps what they can.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rpmgen::Random;

use crate::support::{NOBODY, is_root};

/// The directory that the other user works in; set for the process that is this user.
const PLACE: &str = "ODCS_TEST_SWAP_IN";
/// What their links lead to.
const OUTSIDE: &str = "ODCS_TEST_SWAP_TO";

/// The process of another user, for as long as it is wanted.
pub(super) struct Swapper(Child);

impl Swapper {
    pub(super) fn start(place: &Path, outside: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "swapping::other_user::the_other_user", "--nocapture"])
            .env(PLACE, place)
            .env(OUTSIDE, outside)
            .uid(NOBODY)
            .gid(NOBODY)
            .stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Swapper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Not a test: what the process of the other user runs.
#[test]
fn the_other_user() {
    let (Some(place), Some(outside)) = (std::env::var_os(PLACE), std::env::var_os(OUTSIDE)) else {
        return;
    };
    assert!(!is_root());
    let (place, outside) = (PathBuf::from(place), PathBuf::from(outside));
    let parent = nix::unistd::getppid();
    let mut random = Random::new(crate::seed());
    while nix::unistd::getppid() == parent {
        swap_in(&place, &outside, &mut random, 0);
        pause(&mut random);
    }
}

fn pause(random: &mut Random) {
    let spins = random.below(60) * random.below(60);
    std::thread::sleep(Duration::from_micros(spins as u64));
}

/// Swaps what is in a directory, and in those below that belong to the swapper. Most of it fails, because
/// the other process is quicker, or not allowed; that is how it is meant.
fn swap_in(directory: &Path, outside: &Path, random: &mut Random, depth: usize) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let is_directory = || path.symlink_metadata().is_ok_and(|stat| stat.is_dir());
        if depth > 6 || name.to_string_lossy().starts_with("aside") {
            continue;
        }
        let aside = directory.join(format!("aside-{}", random.next_u64()));
        match random.below(7) {
            0 | 1 => {
                let same = outside.join(&name);
                if std::fs::rename(&path, &aside).is_ok() {
                    let _ = symlink(
                        if random.percent(70) && same.exists() {
                            &same
                        } else {
                            outside
                        },
                        &path,
                    );
                    pause(random);
                    let _ = std::fs::remove_file(&path);
                    let _ = std::fs::rename(&aside, &path);
                }
            }
            2 if std::fs::rename(&path, &aside).is_ok() => {
                let _ = std::fs::create_dir(&path);
                let _ = std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777));
                pause(random);
                swap_in(&path, outside, random, depth + 1);
                if random.percent(80) {
                    let other = directory.join(format!("aside-{}", random.next_u64()));
                    let _ = std::fs::rename(&path, &other);
                    let _ = std::fs::rename(&aside, &path);
                    let _ = std::fs::remove_dir_all(&other);
                }
            }
            3 => {
                let _ = std::fs::rename(&path, &aside);
                let _ = std::fs::rename(&aside, &path);
            }
            4 if !path.is_symlink() => {
                // What may be next.
                if let Some(number) = name
                    .to_str()
                    .and_then(|name| name.strip_prefix("odcs-")?.parse::<u64>().ok())
                {
                    let next = directory.join(format!("odcs-{}", number + 1));
                    let _ = symlink(outside.join("odcs-1"), &next);
                    pause(random);
                    let _ = std::fs::remove_file(&next);
                }
            }
            _ if is_directory() => swap_in(&path, outside, random, depth + 1),
            _ => {}
        }
    }
}
