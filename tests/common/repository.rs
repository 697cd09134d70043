//! Repositories to make composes from, sound ones and others.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use odcs_rpm::compression::{Compression, decoder};
use odcs_rpm::{Digest, DigestAlgorithm};
use test_support::{copy_tree, test_repository};

/// A copy of the project's own test repository that can be spoiled.
pub(crate) struct Repository {
    pub(crate) path: PathBuf,
}

impl Repository {
    /// A copy below a directory.
    pub(crate) fn copy_below(dir: &Path) -> Self {
        Self::copy(&dir.join("repo"))
    }

    /// A copy at a path.
    pub(crate) fn copy(path: &Path) -> Self {
        copy_tree(&test_repository(), path);
        Self {
            path: path.to_owned(),
        }
    }

    /// The file of a package.
    pub(crate) fn package(&self, file_name: &str) -> PathBuf {
        self.path.join("Packages").join(file_name)
    }

    /// A file of the metadata by the end of its name.
    pub(crate) fn metadata(&self, end: &str) -> PathBuf {
        let entries = std::fs::read_dir(self.path.join("repodata"))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        entries
            .into_iter()
            .find(|path| path.to_string_lossy().ends_with(end))
            .unwrap()
    }

    /// Removes the metadata: a plain directory with RPMs is left.
    pub(crate) fn without_metadata(self) -> Self {
        std::fs::remove_dir_all(self.path.join("repodata")).unwrap();
        self
    }

    /// Writes the metadata anew: the XML as a function makes it of the old one, compressed in another
    /// way, with checksums that are right.
    pub(crate) fn rewrite_metadata(&self, suffix: &str, change: impl Fn(&str, String) -> String) {
        let mut repomd = String::from(
            "<repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><revision>1700000000</revision>",
        );
        let mut written = Vec::new();
        for kind in ["primary", "filelists"] {
            let old = std::fs::read(self.metadata(&format!("{kind}.xml.gz"))).unwrap();
            let mut xml = String::new();
            decoder(&old[..], Compression::Gzip, "metadata", 1 << 30)
                .unwrap()
                .read_to_string(&mut xml)
                .unwrap();
            let bytes = compress(suffix, change(kind, xml).as_bytes());
            let checksum = Digest::of_bytes(DigestAlgorithm::Sha256, &bytes);
            let name = format!("repodata/{kind}.xml{suffix}");
            repomd += &format!(
                "<data type=\"{kind}\"><checksum type=\"sha256\">{}</checksum><location href=\"{name}\"/><size>{}</size></data>",
                checksum.hex(),
                bytes.len()
            );
            written.push((name, bytes));
        }
        repomd += "</repomd>";
        written.push(("repodata/repomd.xml".into(), repomd.into_bytes()));
        std::fs::remove_dir_all(self.path.join("repodata")).unwrap();
        std::fs::create_dir(self.path.join("repodata")).unwrap();
        for (name, bytes) in written {
            std::fs::write(self.path.join(name), bytes).unwrap();
        }
    }
}

fn compress(suffix: &str, bytes: &[u8]) -> Vec<u8> {
    match suffix {
        "" => bytes.to_vec(),
        ".gz" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        ".xz" => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        ".zst" => zstd::stream::encode_all(bytes, 3).unwrap(),
        ".bz2" => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => panic!("no encoder for {suffix}"),
    }
}
