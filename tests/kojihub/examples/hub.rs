//! Runs the hub until it is stopped, for a look at it with other programs: prints where it is.
#![allow(clippy::print_stdout, reason = "it is what it is for")]

fn main() {
    let place = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let hub = kojihub::Hub::start_in(std::path::Path::new(&place));
    println!("koji_server = {:?}", hub.url());
    println!("koji_topdir = {:?}", hub.topdir());
    println!("koji_topurl = {:?}", hub.topurl());
    loop {
        std::thread::park();
    }
}
