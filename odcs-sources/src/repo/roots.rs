//! Which directories repositories are taken from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use odcs_core::files::{RelativePath, Root, SourceFile};
use odcs_core::source::{PackageContent, Trust};

use super::error::{Reason, RepoError};

/// The configured roots, open.
#[derive(Debug)]
pub(super) struct Roots(Vec<NamedRoot>);

#[derive(Debug)]
struct NamedRoot {
    /// The path as configured, and the one it resolves to: people may ask by either.
    names: Vec<PathBuf>,
    root: Arc<Root>,
    trust: Trust,
}

impl Roots {
    pub(super) fn open(trusted: &[PathBuf], untrusted: &[PathBuf]) -> Result<Self, RepoError> {
        let open = |(path, trust): (&PathBuf, Trust)| {
            let failed = |error| RepoError::new(Reason::Root, path.display().to_string()).caused_by(error);
            let real = path.canonicalize().map_err(failed)?;
            let root = Root::open(&real).map_err(failed)?;
            let mut names = vec![real];
            if path.is_absolute() && !names.contains(path) {
                names.push(path.clone());
            }
            Ok(NamedRoot {
                names,
                root: Arc::new(root),
                trust,
            })
        };
        let trusted = trusted.iter().map(|path| (path, Trust::Trusted));
        // Of two roots of one name, the last is found.
        let untrusted = untrusted.iter().map(|path| (path, Trust::Untrusted));
        trusted
            .chain(untrusted)
            .map(open)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Finds the root that a path is below of. The path is only compared, not looked up.
    pub(super) fn locate(&self, path: &str) -> Result<Repository, RepoError> {
        let trimmed = path.trim_end_matches('/');
        let clean = path.starts_with('/')
            && !trimmed.contains('\0')
            && trimmed
                .split('/')
                .skip(1)
                .all(|segment| !matches!(segment, "" | "." | ".."));
        if !clean {
            return Err(RepoError::new(Reason::Unclean, path));
        }
        let roots = self.0.iter();
        let names =
            roots.flat_map(|NamedRoot { names, root, .. }| names.iter().map(move |name| (name, root)));
        let above = names.filter_map(|(name, root)| {
            let below = Path::new(trimmed).strip_prefix(name).ok()?;
            Some((name.as_os_str().len(), below, root))
        });
        // A root inside another one may be a link to somewhere else, which that one does not follow.
        if let Some((_, below, root)) = above.max_by_key(|(length, ..)| *length) {
            let below = below.to_str().filter(|below| !below.is_empty());
            let directory = below.map(str::parse::<RelativePath>).transpose();
            let directory = directory.map_err(|_| RepoError::new(Reason::Unclean, path))?;
            return Ok(Repository {
                path: trimmed.to_owned(),
                root: Arc::clone(root),
                directory,
            });
        }
        let roots: Vec<_> = self
            .0
            .iter()
            .filter_map(|root| root.names.first())
            .map(|name| name.display().to_string())
            .collect();
        Err(RepoError::new(Reason::Outside(roots.join(", ")), path))
    }
}

impl Roots {
    /// The file of an absolute path that was recorded once.
    pub(super) fn file(&self, path: &str) -> Result<SourceFile, RepoError> {
        let Repository { root, directory, .. } = self.locate(path)?;
        let path = directory.ok_or_else(|| RepoError::new(Reason::Unclean, path))?;
        Ok(SourceFile { root, path })
    }

    /// Content with the trust that its files deserve, by where they really are.
    pub(super) fn trusting(&self, mut content: PackageContent) -> PackageContent {
        let files = content
            .candidates
            .iter()
            .filter_map(|candidate| candidate.file.here());
        content.trust = content.trust.and(self.trust_in(files));
        content
    }

    /// The trust in all of these files, by where they are and by where links lead: whoever made a link may be
    /// trusted, but what it leads to is as others want it.
    fn trust_in<'a>(&self, files: impl Iterator<Item = &'a SourceFile>) -> Trust {
        let untrusted: Vec<&PathBuf> = self
            .0
            .iter()
            .filter(|root| root.trust == Trust::Untrusted)
            .flat_map(|root| &root.names)
            .collect();
        if untrusted.is_empty() {
            return Trust::Trusted;
        }
        let is_below = |path: &Path| untrusted.iter().any(|root| path.starts_with(root));
        let is_untrusted = |path: &Path| {
            #[allow(clippy::disallowed_methods, reason = "nothing is opened by this path")]
            let real = path.canonicalize();
            // What is not there any more deserves no trust; reading it is going to fail anyway.
            is_below(path) || real.map_or(true, |real| is_below(&real))
        };
        // Most files are no links: it is enough to know where their directories are.
        let mut directories = BTreeSet::new();
        for file in files {
            let path = file.root.path().join(file.path.as_str());
            #[allow(clippy::disallowed_methods, reason = "nothing is opened by this path")]
            let is_link = path.is_symlink();
            let is_known = path
                .parent()
                .is_some_and(|parent| !directories.insert(parent.to_owned()));
            let directory = path.parent().filter(|_| !is_known);
            if directory.is_some_and(is_untrusted) || (is_link && is_untrusted(&path)) {
                return Trust::Untrusted;
            }
        }
        Trust::Trusted
    }
}

/// A repository that may be read: a directory below a root, or a root itself.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    /// The path it was asked for by.
    pub(super) path: String,
    root: Arc<Root>,
    directory: Option<RelativePath>,
}

impl Repository {
    /// A file of the repository, by its path from the repository's top. Links may lead to other places
    /// below the root, not out of it.
    pub(super) fn file(&self, href: &str) -> odcs_core::Result<SourceFile> {
        let path = match &self.directory {
            Some(directory) => directory.join(href)?,
            None => href.parse()?,
        };
        Ok(SourceFile {
            root: Arc::clone(&self.root),
            path,
        })
    }

    /// Where it is, whichever of its root's names it was asked for by.
    pub(super) fn real_path(&self) -> String {
        let root = self.root.path();
        let path = match &self.directory {
            Some(directory) => root.join(directory),
            None => root.to_owned(),
        };
        path.to_string_lossy().into_owned()
    }

    /// The repository's directory, open.
    pub(super) fn open(&self) -> Result<Arc<Root>, RepoError> {
        let Some(directory) = &self.directory else {
            return Ok(Arc::clone(&self.root));
        };
        match self.root.open_dir(directory) {
            Ok(root) => Ok(Arc::new(root)),
            Err(error) => {
                let mut error = RepoError::io(error, &self.path);
                error.directory_not_found();
                Err(error)
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_root_counts() {
        let (outer, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let outer = outer.path().canonicalize().unwrap();
        std::fs::create_dir(elsewhere.path().join("repo")).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), outer.join("link")).unwrap();
        let roots = Roots::open(&[outer.clone(), outer.join("link")], &[]).unwrap();
        let repository = roots.locate(outer.join("link/repo").to_str().unwrap()).unwrap();
        repository.open().unwrap();
        let roots = Roots::open(std::slice::from_ref(&outer), &[]).unwrap();
        let repository = roots.locate(outer.join("link/repo").to_str().unwrap()).unwrap();
        assert!(
            repository
                .open()
                .unwrap_err()
                .to_string()
                .contains("symbolic link")
        );
    }

    #[test]
    fn trust_goes_by_where_files_are() {
        let outer = tempfile::tempdir().unwrap();
        let outer = outer.path().canonicalize().unwrap();
        let make = |path: &str| std::fs::create_dir_all(outer.join(path)).unwrap();
        make("good/repo");
        make("inbox/repo");
        let link = |to, path| std::os::unix::fs::symlink(to, outer.join(path)).unwrap();
        link("../inbox/repo", "good/link");
        std::fs::write(outer.join("inbox/file.rpm"), "").unwrap();
        std::fs::write(outer.join("good/file.rpm"), "").unwrap();
        link("../inbox/file.rpm", "good/to-inbox.rpm");
        link("../file.rpm", "good/repo/to-good.rpm");
        link("../nowhere.rpm", "good/to-nowhere.rpm");
        let roots = Roots::open(std::slice::from_ref(&outer), &[outer.join("inbox")]).unwrap();
        let trust = |paths: &[&str]| {
            let files: Vec<_> = paths
                .iter()
                .map(|path| roots.file(outer.join(path).to_str().unwrap()).unwrap())
                .collect();
            roots.trust_in(files.iter())
        };
        assert_eq!(
            trust(&["good/repo/ed.rpm", "good/ed.rpm", "good/repo/to-good.rpm"]),
            Trust::Trusted
        );
        for untrusted in [
            "inbox/repo/ed.rpm",
            "inbox/ed.rpm",
            "good/link/ed.rpm",
            "good/to-inbox.rpm",
            "good/to-nowhere.rpm",
        ] {
            assert_eq!(
                trust(&["good/repo/ed.rpm", untrusted]),
                Trust::Untrusted,
                "{untrusted}"
            );
        }
        // A repository that has the untrusted directory in it.
        let above = roots.locate(outer.to_str().unwrap()).unwrap();
        let file = above.file("inbox/repo/ed.rpm").unwrap();
        assert_eq!(roots.trust_in(std::iter::once(&file)), Trust::Untrusted);
        // One root by both: it is not trusted.
        let both = Roots::open(&[outer.join("inbox")], &[outer.join("inbox")]).unwrap();
        let file = both.file(outer.join("inbox/ed.rpm").to_str().unwrap()).unwrap();
        assert_eq!(both.trust_in(std::iter::once(&file)), Trust::Untrusted);
    }

    #[test]
    fn only_paths_below_a_root_are_found() {
        let roots = Roots::open(&["/usr/lib".into(), "/usr/share/doc".into()], &[]).unwrap();
        assert_eq!(
            roots.locate("/usr/lib/x/y").unwrap().directory.unwrap().as_str(),
            "x/y"
        );
        assert!(roots.locate("/usr/lib/").unwrap().directory.is_none());
        for outside in ["/usr/library", "/usr", "/etc", "/usr/share"] {
            let error = roots.locate(outside).unwrap_err();
            assert!(matches!(error.kind(), odcs_core::ErrorKind::Invalid), "{outside}");
            assert!(error.to_string().contains("/usr/share/doc"), "{error}");
        }
        for unclean in [
            "/usr/lib/../etc",
            "/usr//lib",
            "/usr/lib/./x",
            "usr/lib",
            "",
            "/usr/lib/\0",
        ] {
            assert!(
                matches!(
                    roots.locate(unclean).unwrap_err().kind(),
                    odcs_core::ErrorKind::Invalid
                ),
                "{unclean:?}"
            );
        }
    }
}
