//! Where an attempt is made: `.staging/odcs-N.LEASE/`, on the same file system as the composes.

use odcs_core::store::Lease;

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
}

impl Staging {
    /// Makes it, empty. What an earlier attempt under this lease, or attempts under older leases for the
    /// same compose left, is removed: they were killed, or they are stale, and nothing they do counts.
    pub(crate) fn begin(target: &Dir, lease: &Lease) -> Result<Self> {
        let parent = target.make_or_open(layout::STAGING)?;
        for entry in parent.entries(MAX_ATTEMPTS)? {
            let attempt = entry.name.to_str().and_then(layout::parse_staging_name);
            if attempt.is_some_and(|(id, number)| id == lease.id && number <= lease.number) {
                parent.remove(&entry.name)?;
            }
        }
        let name = layout::staging_name(lease);
        let dir = parent.make(&name)?;
        Ok(Self { parent, name, dir })
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Removes it and everything in it.
    pub(crate) fn remove(&self) -> Result<()> {
        self.parent.remove(&self.name)
    }

    /// Removes the staging directory of a lease, if there is one.
    pub(crate) fn discard(target: &Dir, lease: &Lease) -> Result<()> {
        match target.try_open(layout::STAGING)? {
            Some(parent) => parent.remove(layout::staging_name(lease)),
            None => Ok(()),
        }
    }
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
        // The attempt under a newer lease is not ours to touch.
        assert_eq!(left(&target), ["odcs-1.2", "odcs-1.4", "odcs-2.1"]);
        again.remove().unwrap();
        Staging::discard(&target, &lease(1, 4)).unwrap();
        Staging::discard(&target, &lease(1, 4)).unwrap();
        assert_eq!(left(&target), ["odcs-2.1"]);
    }
}
