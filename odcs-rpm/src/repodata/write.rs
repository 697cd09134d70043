//! The files of a `repodata` folder.

use std::fmt;

use rayon::join;

use super::encode::Xml;
use super::repomd::{Repomd, RepomdRecord};
use super::updateinfo::UpdateInfo;
use super::write_xml::{Entry, write_filelists, write_filelists_ext, write_other, write_primary};
use crate::compression::{CompressingWriter, WriteCompression};
use crate::digest::Hasher;
use crate::header::FileDigests;
use crate::{Digest, DigestAlgorithm, Result};

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
    /// Asks for `filelists-ext`: who knows the digests of the files in a package.
    pub filelists_ext: Option<&'a FileDigestsOf<'a>>,
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
}

impl fmt::Debug for RepodataOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepodataOptions")
            .field("revision", &self.revision)
            .field("comps", &self.comps.map(|(name, _)| name))
            .field("updateinfo", &self.updateinfo)
            .field("compression", &self.compression)
            .field("filelists_ext", &self.filelists_ext.is_some())
            .finish()
    }
}

/// Makes the files of a `repodata` folder: `primary`, `filelists` and `other`, compressed, `filelists-ext` and
/// `updateinfo` where they are asked for, the comps file plain (`group`) and compressed (`group_gz`, `group_zst`),
/// all named by their SHA-256, and `repomd.xml`, which comes last since a repository is complete once it is
/// there.
///
/// The same input gives the same bytes. The large files are made in parallel.
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
    let compression = options.compression;
    let (primary, (filelists, (other, filelists_ext))) = join(
        || Made::stream("primary", compression, |out| write_primary(entries, out)),
        || {
            join(
                || Made::stream("filelists", compression, |out| write_filelists(entries, out)),
                || {
                    join(
                        || Made::stream("other", compression, |out| write_other(entries, out)),
                        || {
                            options.filelists_ext.map(|digests| {
                                Made::stream("filelists-ext", compression, |out| {
                                    write_filelists_ext(entries, digests, out)
                                })
                            })
                        },
                    )
                },
            )
        },
    );
    let mut made = vec![primary?, filelists?, other?];
    made.extend(filelists_ext.transpose()?);
    if let Some((name, bytes)) = options.comps {
        made.push(Made::plain("group", name, bytes));
        let kind = match compression {
            WriteCompression::Gzip => "group_gz",
            WriteCompression::Zstd => "group_zst",
        };
        made.push(Made::compressed(kind, name, bytes, compression)?);
    }
    if let Some(updates) = options.updateinfo {
        let name = "updateinfo.xml";
        made.push(Made::compressed(
            "updateinfo",
            name,
            updates.bytes(),
            compression,
        )?);
    }
    let repomd = Repomd {
        revision: Some(options.revision.to_string()),
        records: made.iter().map(|made| made.record(options.revision)).collect(),
    };
    let mut files: Vec<_> = made.into_iter().map(|made| made.file).collect();
    files.push(RepodataFile {
        name: "repomd.xml".into(),
        bytes: repomd.to_xml(),
    });
    Ok(files)
}

/// A file with what `repomd.xml` says of it.
struct Made {
    kind: &'static str,
    file: RepodataFile,
    checksum: Digest,
    open: Option<(Digest, u64)>,
}

impl Made {
    /// A compressed file, from a function that writes it uncompressed.
    fn stream(
        kind: &'static str,
        compression: WriteCompression,
        write: impl FnOnce(&mut dyn std::io::Write) -> Result<()>,
    ) -> Result<Self> {
        let mut out = OpenFile {
            compressed: CompressingWriter::new(compression)?,
            hasher: Hasher::new(DigestAlgorithm::Sha256),
            bytes: 0,
        };
        // Packages are small; compressors are quicker in larger pieces.
        let mut buffer = std::io::BufWriter::with_capacity(128 << 10, &mut out);
        write(&mut buffer)?;
        std::io::Write::flush(&mut buffer)?;
        drop(buffer);
        let open = (out.hasher.finish(), out.bytes);
        let name = format!("{kind}.xml.{}", compression.suffix());
        Ok(Self::new(kind, &name, out.compressed.finish()?, Some(open)))
    }

    fn plain(kind: &'static str, name: &str, bytes: &[u8]) -> Self {
        Self::new(kind, name, bytes.to_vec(), None)
    }

    fn compressed(
        kind: &'static str,
        name: &str,
        bytes: &[u8],
        compression: WriteCompression,
    ) -> Result<Self> {
        let open = (
            Digest::of_bytes(DigestAlgorithm::Sha256, bytes),
            bytes.len() as u64,
        );
        let name = format!("{name}.{}", compression.suffix());
        Ok(Self::new(kind, &name, compression.compress(bytes)?, Some(open)))
    }

    fn new(kind: &'static str, name: &str, bytes: Vec<u8>, open: Option<(Digest, u64)>) -> Self {
        let checksum = Digest::of_bytes(DigestAlgorithm::Sha256, &bytes);
        let name = format!("{}-{name}", checksum.hex());
        Self {
            kind,
            file: RepodataFile { name, bytes },
            checksum,
            open,
        }
    }

    fn record(&self, timestamp: u64) -> RepomdRecord {
        let (open_checksum, open_size) = self.open.clone().unzip();
        RepomdRecord {
            kind: self.kind.into(),
            location: format!("repodata/{}", self.file.name),
            checksum: self.checksum.clone(),
            open_checksum,
            size: Some(self.file.bytes.len() as u64),
            open_size,
            timestamp: Some(timestamp),
        }
    }
}

/// Compresses what it is given, and hashes it before.
struct OpenFile {
    compressed: CompressingWriter,
    hasher: Hasher,
    bytes: u64,
}

impl std::io::Write for OpenFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.compressed.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
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
