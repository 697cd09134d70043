//! What the metadata cache costs: finding entries of several sizes among many, not finding one, and adding entries.
//!
//! `cargo bench -p odcs-storage --bench cache`
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench"
)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use odcs_core::{CacheKey, MetadataCache};
use odcs_storage::{CacheSettings, PackCache, StorageSettings, Targets};

/// Packages, each with an entry of each size.
const PACKAGES: u32 = 10_000;
const SIZES: [usize; 3] = [100, 4_000, 14_000];

fn key(kind: usize, number: u32) -> CacheKey {
    CacheKey::new("bench", &[&kind.to_le_bytes(), &number.to_le_bytes()])
}

fn targets(dir: &tempfile::TempDir) -> Targets {
    Targets::open(&StorageSettings::new(dir.path())).unwrap()
}

fn cache(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let cache = PackCache::open(&targets(&dir), CacheSettings::default()).unwrap();
    let content = vec![b'x'; 14_000];
    for number in 0..PACKAGES {
        for size in SIZES {
            cache.put(&key(size, number), &[&content[..size]]);
        }
    }
    cache.flush();
    let mut group = c.benchmark_group("get");
    for size in SIZES {
        let keys: Vec<_> = (0..PACKAGES).map(|number| key(size, number)).collect();
        let mut next = keys.iter().cycle();
        let mut buffer = Vec::new();
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(format!("{size} bytes"), |b| {
            b.iter(|| assert!(cache.get(black_box(next.next().unwrap()), &mut buffer)));
        });
    }
    let missing: Vec<_> = (0..PACKAGES).map(|number| key(1, number)).collect();
    let mut next = missing.iter().cycle();
    let mut buffer = Vec::new();
    group.bench_function("nothing", |b| {
        b.iter(|| assert!(!cache.get(black_box(next.next().unwrap()), &mut buffer)));
    });
    group.finish();

    let mut group = c.benchmark_group("put");
    group.sample_size(10);
    let keys: Vec<_> = (0..PACKAGES).map(|number| key(0, number)).collect();
    group.throughput(Throughput::Bytes(u64::from(PACKAGES) * 4_000));
    group.bench_function("10,000 entries of 4,000 bytes", |b| {
        let open = || {
            let dir = tempfile::tempdir().unwrap();
            let cache = PackCache::open(&targets(&dir), CacheSettings::default()).unwrap();
            (dir, cache)
        };
        b.iter_batched(
            open,
            |(dir, cache)| {
                for key in &keys {
                    cache.put(key, &[&content[..1_000], &content[1_000..4_000]]);
                }
                cache.flush();
                (dir, cache)
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();

    c.bench_function("open 180 MB", |b| {
        b.iter(|| PackCache::open(&targets(&dir), CacheSettings::default()).unwrap());
    });
}

criterion_group!(benches, cache);
criterion_main!(benches);
