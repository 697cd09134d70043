//! Repodata of a directory, as `createrepo_c DIR` makes it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use odcs_core::files::{Root, SourceFile};
use odcs_core::{CacheKey, FileIdentity, FileStamp, KeptBlocks, MetadataCache};
use odcs_rpm::compression::WriteCompression;
use odcs_rpm::header::HeaderReader;
use odcs_rpm::repodata::{Described, Pieces, PiecesView, RepodataOptions, RepodataWriter};
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_storage::{CacheSettings, PackCache, StorageSettings, Targets};
use rayon::prelude::*;

use crate::words::Words;

/// Packages that are read while those before are written.
const CHUNK: usize = 64;

/// Bytes of a buffer that is kept for the next package.
const KEPT: usize = 64 << 10;

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
    let (places, is_new) = pool.install(|| reader.listed(work));
    let repodata = work.out.join("repodata");
    std::fs::create_dir_all(&repodata).unwrap();
    pool.install(|| write(&reader, &places, &repodata, work.compression));
    if is_new {
        reader.keep(work, &places);
    }
}

/// The cache of a target directory.
pub(crate) fn open_cache(target: &Path) -> PackCache {
    let targets = Targets::open(&StorageSettings::new(target)).unwrap();
    PackCache::open(&targets, CacheSettings::default()).unwrap()
}

/// All packages below a directory, relative to it and in order.
pub(crate) fn places(directory: &Path) -> Vec<String> {
    let mut places = below(directory, "", DEPTH);
    places.par_sort_unstable();
    places
}

/// Directories one inside the other: links may lead in a circle.
const DEPTH: usize = 16;

/// The packages below a directory and behind links, in any order; `path` is empty for the top, and else ends in a
/// slash.
fn below(directory: &Path, path: &str, depth: usize) -> Vec<String> {
    let (mut places, mut directories) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(directory.join(path)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let name = name.to_str().unwrap();
        let mut kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            // The peer goes behind links, too; one that leads nowhere is nothing.
            let Ok(target) = std::fs::metadata(entry.path()) else {
                continue;
            };
            kind = target.file_type();
        }
        if kind.is_dir() {
            directories.push(format!("{path}{name}/"));
        } else if kind.is_file() && name.ends_with(".rpm") {
            places.push(format!("{path}{name}"));
        }
    }
    let deeper = depth
        .checked_sub(1)
        .expect("directories are one inside the other");
    let more = directories
        .par_iter()
        .flat_map_iter(|path| below(directory, path, deeper));
    places.par_extend(more);
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
    fn take(&mut self, cache: &dyn MetadataCache, key: &CacheKey) -> bool {
        if self.kept.capacity() > KEPT {
            self.kept = Vec::new();
        }
        if !cache.get(key, &mut self.kept) {
            return false;
        }
        let digits = self
            .kept
            .get(..DIGITS)
            .and_then(|digits| str::from_utf8(digits).ok());
        self.checksum = digits.and_then(|digits| Digest::new(DigestAlgorithm::Sha256, digits).ok());
        self.checksum.is_some() && PiecesView::parse(&self.kept[DIGITS..]).is_some()
    }

    fn put(&self, cache: &dyn MetadataCache, key: &CacheKey) {
        let digits = self.checksum.as_ref().unwrap().hex().as_bytes();
        let parts: Vec<&[u8]> = [digits].into_iter().chain(self.pieces.parts()).collect();
        cache.put(key, &parts);
    }
}

/// A package below a directory, and where the cache has it.
struct Place {
    path: String,
    key: Option<CacheKey>,
}

/// How packages are read.
struct Reader<'a> {
    root: Arc<Root>,
    cache: Option<&'a dyn MetadataCache>,
}

impl Reader<'_> {
    /// What there is: as it is listed in the cache, or else in the directory. Like the peer with `--skip-stat`, nobody
    /// looks whether listed files are still the same; composes do.
    fn listed(&self, work: &Work) -> (Vec<Place>, bool) {
        let mut kept = Vec::new();
        if self
            .cache
            .is_some_and(|cache| cache.get(&list_key(work), &mut kept))
        {
            return (read_list(&kept), false);
        }
        let paths = places(&work.directory).into_iter().step_by(work.every);
        (paths.map(|path| Place { path, key: None }).collect(), true)
    }

    fn keep(&self, work: &Work, places: &[Place]) {
        let Some(cache) = self.cache else { return };
        let mut list = Vec::new();
        for place in places {
            list.extend_from_slice(self.identity(&place.path).xml().as_bytes());
            list.extend_from_slice(place.path.as_bytes());
            list.push(b'\n');
        }
        cache.put(&list_key(work), &[&list]);
        cache.flush();
    }

    fn source(&self, path: &str) -> SourceFile {
        SourceFile {
            root: Arc::clone(&self.root),
            path: path.parse().unwrap(),
        }
    }

    fn identity(&self, path: &str) -> FileIdentity {
        let metadata = std::fs::symlink_metadata(self.root.path().join(path)).unwrap();
        FileIdentity::local(&self.source(path), FileStamp::of(&metadata))
    }

    fn fill(&self, headers: &mut HeaderReader, place: &Place, slot: &mut Slot) {
        let key = self.cache.map(|cache| {
            (
                cache,
                place.key.unwrap_or_else(|| self.identity(&place.path).xml()),
            )
        });
        slot.is_kept = key.is_some_and(|(cache, key)| slot.take(cache, &key));
        if slot.is_kept {
            return;
        }
        let file = self.source(&place.path).open().unwrap();
        let stamp = FileStamp::of(&file.metadata().unwrap());
        let read = headers.read_file(&file, stamp.facts(), None).unwrap();
        slot.pieces.render(&read.package);
        slot.checksum = Some(read.sha256);
        if let Some((cache, key)) = key {
            slot.put(cache, &key);
        }
    }
}

fn list_key(work: &Work) -> CacheKey {
    let directory = work.directory.as_os_str().as_encoded_bytes();
    CacheKey::new("bench-list", &[directory, &work.every.to_le_bytes()])
}

/// Keys have 32 bytes, which may be any; paths end with their lines.
fn read_list(mut list: &[u8]) -> Vec<Place> {
    let mut places = Vec::new();
    while let Some((key, rest)) = list.split_first_chunk::<32>() {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
        places.push(Place {
            path: String::from_utf8(rest[..end].to_vec()).unwrap(),
            key: Some(CacheKey::from_bytes(*key)),
        });
        list = &rest[end + 1..];
    }
    places
}

/// Reads a chunk while the one before is written.
fn write(reader: &Reader<'_>, places: &[Place], repodata: &Path, compression: WriteCompression) {
    let blocks = reader.cache.map(KeptBlocks::new);
    let options = RepodataOptions::new(1).with_compression(compression);
    let open = |kind: &str| Ok(File::create(repodata.join(format!("{kind}.part")))?);
    let mut writer = RepodataWriter::begin(places.len() as u64, options, open).unwrap();
    if let Some(blocks) = &blocks {
        writer = writer.with_blocks(blocks);
    }
    let slots = || (0..CHUNK).map(|_| Slot::default()).collect::<Vec<_>>();
    let (mut next, mut last) = (slots(), slots());
    let mut written: &[Place] = &[];
    for chunk in places.chunks(CHUNK).chain([&[][..]]) {
        let read = || {
            chunk
                .par_iter()
                .zip(&mut next)
                .for_each_init(HeaderReader::new, |headers, (place, slot)| {
                    reader.fill(headers, place, slot);
                });
        };
        let write = || {
            let described: Vec<Described<'_>> = last
                .iter()
                .zip(written)
                .map(|(slot, place)| slot.describe(&place.path))
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
    // File systems write their journal once for all that wait.
    finished
        .files
        .par_iter()
        .for_each(|file| file.out.sync_all().unwrap());
    for file in finished.files {
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
