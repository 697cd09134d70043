//! How much memory a listing takes beside its result.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub
)]

mod generate;

use std::io::BufReader;

use generate::Listing;
use odcs_sources::koji::client::RpmListing;
use odcs_sources::koji::client::xmlrpc::Limits;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

#[test]
fn a_listing_takes_little_beside_its_result() {
    const MIB: usize = 1 << 20;
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let answer = BufReader::with_capacity(256 << 10, Listing::new(20_000));
    let listing = RpmListing::read(answer, Limits::default()).unwrap();
    let (peak, result) = (MEMORY.peak_usage() - before, MEMORY.current_usage() - before);
    assert_eq!((listing.rpms.len(), listing.builds.len()), (20_000, 2_000));
    println!(
        "result: {} KiB, peak above it: {} KiB",
        result >> 10,
        (peak - result) >> 10
    );
    assert!(result < 16 * MIB, "the result takes {} KiB", result >> 10);
    assert!(
        peak - result < 64 * MIB,
        "{} KiB above the result",
        (peak - result) >> 10
    );
}
