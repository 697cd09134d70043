//! How fast listings are read: XML in memory, into records. `cargo bench -p odcs-sources --bench koji`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a benchmark"
)]

#[path = "../tests/koji_recorded/generate.rs"]
mod generate;

use std::hint::black_box;
use std::io::Read;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use generate::Listing;
use odcs_sources::koji::client::RpmListing;
use odcs_sources::koji::client::xmlrpc::Limits;

fn listings(c: &mut Criterion) {
    let mut group = c.benchmark_group("listTaggedRPMS");
    group.sample_size(10);
    for rpms in [2_000, 20_000, 200_000] {
        let mut xml = Vec::new();
        Listing::new(rpms).read_to_end(&mut xml).unwrap();
        group.throughput(Throughput::Bytes(xml.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(rpms), &xml, |b, xml| {
            b.iter(|| {
                let listing = RpmListing::read(black_box(&**xml), Limits::default()).unwrap();
                assert_eq!(listing.rpms.len(), rpms);
                listing
            });
        });
    }
    group.finish();
}

criterion_group!(benches, listings);
criterion_main!(benches);
