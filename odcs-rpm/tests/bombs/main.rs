//! Small files that hold much: each is refused before it has taken much memory or time. Each is read in a process of its
//! own, which says what it took.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

mod make;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use odcs_rpm::compression::{Compression, decoder};
use odcs_rpm::comps::read_comps;
use odcs_rpm::header::{FileFacts, read_header};
use odcs_rpm::repodata::{Filelists, Limits, ListKind, ListReader, Repomd, UpdateInfo, read_primary};

use make::{ALL, Bomb, compressed};

/// In MiB.
const MEMORY: u64 = 256;
/// In hundredths of a second; waiting for other processes does not count.
const TIME: u64 = 500;

/// What repositories may have as far as their settings go.
const OPEN: u64 = 8 << 30;

/// Reads one file as its kind is read, and says what came of it.
fn read(kind: &str, path: &Path) -> odcs_rpm::Result<String> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let compression = Compression::of_file_name(path.to_str().unwrap());
    if kind == "rpm" {
        let facts = FileFacts { size, modified: 0 };
        return read_header(file, facts).map(|package| format!("{} files", package.files.len()));
    }
    let file = BufReader::new(file);
    let mut reader = BufReader::with_capacity(128 << 10, decoder(file, compression, "metadata", OPEN)?);
    let limits = Limits::default();
    let reader: &mut dyn BufRead = &mut reader;
    Ok(match kind {
        "primary" => format!("{} packages", read_primary(reader, limits)?.len()),
        "filelists" => format!("{:?}", Filelists::read(reader, limits)?.give_to(&mut [])),
        "other" => {
            let all: Result<Vec<_>, _> = ListReader::new(reader, ListKind::Other, limits)?.collect();
            format!("{} packages", all?.len())
        }
        "updateinfo" => format!("{} updates", UpdateInfo::read(reader)?.updates()),
        "comps" => format!("{} groups", read_comps(reader, limits)?.groups.len()),
        "repomd" => {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(reader, &mut bytes)?;
            format!("{} files", Repomd::parse(&bytes)?.records.len())
        }
        other => panic!("{other}"),
    })
}

/// Not a test by itself: the process that reads. Without the variable it has nothing to do.
#[test]
fn reader() {
    let Ok(kind) = std::env::var("BOMB_KIND") else {
        return;
    };
    let outcome = read(&kind, Path::new(&std::env::var("BOMB_FILE").unwrap()));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    // After the name: user and system time in ticks, of which Linux has 100 in a second.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let time: u64 = fields[11..13]
        .iter()
        .map(|ticks| ticks.parse::<u64>().unwrap())
        .sum();
    let outcome = match outcome {
        Ok(text) => format!("ok: {text}"),
        Err(error) => format!("error: {error}"),
    };
    println!("\nBOMB {} {time} {outcome}", peak >> 10);
}

/// Has a bomb read, and checks what it took. Returns what was said of it.
fn read_apart(bomb: &Bomb, name: &str, bytes: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "reader", "--nocapture"])
        .env("BOMB_KIND", bomb.kind)
        .env("BOMB_FILE", &path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = text.lines().find_map(|line| line.strip_prefix("BOMB "));
    let said = said.unwrap_or_else(|| panic!("{name} {}: {output:?}", bomb.name));
    let (memory, rest) = said.split_once(' ').unwrap();
    let (time, outcome) = rest.split_once(' ').unwrap();
    println!(
        "{name} {} of {} bytes: {memory} MiB, {time}0 ms, {outcome}",
        bomb.name,
        bytes.len()
    );
    assert!(
        memory.parse::<u64>().unwrap() < MEMORY,
        "{name} {}: {memory} MiB",
        bomb.name
    );
    assert!(
        time.parse::<u64>().unwrap() < TIME,
        "{name} {}: {time}0 ms",
        bomb.name
    );
    outcome.to_owned()
}

/// In one format, everything that can be made too much of.
#[test]
fn whatever_is_repeated_ends_at_a_limit() {
    for bomb in make::bombs() {
        let name = format!("{}.xml.zst", bomb.kind);
        let said = read_apart(&bomb, &name, &compressed(&bomb, Compression::Zstd));
        assert!(
            said.starts_with("error: ") && said.contains(bomb.says),
            "{}: {said}",
            bomb.name
        );
    }
}

#[test]
fn in_every_format_it_ends_at_the_limit() {
    let bomb = make::files();
    for compression in ALL {
        let name = format!("filelists.xml.{}", make::suffix(compression));
        let said = read_apart(&bomb, &name, &compressed(&bomb, compression));
        assert_eq!(
            said, "error: metadata decompresses to more than 100 times its size",
            "{name}"
        );
        // One inside the other is a file of another format, which is not read.
        let inner = make::compress(&compressed(&bomb, compression), compression);
        let said = read_apart(&bomb, &name, &inner);
        assert!(said.starts_with("error: filelists: "), "{name} {said}");
    }
}

#[test]
fn what_asks_for_much_memory_gets_none() {
    let bomb = make::files();
    for (name, bytes) in [
        ("primary.xml.xz", make::xz_with_huge_dictionary()),
        ("primary.xml.zst", make::zstd_with_huge_window()),
    ] {
        let said = read_apart(&bomb, name, &bytes);
        assert!(
            said.contains("damaged") && said.contains("data: "),
            "{name} {said}"
        );
    }
}

#[test]
fn headers_of_packages_are_no_better() {
    for (bomb, bytes) in make::packages() {
        let said = read_apart(&bomb, "ed.rpm", &bytes);
        assert!(
            said.starts_with("error: not a readable RPM package: ") && said.contains(bomb.says),
            "{}: {said}",
            bomb.name
        );
    }
}
