//! The target directories, held open.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use odcs_core::request::TargetDirName;

use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::layout;
use crate::settings::StorageSettings;

/// The directories that composes go to, by name. Each is a world of its own: attempts are made in it,
/// and published by a rename. A clone shares the open handles.
///
/// ```
/// use odcs_storage::{StorageSettings, Targets};
///
/// let (composes, releases) = (tempfile::tempdir()?, tempfile::tempdir()?);
/// let settings = StorageSettings::new(composes.path()).with_target("releases".parse()?, releases.path());
/// let targets = Targets::open(&settings)?;
/// assert_eq!(targets.names().collect::<Vec<_>>(), ["default", "releases"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Targets {
    directories: Arc<BTreeMap<String, Arc<Dir>>>,
}

impl Targets {
    /// Opens all directories of the settings, and makes those that are missing. Blocks for a moment.
    ///
    /// # Errors
    /// [`Error::Target`] if a directory cannot be made or opened, [`Error::SameDirectory`] if two names lead
    /// to one.
    #[expect(
        clippy::disallowed_methods,
        reason = "these paths are the operator's own; all others are opened beneath them"
    )]
    pub fn open(settings: &StorageSettings) -> Result<Self> {
        let mut directories = BTreeMap::new();
        let mut names = BTreeMap::new();
        for (name, path) in settings.directories() {
            std::fs::create_dir_all(path)
                .map_err(|error| Error::target("make the directory", path, Path::new(""), error))?;
            let target = Dir::open_root(path)?;
            let stat = rustix::fs::fstat(&target).map_err(|errno| target.failed("look at", "", errno))?;
            if let Some(first) = names.insert((stat.st_dev, stat.st_ino), name) {
                return Err(Error::SameDirectory {
                    first: first.into(),
                    second: name.into(),
                    path: path.to_owned(),
                });
            }
            target.make_or_open(layout::STAGING)?;
            directories.insert(name.to_owned(), Arc::new(target));
        }
        Ok(Self {
            directories: Arc::new(directories),
        })
    }

    /// A single directory, which must exist, as the default one.
    pub(crate) fn single(path: &Path) -> Result<Self> {
        let target = Arc::new(Dir::open_root(path)?);
        let directories = BTreeMap::from([(TargetDirName::DEFAULT.to_owned(), target)]);
        Ok(Self {
            directories: Arc::new(directories),
        })
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.directories.keys().map(String::as_str)
    }

    /// The directory of a name.
    pub(crate) fn find(&self, name: &str) -> Result<Arc<Dir>> {
        match self.directories.get(name) {
            Some(target) => Ok(Arc::clone(target)),
            None => Err(Error::UnknownTarget {
                name: name.into(),
                known: self.names().map(str::to_owned).collect(),
            }),
        }
    }

    /// All directories.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Dir> {
        self.directories.values().map(|target| &**target)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use odcs_core::ErrorKind;

    use super::*;

    #[test]
    fn directories_are_found_by_name_and_made_if_missing() {
        let temporary = tempfile::tempdir().unwrap();
        let (one, two) = (temporary.path().join("one"), temporary.path().join("a/b"));
        let settings = StorageSettings::new(&one).with_target("other".parse().unwrap(), &two);
        let targets = Targets::open(&settings).unwrap();
        assert_eq!(targets.find("default").unwrap().root(), one);
        assert_eq!(targets.find("other").unwrap().root(), two);
        assert!(two.join(layout::STAGING).is_dir());
        let error = targets.find("elsewhere").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(
            error.to_string(),
            "there is no target directory \"elsewhere\" (any more); there is: default, other"
        );
    }

    #[test]
    fn the_default_directory_can_be_named_like_any_other() {
        let temporary = tempfile::tempdir().unwrap();
        let settings =
            StorageSettings::new("/nowhere").with_target(TargetDirName::default(), temporary.path());
        let targets = Targets::open(&settings).unwrap();
        assert_eq!(targets.find("default").unwrap().root(), temporary.path());
        assert_eq!(targets.names().count(), 1);
    }

    #[test]
    fn one_directory_has_one_name() {
        let temporary = tempfile::tempdir().unwrap();
        let (path, link) = (temporary.path().join("composes"), temporary.path().join("link"));
        std::os::unix::fs::symlink("composes", &link).unwrap();
        let settings = StorageSettings::new(&path).with_target("other".parse().unwrap(), &link);
        let error = Targets::open(&settings).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(
            error.to_string(),
            format!(
                "the target directories \"default\" and \"other\" are one and the same: {}",
                link.display()
            )
        );
    }
}
