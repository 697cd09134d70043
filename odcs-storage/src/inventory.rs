//! What a finished `compose/` consists of, so that two attempts can be compared.

use odcs_rpm::{Digest, DigestAlgorithm};
use rustix::fs::FileType;

use crate::dir::{self, Dir};
use crate::error::{Error, Result};
use rustix::io::Errno;

/// Entries of one directory; a letter of the alphabet has a few thousand packages.
const MAX_ENTRIES: usize = 1_000_000;
/// Directories one inside the other.
const MAX_DEPTH: usize = 32;

/// The files of a compose, sorted by path.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Inventory(Vec<InventoryEntry>);

#[derive(Debug, Eq, PartialEq)]
struct InventoryEntry {
    path: String,
    size: u64,
    /// The checksum of everything that is not named by its checksum or listed with one in repodata.
    digest: Option<Digest>,
}

impl Inventory {
    /// Reads a tree.
    pub(crate) fn read(compose: &Dir) -> Result<Self> {
        let mut entries = Vec::new();
        read_into(compose, "", MAX_DEPTH, &mut entries)?;
        Ok(Self(entries))
    }

    /// The first difference, in words; `None` if there is none.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        loop {
            match (ours.peek(), theirs.peek()) {
                (None, None) => return None,
                (Some(our), Some(their)) if our.path == their.path => {
                    if our != their {
                        return Some(format!("{} is different", our.path));
                    }
                    ours.next();
                    theirs.next();
                }
                (Some(our), Some(their)) if our.path > their.path => {
                    return Some(format!("it has {}", their.path));
                }
                (Some(our), _) => return Some(format!("it lacks {}", our.path)),
                (None, Some(their)) => return Some(format!("it has {}", their.path)),
            }
        }
    }
}

fn read_into(dir: &Dir, prefix: &str, depth: usize, entries: &mut Vec<InventoryEntry>) -> Result<()> {
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(dir.failed("read the directory", "", Errno::LOOP));
    };
    for entry in dir.entries(MAX_ENTRIES)? {
        let path = format!("{prefix}{}", entry.name.to_string_lossy());
        match entry.kind {
            FileType::Directory => {
                let below = dir.open(&entry.name)?;
                let inside = format!("{path}/");
                entries.push(InventoryEntry {
                    path,
                    size: 0,
                    digest: None,
                });
                read_into(&below, &inside, deeper, entries)?;
            }
            FileType::RegularFile => {
                let (file, stat) = dir.open_file(&entry.name)?;
                let digest = if is_named_elsewhere(&path) {
                    None
                } else {
                    let (digest, _) = Digest::of_reader(DigestAlgorithm::Sha256, file).map_err(|reason| {
                        Error::ReadBack {
                            path: path.clone(),
                            reason: reason.to_string(),
                        }
                    })?;
                    Some(digest)
                };
                entries.push(InventoryEntry {
                    path,
                    size: dir::size(&stat),
                    digest,
                });
            }
            _ => return Err(dir.failed("read the file", &entry.name, Errno::INVAL)),
        }
    }
    Ok(())
}

/// Packages have their checksums in repodata, the files of repodata in `repomd.xml`, and images in `SHA256SUM`.
fn is_named_elsewhere(path: &str) -> bool {
    path.ends_with(".rpm")
        || path.ends_with(".iso")
        || (path.contains("/repodata/") && !path.ends_with("/repomd.xml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Inventory {
        let temporary = tempfile::tempdir().unwrap();
        let root = Dir::open_root(temporary.path()).unwrap();
        for (path, content) in files {
            let mut segments: Vec<&str> = path.split('/').collect();
            let name = segments.pop().unwrap();
            root.make_path(&segments)
                .unwrap()
                .write(name, content.as_bytes())
                .unwrap();
        }
        crate::save::save(&root, false).unwrap();
        Inventory::read(&root).unwrap()
    }

    #[test]
    fn differences_are_named() {
        let ours = [
            ("a/repodata/repomd.xml", "1"),
            ("a/repodata/x-primary.xml.gz", "12"),
            ("b", "3"),
        ];
        assert_eq!(tree(&ours).difference(&tree(&ours)), None);
        for (theirs, expected) in [
            ([ours[0], ours[1], ("b", "4")], "b is different"),
            (
                [("a/repodata/repomd.xml", "2"), ours[1], ours[2]],
                "a/repodata/repomd.xml is different",
            ),
            (
                [ours[0], ("a/repodata/x-primary.xml.gz", "1"), ours[2]],
                "a/repodata/x-primary.xml.gz is different",
            ),
            ([ours[0], ours[1], ("c", "3")], "it lacks b"),
            ([ours[0], ours[1], ("a/z", "3")], "it has a/z"),
        ] {
            assert_eq!(tree(&ours).difference(&tree(&theirs)).unwrap(), expected);
        }
        assert_eq!(tree(&ours[..2]).difference(&tree(&ours)).unwrap(), "it has b");
    }
}
