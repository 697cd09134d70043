//! Where Koji keeps its files, below `topdir` and below `topurl` alike.
//!
//! The layout is that of Koji's `PathInfo`: `packages/NAME/VERSION/RELEASE/ARCH/FILE`, with `data/signed/KEY/` before
//! the arch for signed copies, below `vol/VOLUME/` on all volumes but `DEFAULT`. Name, version and release of the
//! directories are those of the build, those of the file are those of the RPM.

use odcs_core::Result;
use odcs_core::files::RelativePath;
use odcs_rpm::{Nevra, Sigkey};

/// The volume that has no directory of its own.
const DEFAULT_VOLUME: &str = "DEFAULT";

/// The directory of a build.
///
/// # Errors
/// `Invalid` if one of the names is no part of a path.
pub(super) fn build(volume: &str, name: &str, version: &str, release: &str) -> Result<RelativePath> {
    let path = format!("packages/{name}/{version}/{release}");
    match volume {
        DEFAULT_VOLUME => path.parse(),
        volume => format!("vol/{volume}/{path}").parse(),
    }
}

/// The file of an RPM below the directory of its build: the copy signed with a key as Koji writes it, or the unsigned
/// one.
///
/// # Errors
/// `Invalid` if one of the names is no part of a path.
pub(super) fn rpm(build: &RelativePath, nevra: &Nevra, signed: Option<&Sigkey>) -> Result<RelativePath> {
    let (arch, file) = (nevra.arch(), nevra.file_name());
    match signed {
        None => build.join(&format!("{arch}/{file}")),
        Some(key) => build.join(&format!("data/signed/{key}/{arch}/{file}")),
    }
}

/// A file that a task has made, by its path as the task's result has it.
///
/// # Errors
/// `Invalid` if that is no path below a directory.
pub(super) fn of_task(path: &str) -> Result<RelativePath> {
    let path: RelativePath = path.parse()?;
    format!("work/{path}").parse()
}

/// The directory of a volume, and what is below it, of a path that is on another volume than the default.
pub(super) fn volume(path: &RelativePath) -> Option<(&str, &str)> {
    path.as_str().strip_prefix("vol/")?.split_once('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_where_koji_has_them() {
        let nevra: Nevra = "lab-c++-devel-1:4.0-1.el9.x86_64".parse().unwrap();
        let (on_default, on_other) = (
            build("DEFAULT", "lab-c++", "4.0", "1.el9").unwrap(),
            build("labvol", "lab-c++", "4.0", "1.el9").unwrap(),
        );
        let key: Sigkey = "94d22493".parse().unwrap();
        assert_eq!(
            rpm(&on_default, &nevra, None).unwrap().as_str(),
            "packages/lab-c++/4.0/1.el9/x86_64/lab-c++-devel-4.0-1.el9.x86_64.rpm"
        );
        assert_eq!(
            rpm(&on_other, &nevra, Some(&key)).unwrap().as_str(),
            "vol/labvol/packages/lab-c++/4.0/1.el9/data/signed/94d22493/x86_64/lab-c++-devel-4.0-1.el9.x86_64.rpm"
        );
        assert_eq!(
            of_task("tasks/3/3/a.rpm").unwrap().as_str(),
            "work/tasks/3/3/a.rpm"
        );
        assert_eq!(volume(&on_other), Some(("labvol", "packages/lab-c++/4.0/1.el9")));
        assert_eq!(volume(&on_default), None);
    }

    #[test]
    fn names_cannot_lead_elsewhere() {
        assert!(build("..", "a", "1", "1").is_err());
        assert!(build("DEFAULT", "..", "1", "1").is_err());
        assert!(build("DEFAULT", "a", "", "1").is_err());
        assert!(of_task("../../etc/passwd").is_err());
        assert!(of_task("/etc/passwd").is_err());
    }
}
