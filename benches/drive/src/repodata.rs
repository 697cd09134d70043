//! Repodata of a directory, as `createrepo_c DIR` makes it.

use std::fs::{File, Metadata};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use odcs_core::files::{Root, SourceFile};
use odcs_core::{FileIdentity, FileStamp, MetadataCache, known_digest};
use odcs_rpm::compression::WriteCompression;
use odcs_rpm::header::{FileFacts, HeaderReader};
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
            compression: match words.option::<String>("--compression")?.as_deref() {
                Some("zstd") => WriteCompression::Zstd,
                Some("gz") => WriteCompression::Gzip,
                _ => return Err("--compression is zstd or gz".into()),
            },
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
            PiecesView::parse(&self.kept).unwrap()
        } else {
            self.pieces.view()
        };
        Described {
            pieces,
            checksum: self.checksum.as_ref().unwrap(),
            location,
        }
    }
}

/// How packages are read.
struct Reader<'a> {
    root: Arc<Root>,
    cache: Option<&'a dyn MetadataCache>,
}

impl Reader<'_> {
    fn fill(&self, headers: &mut HeaderReader, place: &str, slot: &mut Slot) {
        let source = SourceFile::new(Arc::clone(&self.root), place.parse().unwrap());
        let (file, facts) = match self.cache {
            None => (source.open().unwrap(), None),
            Some(cache) => {
                let metadata = std::fs::symlink_metadata(self.root.path().join(place)).unwrap();
                let identity = FileIdentity::local(&source, stamp(&metadata));
                slot.checksum = known_digest(cache, &identity, DigestAlgorithm::Sha256, &mut slot.kept);
                slot.is_kept = slot.checksum.is_some()
                    && cache.get(&identity.xml(), &mut slot.kept)
                    && PiecesView::parse(&slot.kept).is_some();
                if slot.is_kept {
                    return;
                }
                (source.open().unwrap(), Some((cache, identity)))
            }
        };
        let metadata = file.metadata().unwrap();
        let read = headers.read_file(&file, file_facts(&metadata), None).unwrap();
        slot.is_kept = false;
        slot.pieces.render(&read.package);
        if let Some((cache, identity)) = facts {
            cache.put(
                &identity.digest(DigestAlgorithm::Sha256),
                &[read.sha256.hex().as_bytes()],
            );
            cache.put(&identity.xml(), &slot.pieces.parts());
        }
        slot.checksum = Some(read.sha256);
    }
}

fn stamp(metadata: &Metadata) -> FileStamp {
    FileStamp::of(metadata)
}

fn file_facts(metadata: &Metadata) -> FileFacts {
    FileFacts {
        size: metadata.len(),
        modified: u64::try_from(metadata.mtime()).unwrap(),
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
