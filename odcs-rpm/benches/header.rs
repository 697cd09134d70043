//! Reading packages: their headers alone, and whole files with their digests; and the facts that are kept of them.
//!
//! `cargo bench -p odcs-rpm --bench header` prints microseconds of processor time for one package, on average of a
//! thousand, in the fastest of some rounds: what else the machine does meanwhile changes little of that.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed; its result is what it prints"
)]

use std::fs::File;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use odcs_rpm::header::{FileFacts, HeaderReader};
use odcs_rpm::{Package, facts};
use rpmgen::{GeneratorOptions, generate};
use tempfile::TempDir;

const PACKAGES: usize = 1000;
const ROUNDS: usize = 25;

/// A package in memory and on disk.
struct Written {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Written {
    fn facts(&self) -> FileFacts {
        FileFacts {
            size: self.bytes.len() as u64,
            modified: 7,
        }
    }
}

fn main() {
    let directory = TempDir::new().unwrap();
    let options = GeneratorOptions {
        packages: PACKAGES,
        ..GeneratorOptions::default()
    };
    let packages: Vec<Written> = generate(options)
        .map(|spec| {
            let path = directory.path().join(spec.file_name());
            let bytes = rpmgen::write(&spec).unwrap();
            std::fs::write(&path, &bytes).unwrap();
            Written { path, bytes }
        })
        .collect();
    let mut reader = HeaderReader::new();
    let all: Vec<Package> = packages
        .iter()
        .map(|file| reader.read_header(&*file.bytes, file.facts()).unwrap())
        .collect();
    let of = |what: &str, sum: usize| println!("{:>9} {what}", sum / PACKAGES);
    of(
        "bytes of file",
        packages.iter().map(|file| file.bytes.len()).sum(),
    );
    let header = |package: &Package| usize::try_from(package.header_range.1).unwrap();
    of("bytes of headers", all.iter().map(header).sum());
    of("files", all.iter().map(|package| package.files.len()).sum());

    measure("header, in memory", &packages, |file| {
        black_box(reader.read_header(&*file.bytes, file.facts()).unwrap());
    });
    measure("open", &packages, |file| {
        black_box(File::open(&file.path).unwrap());
    });
    measure("open, header", &packages, |file| {
        let opened = File::open(&file.path).unwrap();
        black_box(reader.read_header(opened, file.facts()).unwrap());
    });
    measure("open, header and digest", &packages, |file| {
        let opened = File::open(&file.path).unwrap();
        black_box(reader.read_file(opened, file.facts(), None).unwrap());
    });
    measure("digest, in memory", &packages, |file| {
        black_box(odcs_rpm::digest::sha256(&file.bytes));
    });
    measure("clone and drop a package", &all, |package| {
        black_box(package.clone());
    });
    let mut buffer = Vec::new();
    measure("facts: encode", &all, |package| {
        buffer.clear();
        facts::encode(package, &mut buffer);
        black_box(&buffer);
    });
    let encoded: Vec<Vec<u8>> = all
        .iter()
        .map(|package| {
            let mut bytes = Vec::new();
            facts::encode(package, &mut bytes);
            bytes
        })
        .collect();
    measure("facts: decode", &encoded, |bytes| {
        black_box(facts::decode(bytes).unwrap());
    });
    measure("facts: decode_brief", &encoded, |bytes| {
        black_box(facts::decode_brief(bytes).unwrap());
    });
    of("bytes of facts", encoded.iter().map(Vec::len).sum());
}

fn measure<T>(what: &str, items: &[T], mut once: impl FnMut(&T)) {
    let now = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
    let rounds = (0..ROUNDS).map(|_| {
        let begun = now();
        items.iter().for_each(&mut once);
        now() - begun
    });
    let least = rounds.min().unwrap();
    println!(
        "{:>9.2} us {what}",
        least.as_secs_f64() * 1e6 / items.len() as f64
    );
}
