use rpmgen::{FileSpec, PackageSpec, Section, TagChange, TagValue, write};

use super::*;
use crate::fetch::served::{Manner, Served};

fn ed() -> PackageSpec {
    PackageSpec::binary("ed", "1", "2", "x86_64").built_from("ed-1-2.src.rpm")
}

/// A package whose main header has so many bytes, nearly, and a payload of 300 kB.
fn of_header(bytes: usize) -> Vec<u8> {
    let mut spec = ed().with(FileSpec::filled("/usr/share/ed/data", 300_000));
    spec.description = "x".repeat(bytes);
    let incompressible: Vec<u8> = (0..300_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    write(&spec.with_file("/usr/share/ed/noise", incompressible)).unwrap()
}

/// Reads the package at a path, and says how many requests and bytes that took.
async fn read_at(served: &Served, path: &str) -> (Result<Candidate>, usize, usize) {
    let read = Candidate::read_remote(served, Served::remote(path), None).await;
    let requests = served.requests();
    (
        read,
        requests.len(),
        requests.iter().map(|(_, _, bytes)| bytes).sum(),
    )
}

async fn error_of(served: &Served, path: &str) -> Error {
    read_at(served, path).await.0.unwrap_err()
}

#[tokio::test]
async fn headers_of_all_sizes_take_no_more_than_they_need() {
    for (header, requests) in [(0, 1), (60_000, 1), (64 << 10, 2), (200_000, 2), (5_000_000, 2)] {
        let file = of_header(header);
        let size = file.len() as u64;
        let served = Served::of([("ed.rpm", file)]);
        let (read, asked, bytes) = read_at(&served, "ed.rpm").await;
        let candidate = read.unwrap();
        let end = candidate.package.header_range.1;
        assert_eq!((asked, bytes as u64), (requests, end.max(FIRST)), "{header}");
        assert!(size > end + 300_000, "there is a payload that was left alone");
        assert_eq!(candidate.package.nevra.to_string(), "ed-0:1-2.x86_64");
        assert_eq!(candidate.package.description.len(), header);
        assert_eq!(
            (candidate.package.sizes.package, candidate.package.file_time),
            (size, 1_700_000_000)
        );
        assert_eq!(candidate.file.modified(), Some(1_700_000_000));
        assert_eq!(candidate.file.to_string(), "https://example.com/repo/ed.rpm");
    }
    // A signature header that is long by itself: how long the other one is has to be asked for.
    let mut signature = TagChange::main(1007, TagValue::Texts(vec![vec![b'x'; 999]; 100]));
    signature.section = Section::Signature;
    let served = Served::of([("ed.rpm", write(&ed().with_tag(signature)).unwrap())]);
    let (read, asked, _) = read_at(&served, "ed.rpm").await;
    assert_eq!((read.is_ok(), asked), (true, 3));
    // A file of less than what is asked for first, whose size is known by its end.
    let mut served = Served::of([("ed.rpm", write(&ed()).unwrap())]);
    served.manner = Manner::NoSize;
    let size = served.files["ed.rpm"].len();
    let (read, ..) = read_at(&served, "ed.rpm").await;
    assert_eq!(read.unwrap().package.sizes.package, size as u64);
}

#[tokio::test]
async fn what_is_no_package_is_said_with_its_url() {
    let whole = of_header(100_000);
    let mut served = Served::of([
        (
            "page",
            b"\n<!DOCTYPE html><html><body>Not found</body></html>".to_vec(),
        ),
        ("long-page", [b"<HTML>", &b"x".repeat(200_000)[..]].concat()),
        ("short", b"text".to_vec()),
        ("cut", whole[..90_000].to_vec()),
        ("cut-payload", whole[..whole.len() - 1000].to_vec()),
        ("claims", {
            let mut bytes = whole.clone();
            bytes[96 + 12..96 + 16].copy_from_slice(&(65_u32 << 20).to_be_bytes());
            bytes.resize(70 << 20, 0);
            bytes
        }),
        ("whole", whole),
    ]);
    let url = "https://example.com/repo";
    for (path, says) in [
        (
            "page",
            format!("the server answered a web page where the package {url}/page should be"),
        ),
        (
            "long-page",
            format!("the server answered a web page where the package {url}/long-page"),
        ),
        (
            "short",
            format!("{url}/short is damaged: not a readable RPM package: the file ends in the lead"),
        ),
        (
            "cut",
            format!("{url}/cut is damaged: not a readable RPM package: the file ends in the main header"),
        ),
        (
            "cut-payload",
            format!("{url}/cut-payload is damaged: not a readable RPM package: the file is cut off"),
        ),
    ] {
        let error = error_of(&served, path).await;
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.message().starts_with(&says), "{error}");
    }
    // The claim alone is enough.
    assert_eq!(
        read_at(&served, "cut").await.2 as u64,
        FIRST,
        "that it is cut off shows before that"
    );
    let (read, asked, bytes) = read_at(&served, "claims").await;
    assert!(
        read.unwrap_err()
            .message()
            .contains("more than the limit of 67108864")
    );
    assert_eq!((asked, bytes as u64), (1, FIRST));

    let error = error_of(&served, "missing").await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    for (manner, kind, says) in [
        (
            Manner::NoSize,
            ErrorKind::Invalid,
            "does not say how large https://example.com/repo/whole is",
        ),
        (
            Manner::Growing,
            ErrorKind::Unavailable,
            "changed while its header was being read",
        ),
        (Manner::Down, ErrorKind::Unavailable, "cannot be had"),
    ] {
        served.manner = manner;
        let error = error_of(&served, "whole").await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(says), "{error}");
    }
}

#[tokio::test]
async fn many_are_read_in_their_order() {
    let mut served = Served::default();
    let paths: Vec<String> = (0..40).map(|number| format!("{number}.rpm")).collect();
    for path in &paths {
        let mut spec = ed().with_epoch(u32::try_from(path.len()).unwrap());
        spec.name = format!("ed{}", path.trim_end_matches(".rpm"));
        // Some are long, and wait for each other.
        spec.description = "x".repeat(if path.contains('7') { 3 << 20 } else { 10 });
        served.files.insert(path.clone().leak(), write(&spec).unwrap());
    }
    let files = paths.iter().map(|path| (Served::remote(path), None)).collect();
    let read = Candidate::read_all_remote(&served, files, 8).await.unwrap();
    let names: Vec<_> = read
        .iter()
        .map(|one| one.package.nevra.name().as_str().to_owned())
        .collect();
    let expected: Vec<_> = (0..40).map(|number| format!("ed{number}")).collect();
    assert_eq!(names, expected);
    let files = vec![
        (Served::remote("1.rpm"), None),
        (Served::remote("none.rpm"), None),
    ];
    let error = Candidate::read_all_remote(&served, files, 0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_was_recorded_is_told_from_what_came_after() {
    let file = of_header(10);
    let digest = Digest::of_bytes(odcs_rpm::DigestAlgorithm::Sha256, &file);
    let mut recorded = ManifestPackage {
        kind: odcs_rpm::PackageKind::Binary,
        nevra: "ed-0:1-2.x86_64".parse().unwrap(),
        arches: Vec::new(),
        file: "https://example.com/repo/ed.rpm".to_owned(),
        modified: Some(7),
        size: file.len() as u64,
        digest: digest.clone(),
        sigkey: None,
        rpm_id: None,
        why: Default::default(),
    };
    let served = Served::of([("ed.rpm", file)]);
    let remote = || Served::remote("ed.rpm");
    let candidate = Candidate::read_recorded_remote(&served, &recorded, remote())
        .await
        .unwrap();
    assert_eq!(candidate.checksum, Some(digest));
    assert_eq!(
        (candidate.file.modified(), candidate.package.file_time),
        (Some(7), 7)
    );
    recorded.size += 1;
    let mut other = recorded.clone();
    other.nevra = "ed-0:1-3.x86_64".parse().unwrap();
    let files = vec![
        (&recorded, remote()),
        (&other, remote()),
        (&recorded, Served::remote("gone.rpm")),
    ];
    let read = Candidate::read_all_recorded_remote(&served, files, 4).await;
    let said: Vec<_> = read
        .into_iter()
        .map(|one| one.unwrap_err())
        .map(|it| (it.kind(), it.message().to_owned()))
        .collect();
    assert_eq!(said[0].0, ErrorKind::Gone);
    assert!(
        said[0].1.contains("ed.rpm is another file by now, of "),
        "{said:?}"
    );
    assert_eq!(
        said[1],
        (
            ErrorKind::Gone,
            "https://example.com/repo/ed.rpm is ed-0:1-2.x86_64 by now".to_owned()
        )
    );
    assert_eq!(said[2].0, ErrorKind::NotFound);
}
