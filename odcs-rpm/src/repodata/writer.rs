//! Writing the files of a `repodata` folder package by package.

use std::fmt;
use std::io::Write;

use rayon::prelude::*;

use super::block::{Block, BlockCache, OpenBlock, StoredBlock};
use super::package_file::PackageFile;
use super::pieces::PiecesView;
use super::repomd::{Repomd, RepomdRecord};
use super::stream::{Stored, Stream};
use super::write::RepodataOptions;
use crate::compression::{BLOCK, WriteCompression};
use crate::{Digest, DigestAlgorithm, Error, Result};

/// A package to be written: its XML, and what stands in it of the file and the repository.
#[derive(Clone, Copy, Debug)]
pub struct Described<'a> {
    /// The XML.
    pub pieces: PiecesView<'a>,
    /// Checksum of the `.rpm` file.
    pub checksum: &'a Digest,
    /// Path of the `.rpm` file relative to the repository.
    pub location: &'a str,
}

/// Writes the files of a `repodata` folder: `primary`, `filelists` and `other`, compressed, `filelists-ext` and
/// `updateinfo` where they are asked for, the comps file plain (`group`) and compressed (`group_gz`, `group_zst`),
/// and makes the `repomd.xml` to go with them.
///
/// Packages come in chunks, of some hundred best. Nothing is kept of them once they are written, but for the
/// last MiB of each file. The files are made in parallel, on the rayon pool that this is called from.
///
/// What is written depends on the packages, their order and the options: neither on the chunks, nor on the number of
/// threads, nor on the time, nor on what a [cache of blocks](Self::with_blocks) has.
///
/// ```
/// use odcs_rpm::repodata::{Described, Pieces, RepodataOptions, RepodataWriter};
/// use odcs_rpm::{Digest, DigestAlgorithm, Package};
/// let mut pieces = Pieces::default();
/// pieces.render(&Package::new("ed-1.14.1-2.x86_64".parse()?));
/// let options = RepodataOptions::new(1795254151);
/// let mut writer = RepodataWriter::begin(1, options, |_kind| Ok(Vec::new()))?;
/// writer.write(&[Described {
///     pieces: pieces.view(),
///     checksum: &Digest::of_bytes(DigestAlgorithm::Sha256, b"the file"),
///     location: "Packages/e/ed-1.14.1-2.x86_64.rpm",
/// }])?;
/// let finished = writer.finish()?;
/// let primary = &finished.files[0];
/// assert_eq!((primary.written.kind, primary.written.packages), ("primary", Some(1)));
/// primary.written.verify_content(&*primary.out)?;
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
pub struct RepodataWriter<'a, W> {
    revision: u64,
    packages: u64,
    written: u64,
    lists: Vec<Stream<'a, W>>,
    documents: Vec<FinishedFile<W>>,
}

/// All files of a `repodata` folder.
#[derive(Debug)]
pub struct Finished<W> {
    /// All but `repomd.xml`, in its order.
    pub files: Vec<FinishedFile<W>>,
    /// `repomd.xml`, which is to be written last: a repository is complete once it is there.
    pub repomd: Vec<u8>,
}

/// A file of a `repodata` folder, and where it was written to.
#[derive(Debug)]
pub struct FinishedFile<W> {
    /// What it is.
    pub written: WrittenFile,
    /// Where it was written to.
    pub out: W,
}

/// What was written into a file of a `repodata` folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrittenFile {
    /// What `repomd.xml` calls it: `primary`, `filelists`, `other`, `filelists-ext`, `group`, …
    pub kind: &'static str,
    /// The name that it is to have in the folder: `SHA256-primary.xml.gz`, …
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// Its SHA-256.
    pub checksum: Digest,
    /// SHA-256 and bytes of what it holds, uncompressed; `None` for a file that is not compressed.
    pub open: Option<(Digest, u64)>,
    /// How many packages it lists; `None` if it is no list of packages.
    pub packages: Option<u64>,
    pub(super) compression: WriteCompression,
    /// The blocks that were compressed by themselves, one after the other.
    pub(super) blocks: Vec<Block>,
}

impl WrittenFile {
    /// What `repomd.xml` says of it; all times are that one, in seconds since 1970.
    pub fn record(&self, timestamp: u64) -> RepomdRecord {
        let (open_checksum, open_size) = self.open.clone().unzip();
        RepomdRecord {
            kind: self.kind.into(),
            location: format!("repodata/{}", self.name),
            checksum: self.checksum.clone(),
            open_checksum,
            size: Some(self.size),
            open_size,
            timestamp: Some(timestamp),
        }
    }
}

impl<'a, W: Write + Send> RepodataWriter<'a, W> {
    /// Begins a repository with so many packages; `open` is asked where to write each file, in no particular order,
    /// by what `repomd.xml` calls it. Their names are known at the end.
    ///
    /// # Errors
    /// Those of `open`; [`Error::Io`] from what it gave, or if a compressor cannot be set up.
    pub fn begin(
        packages: u64,
        options: RepodataOptions<'_>,
        mut open: impl FnMut(&'static str) -> Result<W>,
    ) -> Result<Self> {
        let compression = options.compression;
        let mut kinds = vec![PackageFile::Primary, PackageFile::Filelists, PackageFile::Other];
        if options.has_filelists_ext() {
            kinds.push(PackageFile::FilelistsExt);
        }
        let lists = kinds
            .into_iter()
            .map(|file| Stream::begin(file, compression, packages, open(file.kind())?))
            .collect::<Result<_>>()?;
        let mut documents = Vec::new();
        if let Some((name, xml)) = options.comps {
            documents.push(plain("group", name, xml, open("group")?)?);
            let kind = match compression {
                WriteCompression::Gzip => "group_gz",
                WriteCompression::Zstd => "group_zst",
            };
            documents.push(compressed(kind, name, xml, compression, open(kind)?)?);
        }
        if let Some(updates) = options.updateinfo {
            let (kind, name) = ("updateinfo", "updateinfo.xml");
            documents.push(compressed(kind, name, updates.bytes(), compression, open(kind)?)?);
        }
        Ok(Self {
            revision: options.revision,
            packages,
            written: 0,
            lists,
            documents,
        })
    }

    /// Lets blocks be found that were compressed before, and keeps those that were not.
    #[must_use]
    pub fn with_blocks(mut self, blocks: &'a dyn BlockCache) -> Self {
        self.lists.iter_mut().for_each(|list| list.cache = Some(blocks));
        self
    }

    /// Adds packages. After an error the files are of no use.
    ///
    /// # Errors
    /// [`Error::Io`] from writing; [`Error::Repodata`] if `filelists-ext` is asked for and a package has no digests
    /// for it.
    pub fn write(&mut self, chunk: &[Described<'_>]) -> Result<()> {
        self.lists.par_iter_mut().try_for_each(|list| list.write(chunk))?;
        self.written += chunk.len() as u64;
        Ok(())
    }

    /// Ends all files.
    ///
    /// # Errors
    /// [`Error::Io`] from writing; [`Error::Repodata`] if there were more or fewer packages than the files begin
    /// with, one of which may have failed to be written.
    pub fn finish(self) -> Result<Finished<W>> {
        let (packages, written) = (self.packages, self.written);
        if packages != written {
            let reason = format!("{written} packages were written of {packages}");
            return Err(Error::repodata("primary", reason));
        }
        let finish = |list: Stream<'_, W>| {
            let (written, out) = list.finish(packages)?;
            Ok(FinishedFile { written, out })
        };
        let mut files: Vec<_> = self.lists.into_par_iter().map(finish).collect::<Result<_>>()?;
        files.extend(self.documents);
        let records = files.iter().map(|file| file.written.record(self.revision));
        let repomd = Repomd {
            revision: Some(self.revision.to_string()),
            records: records.collect(),
        };
        let repomd = repomd.to_xml();
        Ok(Finished { files, repomd })
    }
}

impl<W> fmt::Debug for RepodataWriter<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepodataWriter")
            .field("packages", &self.packages)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

fn plain<W: Write>(kind: &'static str, name: &str, bytes: &[u8], out: W) -> Result<FinishedFile<W>> {
    let mut stored = Stored::new(out, WriteCompression::default());
    stored.write_plain(bytes)?;
    let (written, out) = stored.finish(kind, name, None, None)?;
    Ok(FinishedFile { written, out })
}

fn compressed<W: Write>(
    kind: &'static str,
    name: &str,
    bytes: &[u8],
    compression: WriteCompression,
    out: W,
) -> Result<FinishedFile<W>> {
    let checksum = Digest::of_bytes(DigestAlgorithm::Sha256, bytes);
    let mut stored = Stored::new(out, compression);
    let mut write = |bytes: &[u8]| {
        let block = OpenBlock {
            bytes: bytes.to_vec(),
            ..OpenBlock::default()
        };
        let mut compressed = StoredBlock::default();
        let block = compressed.compress(&block, kind, compression, None)?;
        stored.write(block, &compressed)
    };
    let mut blocks = bytes.chunks(BLOCK);
    // Nothing is a file as well.
    write(blocks.next().unwrap_or_default())?;
    blocks.try_for_each(write)?;
    let name = format!("{name}.{}", compression.suffix());
    let open = (checksum, bytes.len() as u64);
    let (written, out) = stored.finish(kind, &name, Some(open), None)?;
    Ok(FinishedFile { written, out })
}
