//! How much memory a listing takes beside its result.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub
)]

mod generate;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use generate::Listing;
use odcs_sources::koji::client::xmlrpc::Limits;
use odcs_sources::koji::client::{HubSettings, KojiHub, RpmListing, TaggedRpms};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

/// What is allocated at a time by something, above what it results in.
fn above<T>(what: impl FnOnce() -> T) -> (T, usize, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let result = what();
    let (peak, now) = (MEMORY.peak_usage(), MEMORY.current_usage());
    (result, now.saturating_sub(before), peak.saturating_sub(now))
}

#[test]
fn a_listing_takes_little_beside_its_result() {
    // One after another: what is counted is the whole process.
    let answer = BufReader::with_capacity(256 << 10, Listing::new(20_000));
    let (listing, result, above_it) = above(|| RpmListing::read(answer, Limits::default()).unwrap());
    assert_eq!((listing.rpms.len(), listing.builds.len()), (20_000, 2_000));
    println!(
        "result: {} KiB, peak above it: {} KiB",
        result >> 10,
        above_it >> 10
    );
    assert!(result < 16 * MIB, "the result takes {} KiB", result >> 10);
    assert!(above_it < 64 * MIB, "{} KiB above the result", above_it >> 10);

    // From a hub, which sends as fast as it can.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}/kojihub", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n")
            .unwrap();
        std::io::copy(&mut Listing::new(20_000), &mut stream).unwrap();
    });
    let hub = KojiHub::new(HubSettings::new(server.parse().unwrap())).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut query = TaggedRpms::new("perf");
    query.drafts = true;
    let (answer, _, above_it) = above(|| runtime.block_on(hub.tagged_rpms(&query)));
    assert_eq!(answer.unwrap(), listing);
    println!("from a hub: peak above it: {} KiB", above_it >> 10);
    assert!(above_it < 64 * MIB, "{} KiB above the result", above_it >> 10);
    serving.join().unwrap();
}
