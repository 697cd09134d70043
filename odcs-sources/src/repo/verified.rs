//! Metadata files, read as streams: the largest have hundreds of megabytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};

use odcs_rpm::Digest;
use odcs_rpm::compression::{Compression, decoder};
use odcs_rpm::digest::Hasher;
use odcs_rpm::repodata::RepomdRecord;

use super::config::RepoSettings;
use super::error::{Reason, RepoError};
use super::metadata::Files;

/// What the limit on decompressed bytes is of, in errors.
const METADATA: &str = "metadata";

/// Bytes that are read at once.
const BUFFER: usize = 128 << 10;

/// A metadata file whose size and checksum are what they should be: nothing of it is looked at before.
#[derive(Debug)]
pub(super) struct Verified<'a> {
    /// Its path or URL.
    pub(super) name: String,
    file: File,
    size: u64,
    record: &'a RepomdRecord,
}

impl<'a> Verified<'a> {
    /// Reads a file to its end, for its size and its checksum.
    pub(super) fn open(
        repository: &dyn Files,
        record: &'a RepomdRecord,
        settings: &RepoSettings,
    ) -> Result<Self, RepoError> {
        let name = format!("{}/{}", repository.name(), record.location);
        let repomd = format!("{}/repodata/repomd.xml", repository.name());
        let file = repository.metadata(record).map_err(|_| {
            let (package, href) = (format!("its {} file", record.kind), record.location.clone());
            RepoError::new(Reason::Location { package, href }, repomd)
        })?;
        let mut file = file.open().map_err(|error| RepoError::io(error, &name))?;
        let limit = settings.metadata_bytes;
        let whole = (&file).take(limit.saturating_add(1));
        let (digest, size) = Digest::of_reader(record.checksum.algorithm(), whole)
            .map_err(|error| RepoError::damaged(error, &name))?;
        if size > limit {
            return Err(RepoError::new(Reason::Limit(format!("{limit} bytes")), name));
        }
        if let Some(expected) = record.size.filter(|expected| *expected != size) {
            let found = size;
            return Err(RepoError::new(Reason::Size { expected, found }, name));
        }
        if digest != record.checksum {
            let (expected, found) = (record.checksum.hex().to_owned(), digest.hex().to_owned());
            return Err(RepoError::new(Reason::Checksum { expected, found }, name));
        }
        file.rewind().map_err(|error| RepoError::io(error, &name))?;
        Ok(Self {
            name,
            file,
            size,
            record,
        })
    }

    /// Decompresses the file and hands it to its reader, as far as `repomd.xml` says that it goes. What was read
    /// counts only if it still was what had been verified.
    pub(super) fn read<T>(
        self,
        settings: &RepoSettings,
        read: impl FnOnce(&mut dyn BufRead) -> odcs_rpm::Result<T>,
    ) -> Result<T, RepoError> {
        let Self {
            name,
            file,
            size,
            record,
        } = self;
        let compression = Compression::of_file_name(&record.location);
        let most = settings.open_metadata_bytes;
        // Some tools write a zero for what they do not know.
        let said = record.open_size.filter(|size| (1..most).contains(size));
        let damaged = |error| match (error, said) {
            (odcs_rpm::Error::TooLarge { what, limit }, Some(said)) if what == METADATA && limit == said => {
                let reason = format!(
                    "it holds more than the {said} bytes that repomd.xml says it has when decompressed"
                );
                RepoError::new(Reason::Damaged, &name).caused_by(reason)
            }
            (error, _) => RepoError::damaged(error, &name),
        };
        let hashed = Hashed {
            reader: file.take(size),
            hasher: Hasher::new(record.checksum.algorithm()),
        };
        let mut input = BufReader::with_capacity(BUFFER, hashed);
        let result = decoder(&mut input, compression, METADATA, said.unwrap_or(most))
            .map(|decoder| decoder.with_ratio(settings.metadata_ratio))
            .and_then(|decoder| read(&mut BufReader::with_capacity(BUFFER, decoder)));
        let mut hashed = input.into_inner();
        io::copy(&mut hashed, &mut io::sink()).map_err(|error| RepoError::io(error, &name))?;
        if hashed.hasher.finish() != record.checksum {
            return Err(RepoError::new(Reason::Changed, &name));
        }
        result.map_err(damaged)
    }
}

/// Computes the checksum of what is read.
struct Hashed<R> {
    reader: R,
    hasher: Hasher,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use super::*;
    use crate::repo::roots::Roots;
    use odcs_rpm::{DigestAlgorithm, compression};

    #[test]
    fn what_was_verified_is_what_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        let (file, settings) = (path.join("primary.xml.gz"), RepoSettings::new([&path]));
        let roots = Roots::open(&settings.roots, &[]).unwrap();
        let repository = roots.locate(path.to_str().unwrap()).unwrap();
        let old = compression::gzip(b"<metadata>old</metadata>").unwrap();
        let new = compression::gzip(b"<metadata>new</metadata>").unwrap();
        assert_eq!(old.len(), new.len());
        let record = RepomdRecord {
            kind: "primary".to_owned(),
            location: "primary.xml.gz".to_owned(),
            checksum: Digest::of_bytes(DigestAlgorithm::Sha256, &old),
            open_checksum: None,
            size: None,
            open_size: None,
            timestamp: None,
        };
        // The last reads nothing: what it makes of the beginning counts no more.
        for (now, reads) in [(&old, true), (&new, true), (&new, false)] {
            std::fs::write(&file, &old).unwrap();
            let verified = Verified::open(&repository, &record, &settings).unwrap();
            std::fs::write(&file, now).unwrap();
            let mut text = String::new();
            let result = verified.read(&settings, |reader| {
                if reads {
                    reader.read_to_string(&mut text)?;
                }
                Ok(())
            });
            if now == &old {
                result.unwrap();
                assert_eq!(text, "<metadata>old</metadata>");
            } else {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), odcs_core::ErrorKind::Gone, "{error}");
            }
        }
        std::fs::write(&file, &new).unwrap();
        let error = Verified::open(&repository, &record, &settings).unwrap_err();
        assert!(error.to_string().contains("its checksum should be"), "{error}");
    }
}
