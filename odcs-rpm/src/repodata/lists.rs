//! Reading `filelists`, `filelists-ext` and `other` package by package: they differ in their items only.

use std::io::BufRead;

use super::pull::Element;
use super::{DraftNevra, Limits, Pull, Token};
use crate::{Error, Nevra, Result};

/// A file of repodata that lists something for each package.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub enum ListKind {
    /// `filelists`: paths.
    Filelists,
    /// `filelists-ext`: paths, and digests of what is there.
    FilelistsExt,
    /// `other`: changelogs.
    Other,
}

impl ListKind {
    /// What `repomd.xml` calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Filelists => "filelists",
            Self::FilelistsExt => "filelists-ext",
            Self::Other => "other",
        }
    }

    fn root(self) -> &'static str {
        match self {
            Self::Filelists | Self::FilelistsExt => self.as_str(),
            Self::Other => "otherdata",
        }
    }
}

/// A package that such a file lists something for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListedPackage {
    /// Its id: the checksum of its file in lower-case hex.
    pub id: Box<str>,
    /// What it is.
    pub nevra: Nevra,
    /// How many paths or changelog entries are listed.
    pub items: usize,
}

/// Reads such a file package by package, without keeping what is listed. After an error there is nothing more.
///
/// Each item is [`Error::Repodata`] if the XML is broken or the package has no proper name, version or arch;
/// [`Error::TooLarge`] past a limit; [`Error::Io`] if reading fails.
///
/// ```
/// use odcs_rpm::repodata::{Limits, ListKind, ListReader};
/// let xml = r#"<filelists packages="1"><package pkgid="0a" name="ed" arch="x86_64">
///   <version epoch="0" ver="1.14.1" rel="2"/><file>/usr/bin/ed</file>
/// </package></filelists>"#;
/// let mut reader = ListReader::new(xml.as_bytes(), ListKind::Filelists, Limits::default())?;
/// let listed = reader.next().unwrap()?;
/// assert_eq!((&*listed.id, listed.items), ("0a", 1));
/// assert!(reader.next().is_none());
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
pub struct ListReader<R> {
    pull: Pull<R>,
    kind: ListKind,
    limits: Limits,
    packages: usize,
    is_done: bool,
}

/// What happens within a package.
pub(super) enum ListItem<'a> {
    /// A `<file>` or `<changelog>` begins.
    Start(&'a Element<'a>),
    /// It ends; this was its text.
    End(&'a str),
}

impl<R: BufRead> ListReader<R> {
    /// Begins to read.
    ///
    /// # Errors
    /// [`Error::Repodata`] if this is no such file.
    pub fn new(reader: R, kind: ListKind, limits: Limits) -> Result<Self> {
        let mut pull = Pull::new(reader, limits, kind.as_str());
        pull.expect_root(kind.root())?;
        Ok(Self {
            pull,
            kind,
            limits,
            packages: 0,
            is_done: false,
        })
    }

    /// Reads the next package; its items are handed out on the way.
    pub(super) fn read(
        &mut self,
        mut take: impl FnMut(ListItem<'_>) -> Result<()>,
    ) -> Result<Option<ListedPackage>> {
        let (file, mut items) = (self.kind.as_str(), 0);
        let mut id = String::new();
        let mut nevra = DraftNevra::default();
        loop {
            match self.pull.next()? {
                Token::Eof => return Ok(None),
                Token::Nothing => {}
                Token::Start(element) => match (element.depth, element.name()) {
                    (2, "package") => {
                        self.packages += 1;
                        if self.packages > self.limits.packages {
                            return Err(Error::TooLarge {
                                what: format!("{file} (in packages)"),
                                limit: self.limits.packages as u64,
                            });
                        }
                        element.attributes(|key, value| {
                            match key {
                                "pkgid" => id = value.trim().to_ascii_lowercase(),
                                "name" => nevra.name = Some(value.into()),
                                "arch" => nevra.arch = Some(value.into()),
                                _ => {}
                            }
                            Ok(())
                        })?;
                    }
                    (3, "version") => nevra.take_version(&element)?,
                    (3, "file" | "changelog") => take(ListItem::Start(&element))?,
                    _ => {}
                },
                Token::End(end) => match (end.depth, end.name()) {
                    (3, "file" | "changelog") => {
                        items += 1;
                        take(ListItem::End(end.text))?;
                    }
                    (2, "package") => {
                        let label = nevra.label(self.packages);
                        let nevra = nevra
                            .finish()
                            .map_err(|reason| Error::repodata(file, format!("{label}: {reason}")))?;
                        let id = id.into_boxed_str();
                        return Ok(Some(ListedPackage { id, nevra, items }));
                    }
                    _ => {}
                },
            }
        }
    }
}

impl<R: BufRead> Iterator for ListReader<R> {
    type Item = Result<ListedPackage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let next = self.read(|_| Ok(())).transpose();
        self.is_done = !matches!(next, Some(Ok(_)));
        next
    }
}
