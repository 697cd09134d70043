//! ISO images: one for each arch, and one for the source packages, with the repository as it is in the compose.
//!
//! Names, directories and files beside the image are those of Pungi: `ARCH/iso/ID-Temporary-ARCH-dvd1.iso` with
//! `SHA256SUM` (once for the directory, once under the name of the image) and a list of what is in it. Nothing can be
//! started from such an image. Unlike Pungi's it is never split, however large it is.

mod listing;
mod media_check;
mod process;
mod program;
mod read_back;

use std::collections::btree_map::Entry as MapEntry;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::{Duration, SystemTime};

use odcs_core::productmd::{ComposeIdent, Disc, DiscInfo, Image, Images, TreeInfo, VARIANT};
use odcs_core::{Clock, ComposeId, Phase, Progress};
use odcs_rpm::{Digest, DigestAlgorithm};
use rayon::prelude::*;
use rustix::fs::FileType;
use tokio_util::sync::CancellationToken;

use crate::arrange::Layout;
use crate::dir::Dir;
use crate::error::{Error, IsoError, IsoFault, Result};
use crate::layout::{self, Tree};
use crate::log;
use crate::packages::{PlacedPackage, packages_of};

use media_check::{FIELD_OFFSET, Implant, MediaCheck};
use process::Bounds;
use program::Source;
pub(crate) use program::Xorriso;
use read_back::{Expected, read_back};

/// Where the files are that only images have, below the staging directory.
const WORK: &str = "iso";
/// What takes the place of the tree's own in an image: the numbers of discs are in them.
const OWN_FILES: [&str; 2] = [TREEINFO, DISCINFO];
const TREEINFO: &str = ".treeinfo";
const DISCINFO: &str = ".discinfo";
const WEIGHTS: &str = "weights";
/// Checksums of the images in a directory.
const CHECKSUMS: &str = "SHA256SUM";
/// The one disc that there is.
const DISC: Disc = Disc { number: 1, total: 1 };

/// Entries of one directory, and directories one inside the other, in a tree of ours.
const MAX_ENTRIES: usize = 1_000_000;
const MAX_DEPTH: usize = 16;

/// What an image has besides the content of files: descriptors, path tables, and 300 KiB of nothing at its end.
const PER_IMAGE: u64 = 1 << 20;
/// What a file costs besides its content: entries in two directories, its last sector, and its place in repodata.
const PER_FILE: u64 = 8 << 10;

/// The characters of a name that a medium can have (ECMA-119, 8.4.7).
const VOLUME_ID: usize = 32;

/// Roughly how many bytes the images of a compose are going to have.
pub(crate) fn estimate(layout: &Layout) -> u64 {
    let mut bytes = PER_IMAGE * layout.trees.len() as u64;
    for file in &layout.files {
        let images = file
            .places
            .trees
            .iter()
            .filter(|tree| tree.iso_segments().is_some());
        let size = file.candidate.package.sizes.package.saturating_add(PER_FILE);
        bytes = bytes.saturating_add(size.saturating_mul(images.count() as u64));
    }
    bytes
}

/// An image that was made and read back.
#[derive(Debug)]
pub(crate) struct IsoImage {
    pub(crate) tree: Tree,
    name: String,
    size: u64,
    sha256: Digest,
    implant_md5: String,
    volume_id: String,
}

/// What making images needs.
#[derive(Debug)]
pub(crate) struct Making<'a> {
    pub(crate) id: ComposeId,
    pub(crate) xorriso: &'a Xorriso,
    /// The directory of the attempt, with `compose/` in it.
    pub(crate) staging: &'a Dir,
    pub(crate) ident: &'a ComposeIdent,
    /// The time of everything in the images, in seconds since 1970.
    pub(crate) timestamp: u64,
    pub(crate) packages: &'a [PlacedPackage],
    /// How long the program may take for an image.
    pub(crate) time: Duration,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) cancel: &'a CancellationToken,
}

impl Making<'_> {
    /// Makes the images of these trees, in parallel. Trees without packages get none, like Pungi's.
    pub(crate) fn run<'t>(&self, trees: impl IntoIterator<Item = &'t Tree>) -> Result<Vec<IsoImage>> {
        let has_packages = |tree: &&Tree| packages_of(tree, self.packages).next().is_some();
        let trees: Vec<(&Tree, [&str; 3])> = trees
            .into_iter()
            .filter(has_packages)
            .filter_map(|tree| Some((tree, tree.iso_segments()?)))
            .collect();
        let noun = if trees.len() == 1 { "image" } else { "images" };
        self.progress
            .step(Phase::Iso, &format!("making {} ISO {noun}", trees.len()));
        trees
            .par_iter()
            .map(|(tree, segments)| self.image(tree, segments))
            .collect()
    }

    fn image(&self, tree: &Tree, segments: &[&str; 3]) -> Result<IsoImage> {
        let [_, arch, _] = segments;
        let name = format!("{}-{VARIANT}-{arch}-dvd{}.iso", self.ident, DISC.number);
        let failed = |fault| {
            Error::Iso(Box::new(IsoError {
                image: name.clone(),
                fault,
            }))
        };
        let bounds = Bounds {
            id: self.id,
            cancel: self.cancel,
            clock: self.clock,
            time: self.time,
        };
        let volume_id = volume_id(self.ident, tree.arch());
        let compose = self.staging.open(layout::COMPOSE)?;
        let top = compose.open_path(&tree.segments())?;
        let directory = compose.make_path(segments)?;
        let expected = self.own_files(tree, arch)?.with_tree(&top, tree, self.packages)?;
        let paths = in_order(&expected.files);
        let work = self.staging.open_path(&[WORK, arch])?;
        work.write(WEIGHTS, Xorriso::weights(&paths).as_bytes())?;

        let own = format!("{WORK}/{arch}");
        let source = Source {
            top: &format!("{}/{tree}", layout::COMPOSE),
            own: &own,
            own_files: &OWN_FILES,
            weights: &format!("{own}/{WEIGHTS}"),
            volume_id: &volume_id,
            timestamp: self.timestamp,
        };
        let mut file = directory.create(&name)?;
        let limit = expected.limit();
        let (mut written, mut media) = (0_u64, MediaCheck::new());
        let said = self
            .xorriso
            .make(self.staging, &source, &bounds, failed, |bytes| {
                written = written.saturating_add(bytes.len() as u64);
                if written > limit {
                    return Err(failed(IsoFault::TooLarge));
                }
                media.update(bytes);
                let put = file.write_all(bytes);
                put.map_err(|error| directory.io_failed("write", &name, error))
            })?;
        for line in program::for_the_log(&said) {
            self.progress.step(Phase::Iso, &format!("{name}: {line}"));
        }
        let implant = media.finish().filter(|implant| implant.volume == written);
        let implant = implant.ok_or_else(|| failed(IsoFault::NoImage { bytes: written }))?;
        file.write_all_at(&implant.field(), FIELD_OFFSET)
            .map_err(|error| directory.io_failed("write", &name, error))?;
        if let Some(time) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(self.timestamp)) {
            // As `images.json` says. A file system that cannot hold such a time is no reason to fail.
            let _ = file.set_modified(time);
        }
        drop(file);

        let listing = self
            .xorriso
            .list(&directory, &name, expected.files.len(), &bounds, failed)?;
        let (image, _) = directory.open_file(&name)?;
        let stop = || self.cancel.is_cancelled();
        let found = read_back(image, &listing, &expected.files, stop).map_err(|reason| {
            if stop() {
                Error::Cancelled { id: self.id }
            } else {
                failed(IsoFault::Unreadable(reason))
            }
        })?;
        check_implant(&implant, found.implant.as_ref())
            .map_err(|reason| failed(IsoFault::Unreadable(reason)))?;
        let checksum = checksum(&name, found.size, &found.sha256);
        let manifest = listing.manifest();
        for (file, text) in [
            (CHECKSUMS.to_owned(), &checksum),
            (format!("{name}.{CHECKSUMS}"), &checksum),
            (format!("{name}.manifest"), &manifest),
        ] {
            directory.write(&file, text.as_bytes())?;
            if directory.read(&file, text.len() as u64)? != text.as_bytes() {
                return Err(failed(IsoFault::Unreadable(format!(
                    "{file} is not what was written"
                ))));
            }
        }
        let packages = packages_of(tree, self.packages).count() as u64;
        self.progress.step(
            Phase::Iso,
            &format!(
                "{name}: {}, {} bytes, SHA-256 {}",
                log::packages(packages),
                log::grouped(found.size),
                found.sha256.hex()
            ),
        );
        Ok(IsoImage {
            tree: tree.clone(),
            name,
            size: found.size,
            sha256: found.sha256,
            implant_md5: implant.md5,
            volume_id,
        })
    }

    /// Writes the files that the image has instead of those of the tree.
    fn own_files(&self, tree: &Tree, directory: &str) -> Result<Content> {
        let work = self.staging.make_path(&[WORK, directory])?;
        let info = TreeInfo::new(self.ident, tree.arch(), self.timestamp).on_disc(DISC);
        let disc = DiscInfo {
            timestamp: self.timestamp,
            description: self.ident.release_text(),
            arch: tree.arch().into(),
            disc: Some(DISC.number),
        };
        let mut content = Content::default();
        for (name, text) in [(TREEINFO, info.to_text()?), (DISCINFO, disc.to_text())] {
            work.write(name, text.as_bytes())?;
            let digest = Digest::of_bytes(DigestAlgorithm::Sha256, text.as_bytes());
            content.files.insert(format!("/{name}"), digest);
        }
        Ok(content)
    }
}

/// What goes into an image.
#[derive(Debug, Default)]
struct Content {
    files: Expected,
    bytes: u64,
}

impl Content {
    /// Adds what is in the tree. The checksums of packages are known already.
    fn with_tree(mut self, top: &Dir, tree: &Tree, packages: &[PlacedPackage]) -> Result<Self> {
        for package in packages_of(tree, packages) {
            let path = format!("/{}", package.location);
            self.files.insert(path, package.sha256.clone());
        }
        self.add(top, "/", MAX_DEPTH)?;
        Ok(self)
    }

    fn add(&mut self, dir: &Dir, prefix: &str, depth: usize) -> Result<()> {
        let Some(deeper) = depth.checked_sub(1) else {
            return Err(dir.failed("read the directory", "", rustix::io::Errno::LOOP));
        };
        for entry in dir.entries(MAX_ENTRIES)? {
            let path = format!("{prefix}{}", entry.name.to_string_lossy());
            if entry.kind == FileType::Directory {
                self.add(&dir.open(&entry.name)?, &format!("{path}/"), deeper)?;
                continue;
            }
            let (file, stat) = dir.open_file(&entry.name)?;
            self.bytes = self.bytes.saturating_add(crate::dir::size(&stat));
            if let MapEntry::Vacant(place) = self.files.entry(path) {
                let digest = Digest::of_reader(DigestAlgorithm::Sha256, file);
                let (digest, _) = digest.map_err(|reason| Error::ReadBack {
                    path: place.key().clone(),
                    reason: reason.to_string(),
                })?;
                place.insert(digest);
            }
        }
        Ok(())
    }

    /// More bytes than the image can have.
    fn limit(&self) -> u64 {
        let files = (self.files.len() as u64).saturating_mul(PER_FILE);
        self.bytes.saturating_add(files).saturating_add(16 * PER_IMAGE)
    }
}

/// The paths of files in the order that their content has in the image: what is small and read first comes first.
fn in_order(files: &Expected) -> Vec<&str> {
    let mut paths: Vec<&str> = files.keys().map(String::as_str).collect();
    let packages = format!("/{}/", layout::PACKAGES);
    paths.sort_by_key(|path| (path.starts_with(&packages), *path));
    paths
}

/// The name that a medium is mounted under, as Pungi composes it: with the variant as long as that fits.
fn volume_id(ident: &ComposeIdent, arch: &str) -> String {
    let (short, version) = (&ident.short, &ident.version);
    let long = format!("{short}-{version} {VARIANT}.{arch}");
    let short = format!("{short}-{version} {arch}");
    let fits = [long, short.clone()].into_iter().find(|id| id.len() <= VOLUME_ID);
    fits.unwrap_or_else(|| short.chars().take(VOLUME_ID).collect())
}

/// The text of a checksum file, in the form of Pungi's.
fn checksum(name: &str, size: u64, sha256: &Digest) -> String {
    format!("# {name}: {size} bytes\nSHA256 ({name}) = {}\n", sha256.hex())
}

/// Whether the image that is on disk has the checksum of what was to be written to it.
fn check_implant(written: &Implant, found: Option<&Implant>) -> std::result::Result<(), String> {
    if found == Some(written) {
        Ok(())
    } else {
        Err("it is not what was written to it".to_owned())
    }
}

/// `images.json` for these images. That of the source packages belongs to every arch.
pub(crate) fn images<'a>(
    ident: &ComposeIdent,
    arches: impl IntoIterator<Item = &'a str>,
    made: &[IsoImage],
    timestamp: u64,
) -> Images {
    let mut images = Images::new(ident);
    for arch in arches {
        for image in made {
            if image.tree != Tree::Source && image.tree.arch() != arch {
                continue;
            }
            let directory = image.tree.iso_segments().unwrap_or_default().join("/");
            let entry = Image {
                arch: image.tree.arch().into(),
                bootable: false,
                checksums: [("sha256".to_owned(), image.sha256.hex().to_owned())].into(),
                disc_count: DISC.total,
                disc_number: DISC.number,
                format: "iso".into(),
                implant_md5: Some(image.implant_md5.clone()),
                mtime: timestamp,
                path: format!("{directory}/{}", image.name),
                size: image.size,
                subvariant: VARIANT.into(),
                kind: "dvd".into(),
                volume_id: Some(image.volume_id.clone()),
            };
            images.add(VARIANT, arch, entry);
        }
    }
    images
}

#[cfg(test)]
mod tests {
    use odcs_core::productmd::ComposeKind;

    use super::*;

    fn ident(short: &str) -> ComposeIdent {
        ComposeIdent {
            short: short.into(),
            version: "1".into(),
            date: "20261121".into(),
            kind: ComposeKind::Test,
            respin: 0,
        }
    }

    #[test]
    fn volumes_are_named_as_far_as_there_is_room() {
        for (short, arch, expected) in [
            ("odcs-9", "src", "odcs-9-1 Temporary.src"),
            ("odcs-1234567", "x86_64", "odcs-1234567-1 Temporary.x86_64"),
            ("odcs-123456789", "x86_64", "odcs-123456789-1 x86_64"),
            (
                "odcs-9223372036854775807",
                "ppc64le",
                "odcs-9223372036854775807-1 ppc64",
            ),
        ] {
            let volume_id = volume_id(&ident(short), arch);
            assert_eq!(volume_id, expected);
            assert!(volume_id.len() <= VOLUME_ID);
        }
    }

    #[test]
    fn checksums_have_the_size_of_those_of_the_reference() {
        let name = "odcs-9-1-20261121.t.0-Temporary-source-dvd1.iso";
        let digest = Digest::of_bytes(DigestAlgorithm::Sha256, b"");
        let text = checksum(name, 493_568, &digest);
        assert_eq!(text.len(), 188, "{text}");
        assert!(
            text.ends_with("-dvd1.iso) = e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n")
        );
    }

    #[test]
    fn what_is_read_first_comes_first() {
        let digest = Digest::of_bytes(DigestAlgorithm::Sha256, b"");
        let paths = [
            "/Packages/e/ed.rpm",
            "/repodata/repomd.xml",
            "/.treeinfo",
            "/Packages/a/a.rpm",
        ];
        let files: Expected = paths.map(|path| (path.to_owned(), digest.clone())).into();
        let expected = [
            "/.treeinfo",
            "/repodata/repomd.xml",
            "/Packages/a/a.rpm",
            "/Packages/e/ed.rpm",
        ];
        assert_eq!(in_order(&files), expected);
        assert_eq!(Xorriso::weights(&["/a", "/b"]), "2 /a\n1 /b\n");
    }
}
