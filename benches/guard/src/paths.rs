//! The hot paths, each on the same packages.

use std::hint::black_box;
use std::sync::{Arc, OnceLock};

use odcs_core::testing::MemoryCache;
use odcs_core::{CacheKey, KeptBlocks, MetadataCache};
use odcs_rpm::compression::WriteCompression;
use odcs_rpm::gather::{Options, PackageSet, Request, gather};
use odcs_rpm::header::{FileFacts, HeaderReader};
use odcs_rpm::repodata::{Described, Pieces, RepodataOptions, RepodataWriter};
use odcs_rpm::{Digest, DigestAlgorithm, Package, facts};
use odcs_storage::{CacheSettings, PackCache, StorageSettings, Targets};
use rpmgen::{GeneratorOptions, generate, write};

/// Everything below this function is counted, and nothing else: its name is known to callgrind.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
    black_box(());
}

/// How many packages; some of them have thousands of files.
const PACKAGES: usize = 40;

/// All paths, in the order in which they run: each needs what those before it made.
pub(crate) const NAMES: [&str; 11] = [
    "header",
    "facts encode",
    "facts decode",
    "cache get",
    "render",
    "write gz",
    "write zstd",
    "write known",
    "index",
    "index decode",
    "gather",
];

/// The path that is counted in this process.
static COUNTED: OnceLock<String> = OnceLock::new();

/// Runs all paths: once not counted, so that memory is there and what is looked up once is known, and then the one
/// that is asked for counted. In a pool of one thread, where what runs in parallel elsewhere is one after the other.
pub(crate) fn run(counted: String) {
    COUNTED.get_or_init(|| counted);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let packages = read(&files());
        let kept = keep(&packages);
        look_up(&kept);
        format(&packages);
        choose(&packages);
    });
}

/// Headers into packages. Nothing is hashed: that is a library's work, and most of what reading a whole file costs.
fn read(files: &[(Vec<u8>, FileFacts)]) -> Vec<Arc<Package>> {
    let mut reader = HeaderReader::new();
    let mut packages = Vec::with_capacity(files.len());
    count("header", || {
        packages.clear();
        let read = files
            .iter()
            .map(|(bytes, facts)| reader.read_header(bytes.as_slice(), *facts).unwrap());
        packages.extend(read.map(Arc::new));
    });
    packages
}

/// Packages into entries of the cache, and back.
fn keep(packages: &[Arc<Package>]) -> Vec<Vec<u8>> {
    let mut entries = vec![Vec::new(); packages.len()];
    count("facts encode", || {
        for (package, entry) in packages.iter().zip(&mut entries) {
            entry.clear();
            facts::encode(package, entry);
        }
    });
    count("facts decode", || {
        for entry in &entries {
            black_box(facts::decode(entry).unwrap());
        }
    });
    entries
}

/// Entries out of the cache, each verified.
fn look_up(entries: &[Vec<u8>]) {
    let target = tempfile::tempdir().unwrap();
    let targets = Targets::open(&StorageSettings::new(target.path())).unwrap();
    let cache = PackCache::open(&targets, CacheSettings::default()).unwrap();
    let keys: Vec<CacheKey> = (0..entries.len())
        .map(|number| CacheKey::new("guard", &[&number.to_le_bytes()]))
        .collect();
    for (key, entry) in keys.iter().zip(entries) {
        cache.put(key, &[entry]);
    }
    cache.flush();
    let mut found = Vec::new();
    count("cache get", || {
        for key in &keys {
            assert!(cache.get(key, &mut found));
        }
    });
}

/// Packages into XML, and XML into the files of repodata.
fn format(packages: &[Arc<Package>]) {
    let mut pieces: Vec<Pieces> = packages.iter().map(|_| Pieces::default()).collect();
    count("render", || {
        for (package, pieces) in packages.iter().zip(&mut pieces) {
            pieces.render(package);
        }
    });
    let checksum = Digest::of_bytes(DigestAlgorithm::Sha256, b"");
    let described: Vec<Described<'_>> = pieces
        .iter()
        .map(|pieces| Described {
            pieces: pieces.view(),
            checksum: &checksum,
            location: "Packages/p/package-1-1.x86_64.rpm",
        })
        .collect();
    let cache = MemoryCache::default();
    let blocks = KeptBlocks::new(&cache);
    for (name, compression, is_known) in [
        ("write gz", WriteCompression::Gzip, false),
        ("write zstd", WriteCompression::Zstd, false),
        ("write known", WriteCompression::Gzip, true),
    ] {
        count(name, || {
            let options = RepodataOptions::new(1).with_compression(compression);
            let mut writer =
                RepodataWriter::begin(described.len() as u64, options, |_| Ok(std::io::sink())).unwrap();
            if is_known {
                writer = writer.with_blocks(&blocks);
            }
            writer.write(&described).unwrap();
            black_box(writer.finish().unwrap());
        });
    }
}

/// The index of all packages, and gathering all of them.
fn choose(packages: &[Arc<Package>]) {
    let mut builder = PackageSet::builder();
    for package in packages {
        builder.add_brief(package);
    }
    let bytes = builder.finish().unwrap().encode();
    count("index", || {
        let mut builder = PackageSet::builder();
        for package in packages {
            builder.add_brief(package);
        }
        black_box(builder.finish().unwrap());
    });
    let mut set = PackageSet::decode(&bytes).unwrap();
    count("index decode", || set = PackageSet::decode(&bytes).unwrap());
    let options = Options::new("x86_64".parse().unwrap());
    count("gather", || {
        black_box(gather(&set, &Request::Everything, &options));
    });
}

fn count(name: &str, mut work: impl FnMut()) {
    assert!(NAMES.contains(&name), "{name} is on no list");
    work();
    if COUNTED.get().is_some_and(|counted| counted == name) {
        measured(&mut work);
    }
}

fn files() -> Vec<(Vec<u8>, FileFacts)> {
    let options = GeneratorOptions {
        packages: PACKAGES,
        seed: 1,
    };
    let files = generate(options).map(|spec| {
        let bytes = write(&spec).unwrap();
        let facts = FileFacts {
            size: bytes.len() as u64,
            modified: u64::from(spec.build_time),
        };
        (bytes, facts)
    });
    files.collect()
}
