//! Where the file of a package is.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io;
use std::sync::Arc;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

use crate::allow::UrlPrefix;
use crate::files::{RelativePath, SourceFile};
use crate::{Error, Result};

/// Where the file of a package is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PackageLocation {
    /// On this machine.
    Local(SourceFile),
    /// Elsewhere. It is fetched into the content store once it is clear that it belongs into a compose.
    Remote(RemoteFile),
    /// It was elsewhere, and is in the content store.
    Fetched(RemoteFile, SourceFile),
}

impl PackageLocation {
    /// Opens it for reading.
    ///
    /// # Errors
    /// As [`SourceFile::open`]; `NotFound` if it is elsewhere.
    pub fn open(&self) -> io::Result<File> {
        match self.here() {
            Some(file) => file.open(),
            None => {
                let message = format!("{self} has not been fetched");
                Err(io::Error::new(io::ErrorKind::NotFound, message))
            }
        }
    }

    /// The file on this machine, if it is here.
    pub fn here(&self) -> Option<&SourceFile> {
        match self {
            Self::Local(file) | Self::Fetched(_, file) => Some(file),
            Self::Remote(_) => None,
        }
    }

    /// Where it comes from, if that is elsewhere.
    pub fn remote(&self) -> Option<&RemoteFile> {
        match self {
            Self::Local(_) => None,
            Self::Remote(remote) | Self::Fetched(remote, _) => Some(remote),
        }
    }

    /// When it was modified where it comes from, in seconds since 1970, if that is elsewhere and known: the file in
    /// the content store may have come from somewhere else, and says nothing.
    pub fn modified(&self) -> Option<u64> {
        self.remote().and_then(|remote| remote.modified)
    }
}

impl From<SourceFile> for PackageLocation {
    fn from(file: SourceFile) -> Self {
        Self::Local(file)
    }
}

impl From<RemoteFile> for PackageLocation {
    fn from(file: RemoteFile) -> Self {
        Self::Remote(file)
    }
}

/// As manifests have it: the absolute path of a file of this machine, or a URL.
impl fmt::Display for PackageLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(file) => file.fmt(f),
            Self::Remote(remote) | Self::Fetched(remote, _) => remote.fmt(f),
        }
    }
}

/// A file below a URL, and below each of its mirrors.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RemoteFile {
    /// What it is below of.
    pub site: Arc<Site>,
    /// Where it is there.
    pub path: RelativePath,
    /// When it was modified there, in seconds since 1970, where that is known.
    pub modified: Option<u64>,
}

impl RemoteFile {
    /// A file below a site.
    pub fn new(site: Arc<Site>, path: RelativePath) -> Self {
        Self {
            site,
            path,
            modified: None,
        }
    }

    /// Last modified then.
    #[must_use]
    pub fn with_modified(mut self, modified: Option<u64>) -> Self {
        self.modified = modified;
        self
    }

    /// Its URL: the one that it is known by, whichever mirror it is fetched from.
    ///
    /// # Errors
    /// As [`Site::url_of`].
    pub fn url(&self) -> Result<Url> {
        self.site.url_of(&self.path)
    }

    /// All places that it may be fetched from, in order of preference.
    ///
    /// # Errors
    /// As [`Site::url_of`].
    pub fn places(&self) -> Result<Vec<Url>> {
        self.site.places_of(&self.path)
    }
}

impl fmt::Display for RemoteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.site.url, encoded(&self.path))
    }
}

/// A directory on an HTTP server, and its mirrors.
///
/// ```
/// use odcs_core::source::Site;
/// let site = Site::new("https://example.com/pub/f36".parse()?)?;
/// let url = site.url_of(&"Packages/e/ed-1-1.x86_64.rpm".parse()?)?;
/// assert_eq!(url.as_str(), "https://example.com/pub/f36/Packages/e/ed-1-1.x86_64.rpm");
/// assert!(site.url_of(&"%2e%2e/secret".parse()?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Site {
    /// Ends in a slash.
    url: Url,
    /// The same for the mirrors.
    mirrors: Vec<Url>,
}

impl Site {
    /// A directory without mirrors. A slash at the end is added if it is missing.
    ///
    /// # Errors
    /// `Invalid` for URLs that nothing can be below of: with a user name, `?`, `#`, or segments in disguise.
    pub fn new(url: Url) -> Result<Self> {
        Ok(Self {
            url: directory(url)?,
            mirrors: Vec::new(),
        })
    }

    /// With these mirrors, which are tried first and in this order; the directory itself comes last, unless it is
    /// one of them.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_mirrors(mut self, mirrors: impl IntoIterator<Item = Url>) -> Result<Self> {
        self.mirrors = mirrors.into_iter().map(directory).collect::<Result<_>>()?;
        Ok(self)
    }

    /// The directory, with a slash at the end.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// All URLs of the directory, in order of preference.
    pub fn urls(&self) -> impl Iterator<Item = &Url> {
        let itself = std::iter::once(&self.url).filter(|url| !self.mirrors.contains(url));
        self.mirrors.iter().chain(itself)
    }

    /// The URL of a file in it.
    ///
    /// # Errors
    /// `Invalid` if the path would lead out of the directory when it is decoded by a server.
    pub fn url_of(&self, path: &RelativePath) -> Result<Url> {
        below(&self.url, path)
    }

    /// All places of a file in it, in order of preference.
    ///
    /// # Errors
    /// As [`url_of`](Self::url_of).
    pub fn places_of(&self, path: &RelativePath) -> Result<Vec<Url>> {
        self.urls().map(|url| below(url, path)).collect()
    }
}

/// What `URL/` followed by a path must not have as it is. Percent signs stay: metadata has paths as they are asked for.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

fn encoded(path: &RelativePath) -> Cow<'_, str> {
    utf8_percent_encode(path.as_str(), UNSAFE).into()
}

fn directory(mut url: Url) -> Result<Url> {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    // It has the same rules: what is below it must be.
    url.as_str().parse::<UrlPrefix>()?;
    Ok(url)
}

fn below(directory: &Url, path: &RelativePath) -> Result<Url> {
    let refused = || {
        let message = format!("{directory} has no file that {:?} could name", path.as_str());
        Error::invalid("path", message)
    };
    let prefix: UrlPrefix = directory.as_str().parse()?;
    let url = Url::parse(&format!("{directory}{}", encoded(path))).map_err(|_| refused())?;
    if prefix.allows(&url) {
        Ok(url)
    } else {
        Err(refused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(url: &str) -> Site {
        Site::new(url.parse().unwrap()).unwrap()
    }

    #[test]
    fn files_stay_below_their_directory() {
        let site = site("http://127.0.0.1:8080/repo");
        let url = |path: &str| site.url_of(&path.parse().unwrap()).map(String::from);
        for (path, is) in [
            ("ed.rpm", "ed.rpm"),
            (
                "Packages/g/gcc-c++-1~rc1^2-1.rpm",
                "Packages/g/gcc-c++-1~rc1%5E2-1.rpm",
            ),
            ("a%2bb.rpm", "a%2bb.rpm"),
            ("a b?c#d.rpm", "a%20b%3Fc%23d.rpm"),
            ("http://evil/x.rpm", "http:%2F"),
            ("é.rpm", "%C3%A9.rpm"),
        ] {
            match path.parse::<RelativePath>() {
                Ok(_) => assert_eq!(url(path).unwrap(), format!("http://127.0.0.1:8080/repo/{is}")),
                Err(_) => assert!(path.starts_with("http")),
            }
        }
        for path in ["%2e%2e/x", "a/%2e%2e%2fx", "a%5c..%5cx", "..;/x", "%252e%252e/x"] {
            assert!(url(path).is_err(), "{path}");
        }
        for url in [
            "http://me@a/",
            "http://a/?x",
            "http://a/#x",
            "ftp://a/",
            "http://a/%2e%2e%2f/",
        ] {
            assert!(Site::new(url.parse().unwrap()).is_err(), "{url}");
        }
    }

    #[test]
    fn mirrors_come_first() {
        let site = site("https://a/x")
            .with_mirrors(["https://b/y/".parse().unwrap(), "https://c/z".parse().unwrap()]);
        let site = Arc::new(site.unwrap());
        let file = RemoteFile::new(Arc::clone(&site), "ed.rpm".parse().unwrap());
        let places: Vec<_> = file.places().unwrap().into_iter().map(String::from).collect();
        assert_eq!(
            places,
            ["https://b/y/ed.rpm", "https://c/z/ed.rpm", "https://a/x/ed.rpm"]
        );
        assert_eq!(
            (file.url().unwrap().as_str(), file.to_string()),
            ("https://a/x/ed.rpm", "https://a/x/ed.rpm".to_owned())
        );
        let itself = (*site)
            .clone()
            .with_mirrors(["https://a/x".parse().unwrap()])
            .unwrap();
        assert_eq!(itself.urls().count(), 1);
    }
}
