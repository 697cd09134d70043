//! The files of a `repodata` folder.

use std::fmt;

use rayon::join;
use rayon::prelude::*;

use super::encode::Xml;
use super::pieces::Pieces;
use super::repomd::Repomd;
use super::updateinfo::UpdateInfo;
use super::write_xml::Entry;
use super::writer::RepodataWriter;
use crate::compression::WriteCompression;
use crate::header::FileDigests;
use crate::{Digest, Result};

/// Packages whose XML is made at a time.
const CHUNK: usize = 128;

/// One file of a `repodata` folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RepodataFile {
    /// Its name in the folder: `SHA256-primary.xml.gz`, …, or `repomd.xml`.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// What goes into a `repodata` folder besides the packages, and in which form.
///
/// ```
/// use odcs_rpm::compression::WriteCompression;
/// use odcs_rpm::repodata::{RepodataOptions, UpdateInfo};
/// let updates = UpdateInfo::parse("<updates/>".into())?;
/// let options = RepodataOptions::new(1795254151)
///     .with_updateinfo(&updates)
///     .with_compression(WriteCompression::Zstd);
/// assert_eq!(options.revision, 1795254151);
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct RepodataOptions<'a> {
    /// The revision, which is also the time of all files in seconds since 1970.
    pub revision: u64,
    /// A comps file: its name, and the XML.
    pub comps: Option<(&'a str, &'a [u8])>,
    /// Which updates the packages belong to.
    pub updateinfo: Option<&'a UpdateInfo>,
    /// How the files are compressed.
    pub compression: WriteCompression,
    /// Asks for `filelists-ext`: who knows the digests of the files in a package. Where packages come
    /// [described](super::Described), nobody is asked.
    pub filelists_ext: Option<&'a FileDigestsOf<'a>>,
    /// Asks for `filelists-ext`, of packages that come described with digests.
    pub described_digests: bool,
}

/// Says what the digests of the files in a package are. It is called from several threads.
pub type FileDigestsOf<'a> = dyn Fn(&Entry<'_>) -> Result<FileDigests> + Sync + 'a;

impl<'a> RepodataOptions<'a> {
    /// Nothing but the packages, compressed with gzip.
    pub fn new(revision: u64) -> Self {
        Self {
            revision,
            comps: None,
            updateinfo: None,
            compression: WriteCompression::default(),
            filelists_ext: None,
            described_digests: false,
        }
    }

    /// Adds a comps file: its name, and the XML.
    #[must_use]
    pub fn with_comps(mut self, name: &'a str, xml: &'a [u8]) -> Self {
        self.comps = Some((name, xml));
        self
    }

    /// Adds the updates that the packages belong to.
    #[must_use]
    pub fn with_updateinfo(mut self, updates: &'a UpdateInfo) -> Self {
        self.updateinfo = Some(updates);
        self
    }

    /// Chooses the compression.
    #[must_use]
    pub fn with_compression(mut self, compression: WriteCompression) -> Self {
        self.compression = compression;
        self
    }

    /// Adds `filelists-ext`; `digests` is asked for each package.
    #[must_use]
    pub fn with_filelists_ext(mut self, digests: &'a FileDigestsOf<'a>) -> Self {
        self.filelists_ext = Some(digests);
        self
    }

    /// Adds `filelists-ext`, for [`RepodataWriter`]: the pieces of all packages come
    /// [with digests](Pieces::render_with_digests).
    #[must_use]
    pub fn with_described_digests(mut self) -> Self {
        self.described_digests = true;
        self
    }

    pub(super) fn has_filelists_ext(&self) -> bool {
        self.described_digests || self.filelists_ext.is_some()
    }
}

impl fmt::Debug for RepodataOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepodataOptions")
            .field("revision", &self.revision)
            .field("comps", &self.comps.map(|(name, _)| name))
            .field("updateinfo", &self.updateinfo)
            .field("compression", &self.compression)
            .field("filelists_ext", &self.has_filelists_ext())
            .finish()
    }
}

/// Makes the files of a `repodata` folder in memory: all that [`RepodataWriter`] writes, named by their SHA-256, and
/// `repomd.xml`, which comes last since a repository is complete once it is there.
///
/// The same input gives the same bytes. Packages are made into XML in parallel, while those before them are written.
///
/// # Errors
/// Those of `filelists_ext`. Else none is known to happen: everything is in memory.
///
/// ```
/// use odcs_rpm::repodata::{RepodataOptions, Repomd, write_repodata};
/// let files = write_repodata(&[], RepodataOptions::new(1795254151))?;
/// let repomd = Repomd::parse(&files.last().unwrap().bytes)?;
/// assert_eq!(repomd.records[0].location, format!("repodata/{}", files[0].name));
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
pub fn write_repodata(entries: &[Entry<'_>], options: RepodataOptions<'_>) -> Result<Vec<RepodataFile>> {
    let mut writer = RepodataWriter::begin(entries.len() as u64, options, |_| Ok(Vec::new()))?;
    let render = |pieces: &mut Vec<Pieces>, entries: &[Entry<'_>]| {
        pieces.resize_with(entries.len(), Pieces::default);
        let both = pieces.par_iter_mut().zip(entries);
        both.try_for_each(|(pieces, entry)| {
            match options.filelists_ext {
                None => pieces.render(entry.package),
                Some(digests) => pieces.render_with_digests(entry.package, &digests(entry)?),
            }
            Ok(())
        })
    };
    let (mut now, mut next) = (Vec::new(), Vec::new());
    let mut chunks = entries.chunks(CHUNK).peekable();
    if let Some(first) = chunks.peek() {
        render(&mut now, first)?;
    }
    while let Some(chunk) = chunks.next() {
        let following = chunks.peek().copied().unwrap_or_default();
        let described: Vec<_> = chunk
            .iter()
            .zip(&now)
            .map(|(entry, pieces)| entry.described(pieces))
            .collect();
        let (written, rendered) = join(|| writer.write(&described), || render(&mut next, following));
        written.and(rendered)?;
        std::mem::swap(&mut now, &mut next);
    }
    let finished = writer.finish()?;
    let files = finished.files.into_iter().map(|file| RepodataFile {
        name: file.written.name,
        bytes: file.out,
    });
    let repomd = RepodataFile {
        name: "repomd.xml".into(),
        bytes: finished.repomd,
    };
    Ok(files.chain([repomd]).collect())
}

impl Repomd {
    /// Writes a `repomd.xml`, as `createrepo_c` does.
    pub fn to_xml(&self) -> Vec<u8> {
        let mut xml = Xml::default();
        xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        xml.raw("<repomd xmlns=\"http://linux.duke.edu/metadata/repo\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\">\n");
        if let Some(revision) = &self.revision {
            xml.raw("  <revision>").text(revision).raw("</revision>\n");
        }
        for record in &self.records {
            xml.raw("  <data type=\"").value(&record.kind).raw("\">\n");
            checksum(&mut xml, "checksum", Some(&record.checksum));
            checksum(&mut xml, "open-checksum", record.open_checksum.as_ref());
            xml.raw("    <location href=\"")
                .value(&record.location)
                .raw("\"/>\n");
            for (name, number) in [
                ("timestamp", record.timestamp),
                ("size", record.size),
                ("open-size", record.open_size),
            ] {
                if let Some(number) = number {
                    xml.raw("    <").raw(name).raw(">").number(number);
                    xml.raw("</").raw(name).raw(">\n");
                }
            }
            xml.raw("  </data>\n");
        }
        xml.raw("</repomd>\n");
        xml.bytes
    }
}

fn checksum(xml: &mut Xml, name: &str, digest: Option<&Digest>) {
    if let Some(digest) = digest {
        xml.raw("    <")
            .raw(name)
            .raw(" type=\"")
            .raw(digest.algorithm().as_str())
            .raw("\">");
        xml.raw(digest.hex()).raw("</").raw(name).raw(">\n");
    }
}
