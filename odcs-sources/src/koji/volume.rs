//! Koji's files: on the mounted volume, or below its `topurl`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use odcs_core::files::{RelativePath, Root, SourceFile};
use odcs_core::source::local::io_error;
use odcs_core::source::{PackageLocation, RemoteFile, Site};
use odcs_core::{Error, ErrorKind, Fetch, Result};

use super::paths;

/// Where files are taken from.
#[derive(Clone, Debug)]
pub(super) enum Files {
    /// The volume, mounted here.
    Mounted(Arc<Volume>),
    /// The same tree, on a server.
    Served(Arc<Site>, Arc<dyn Fetch>),
}

impl Files {
    /// Where the file of a path is.
    ///
    /// # Errors
    /// As [`Volume::file`].
    pub(super) fn locate(&self, path: RelativePath) -> Result<PackageLocation> {
        Ok(match self {
            Self::Mounted(volume) => volume.file(path)?.into(),
            Self::Served(site, _) => RemoteFile::new(Arc::clone(site), path).into(),
        })
    }
}

/// The mounted volume. Koji's volumes beside the default one are directories below it, or symbolic links that its
/// administrators made to somewhere else: those are the only links that may lead out of it.
#[derive(Debug)]
pub(super) struct Volume {
    top: Arc<Root>,
    /// Volumes that have been met: a root of their own where a link leads out.
    others: Mutex<BTreeMap<Box<str>, Option<Arc<Root>>>>,
}

impl Volume {
    /// Opens the volume. Blocks.
    ///
    /// # Errors
    /// `Unavailable` if nothing is mounted there: what is mounted has a directory `packages`.
    pub(super) fn open(topdir: &Path) -> Result<Self> {
        let opened = Root::open(topdir).and_then(|top| {
            let packages = RelativePath::try_from("packages".to_owned()).map_err(io::Error::other)?;
            top.open_dir(&packages).map(|_| top)
        });
        let top = opened.map_err(|error| not_mounted(topdir, error))?;
        Ok(Self {
            top: Arc::new(top),
            others: Mutex::default(),
        })
    }

    /// Where the file of a path is. Blocks when a volume is met for the first time.
    ///
    /// # Errors
    /// As [`io_error`] says it for a volume that cannot be opened.
    pub(super) fn file(&self, path: RelativePath) -> Result<SourceFile> {
        if let Some((name, below)) = paths::volume(&path)
            && let Some(root) = self.root_of(name)?
        {
            let path = below.parse()?;
            return Ok(SourceFile { root, path });
        }
        Ok(SourceFile {
            root: Arc::clone(&self.top),
            path,
        })
    }

    /// All roots that files may be below of, the innermost first. Blocks as [`file`](Self::file) does.
    ///
    /// # Errors
    /// As [`file`](Self::file).
    pub(super) fn roots(&self, recorded: &[&str]) -> Result<Vec<Arc<Root>>> {
        let mut roots = Vec::new();
        let top = self.top.path().to_str().map(|top| top.trim_end_matches('/'));
        for file in recorded {
            let below = top.and_then(|top| file.strip_prefix(top)?.strip_prefix("/vol/"));
            if let Some((name, _)) = below.and_then(|below| below.split_once('/'))
                && let Some(root) = self.root_of(name)?
                && !roots.iter().any(|known| Arc::ptr_eq(known, &root))
            {
                roots.push(root);
            }
        }
        roots.push(Arc::clone(&self.top));
        Ok(roots)
    }

    /// The root of a volume, if it is not below the top one.
    fn root_of(&self, name: &str) -> Result<Option<Arc<Root>>> {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = others.get(name) {
            return Ok(known.clone());
        }
        let below: RelativePath = format!("vol/{name}").parse()?;
        let path = self.top.path().join(below.as_str());
        let root = match self.top.open_dir(&below) {
            Ok(_) => None,
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let root = Root::open(&path).map_err(|error| io_error(error, path.display()))?;
                Some(Arc::new(root))
            }
            // What is missing is said of the file that is looked for.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(error, path.display())),
        };
        others.insert(name.into(), root.clone());
        Ok(root)
    }
}

fn not_mounted(topdir: &Path, error: io::Error) -> Error {
    let shown = topdir.display();
    let message = format!(
        "Koji's volume is not mounted at {shown}: it has no directory \"packages\" that could be read; once it is, \
         the compose can be asked for again"
    );
    let subject = shown.to_string();
    Error::new(ErrorKind::Unavailable, "open Koji's volume", subject, message).with_source(error)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(top: &Path, path: &str) {
        fs::create_dir_all(top.join(path).parent().unwrap()).unwrap();
        fs::write(top.join(path), path).unwrap();
    }

    fn open(volume: &Volume, path: &str) -> io::Result<String> {
        let mut opened = volume.file(path.parse().unwrap()).unwrap().open()?;
        io::read_to_string(&mut opened)
    }

    #[test]
    fn links_of_volumes_are_followed_and_others_that_lead_out_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let (top, other, outside) = (
            dir.path().join("koji"),
            dir.path().join("other"),
            dir.path().join("x"),
        );
        write(&top, "packages/a/1/1/noarch/a.rpm");
        write(&top, "vol/within/packages/b/1/1/noarch/b.rpm");
        write(&other, "packages/c/1/1/noarch/c.rpm");
        write(&outside, "secret.rpm");
        // As Koji leaves one behind when a build is moved.
        fs::create_dir_all(top.join("packages/b/1")).unwrap();
        symlink("../../../vol/within/packages/b/1/1", top.join("packages/b/1/1")).unwrap();
        symlink(&other, top.join("vol/linked")).unwrap();
        symlink(outside.join("secret.rpm"), top.join("packages/secret.rpm")).unwrap();
        symlink(&outside, top.join("packages/a/1/out")).unwrap();
        let volume = Volume::open(&top).unwrap();
        for path in [
            "packages/a/1/1/noarch/a.rpm",
            "packages/b/1/1/noarch/b.rpm",
            "vol/within/packages/b/1/1/noarch/b.rpm",
            "vol/linked/packages/c/1/1/noarch/c.rpm",
        ] {
            open(&volume, path).unwrap();
        }
        for path in ["packages/secret.rpm", "packages/a/1/out/secret.rpm"] {
            let error = open(&volume, path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::CrossesDevices, "{path}");
        }
        let missing = open(&volume, "vol/none/packages/a/1/1/noarch/a.rpm").unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let file = volume
            .file("vol/linked/packages/c/1/1/noarch/c.rpm".parse().unwrap())
            .unwrap();
        let recorded = file.to_string();
        assert_eq!(
            recorded,
            top.join("vol/linked/packages/c/1/1/noarch/c.rpm")
                .to_str()
                .unwrap()
        );
        let roots = volume.roots(&[&recorded]).unwrap();
        assert_eq!(roots.len(), 2);
        let again = odcs_core::source::local::recorded_file(&roots, &recorded).unwrap();
        again.open().unwrap();
    }

    #[test]
    fn a_directory_without_packages_is_no_volume() {
        let dir = tempfile::tempdir().unwrap();
        for top in [dir.path().to_owned(), dir.path().join("none")] {
            let error = Volume::open(&top).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.message().contains("is not mounted"), "{error}");
        }
    }
}
