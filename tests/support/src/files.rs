//! Trees of files.

use std::collections::BTreeMap;
use std::path::Path;

/// Copies a directory tree; links in it are followed.
pub fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for path in tree(from) {
        let (from, to) = (from.join(&path), to.join(&path));
        if path.ends_with('/') {
            std::fs::create_dir_all(to).unwrap();
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}

/// The paths of everything below a directory, relative to it and sorted; those of directories end with a slash.
/// Links are not followed.
pub fn tree(top: &Path) -> Vec<String> {
    fn walk(directory: &Path, prefix: &str, paths: &mut Vec<String>) {
        let entries =
            std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        for entry in entries {
            let entry = entry.unwrap();
            let path = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                let inside = path + "/";
                walk(&entry.path(), &inside, paths);
                paths.push(inside);
            } else {
                paths.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(top, "", &mut paths);
    paths.sort();
    paths
}

/// The paths of everything below a directory that is none itself, relative to it and sorted.
pub fn files(top: &Path) -> Vec<String> {
    let mut paths = tree(top);
    paths.retain(|path| !path.ends_with('/'));
    paths
}

/// The bytes of all files below a directory, by their paths as [`tree`] has them; of links, of what they lead to.
pub fn contents(top: &Path) -> BTreeMap<String, Vec<u8>> {
    files(top)
        .into_iter()
        .map(|path| {
            let bytes = std::fs::read(top.join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            (path, bytes)
        })
        .collect()
}

/// The names of all files below a directory, without the directories that they are in, sorted.
pub fn names(top: &Path) -> Vec<String> {
    let mut names: Vec<_> = files(top)
        .into_iter()
        .map(|path| path.rsplit('/').next().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_the_same() {
        let top = std::env::temp_dir().join(format!("test-support-{}", std::process::id()));
        let (from, to) = (top.join("from"), top.join("to"));
        std::fs::create_dir_all(from.join("a/empty")).unwrap();
        std::fs::write(from.join("a/file"), "bytes").unwrap();
        std::fs::write(from.join("z"), "").unwrap();
        copy_tree(&from, &to);
        let (paths, found, names) = (tree(&to), contents(&to), names(&to));
        std::fs::remove_dir_all(&top).unwrap();
        assert_eq!(paths, ["a/", "a/empty/", "a/file", "z"]);
        assert_eq!(found["a/file"], b"bytes");
        assert_eq!(found.len(), 2);
        assert_eq!(names, ["file", "z"]);
    }
}
