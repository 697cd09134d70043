//! Files that nobody may touch, and how to tell that nobody did.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

/// What stands in every file of a canary. Found anywhere else, somebody has read it.
pub(crate) const SECRET: &str = "hunter2-canary-must-not-be-read";

/// A directory outside of everything that a server may read or write, full of what it might be lured to.
pub(crate) struct Canary {
    dir: TempDir,
    before: Snapshot,
}

impl Canary {
    /// Plants one: files with a secret, a sound package, a sound repository, and directories with the
    /// names that composes have.
    pub(crate) fn plant() -> Self {
        let dir = TempDir::new().unwrap();
        let top = dir.path();
        std::fs::set_permissions(top, PermissionsExt::from_mode(0o755)).unwrap();
        for file in [
            "secret",
            "odcs-1/precious",
            "odcs-1/compose/precious",
            "odcs-1/pungi-stderr.log",
            "odcs-2/STATUS",
            "odcs-1.1/compose/precious",
            "compose/Temporary/x86_64/os/precious",
            "latest-odcs-1-1/precious",
            "removed-odcs-1/precious",
            "removed/precious",
            ".staging/odcs-1.1/compose/precious",
            "Temporary/precious",
            "x86_64/precious",
            "os/precious",
            "Packages/precious",
            "e/precious",
            "repodata/repomd.xml",
            "metadata/precious",
        ] {
            let path = top.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, SECRET).unwrap();
        }
        crate::support::copy_tree(&crate::support::test_repository(), &top.join("repo"));
        let package = "ed-1.20-1.x86_64.rpm";
        std::fs::copy(top.join("repo/Packages").join(package), top.join(package)).unwrap();
        let before = Snapshot::of(top, true);
        Self { dir, before }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Fails unless everything is as it was: nothing written, deleted, linked, and, where the file system
    /// records it, nothing read.
    pub(crate) fn assert_untouched(&mut self, context: &str) {
        let now = self.before.again(self.path());
        if let Some(difference) = self.before.difference(&now) {
            panic!("{context}: outside of the composes, {difference}");
        }
        // Looking has left its own traces.
        self.before = Snapshot::of(self.path(), true);
    }
}

/// A directory tree as it is at one time.
pub(crate) struct Snapshot {
    entries: BTreeMap<PathBuf, Entry>,
    strict: bool,
}

#[derive(Debug, PartialEq)]
struct Entry {
    content: Vec<u8>,
    inode: (u64, u64),
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    /// Size, links, and the times of the last change and, where it is recorded, of the last reading: what
    /// changes also when a file is read, or linked to.
    strict: Option<[i64; 5]>,
}

/// Long ago: the first reading after this time is recorded, however seldom the file system does that.
const LONG_AGO: SystemTime = SystemTime::UNIX_EPOCH;

impl Snapshot {
    /// `strict` is for what must not even be read or linked to.
    pub(crate) fn of(top: &Path, strict: bool) -> Self {
        let contents = contents(top);
        if strict {
            let times = std::fs::FileTimes::new().set_accessed(LONG_AGO + Duration::from_secs(1));
            for path in contents.keys() {
                if !path.is_symlink() {
                    std::fs::File::open(path).unwrap().set_times(times).unwrap();
                }
            }
        }
        let mut snapshot = Self {
            entries: BTreeMap::new(),
            strict,
        };
        for (path, content) in contents {
            let entry = snapshot.entry(&path, content);
            snapshot.entries.insert(path, entry);
        }
        snapshot
    }

    /// The same tree now. Everything is looked at before anything is read, which leaves a trace itself.
    pub(crate) fn again(&self, top: &Path) -> Self {
        let mut snapshot = Self {
            entries: BTreeMap::new(),
            strict: self.strict,
        };
        for path in self.entries.keys() {
            if path.is_symlink() || path.exists() {
                let entry = snapshot.entry(path, Vec::new());
                snapshot.entries.insert(path.clone(), entry);
            }
        }
        for (path, content) in contents(top) {
            if let Some(entry) = snapshot.entries.get_mut(&path) {
                entry.content = content;
            } else {
                let entry = snapshot.entry(&path, content);
                snapshot.entries.insert(path, entry);
            }
        }
        snapshot
    }

    /// The first difference, in words.
    pub(crate) fn difference(&self, now: &Self) -> Option<String> {
        let lacks = |one: &Self, other: &Self| {
            let mut paths = one.entries.keys();
            paths.find(|path| !other.entries.contains_key(*path)).cloned()
        };
        if let Some(path) = lacks(self, now) {
            return Some(format!("{} was deleted", path.display()));
        }
        if let Some(path) = lacks(now, self) {
            return Some(format!("{} was made", path.display()));
        }
        let mut both = self.entries.iter().zip(now.entries.values());
        let ((path, before), now) = both.find(|((_, before), now)| before != now)?;
        let [before, now] = [before, now].map(|entry| {
            let text = format!("{entry:?}");
            text.rsplit_once("inode")
                .map(|(_, end)| end.to_owned())
                .unwrap_or_default()
        });
        Some(format!("{} was touched:\n{before}\n{now}", path.display()))
    }

    fn entry(&self, path: &Path, content: Vec<u8>) -> Entry {
        let stat = std::fs::symlink_metadata(path).unwrap();
        let number = |number: u64| i64::try_from(number).unwrap();
        Entry {
            content,
            inode: (stat.dev(), stat.ino()),
            mode: stat.mode(),
            owner: (stat.uid(), stat.gid()),
            modified: (stat.mtime(), stat.mtime_nsec()),
            strict: self.strict.then(|| {
                // Links are looked at by those who find out that they are links.
                let read = if stat.is_symlink() { 0 } else { stat.atime() };
                [
                    number(stat.size()),
                    number(stat.nlink()),
                    stat.ctime(),
                    stat.ctime_nsec(),
                    read,
                ]
            }),
        }
    }
}

/// Everything below a directory, itself included: the bytes of files, the targets of links.
pub(crate) fn contents(top: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![top.to_owned()];
    while let Some(path) = open.pop() {
        let Ok(stat) = std::fs::symlink_metadata(&path) else {
            continue;
        };
        let content = if stat.is_symlink() {
            std::fs::read_link(&path)
                .unwrap()
                .into_os_string()
                .into_encoded_bytes()
        } else if stat.is_dir() {
            open.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            Vec::new()
        } else if stat.is_file() {
            std::fs::read(&path).unwrap()
        } else {
            Vec::new()
        };
        found.insert(path, content);
    }
    found
}

/// Fails if the secret of a canary is in a text.
pub(crate) fn assert_no_secret(bytes: &[u8], context: &str) {
    let found = bytes
        .windows(SECRET.len())
        .any(|window| window == SECRET.as_bytes());
    assert!(!found, "the secret shows up in {context}");
}

/// Fails if the secret of a canary is anywhere below a directory.
pub(crate) fn assert_no_secret_below(top: &Path, context: &str) {
    for (path, bytes) in contents(top) {
        assert_no_secret(&bytes, &format!("{context}: {}", path.display()));
    }
}

#[test]
fn a_canary_notices_everything() {
    type Touch = fn(&Path);
    let touches: &[(&str, Touch)] = &[
        ("made", |top| std::fs::write(top.join("odcs-1/new"), "").unwrap()),
        ("deleted", |top| {
            std::fs::remove_file(top.join("odcs-1/precious")).unwrap();
        }),
        ("touched", |top| {
            std::fs::write(top.join("odcs-1/precious"), SECRET).unwrap();
        }),
        ("touched", |top| {
            let link = top.parent().unwrap().join(format!("link-{}", std::process::id()));
            std::fs::hard_link(top.join("odcs-1/precious"), &link).unwrap();
            std::fs::remove_file(link).unwrap();
        }),
        ("touched", |top| {
            std::fs::set_permissions(top.join("odcs-1"), PermissionsExt::from_mode(0o700)).unwrap();
        }),
    ];
    for (expected, touch) in touches {
        let mut canary = Canary::plant();
        canary.assert_untouched("nobody was there");
        canary.assert_untouched("nobody was there again");
        touch(canary.path());
        let now = canary.before.again(canary.path());
        let difference = canary.before.difference(&now).unwrap();
        assert!(difference.contains(expected), "{expected}: {difference}");
    }
    let canary = Canary::plant();
    std::fs::read(canary.path().join("secret")).unwrap();
    if canary
        .before
        .difference(&canary.before.again(canary.path()))
        .is_none()
    {
        println!(
            "skipped: this file system does not record when files are read; that they are not is not seen"
        );
    }
}
