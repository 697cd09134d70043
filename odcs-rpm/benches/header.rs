//! Reading packages: their headers alone, and whole files with their digests; and what is kept of them.
//!
//! `cargo bench -p odcs-rpm --bench header`: every figure is for one package on average, of a thousand.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a bench that cannot go on has failed"
)]

use std::fs::File;
use std::hint::black_box;
use std::path::PathBuf;

use criterion::{Criterion, Throughput};
use odcs_rpm::header::{FileFacts, read_file, read_header};
use rpmgen::{GeneratorOptions, generate};
use tempfile::TempDir;

const PACKAGES: usize = 1000;

fn facts(size: u64) -> FileFacts {
    FileFacts { size, modified: 7 }
}

fn main() {
    let directory = TempDir::new().unwrap();
    let options = GeneratorOptions {
        packages: PACKAGES,
        ..GeneratorOptions::default()
    };
    let packages: Vec<(PathBuf, Vec<u8>)> = generate(options)
        .map(|spec| {
            let path = directory.path().join(spec.file_name());
            let bytes = rpmgen::write(&spec).unwrap();
            std::fs::write(&path, &bytes).unwrap();
            (path, bytes)
        })
        .collect();
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    reading(&mut criterion, &packages);
    criterion.final_summary();
}

fn reading(criterion: &mut Criterion, packages: &[(PathBuf, Vec<u8>)]) {
    let mut group = criterion.benchmark_group("reading 1000");
    group.throughput(Throughput::Elements(PACKAGES as u64));
    group.bench_function("header, in memory", |bencher| {
        bencher.iter(|| {
            for (_, bytes) in packages {
                black_box(read_header(&**bytes, facts(bytes.len() as u64)).unwrap());
            }
        });
    });
    group.bench_function("header", |bencher| {
        bencher.iter(|| {
            for (path, bytes) in packages {
                let file = File::open(path).unwrap();
                black_box(read_header(file, facts(bytes.len() as u64)).unwrap());
            }
        });
    });
    group.bench_function("header and digest", |bencher| {
        bencher.iter(|| {
            for (path, bytes) in packages {
                let file = File::open(path).unwrap();
                black_box(read_file(file, facts(bytes.len() as u64), None).unwrap());
            }
        });
    });
    group.finish();
}
