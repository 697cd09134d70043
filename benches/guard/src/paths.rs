//! The hot paths, each on the same packages.

use std::hint::black_box;

use odcs_rpm::header::{FileFacts, read_header};
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
        count("header", || {
            for (bytes, facts) in &files {
                black_box(read_header(bytes.as_slice(), *facts).unwrap());
            }
        });
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
