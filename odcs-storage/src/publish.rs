//! Making a finished compose visible, in one step.

use odcs_core::ComposeId;
use rustix::fs::FileType;
use rustix::io::Errno;

use crate::dir::{self, Dir};
use crate::error::{Error, Result};
use crate::inventory::Inventory;
use crate::layout;
use crate::save::{save_directories, save_file, save_files};
use crate::staging::Staging;

/// Bytes of `COMPOSE_ID` and `STATUS`.
const SMALL_FILE: u64 = 4 << 10;

/// Who made the compose that is there now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Published {
    /// This attempt.
    Now,
    /// An earlier one, with the same result.
    Before,
}

/// Publishes what staging has in `compose/`, which must have been saved to disk. Whoever comes second
/// compares, and steps back.
pub(crate) fn publish(target: &Dir, staging: &Staging, id: ComposeId, compose_id: &str) -> Result<Published> {
    check_latest(target, id)?;
    publish_checked(target, staging, id, compose_id).map_err(|error| match error.errno() {
        // A newer attempt clears older ones away, and there may have been a long time for it.
        Some(Errno::NOENT) if !staging.is_there() => Error::ClearedAway { id },
        _ => error,
    })
}

fn publish_checked(target: &Dir, staging: &Staging, id: ComposeId, compose_id: &str) -> Result<Published> {
    let own = target.make_or_open(id.name())?;
    if own.itself()?.st_uid != staging.owner() {
        return Err(own.tampered("belongs to another user"));
    }
    let published = publish_into(target, staging, &own, id, compose_id)?;
    check_in_place(target, staging, &own, id)?;
    Ok(published)
}

/// Makes sure that what was published is what the compose's name stands for, and not something that was
/// put in its place meanwhile.
fn check_in_place(target: &Dir, staging: &Staging, own: &Dir, id: ComposeId) -> Result<()> {
    let there = target.stat(id.name())?;
    let own_stat = own.itself()?;
    if there.is_some_and(|there| (there.st_dev, there.st_ino) == (own_stat.st_dev, own_stat.st_ino)) {
        return Ok(());
    }
    // The record is going to say that it failed, so it must not come to light under another name.
    own.rename(layout::COMPOSE, staging.dir(), layout::COMPOSE)?;
    Err(own.tampered("was replaced while the compose was published"))
}

fn publish_into(
    target: &Dir,
    staging: &Staging,
    own: &Dir,
    id: ComposeId,
    compose_id: &str,
) -> Result<Published> {
    if own.stat(layout::COMPOSE)?.is_some() {
        return give_way(target, staging, own, id);
    }
    // Made before it is needed: a disk that is too full for it is noticed while nothing is visible.
    let link = make_link(staging.dir(), id)?;
    let small = [
        (layout::COMPOSE_ID, compose_id.as_bytes()),
        (layout::STATUS, layout::FINISHED.as_bytes()),
    ];
    let mut files = Vec::new();
    for (name, bytes) in small {
        staging.dir().remove(name)?;
        staging.dir().write(name, bytes)?;
        files.push((staging.dir(), name));
    }
    // The log is written by whoever reports; it is part of what must be there.
    if own.stat(layout::LOG)?.is_some() {
        files.push((own, layout::LOG));
    }
    save_files(&files)?;
    for (name, _) in small {
        staging.dir().rename(name, own, name)?;
    }
    own.sync()?;
    if !staging
        .dir()
        .rename_if_free(layout::COMPOSE, own, layout::COMPOSE)?
    {
        return give_way(target, staging, own, id);
    }
    let linked = staging.dir().rename(&link, target, &link);
    let is_linked = linked.is_ok();
    if let Err(error) = linked.and_then(|()| save_directories(&[own, target])) {
        // The record is going to say that it failed, so it must not stay visible, nor a link to it.
        own.rename(layout::COMPOSE, staging.dir(), layout::COMPOSE)?;
        own.sync()?;
        if is_linked {
            target.rename(&link, staging.dir(), &link)?;
        }
        return Err(error);
    }
    Ok(Published::Now)
}

/// Whether the compose of this id in its metadata is visible.
pub(crate) fn is_published(target: &Dir, id: ComposeId, compose_id: &str) -> Result<bool> {
    let Some(own) = target.try_open(id.name())? else {
        return Ok(false);
    };
    let is_there = own
        .stat(layout::COMPOSE)?
        .is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory);
    Ok(is_there && says(&own, layout::COMPOSE_ID, compose_id)? && says_finished(&own)?)
}

/// Whether a compose's directory says that it is complete.
pub(crate) fn says_finished(own: &Dir) -> Result<bool> {
    says(own, layout::STATUS, layout::FINISHED)
}

/// Whether a small file is there and says this.
fn says(own: &Dir, name: &str, expected: &str) -> Result<bool> {
    match own.stat(name)? {
        Some(stat) if dir::is_file(&stat) => Ok(own
            .read(name, SMALL_FILE)
            .is_ok_and(|bytes| bytes == expected.as_bytes())),
        _ => Ok(false),
    }
}

/// Marks a compose's directory as failed, unless there is a compose in it, or no directory at all.
pub(crate) fn mark_failed(target: &Dir, attempt: &str, id: ComposeId) -> Result<()> {
    let Some(own) = target.try_open(id.name())? else {
        return Ok(());
    };
    if own.stat(layout::COMPOSE)?.is_some() {
        return Ok(());
    }
    let staging = target.make_or_open(layout::STAGING)?;
    let directory = staging.make_or_open(attempt)?;
    let put = put(&directory, &own, layout::STATUS, layout::DOOMED.as_bytes());
    staging.remove(attempt)?;
    put?;
    own.sync()
}

/// An earlier attempt has published: if the same, all is well, whatever it left undone is done now.
fn give_way(target: &Dir, staging: &Staging, own: &Dir, id: ComposeId) -> Result<Published> {
    let ours = Inventory::read(&staging.dir().open(layout::COMPOSE)?)?;
    let theirs = own
        .open(layout::COMPOSE)
        .and_then(|compose| Inventory::read(&compose));
    let difference = match theirs {
        Ok(theirs) => ours.difference(&theirs),
        // Not a directory, or with something in it that is neither file nor directory: not made by us.
        Err(error) if matches!(error.errno(), Some(Errno::NOTDIR | Errno::LOOP | Errno::INVAL)) => {
            Some(format!("{} is not a directory of files", layout::COMPOSE))
        }
        Err(error) => return Err(error),
    };
    match difference {
        Some(difference) => Err(Error::Occupied { id, difference }),
        None => {
            own.sync()?;
            put_link(target, staging.dir(), &make_link(staging.dir(), id)?)?;
            Ok(Published::Before)
        }
    }
}

/// Puts a small file in place in one step, saved to disk.
fn put(staging: &Dir, own: &Dir, name: &'static str, bytes: &[u8]) -> Result<()> {
    staging.remove(name)?;
    staging.write(name, bytes)?;
    save_file(staging, name)?;
    staging.rename(name, own, name)
}

/// Refuses to go on if something other than a link has the name of the link.
fn check_latest(target: &Dir, id: ComposeId) -> Result<()> {
    let name = layout::latest_link(id);
    match target.stat(&name)? {
        Some(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink => {
            Err(target.failed("make the link", &name, Errno::EXIST))
        }
        _ => Ok(()),
    }
}

/// Makes the link of older documentation in staging: `latest-odcs-12-1 -> odcs-12`. Returns its name.
fn make_link(staging: &Dir, id: ComposeId) -> Result<String> {
    let name = layout::latest_link(id);
    staging.remove(&name)?;
    rustix::fs::symlinkat(id.name(), staging, &name)
        .map_err(|errno| staging.failed("make the link", &name, errno))?;
    Ok(name)
}

/// Puts the link beside the composes, in place of whatever link was there.
fn put_link(target: &Dir, staging: &Dir, name: &str) -> Result<()> {
    staging.rename(name, target, name)?;
    target.sync()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use odcs_core::store::Lease;

    use super::*;

    const ID: &str = "odcs-5-1-20261121.t.0";

    struct Case {
        temporary: tempfile::TempDir,
        target: Dir,
    }

    fn case() -> Case {
        let temporary = tempfile::tempdir().unwrap();
        let target = Dir::open_root(temporary.path()).unwrap();
        Case { temporary, target }
    }

    impl Case {
        fn attempt(&self, lease: i64, content: &str) -> Staging {
            let lease = Lease {
                id: ComposeId::new(5),
                number: lease,
            };
            // A fresh directory for each: beginning removes those of older leases.
            let staging = Staging::begin(&self.target, &lease).unwrap();
            staging
                .dir()
                .make("compose")
                .unwrap()
                .write("file", content.as_bytes())
                .unwrap();
            staging
        }

        fn publish(&self, staging: &Staging) -> Result<Published> {
            publish(&self.target, staging, ComposeId::new(5), ID)
        }

        fn text(&self, path: &str) -> String {
            std::fs::read_to_string(self.temporary.path().join(path)).unwrap()
        }
    }

    #[test]
    fn the_first_one_wins_and_the_same_again_is_fine() {
        let case = case();
        let first = case.attempt(2, "content");
        // Stale, under an older lease, but still running: it was begun before.
        let stale = case.attempt(1, "content");
        let other = case.attempt(3, "other");
        // Beginning the third removed the stale ones, so they are made again.
        let (first, stale) = (case.attempt(2, "content"), {
            drop((first, stale));
            case.attempt(1, "content")
        });
        assert_eq!(case.publish(&first).unwrap(), Published::Now);
        assert_eq!(case.text("odcs-5/compose/file"), "content");
        assert_eq!(case.text("odcs-5/COMPOSE_ID"), ID);
        assert_eq!(case.text("odcs-5/STATUS"), "FINISHED\n");
        assert_eq!(case.text("latest-odcs-5-1/compose/file"), "content");
        std::fs::remove_file(case.temporary.path().join("latest-odcs-5-1")).unwrap();
        assert_eq!(case.publish(&stale).unwrap(), Published::Before);
        assert_eq!(case.text("latest-odcs-5-1/compose/file"), "content");
        let error = case.publish(&other).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a compose odcs-5 is already there, and it is not the same: file is different"
        );
        assert_eq!(error.kind(), odcs_core::ErrorKind::Conflict);
        assert_eq!(case.text("odcs-5/compose/file"), "content");
    }

    #[test]
    fn links_planted_in_the_way_are_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        for (name, below) in [("odcs-5", None), ("compose", Some("odcs-5"))] {
            let case = case();
            let staging = case.attempt(1, "content");
            let place = case.temporary.path().join(below.unwrap_or_default());
            std::fs::create_dir_all(&place).unwrap();
            std::os::unix::fs::symlink(outside.path(), place.join(name)).unwrap();
            case.publish(&staging).unwrap_err();
            assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn what_was_replaced_while_publishing_is_not_called_published() {
        let id = ComposeId::new(5);
        let outside = tempfile::tempdir().unwrap();
        for planted in ["nothing", "link", "directory"] {
            let case = case();
            let staging = case.attempt(1, "content");
            let own = case.target.make("odcs-5").unwrap();
            let top = case.temporary.path();
            // After it was opened, somebody renames it.
            std::fs::rename(top.join("odcs-5"), top.join("aside")).unwrap();
            match planted {
                "link" => std::os::unix::fs::symlink(outside.path(), top.join("odcs-5")).unwrap(),
                "directory" => std::fs::create_dir(top.join("odcs-5")).unwrap(),
                _ => {}
            }
            publish_into(&case.target, &staging, &own, id, ID).unwrap();
            let error = check_in_place(&case.target, &staging, &own, id).unwrap_err();
            assert!(error.to_string().contains("odcs-5 was replaced"), "{error}");
            assert!(!top.join("aside/compose").exists());
            assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn the_directory_of_another_user_is_not_published_into() {
        let case = case();
        let staging = case.attempt(1, "content");
        case.target.make("odcs-5").unwrap();
        let theirs = case.temporary.path().join("odcs-5");
        if std::os::unix::fs::chown(&theirs, Some(65_534), None).is_ok() {
            let error = case.publish(&staging).unwrap_err().to_string();
            assert!(error.contains("belongs to another user"), "{error}");
            assert_eq!(std::fs::read_dir(theirs).unwrap().count(), 0);
        }
    }

    #[test]
    fn what_cannot_be_published_to_the_end_is_taken_back() {
        let case = case();
        let id = ComposeId::new(5);
        let staging = case.attempt(1, "content");
        // After the check, a directory takes the name of the link.
        let in_the_way = case.temporary.path().join("latest-odcs-5-1");
        std::fs::create_dir(&in_the_way).unwrap();
        let error = publish_checked(&case.target, &staging, id, ID).unwrap_err();
        assert!(error.to_string().contains("latest-odcs-5-1"), "{error}");
        assert!(!case.temporary.path().join("odcs-5/compose").exists());
        assert!(!is_published(&case.target, id, ID).unwrap());
        std::fs::remove_dir(in_the_way).unwrap();
        assert_eq!(case.publish(&staging).unwrap(), Published::Now);
        assert!(is_published(&case.target, id, ID).unwrap());
    }

    #[test]
    fn only_a_complete_compose_of_this_id_counts_as_published() {
        let case = case();
        let id = ComposeId::new(5);
        assert!(!is_published(&case.target, id, ID).unwrap());
        case.publish(&case.attempt(1, "content")).unwrap();
        assert!(is_published(&case.target, id, ID).unwrap());
        assert!(!is_published(&case.target, id, "odcs-5-1-20200101.t.0").unwrap());
        let top = case.temporary.path().join("odcs-5");
        std::fs::write(top.join("STATUS"), "DOOMED\n").unwrap();
        assert!(!is_published(&case.target, id, ID).unwrap());
        std::fs::write(top.join("STATUS"), "FINISHED\n").unwrap();
        std::fs::remove_dir_all(top.join("compose")).unwrap();
        assert!(!is_published(&case.target, id, ID).unwrap());
    }

    #[test]
    fn failures_are_marked_but_not_over_a_compose() {
        let case = case();
        let id = ComposeId::new(5);
        mark_failed(&case.target, "odcs-5.1", id).unwrap();
        assert!(!case.temporary.path().join("odcs-5").exists());
        case.target.make("odcs-5").unwrap();
        mark_failed(&case.target, "odcs-5.1", id).unwrap();
        assert_eq!(case.text("odcs-5/STATUS"), "DOOMED\n");
        let staging = case.attempt(2, "content");
        case.publish(&staging).unwrap();
        mark_failed(&case.target, "odcs-5.1", id).unwrap();
        assert_eq!(case.text("odcs-5/STATUS"), "FINISHED\n");
    }
}
