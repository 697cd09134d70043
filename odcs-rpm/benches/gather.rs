//! Package sets of a distribution's size: building, encoding, decoding, and gathering from them.
//!
//! `cargo bench -p odcs-rpm --bench gather [-- [--packages N] [--only PART] [--write DIR | --once DIR]]` prints medians, of one
//! thread where nothing else is said, and memory. `--write` leaves the same packages as a repository and as a set, and
//! the names that are gathered as `names`, for other programs to do the same work; `--once` does it once.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a bench that cannot go on has failed; its result is what it prints"
)]

mod distribution;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use odcs_rpm::gather::{Greedy, Options, PackageSet, Request, gather, select};
use odcs_rpm::{Package, PackageKind, PackagePattern};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 9;

fn main() {
    let mut packages = 30_000;
    let (mut write, mut once): (Option<PathBuf>, Option<PathBuf>) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--packages" => packages = arguments.next().unwrap().parse().unwrap(),
            "--write" => write = arguments.next().map(PathBuf::from),
            "--once" => once = arguments.next().map(PathBuf::from),
            _ => {}
        }
    }
    if let Some(dir) = once {
        gather_once(&dir);
        return;
    }
    let made = distribution::packages(packages);
    let asked = distribution::names(&made, 100);
    if let Some(dir) = write {
        distribution::write(&made, &asked, &dir);
        std::fs::write(dir.join("set"), built(&made).encode()).unwrap();
        return;
    }
    println!("{} packages, {} asked for", made.len(), asked.len());
    reset_peak();
    let before = field("VmRSS:");
    let set = built(&made);
    println!(
        "built: peak {} MiB, then {} MiB",
        field("VmHWM:") - before,
        field("VmRSS:") - before
    );
    drop(set);
    median("build from full packages", || built(&made));
    let bytes = built(&made).encode();
    println!("{} KiB encoded", bytes.len() / 1024);
    let before = field("VmRSS:");
    let set = PackageSet::decode(&bytes).unwrap();
    println!("decoded: {} MiB", field("VmRSS:").saturating_sub(before));
    median("encode", || set.encode());
    median("decode", || PackageSet::decode(&bytes).unwrap());
    median("decode, and make all packages", || {
        let set = PackageSet::decode(&bytes).unwrap();
        black_box(set.packages().count());
        set
    });
    let full: Vec<Arc<Package>> = made.into_iter().map(Arc::new).collect();
    let mut options = Options::new("x86_64".parse().unwrap());
    options.greedy = Greedy::Build;
    let some = Request::Packages(parse(&asked));
    let many = Request::Packages(parse(&distribution::names(full.iter().map(|p| &**p), 2000)));

    let set = PackageSet::new(full.clone(), Vec::new()).unwrap();
    median("PackageSet::new, all threads", || {
        PackageSet::new(full.clone(), Vec::new()).unwrap()
    });
    let found = gather(&set, &some, &options);
    println!("{} members, {} broken", found.members.len(), found.broken.len());
    median("gather 100", || gather(&set, &some, &options));
    median("gather everything", || {
        gather(&set, &Request::Everything, &options)
    });
    median("select 2000", || select(&set, &many, &options.arch));
    let set = PackageSet::decode(&bytes).unwrap();
    median("gather 100 from a decoded set", || gather(&set, &some, &options));
    median("select 2000 from a decoded set", || {
        select(&set, &many, &options.arch)
    });
    median("decode, and gather 100", || {
        let set = PackageSet::decode(&bytes).unwrap();
        let found = gather(&set, &some, &options);
        (set, found)
    });
}

/// The work of one process, for comparisons: what `--write` left is read, decoded and gathered from.
fn gather_once(dir: &Path) {
    let names = std::fs::read_to_string(dir.join("names")).unwrap();
    let names: Vec<String> = names.lines().map(Into::into).collect();
    let (start, before) = (Instant::now(), cpu());
    let bytes = std::fs::read(dir.join("set")).unwrap();
    let read = start.elapsed();
    let set = PackageSet::from_encoded(bytes).unwrap();
    let decoded = start.elapsed();
    let mut options = Options::new("x86_64".parse().unwrap());
    options.greedy = Greedy::Build;
    let found = gather(&set, &Request::Packages(parse(&names)), &options);
    let (all, spent) = (start.elapsed(), cpu() - before);
    let binaries = found.packages(PackageKind::Binary).count();
    println!(
        "{{\"packages\": {}, \"found\": {binaries}, \"all\": {}, \"read\": {:.6}, \"decode\": {:.6}, \"wall\": {:.6}, \"cpu\": {:.6}, \"peak_mib\": {}}}",
        set.len(),
        found.members.len(),
        read.as_secs_f64(),
        (decoded - read).as_secs_f64(),
        all.as_secs_f64(),
        spent.as_secs_f64(),
        field("VmHWM:"),
    );
}

fn built(packages: &[Package]) -> PackageSet {
    let mut builder = PackageSet::builder();
    packages.iter().for_each(|package| builder.add_brief(package));
    builder.finish().unwrap()
}

fn parse(names: &[String]) -> Vec<PackagePattern> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// Prints the medians of processor time, which other processes change little, and of wall time.
fn median<T>(what: &str, mut work: impl FnMut() -> T) {
    let mut arguments = std::env::args()
        .skip_while(|argument| argument != "--only")
        .skip(1);
    if arguments.next().is_some_and(|only| !what.contains(&only)) {
        return;
    }
    let (mut cpus, mut walls) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (start, before) = (Instant::now(), cpu());
        let made = black_box(work());
        cpus.push(cpu() - before);
        walls.push(start.elapsed());
        drop(made);
    }
    cpus.sort();
    walls.sort();
    let ms = |times: &[Duration]| times[ROUNDS / 2].as_secs_f64() * 1e3;
    println!("{what}: {:.2} ms of CPU, {:.2} ms", ms(&cpus), ms(&walls));
}

/// What all threads of this process have spent on a processor.
fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        spent.tv_sec.try_into().unwrap(),
        spent.tv_nsec.try_into().unwrap(),
    )
}

/// Has the kernel count the most memory anew.
fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// A figure of this process, in MiB.
fn field(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}
