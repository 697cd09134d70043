//! Repositories and packages whose makers mean harm.

use std::fmt::Write;
use std::path::Path;

use odcs_rpm::{Digest, DigestAlgorithm};
use rpmgen::PackageSpec;

/// A repository of one package, to be spoiled: every part is XML as it is going to be written, bytes that
/// are no UTF-8 included.
pub(super) struct Forgery {
    pub(super) name: Vec<u8>,
    pub(super) version: Vec<u8>,
    pub(super) release: Vec<u8>,
    pub(super) arch: Vec<u8>,
    pub(super) href: Vec<u8>,
    pub(super) base: Option<Vec<u8>>,
    pub(super) doctype: Vec<u8>,
    pub(super) source_rpm: Vec<u8>,
    /// Where repomd.xml says that primary is.
    pub(super) primary: Vec<u8>,
    pub(super) repomd_base: Option<Vec<u8>>,
    pub(super) repomd_doctype: Vec<u8>,
    /// The bytes of the package, and where they lie.
    pub(super) package: Vec<u8>,
    pub(super) path: String,
    /// Without metadata, packages speak for themselves.
    pub(super) has_metadata: bool,
}

impl Forgery {
    pub(super) fn new() -> Self {
        Self {
            name: b"ed".into(),
            version: b"1".into(),
            release: b"1".into(),
            arch: b"x86_64".into(),
            href: b"Packages/ed-1-1.x86_64.rpm".into(),
            base: None,
            doctype: Vec::new(),
            source_rpm: b"ed-1-1.src.rpm".into(),
            primary: b"repodata/primary.xml".into(),
            repomd_base: None,
            repomd_doctype: Vec::new(),
            package: rpmgen::write(&ed()).unwrap(),
            path: "Packages/ed-1-1.x86_64.rpm".into(),
            has_metadata: true,
        }
    }

    /// Writes the repository.
    pub(super) fn write(&self, directory: &Path) {
        let write = |path: &str, bytes: &[u8]| {
            let path = directory.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        write(&self.path, &self.package);
        if self.has_metadata {
            let primary = self.primary_xml();
            write("repodata/repomd.xml", &self.repomd_xml(&primary));
            write("repodata/primary.xml", &primary);
        }
    }

    fn primary_xml(&self) -> Vec<u8> {
        let checksum = Digest::of_bytes(DigestAlgorithm::Sha256, &self.package);
        let base = attribute("xml:base", self.base.as_deref());
        let size = self.package.len().to_string();
        [
            b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            &*self.doctype,
            b"<metadata xmlns=\"http://linux.duke.edu/metadata/common\" \
              xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"1\"><package type=\"rpm\"><name>",
            &self.name,
            b"</name><arch>",
            &self.arch,
            b"</arch><version epoch=\"0\" ver=\"",
            &self.version,
            b"\" rel=\"",
            &self.release,
            b"\"/><checksum type=\"sha256\" pkgid=\"YES\">",
            checksum.hex().as_bytes(),
            b"</checksum><size package=\"",
            size.as_bytes(),
            b"\"/><location",
            &base,
            b" href=\"",
            &self.href,
            b"\"/><format><rpm:sourcerpm>",
            &self.source_rpm,
            b"</rpm:sourcerpm></format></package></metadata>",
        ]
        .concat()
    }

    fn repomd_xml(&self, primary: &[u8]) -> Vec<u8> {
        let checksum = Digest::of_bytes(DigestAlgorithm::Sha256, primary);
        [
            &*self.repomd_doctype,
            b"<repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><revision>1700000000</revision>\
              <data type=\"primary\"><checksum type=\"sha256\">",
            checksum.hex().as_bytes(),
            b"</checksum><location",
            &attribute("xml:base", self.repomd_base.as_deref()),
            b" href=\"",
            &self.primary,
            b"\"/></data></repomd>",
        ]
        .concat()
    }
}

fn attribute(name: &str, value: Option<&[u8]>) -> Vec<u8> {
    match value {
        Some(value) => [b" ", name.as_bytes(), b"=\"", value, b"\""].concat(),
        None => Vec::new(),
    }
}

/// The package of a forgery, before it is spoiled.
pub(super) fn ed() -> PackageSpec {
    PackageSpec::binary("ed", "1", "1", "x86_64")
        .built_from("ed-1-1.src.rpm")
        .with_file("/usr/bin/ed", "an editor")
}

/// A package with something in its header that no tool would write: `set` is given a placeholder, which is
/// replaced by as many other bytes.
pub(super) fn package_with(bytes: &[u8], set: impl FnOnce(&mut PackageSpec, String)) -> Vec<u8> {
    let placeholder = "Q".repeat(bytes.len());
    let mut spec = ed();
    set(&mut spec, placeholder.clone());
    let mut package = rpmgen::write(&spec).unwrap();
    let placeholder = placeholder.as_bytes();
    let mut at = 0;
    while at + placeholder.len() <= package.len() {
        let here = at..at + placeholder.len();
        // A longer run of the letter would be something else.
        if package[here.clone()] == *placeholder && package.get(here.end) != Some(&b'Q') {
            package[here.clone()].copy_from_slice(bytes);
            at = here.end;
        } else {
            at += 1;
        }
    }
    package
}

/// Text for XML, each byte that means something to it escaped.
pub(super) fn escaped(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for byte in bytes {
        match byte {
            b'<' | b'>' | b'&' | b'"' | b'\'' | b'\n' | b'\t' | b'\r' => {
                let mut reference = String::new();
                write!(reference, "&#{byte};").unwrap();
                text.extend(reference.bytes());
            }
            byte => text.push(*byte),
        }
    }
    text
}

#[test]
fn a_forgery_that_is_left_alone_is_sound() {
    let directory = tempfile::TempDir::new().unwrap();
    Forgery::new().write(directory.path());
    assert!(directory.path().join("repodata/repomd.xml").is_file());
    let package = package_with(b"a/b", |spec, name| spec.name = name);
    assert!(package.windows(4).any(|window| window == b"a/b\0"));
    assert!(!package.windows(3).any(|window| window == b"QQQ"));
    assert_eq!(escaped(b"<a>\n"), b"&#60;a&#62;&#10;");
}
