//! The files of a `repodata` folder.

use rayon::join;

use super::encode::Xml;
use super::repomd::{Repomd, RepomdRecord};
use super::write_xml::{Entry, write_filelists, write_other, write_primary};
use crate::compression::{GzipWriter, gzip};
use crate::digest::Hasher;
use crate::{Digest, DigestAlgorithm, Result};

/// One file of a `repodata` folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RepodataFile {
    /// Its name in the folder: `SHA256-primary.xml.gz`, …, or `repomd.xml`.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// What goes into a `repodata` folder besides the packages.
#[derive(Clone, Copy, Debug)]
pub struct RepodataOptions<'a> {
    /// The revision, which is also the time of all files in seconds since 1970.
    pub revision: u64,
    /// A comps file: its name, and the XML.
    pub comps: Option<(&'a str, &'a [u8])>,
}

/// Makes the files of a `repodata` folder: `primary`, `filelists` and `other`, gzip-compressed, the comps
/// file plain and compressed, all named by their SHA-256, and `repomd.xml`, which comes last since a
/// repository is complete once it is there.
///
/// The same input gives the same bytes. The three large files are made in parallel.
///
/// # Errors
/// None is known to happen: everything is in memory.
///
/// ```
/// use odcs_rpm::repodata::{RepodataOptions, Repomd, write_repodata};
/// let files = write_repodata(&[], RepodataOptions { revision: 1795254151, comps: None })?;
/// let repomd = Repomd::parse(&files.last().unwrap().bytes)?;
/// assert_eq!(repomd.records[0].location, format!("repodata/{}", files[0].name));
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
pub fn write_repodata(entries: &[Entry<'_>], options: RepodataOptions<'_>) -> Result<Vec<RepodataFile>> {
    let (primary, (filelists, other)) = join(
        || Made::stream("primary", |out| write_primary(entries, out)),
        || {
            join(
                || Made::stream("filelists", |out| write_filelists(entries, out)),
                || Made::stream("other", |out| write_other(entries, out)),
            )
        },
    );
    let mut made = vec![primary?, filelists?, other?];
    if let Some((name, bytes)) = options.comps {
        made.push(Made::comps(name, bytes));
        made.push(Made::compressed_comps(name, bytes)?);
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
    fn stream(kind: &'static str, write: impl FnOnce(&mut dyn std::io::Write) -> Result<()>) -> Result<Self> {
        let mut out = OpenFile {
            gzip: GzipWriter::default(),
            hasher: Hasher::new(DigestAlgorithm::Sha256),
            bytes: 0,
        };
        // Packages are small; deflate is quicker in larger pieces.
        let mut buffer = std::io::BufWriter::with_capacity(128 << 10, &mut out);
        write(&mut buffer)?;
        std::io::Write::flush(&mut buffer)?;
        drop(buffer);
        let open = (out.hasher.finish(), out.bytes);
        Ok(Self::new(
            kind,
            &format!("{kind}.xml.gz"),
            out.gzip.finish()?,
            Some(open),
        ))
    }

    fn comps(name: &str, bytes: &[u8]) -> Self {
        Self::new("group", name, bytes.to_vec(), None)
    }

    fn compressed_comps(name: &str, bytes: &[u8]) -> Result<Self> {
        let open = (
            Digest::of_bytes(DigestAlgorithm::Sha256, bytes),
            bytes.len() as u64,
        );
        Ok(Self::new(
            "group_gz",
            &format!("{name}.gz"),
            gzip(bytes)?,
            Some(open),
        ))
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
    gzip: GzipWriter,
    hasher: Hasher,
    bytes: u64,
}

impl std::io::Write for OpenFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.gzip.write(bytes)?;
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
