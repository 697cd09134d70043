//! Where an attempt is made: `.staging/odcs-N.LEASE/`, on the same file system as the composes.

use std::ffi::OsStr;

use odcs_core::store::Lease;
use rustix::io::Errno;

use crate::dir::Dir;
use crate::error::Result;
use crate::layout;

/// Entries of the staging directory; there is one for each attempt under way.
const MAX_ATTEMPTS: usize = 100_000;

/// The staging directory of one attempt.
#[derive(Debug)]
pub(crate) struct Staging {
    parent: Dir,
    name: String,
    dir: Dir,
    /// Who owns what is made here.
    owner: u32,
}

impl Staging {
    /// Makes it, empty. What an earlier attempt under this lease, or attempts under older leases for the
    /// same compose left, is removed: they were killed, or they are stale, and nothing they do counts.
    pub(crate) fn begin(target: &Dir, lease: &Lease) -> Result<Self> {
        let parent = target.make_or_open(layout::STAGING)?;
        remove_up_to(&parent, lease)?;
        let name = layout::staging_name(lease);
        let dir = parent.make(&name)?;
        let owner = check_owner(&dir)?;
        Ok(Self {
            parent,
            name,
            dir,
            owner,
        })
    }

    /// Who owns what is made here: the user that this program runs as, or the one that a network file
    /// system takes it for.
    pub(crate) fn owner(&self) -> u32 {
        self.owner
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Whether it still holds a compose.
    pub(crate) fn is_there(&self) -> bool {
        matches!(self.dir.stat(layout::COMPOSE), Ok(Some(_)))
    }

    /// Removes it and everything in it.
    pub(crate) fn remove(&self) -> Result<()> {
        remove(&self.parent, OsStr::new(&self.name))
    }

    /// Removes it as far as that can be done: what it leaves goes with the next attempt, or with the sweep.
    pub(crate) fn clear_away(&self) {
        if let Err(error) = self.remove() {
            tracing::warn!(attempt = %self.name, %error, "an attempt could not be cleared away");
        }
    }

    /// Removes what attempts under this lease and older ones for the same compose left.
    pub(crate) fn discard(target: &Dir, lease: &Lease) -> Result<()> {
        match target.try_open(layout::STAGING)? {
            Some(parent) => remove_up_to(&parent, lease),
            None => Ok(()),
        }
    }
}

/// The name of a file that is only made to see whom it belongs to.
const PROBE: &str = "owner";

/// Makes sure that a directory was made by this program: between making and opening it, somebody may have
/// put one of theirs in its place, in which they could change everything later.
fn check_owner(dir: &Dir) -> Result<u32> {
    let probe = dir.create(PROBE)?;
    let owner = rustix::fs::fstat(&probe)
        .map_err(|errno| dir.failed("look at", PROBE, errno))?
        .st_uid;
    dir.remove(PROBE)?;
    if dir.itself()?.st_uid == owner {
        Ok(owner)
    } else {
        Err(dir.tampered("belongs to another user"))
    }
}

/// Removes the attempts on a compose up to a lease; newer ones are not ours to touch.
fn remove_up_to(parent: &Dir, lease: &Lease) -> Result<()> {
    for entry in parent.entries(MAX_ATTEMPTS)? {
        let attempt = entry.name.to_str().and_then(layout::parse_staging_name);
        if attempt.is_some_and(|(id, number)| id == lease.id && number <= lease.number) {
            remove(parent, &entry.name)?;
        }
    }
    Ok(())
}

/// The name of a `compose/` that can no longer be published.
const REMOVED: &str = "removed";

/// Removes an attempt that may still be running. Its `compose/` is renamed first: the attempt can
/// publish either all of it, before, or none of it. Were it removed in place, it could be published
/// while half of it is gone.
fn remove(parent: &Dir, name: &OsStr) -> Result<()> {
    // It may make things anew until its directory is gone.
    for _ in 0..8 {
        let Some(attempt) = parent.try_open(name)? else {
            return Ok(());
        };
        attempt.remove(REMOVED)?;
        match attempt.rename(layout::COMPOSE, &attempt, REMOVED) {
            Err(error) if error.errno() == Some(Errno::NOENT) => {}
            result => result?,
        }
        for entry in attempt.entries(MAX_ATTEMPTS)? {
            if entry.name != layout::COMPOSE {
                attempt.remove(&entry.name)?;
            }
        }
        if parent.remove_empty(name)? {
            return Ok(());
        }
    }
    Err(parent.failed("remove", name, Errno::NOTEMPTY))
}

#[cfg(test)]
mod tests {
    use odcs_core::ComposeId;

    use super::*;

    fn lease(id: i64, number: i64) -> Lease {
        Lease {
            id: ComposeId::new(id),
            number,
        }
    }

    #[test]
    fn what_stale_attempts_left_is_removed() {
        let temporary = tempfile::tempdir().unwrap();
        let target = Dir::open_root(temporary.path()).unwrap();
        for (id, number) in [(1, 1), (1, 2), (1, 4), (2, 1)] {
            let staging = Staging::begin(&target, &lease(id, number)).unwrap();
            staging
                .dir()
                .make("compose")
                .unwrap()
                .write("half", b"made")
                .unwrap();
        }
        let again = Staging::begin(&target, &lease(1, 2)).unwrap();
        assert!(again.dir().entries(10).unwrap().is_empty());
        let left = |target: &Dir| -> Vec<_> {
            let entries = target.open(layout::STAGING).unwrap().entries(10).unwrap();
            entries
                .into_iter()
                .map(|entry| entry.name.into_string().unwrap())
                .collect()
        };
        assert_eq!(left(&target), ["odcs-1.2", "odcs-1.4", "odcs-2.1"]);
        again.remove().unwrap();
        Staging::discard(&target, &lease(1, 3)).unwrap();
        assert_eq!(left(&target), ["odcs-1.4", "odcs-2.1"]);
        Staging::discard(&target, &lease(1, 4)).unwrap();
        Staging::discard(&target, &lease(1, 4)).unwrap();
        assert_eq!(left(&target), ["odcs-2.1"]);
    }

    #[test]
    fn a_directory_of_another_user_is_not_worked_in() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::open_root(temporary.path()).unwrap();
        check_owner(&dir).unwrap();
        if std::os::unix::fs::chown(temporary.path(), Some(65_534), None).is_ok() {
            let error = check_owner(&dir).unwrap_err().to_string();
            assert!(error.contains("belongs to another user"), "{error}");
        }
        assert!(dir.entries(10).unwrap().is_empty());
    }

    #[test]
    fn a_stale_attempt_cannot_publish_what_is_being_removed() {
        let temporary = tempfile::tempdir().unwrap();
        let target = Dir::open_root(temporary.path()).unwrap();
        let stale = Staging::begin(&target, &lease(1, 1)).unwrap();
        let compose = stale.dir().make("compose").unwrap();
        // Left by a removal that was killed.
        stale.dir().make("removed").unwrap().write("x", b"").unwrap();
        Staging::begin(&target, &lease(1, 2)).unwrap();
        assert!(compose.write("file", b"late").is_err());
        let error = stale
            .dir()
            .rename_if_free("compose", &target, "published")
            .unwrap_err();
        assert_eq!(error.errno(), Some(Errno::NOENT));
        assert!(stale.dir().make("compose").is_err());
    }
}
