//! How fast listings are read: XML in memory, into records. `cargo bench -p odcs-sources --bench koji`.
//!
//! What is measured is the time of the processor, which does not depend on what else the machine does.
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
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use generate::Listing;
use odcs_sources::koji::client::RpmListing;
use odcs_sources::koji::client::xmlrpc::Limits;
use rustix::time::{ClockId, clock_gettime};

/// What this thread has used of the processor.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

fn listings(c: &mut Criterion) {
    let mut group = c.benchmark_group("listTaggedRPMS");
    group.sample_size(10);
    for rpms in [2_000, 20_000, 200_000] {
        let mut xml = Vec::new();
        Listing::new(rpms).read_to_end(&mut xml).unwrap();
        group.throughput(Throughput::Bytes(xml.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(rpms), &xml, |b, xml| {
            b.iter_custom(|iterations| {
                let mut spent = Duration::ZERO;
                for _ in 0..iterations {
                    let before = processor_time();
                    let listing = RpmListing::read(black_box(&**xml), Limits::default()).unwrap();
                    spent += processor_time() - before;
                    assert_eq!(listing.rpms.len(), rpms);
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group!(benches, listings);
criterion_main!(benches);
