//! A manifest as it is kept: JSON, compressed.

use std::io::{BufWriter, Read, Write};

use odcs_rpm::compression::{Compression, decoder};
use odcs_rpm::{Digest, Nevra, PackageKind, TreeArch};
use serde::{Serialize, Serializer};
use zstd::stream::write::Encoder;

use super::{LookasidePackage, Manifest};
use crate::source::PackageLocation;
use crate::why::Why;
use crate::{Error, ErrorKind, Result};

/// The JSON of ten thousand packages has four megabytes; that of a compose beyond this is none.
const MAX_JSON: u64 = 1 << 30;

/// What is written often and read seldom: higher levels take several times as long to save little more.
const LEVEL: i32 = 1;

/// Bytes of JSON that are compressed at once.
const BUFFER: usize = 64 << 10;

/// A manifest as it is kept: JSON, compressed with zstd to a sixth or less, with a checksum.
///
/// Whoever knows what is in a compose writes it down, for that takes a while; a store keeps the bytes.
///
/// ```
/// use odcs_core::manifest::{Manifest, ManifestDocument};
///
/// let manifest = Manifest {
///     source_type: "repo".to_owned(),
///     description: "the repository /srv/repo".to_owned(),
///     timestamp: 1_795_254_151,
///     packages: Vec::new(),
///     updateinfo: None,
///     lookaside: Vec::new(),
/// };
/// let document = ManifestDocument::of(&manifest)?;
/// assert_eq!(ManifestDocument::from_bytes(document.as_bytes().to_vec()).read()?, manifest);
/// # Ok::<(), odcs_core::Error>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct ManifestDocument(Vec<u8>);

impl ManifestDocument {
    /// Writes a manifest down.
    ///
    /// # Errors
    /// `Internal` if there is no memory for it.
    pub fn of(manifest: &Manifest) -> Result<Self> {
        Self::write(manifest)
    }

    /// Writes down what a manifest would say, without making one.
    ///
    /// # Errors
    /// `Internal` if there is no memory for it.
    pub fn of_parts(parts: &ManifestParts<'_>) -> Result<Self> {
        Self::write(parts)
    }

    fn write(manifest: &impl Serialize) -> Result<Self> {
        let write = || {
            let mut encoder = Encoder::new(Vec::new(), LEVEL)?;
            encoder.include_checksum(true)?;
            let mut buffer = BufWriter::with_capacity(BUFFER, encoder);
            serde_json::to_writer(&mut buffer, manifest)?;
            buffer.flush()?;
            let encoder = buffer.into_inner().map_err(|error| error.into_error())?;
            encoder.finish()
        };
        write().map(Self).map_err(|error| {
            let message = "what is in the compose cannot be written down";
            Error::new(ErrorKind::Internal, "write manifest", "manifest", message).with_source(error)
        })
    }

    /// What was kept.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// What is to be kept.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads it. Takes a while for a large compose.
    ///
    /// # Errors
    /// `Internal` if these are no bytes of a document that this version can read, or of one that is damaged.
    pub fn read(&self) -> Result<Manifest> {
        let refused = |why: String| {
            let message = format!("what is recorded of the compose cannot be read: {why}");
            Error::new(ErrorKind::Internal, "read manifest", "manifest", message)
        };
        let mut json = Vec::new();
        // How well it is compressed says nothing: it was written here.
        decoder(&*self.0, Compression::Zstd, "the manifest", MAX_JSON)
            .map(|decoder| decoder.with_any_ratio())
            .and_then(|mut decoder| Ok(decoder.read_to_end(&mut json)?))
            .map_err(|error| refused(error.to_string()).with_source(error))?;
        serde_json::from_slice(&json).map_err(|error| refused(error.to_string()).with_source(error))
    }
}

impl std::fmt::Debug for ManifestDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ManifestDocument({} bytes)", self.0.len())
    }
}

/// What a [`Manifest`] says, field by field, where it stands in other places: of ten thousands of packages, copies
/// take longer than writing them down.
#[derive(Clone, Copy, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of a manifest")]
pub struct ManifestParts<'a> {
    pub source_type: &'a str,
    pub description: &'a str,
    pub timestamp: u64,
    /// Sorted by kind and NEVRA.
    pub packages: &'a [ManifestEntry<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updateinfo: Option<&'a Digest>,
    /// Sorted by NEVRA.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub lookaside: &'a [LookasidePackage],
}

/// What a [`ManifestPackage`](super::ManifestPackage) says.
#[derive(Clone, Copy, Debug)]
pub struct ManifestEntry<'a> {
    /// Which tree it is in.
    pub kind: PackageKind,
    /// The package, as the source listed it.
    pub nevra: &'a Nevra,
    /// The arches of the compose that it is there for, each once, and why, where that is known.
    pub arches: &'a [(&'a TreeArch, Option<&'a Why>)],
    /// Where its file was.
    pub file: &'a PackageLocation,
    /// When it was modified, where that is to be kept.
    pub modified: Option<u64>,
    /// Size of the file in bytes.
    pub size: u64,
    /// SHA-256 of the file.
    pub digest: &'a Digest,
    /// The key that it was chosen for.
    pub sigkey: Option<&'a str>,
    /// The number of the RPM in Koji.
    pub rpm_id: Option<i64>,
}

impl Serialize for ManifestEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let fields = Fields {
            kind: self.kind,
            nevra: self.nevra,
            arches: self.arches,
            file: self.file,
            modified: self.modified,
            size: self.size,
            digest: self.digest,
            sigkey: self.sigkey,
            rpm_id: self.rpm_id,
            why: self.arches,
        };
        fields.serialize(serializer)
    }
}

/// The fields as they are written: those of [`ManifestPackage`](super::ManifestPackage), in their order.
#[derive(Serialize)]
struct Fields<'a> {
    kind: PackageKind,
    nevra: &'a Nevra,
    #[serde(serialize_with = "names")]
    arches: Arches<'a>,
    #[serde(serialize_with = "text")]
    file: &'a PackageLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<u64>,
    size: u64,
    digest: &'a Digest,
    sigkey: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rpm_id: Option<i64>,
    #[serde(skip_serializing_if = "has_no_reason", serialize_with = "reasons")]
    why: Arches<'a>,
}

type Arches<'a> = &'a [(&'a TreeArch, Option<&'a Why>)];

fn names<S: Serializer>(arches: &Arches<'_>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_seq(arches.iter().map(|(arch, _)| arch))
}

fn text<S: Serializer>(file: &PackageLocation, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(file)
}

fn has_no_reason(arches: &Arches<'_>) -> bool {
    arches.iter().all(|(_, why)| why.is_none())
}

/// By arch, sorted.
fn reasons<S: Serializer>(arches: &Arches<'_>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    let known = |&(arch, why): &(_, Option<_>)| Some((arch, why?));
    if arches.is_sorted_by_key(|(arch, _)| arch) {
        return serializer.collect_map(arches.iter().filter_map(known));
    }
    let mut sorted: Vec<(&TreeArch, &Why)> = arches.iter().filter_map(known).collect();
    sorted.sort_by_key(|(arch, _)| *arch);
    serializer.collect_map(sorted)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use odcs_rpm::DigestAlgorithm;

    use super::*;
    use crate::manifest::ManifestPackage;
    use crate::source::{RemoteFile, Site};
    use crate::why::Reason;

    fn manifest() -> Manifest {
        let by: Nevra = "ed-0:1.14-1.x86_64".parse().unwrap();
        let requires = Why {
            reason: Reason::Requires {
                requirement: "\"ü\" >= 1".into(),
            },
            by: Some(by.clone()),
        };
        let package = |kind, nevra: &str, arches: &[&str], why: &[(&str, &Why)]| ManifestPackage {
            kind,
            nevra: nevra.parse().unwrap(),
            arches: arches.iter().map(|arch| arch.parse().unwrap()).collect(),
            file: format!("https://example.com/repo/with%20space/{nevra}.rpm"),
            modified: (kind == PackageKind::Debug).then_some(1_580_601_600),
            size: u64::MAX,
            digest: Digest::of_bytes(DigestAlgorithm::Sha256, nevra.as_bytes()),
            sigkey: (kind == PackageKind::Source).then(|| "fd431d51".to_owned()),
            rpm_id: (kind == PackageKind::Binary).then_some(i64::MAX),
            why: why
                .iter()
                .map(|(arch, why)| (arch.parse().unwrap(), (*why).clone()))
                .collect(),
        };
        let everything = Why::everything();
        Manifest {
            source_type: "repo".to_owned(),
            description: "the repository \"/srv/ré'po\"".to_owned(),
            timestamp: 1_800_000_000,
            packages: vec![
                package(PackageKind::Binary, "a-1:2-3.noarch", &["x86_64"], &[]),
                package(
                    PackageKind::Binary,
                    "ed-0:1.14-1.x86_64",
                    &["x86_64"],
                    &[("x86_64", &everything)],
                ),
                package(
                    PackageKind::Debug,
                    "ed-debuginfo-0:1.14-1.noarch",
                    &["x86_64", "s390x", "aarch64"],
                    &[("aarch64", &requires), ("x86_64", &everything)],
                ),
                package(
                    PackageKind::Source,
                    "ed-0:1.14-1.src",
                    &["aarch64", "x86_64"],
                    &[],
                ),
            ],
            updateinfo: Some(Digest::of_bytes(DigestAlgorithm::Sha256, b"updates")),
            lookaside: vec![LookasidePackage {
                nevra: by,
                why: BTreeMap::from([("x86_64".parse().unwrap(), requires)]),
            }],
        }
    }

    /// Hands the parts of a manifest on.
    fn with_parts<T>(manifest: &Manifest, then: impl FnOnce(&ManifestParts<'_>) -> T) -> T {
        let arches: Vec<Vec<_>> = manifest
            .packages
            .iter()
            .map(|package| {
                let arches = package.arches.iter();
                arches.map(|arch| (arch, package.why.get(arch))).collect()
            })
            .collect();
        let site = Site::new("https://example.com/repo/".parse().unwrap()).unwrap();
        let site = std::sync::Arc::new(site);
        let files: Vec<PackageLocation> = manifest
            .packages
            .iter()
            .map(|package| {
                let path = format!("with space/{}.rpm", package.nevra);
                RemoteFile::new(site.clone(), path.parse().unwrap()).into()
            })
            .collect();
        let packages: Vec<_> = manifest
            .packages
            .iter()
            .zip(&arches)
            .zip(&files)
            .map(|((package, arches), file)| ManifestEntry {
                kind: package.kind,
                nevra: &package.nevra,
                arches,
                file,
                modified: package.modified,
                size: package.size,
                digest: &package.digest,
                sigkey: package.sigkey.as_deref(),
                rpm_id: package.rpm_id,
            })
            .collect();
        then(&ManifestParts {
            source_type: &manifest.source_type,
            description: &manifest.description,
            timestamp: manifest.timestamp,
            packages: &packages,
            updateinfo: manifest.updateinfo.as_ref(),
            lookaside: &manifest.lookaside,
        })
    }

    #[test]
    fn the_parts_of_a_manifest_are_written_as_the_manifest_is() {
        let mut bare = manifest();
        bare.updateinfo = None;
        bare.lookaside.clear();
        for manifest in [manifest(), bare] {
            let whole = serde_json::to_string(&manifest).unwrap();
            let parts = with_parts(&manifest, |parts| serde_json::to_string(parts).unwrap());
            assert_eq!(parts, whole);
            let document = ManifestDocument::of(&manifest).unwrap();
            let of_parts = with_parts(&manifest, ManifestDocument::of_parts).unwrap();
            assert_eq!(document, of_parts);
            assert_eq!(document.read().unwrap(), manifest);
        }
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let document = ManifestDocument::of(&manifest()).unwrap();
        let bytes = document.as_bytes();
        for end in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            let cut = ManifestDocument::from_bytes(bytes[..end].to_vec());
            assert_eq!(cut.read().unwrap_err().kind(), ErrorKind::Internal, "{end}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 1;
            if let Ok(read) = ManifestDocument::from_bytes(damaged).read() {
                assert_eq!(read, manifest(), "{at}");
            }
        }
        let other = zstd::encode_all(&b"[5]"[..], 1).unwrap();
        let error = ManifestDocument::from_bytes(other).read().unwrap_err();
        assert!(error.message().contains("cannot be read"), "{error}");
    }
}
