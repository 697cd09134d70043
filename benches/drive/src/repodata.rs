//! Repodata of a directory, as `createrepo_c DIR` makes it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use odcs_core::files::{Root, SourceFile};
use odcs_core::{FileIdentity, FileStamp, MetadataCache};
use odcs_rpm::compression::WriteCompression;
use odcs_rpm::header::HeaderReader;
use odcs_rpm::repodata::{Described, Pieces, PiecesView, RepodataOptions, RepodataWriter};
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_storage::{CacheSettings, PackCache, StorageSettings, Targets};
use rayon::prelude::*;

use crate::words::Words;

/// Packages that are read while those before are written.
const CHUNK: usize = 128;

pub(crate) struct Work {
    directory: PathBuf,
    out: PathBuf,
    compression: WriteCompression,
    threads: usize,
    cache: Option<PathBuf>,
    every: usize,
}

impl Work {
    pub(crate) fn parse(mut words: Words) -> Result<Self, String> {
        let work = Self {
            directory: words.path("a directory")?,
            out: words.path("where to write to")?,
            compression: words.compression()?,
            threads: words.threads()?,
            cache: words.option("--cache")?,
            every: words.option("--every")?.unwrap_or(1),
        };
        words.end()?;
        Ok(work)
    }
}

pub(crate) fn run(work: &Work) {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(work.threads)
        .build()
        .unwrap();
    let cache = work.cache.as_deref().map(open_cache);
    let reader = Reader {
        root: Arc::new(Root::open(&work.directory).unwrap()),
        cache: cache.as_ref().map(|cache| cache as &dyn MetadataCache),
    };
    let places: Vec<String> = places(&work.directory).into_iter().step_by(work.every).collect();
    let repodata = work.out.join("repodata");
    std::fs::create_dir_all(&repodata).unwrap();
    pool.install(|| write(&reader, &places, &repodata, work.compression));
}

/// The cache of a target directory.
pub(crate) fn open_cache(target: &Path) -> PackCache {
    let targets = Targets::open(&StorageSettings::new(target)).unwrap();
    PackCache::open(&targets, CacheSettings::default()).unwrap()
}

/// All packages below a directory, relative to it and in order.
pub(crate) fn places(directory: &Path) -> Vec<String> {
    let mut places: Vec<String> = walkdir::WalkDir::new(directory)
        .into_iter()
        .map(|entry| entry.unwrap())
        .filter(|entry| {
            entry.file_type().is_file() && entry.path().extension().is_some_and(|end| end == "rpm")
        })
        .map(|entry| {
            entry
                .path()
                .strip_prefix(directory)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    places.sort_unstable();
    places
}

/// Digits of the SHA-256 that an entry of the cache begins with, before the XML.
const DIGITS: usize = 64;

/// One package, ready to be written. Its memory is used again for later ones.
#[derive(Default)]
struct Slot {
    pieces: Pieces,
    /// An entry of the cache in place of the pieces.
    kept: Vec<u8>,
    is_kept: bool,
    checksum: Option<Digest>,
}

impl Slot {
    fn describe<'a>(&'a self, location: &'a str) -> Described<'a> {
        let pieces = if self.is_kept {
            PiecesView::parse(&self.kept[DIGITS..]).unwrap()
        } else {
            self.pieces.view()
        };
        Described {
            pieces,
            checksum: self.checksum.as_ref().unwrap(),
            location,
        }
    }

    /// Takes what the cache has.
    fn take(&mut self, cache: &dyn MetadataCache, identity: &FileIdentity) -> bool {
        if !cache.get(&identity.xml(), &mut self.kept) {
            return false;
        }
        let digits = self
            .kept
            .get(..DIGITS)
            .and_then(|digits| str::from_utf8(digits).ok());
        self.checksum = digits.and_then(|digits| Digest::new(DigestAlgorithm::Sha256, digits).ok());
        self.checksum.is_some() && PiecesView::parse(&self.kept[DIGITS..]).is_some()
    }

    fn put(&self, cache: &dyn MetadataCache, identity: &FileIdentity) {
        let digits = self.checksum.as_ref().unwrap().hex().as_bytes();
        let parts: Vec<&[u8]> = [digits].into_iter().chain(self.pieces.parts()).collect();
        cache.put(&identity.xml(), &parts);
    }
}

/// How packages are read.
struct Reader<'a> {
    root: Arc<Root>,
    cache: Option<&'a dyn MetadataCache>,
}

impl Reader<'_> {
    fn fill(&self, headers: &mut HeaderReader, place: &str, slot: &mut Slot) {
        let source = SourceFile {
            root: Arc::clone(&self.root),
            path: place.parse().unwrap(),
        };
        let identity = self.cache.map(|cache| {
            let metadata = std::fs::symlink_metadata(self.root.path().join(place)).unwrap();
            (cache, FileIdentity::local(&source, FileStamp::of(&metadata)))
        });
        slot.is_kept = identity
            .as_ref()
            .is_some_and(|(cache, identity)| slot.take(*cache, identity));
        if slot.is_kept {
            return;
        }
        let file = source.open().unwrap();
        let stamp = FileStamp::of(&file.metadata().unwrap());
        let read = headers.read_file(&file, stamp.facts(), None).unwrap();
        slot.pieces.render(&read.package);
        slot.checksum = Some(read.sha256);
        if let Some((cache, identity)) = identity {
            slot.put(cache, &identity);
        }
    }
}

/// Reads a chunk while the one before is written.
fn write(reader: &Reader<'_>, places: &[String], repodata: &Path, compression: WriteCompression) {
    let options = RepodataOptions::new(1).with_compression(compression);
    let open = |kind: &str| Ok(File::create(repodata.join(format!("{kind}.part")))?);
    let mut writer = RepodataWriter::begin(places.len() as u64, options, open).unwrap();
    let slots = || (0..CHUNK).map(|_| Slot::default()).collect::<Vec<_>>();
    let (mut next, mut last) = (slots(), slots());
    let mut written: &[String] = &[];
    for chunk in places.chunks(CHUNK).chain([&[][..]]) {
        let read = || {
            chunk
                .par_iter()
                .zip(&mut next)
                .for_each_init(HeaderReader::new, |headers, (place, slot)| {
                    reader.fill(headers, place, slot)
                });
        };
        let write = || {
            let described: Vec<Described<'_>> = last
                .iter()
                .zip(written)
                .map(|(slot, place)| slot.describe(place))
                .collect();
            writer.write(&described)
        };
        rayon::join(read, write).1.unwrap();
        std::mem::swap(&mut next, &mut last);
        written = chunk;
    }
    if let Some(cache) = reader.cache {
        cache.flush();
    }
    let finished = writer.finish().unwrap();
    for file in finished.files {
        file.out.sync_all().unwrap();
        std::fs::rename(
            repodata.join(format!("{}.part", file.written.kind)),
            repodata.join(&file.written.name),
        )
        .unwrap();
    }
    let mut repomd = File::create(repodata.join("repomd.xml")).unwrap();
    repomd.write_all(&finished.repomd).unwrap();
    repomd.sync_all().unwrap();
    File::open(repodata).unwrap().sync_all().unwrap();
}
