//! What a commit has in it: the output of `git ls-tree -r -t -z -l`.

/// Files, directories and submodules of a commit.
pub(super) const MOST_ENTRIES: usize = 100_000;
/// Bytes of the list of them.
pub(super) const MOST_BYTES: u64 = 32 << 20;
/// Bytes of a path, and of one name in it, as Linux has them.
const LONGEST_PATH: usize = 4095;
const LONGEST_NAME: usize = 255;

/// Something in a tree.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Entry {
    /// Its path: names parted by `/`, not necessarily UTF-8, none of which leads anywhere but down.
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
}

#[derive(Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A directory; that of a submodule stays empty.
    Directory,
    /// A file; a symbolic link is one, too, with where it leads as its text, so that nothing here leads anywhere.
    File {
        object: String,
        size: u64,
        executable: bool,
    },
}

/// Why a list is refused.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// It is no list that git writes.
    NotAList,
    TooManyEntries,
    /// The files together have more bytes than allowed.
    TooLarge,
    /// A path that cannot be made here, or may not.
    Path(String),
}

/// Reads the list of a tree. Its files may have so many bytes together.
pub(super) fn parse(list: &[u8], limit: u64) -> Result<Vec<Entry>, Fault> {
    let mut entries = Vec::new();
    let mut total = 0_u64;
    let Some(list) = list.strip_suffix(b"\0") else {
        return if list.is_empty() {
            Ok(entries)
        } else {
            Err(Fault::NotAList)
        };
    };
    for line in list.split(|byte| *byte == 0) {
        if entries.len() == MOST_ENTRIES {
            return Err(Fault::TooManyEntries);
        }
        let entry = entry(line)?;
        if let Kind::File { size, .. } = &entry.kind {
            total = total.saturating_add(*size);
        }
        if total > limit {
            return Err(Fault::TooLarge);
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// `100644 blob 8ab686ea…       1234<TAB>path`
fn entry(line: &[u8]) -> Result<Entry, Fault> {
    let tab = line
        .iter()
        .position(|byte| *byte == b'\t')
        .ok_or(Fault::NotAList)?;
    let (about, path) = line.split_at_checked(tab).ok_or(Fault::NotAList)?;
    let path = path.get(1..).ok_or(Fault::NotAList)?;
    let about = std::str::from_utf8(about).map_err(|_| Fault::NotAList)?;
    let mut words = about.split_ascii_whitespace();
    let mut word = || words.next().ok_or(Fault::NotAList);
    let (mode, kind, object, size) = (word()?, word()?, word()?, word()?);
    if !is_plain(path) {
        let shown = path.get(..LONGEST_NAME).unwrap_or(path);
        return Err(Fault::Path(String::from_utf8_lossy(shown).into_owned()));
    }
    let kind = match kind {
        "tree" | "commit" => Kind::Directory,
        "blob" => Kind::File {
            object: object.to_owned(),
            size: size.parse().map_err(|_| Fault::NotAList)?,
            executable: mode == "100755",
        },
        _ => return Err(Fault::NotAList),
    };
    Ok(Entry {
        path: path.to_owned(),
        kind,
    })
}

/// Whether a path can be made in a directory, and does not lead out of it.
fn is_plain(path: &[u8]) -> bool {
    let is_name = |name: &[u8]| {
        !matches!(name, b"" | b"." | b"..")
            && !name.eq_ignore_ascii_case(b".git")
            && name.len() <= LONGEST_NAME
    };
    path.len() <= LONGEST_PATH && path.split(|byte| *byte == b'/').all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "45b983be36b73c0788dc9cbcb76cbb80fc7bb057";

    fn blob(mode: &str, size: &str, path: &str) -> String {
        format!("{mode} blob {ID} {size:>7}\t{path}\0")
    }

    #[test]
    fn entries_are_read() {
        let list = [
            blob("100644", "3", "a\tb\n"),
            format!("040000 tree {ID}       -\td\0"),
            blob("100755", "4", "d/run"),
            blob("120000", "11", "d/link"),
            format!("160000 commit {ID}       -\tmodule\0"),
        ];
        let entries = parse(list.concat().as_bytes(), 18).unwrap();
        let file = |path: &str, size, executable| Entry {
            path: path.into(),
            kind: Kind::File {
                object: ID.into(),
                size,
                executable,
            },
        };
        let directory = |path: &str| Entry {
            path: path.into(),
            kind: Kind::Directory,
        };
        assert_eq!(
            entries,
            [
                file("a\tb\n", 3, false),
                directory("d"),
                file("d/run", 4, true),
                file("d/link", 11, false),
                directory("module"),
            ]
        );
        assert_eq!(parse(list.concat().as_bytes(), 17), Err(Fault::TooLarge));
        assert_eq!(parse(b"", 0), Ok(Vec::new()));
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for path in [
            "../x",
            "a/../x",
            "/etc/x",
            "a//b",
            "./a",
            "a/.",
            "..",
            ".git/hooks/x",
            "a/.GIT/config",
            "",
            &"a".repeat(256),
            &"a/".repeat(2100),
        ] {
            let found = parse(blob("100644", "1", path).as_bytes(), 10);
            assert!(matches!(found, Err(Fault::Path(_))), "{path}: {found:?}");
        }
        for path in [
            "..a",
            "a..",
            ".gitignore",
            "-a",
            "--upload-pack=x",
            "a b",
            "c:\\d",
            "é",
        ] {
            assert!(parse(blob("100644", "1", path).as_bytes(), 10).is_ok(), "{path}");
        }
    }

    #[test]
    fn sizes_do_not_wrap() {
        let list = [
            blob("100644", &u64::MAX.to_string(), "a"),
            blob("100644", "2", "b"),
        ];
        assert_eq!(
            parse(list.concat().as_bytes(), u64::MAX - 1),
            Err(Fault::TooLarge)
        );
    }

    #[test]
    fn entries_are_counted() {
        let line = blob("100644", "0", "a");
        assert_eq!(
            parse(line.repeat(MOST_ENTRIES).as_bytes(), 0).unwrap().len(),
            MOST_ENTRIES
        );
        let found = parse(line.repeat(MOST_ENTRIES + 1).as_bytes(), 0);
        assert_eq!(found, Err(Fault::TooManyEntries));
    }

    proptest! {
        #[test]
        fn nothing_panics(list in prop::collection::vec(prop::sample::select(b"\0\t /.10 blobtree-g\xff".to_vec()), 0..80)) {
            let _ = parse(&list, 10);
        }

        #[test]
        fn what_is_taken_stays_below(path in "[a./\\\\git]{1,12}") {
            if let Ok(entries) = parse(blob("100644", "1", &path).as_bytes(), 10) {
                let path = std::path::Path::new(&path);
                let normal = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
                prop_assert!(normal && entries.len() == 1);
            }
        }
    }
}
