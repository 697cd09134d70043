//! `repomd.xml`: which files a repository's metadata consists of.

use super::{Limits, Pull, Token};
use crate::{Digest, DigestAlgorithm, Error, Result};

const FILE: &str = "repomd.xml";

/// Files that one repository may name; real ones have about fifteen.
const MAX_RECORDS: usize = 200;

/// What a `repomd.xml` says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Repomd {
    /// The revision: mostly a time in seconds since 1970, but any text is allowed.
    pub revision: Option<String>,
    /// The files, in the order of `repomd.xml`.
    pub records: Vec<RepomdRecord>,
}

/// One file named in a `repomd.xml`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RepomdRecord {
    /// What it is: `primary`, `filelists`, `other`, `group`, `modules`, `primary_db`, …
    pub kind: String,
    /// Where it is, relative to the repository: as written, not checked in any way.
    pub location: String,
    /// Checksum of the file as it lies there.
    pub checksum: Digest,
    /// Checksum after decompression; absent for files that are not compressed.
    pub open_checksum: Option<Digest>,
    /// Bytes of the file.
    pub size: Option<u64>,
    /// Bytes after decompression.
    pub open_size: Option<u64>,
    /// When it was made, in seconds since 1970; fractions that some tools write are dropped.
    pub timestamp: Option<u64>,
}

impl Repomd {
    /// Reads a `repomd.xml`.
    ///
    /// # Errors
    /// [`Error::Repodata`] if it is none, or a record lacks its location or checksum;
    /// [`Error::TooLarge`] with more than 200 records.
    ///
    /// ```
    /// use odcs_rpm::repodata::Repomd;
    /// let repomd = Repomd::parse(br#"<repomd><revision>1795254151</revision><data type="primary">
    ///   <checksum type="sha1">da39a3ee5e6b4b0d3255bfef95601890afd80709</checksum>
    ///   <location href="repodata/primary.xml.gz"/>
    /// </data></repomd>"#)?;
    /// assert_eq!(repomd.record("primary").unwrap().location, "repodata/primary.xml.gz");
    /// # Ok::<(), odcs_rpm::Error>(())
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut pull = Pull::new(bytes, Limits::default(), FILE);
        pull.expect_root("repomd")?;
        let mut repomd = Self::default();
        let mut draft = Draft::default();
        loop {
            match pull.next()? {
                Token::Eof => return Ok(repomd),
                Token::Nothing => {}
                Token::Start(element) => match (element.depth, element.name()) {
                    (2, "data") => {
                        draft = Draft {
                            kind: element.attribute("type")?.unwrap_or_default(),
                            ..Draft::default()
                        };
                    }
                    (3, "location") => draft.location = element.attribute("href")?,
                    (3, "checksum" | "open-checksum") => {
                        draft.algorithm = element.attribute("type")?.unwrap_or_default();
                    }
                    _ => {}
                },
                Token::End(end) => match (end.depth, end.name()) {
                    (2, "revision") => repomd.revision = Some(end.text.trim().into()),
                    (2, "data") => {
                        if repomd.records.len() >= MAX_RECORDS {
                            return Err(Error::TooLarge {
                                what: format!("{FILE} (in files)"),
                                limit: MAX_RECORDS as u64,
                            });
                        }
                        repomd.records.push(std::mem::take(&mut draft).finish()?);
                    }
                    (3, "checksum") => draft.checksum = Some(draft.take_checksum(end.text)?),
                    (3, "open-checksum") => draft.open_checksum = Some(draft.take_checksum(end.text)?),
                    (3, "size") => draft.size = end.text.trim().parse().ok(),
                    (3, "open-size") => draft.open_size = end.text.trim().parse().ok(),
                    (3, "timestamp") => {
                        let whole = end.text.trim().split('.').next().unwrap_or_default();
                        draft.timestamp = whole.parse().ok();
                    }
                    _ => {}
                },
            }
        }
    }

    /// The first record of a kind.
    pub fn record(&self, kind: &str) -> Option<&RepomdRecord> {
        self.records.iter().find(|record| record.kind == kind)
    }
}

/// A record while its elements come in.
#[derive(Default)]
struct Draft {
    kind: String,
    location: Option<String>,
    /// The `type` of the checksum whose text comes next.
    algorithm: String,
    checksum: Option<Digest>,
    open_checksum: Option<Digest>,
    size: Option<u64>,
    open_size: Option<u64>,
    timestamp: Option<u64>,
}

impl Draft {
    fn explain(&self, reason: impl std::fmt::Display) -> Error {
        let kind: String = self.kind.chars().take(80).collect();
        Error::repodata(FILE, format!("the entry for {kind:?}: {reason}"))
    }

    fn take_checksum(&self, text: &str) -> Result<Digest> {
        DigestAlgorithm::from_repodata(&self.algorithm)
            .and_then(|algorithm| Digest::new(algorithm, text))
            .map_err(|error| self.explain(error))
    }

    fn finish(mut self) -> Result<RepomdRecord> {
        let (location, checksum) = (self.location.take(), self.checksum.take());
        Ok(RepomdRecord {
            location: location.ok_or_else(|| self.explain("it has no location"))?,
            checksum: checksum.ok_or_else(|| self.explain("it has no checksum"))?,
            kind: self.kind,
            open_checksum: self.open_checksum,
            size: self.size,
            open_size: self.open_size,
            timestamp: self.timestamp,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incomplete_records_are_named() {
        for (inside, expected) in [
            ("<location href='x'/>", "it has no checksum"),
            (
                "<checksum type='md5'>00</checksum>",
                "\"md5\" is not a checksum type",
            ),
            (
                "<checksum type='sha256'>00</checksum>",
                "\"00\" is not a checksum",
            ),
        ] {
            let xml = format!("<repomd><data type='primary'>{inside}</data></repomd>");
            let error = Repomd::parse(xml.as_bytes()).unwrap_err().to_string();
            assert!(
                error.starts_with("repomd.xml: the entry for \"primary\": "),
                "{error}"
            );
            assert!(error.contains(expected), "{error}");
        }
        assert!(Repomd::parse(b"<html>Not found</html>").is_err());
        assert!(Repomd::parse(b"<repomd><data>").is_err());
    }
}
