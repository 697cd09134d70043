//! The hot paths, each on the same packages.

use std::hint::black_box;

use std::sync::Arc;

use odcs_rpm::compression::WriteCompression;
use odcs_rpm::gather::{Options, PackageSet, Request, gather};
use odcs_rpm::header::{FileFacts, read_header};
use odcs_rpm::repodata::{Described, Pieces, RepodataOptions, RepodataWriter};
use odcs_rpm::{Digest, DigestAlgorithm, Package};
use rpmgen::{GeneratorOptions, generate, write};

/// Everything below this function is counted, and nothing else: its name is known to callgrind.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
    black_box(());
}

/// How many packages; some of them have thousands of files.
const PACKAGES: usize = 40;

/// Runs all paths and prints their names: once not counted, so that memory is there and what is looked up once is
/// known, and then counted. In a pool of one thread, where what runs in parallel elsewhere is one after the other.
pub(crate) fn run_all() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let files = files();
        read(&files);
        let packages: Vec<Arc<Package>> = files
            .iter()
            .map(|(bytes, facts)| Arc::new(read_header(bytes.as_slice(), *facts).unwrap()))
            .collect();
        format(&packages);
        choose(packages);
    });
}

fn read(files: &[(Vec<u8>, FileFacts)]) {
    count("header", || {
        for (bytes, facts) in files {
            black_box(read_header(bytes.as_slice(), *facts).unwrap());
        }
    });
}

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
    for (name, compression) in [
        ("write gz", WriteCompression::Gzip),
        ("write zstd", WriteCompression::Zstd),
    ] {
        count(name, || {
            let options = RepodataOptions::new(1).with_compression(compression);
            let mut writer =
                RepodataWriter::begin(described.len() as u64, options, |_| Ok(std::io::sink())).unwrap();
            writer.write(&described).unwrap();
            black_box(writer.finish().unwrap());
        });
    }
}

fn choose(packages: Vec<Arc<Package>>) {
    let mut set = PackageSet::new(packages.clone(), Vec::new()).unwrap();
    count("index", || {
        set = PackageSet::new(packages.clone(), Vec::new()).unwrap();
    });
    let options = Options::new("x86_64".parse().unwrap());
    count("gather", || {
        black_box(gather(&set, &Request::Everything, &options));
    });
}

fn count(name: &str, mut work: impl FnMut()) {
    work();
    measured(&mut work);
    println!("{name}");
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
