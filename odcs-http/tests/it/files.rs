//! Published files: listings, ranges, conditions, and nothing from outside.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use crate::common::{Answer, MemoryService, PUBLIC_URL, get, send, state_of};
use axum::Router;
use http::header::{CONTENT_RANGE, LAST_MODIFIED};
use odcs_http::{HttpOptions, router};
use proptest::prelude::*;
use tempfile::TempDir;

fn content(size: usize) -> Vec<u8> {
    (0..size)
        .map(|index| u8::try_from((index * 7 + index / 251) % 256).unwrap())
        .collect()
}

fn tree() -> (TempDir, Router) {
    let dir = tempfile::tempdir().unwrap();
    let composes = dir.path().join("composes");
    let os = composes.join("odcs-1/compose/Temporary/x86_64/os");
    fs::create_dir_all(os.join("repodata")).unwrap();
    fs::create_dir_all(os.join("Packages/e")).unwrap();
    fs::write(os.join("repodata/repomd.xml"), "<repomd/>").unwrap();
    let sum = "0123456789abcdef".repeat(4);
    fs::write(os.join(format!("repodata/{sum}-primary.xml.gz")), content(1000)).unwrap();
    fs::write(os.join("Packages/e/ed+x^1-1.x86_64.rpm"), content(300_000)).unwrap();
    fs::write(composes.join("odcs-1/empty"), "").unwrap();
    fs::write(composes.join("odcs-1/ten"), "0123456789").unwrap();
    fs::write(composes.join("odcs-1/<b>&\"x"), "x").unwrap();
    fs::write(dir.path().join("secret"), "secret").unwrap();
    symlink("../../secret", composes.join("odcs-1/out")).unwrap();
    symlink(dir.path(), composes.join("odcs-1/up")).unwrap();
    symlink("odcs-1", composes.join("latest-odcs-1-1")).unwrap();
    let state = state_of(
        Arc::new(MemoryService::default()),
        &composes,
        PUBLIC_URL,
        HttpOptions::default(),
    );
    (dir, router(state))
}

async fn ranged(app: &Router, path: &str, range: &str) -> Answer {
    send(app, "GET", path, &[("range", range)], "").await
}

const RPM: &str = "/composes/odcs-1/compose/Temporary/x86_64/os/Packages/e/ed%2Bx%5E1-1.x86_64.rpm";
const TEN: &str = "/composes/odcs-1/ten";

#[tokio::test]
async fn files_come_whole() {
    let (_dir, app) = tree();
    let answer = get(&app, RPM).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, content(300_000));
    assert_eq!(answer.header("content-length"), "300000");
    assert_eq!(answer.header("content-type"), "application/x-rpm");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert!(answer.header("etag").starts_with('"'));
    assert!(answer.header("last-modified").ends_with(" GMT"));
    assert!(answer.header("content-security-policy").contains("sandbox"));
    // The characters of package names come as they are, too, and through the link.
    let plain = "/composes/latest-odcs-1-1/compose/Temporary/x86_64/os/Packages/e/ed+x^1-1.x86_64.rpm";
    assert_eq!(get(&app, plain).await.body, content(300_000));
    let empty = get(&app, "/composes/odcs-1/empty").await;
    assert_eq!((empty.status.as_u16(), empty.body.len()), (200, 0));
    let head = send(&app, "HEAD", RPM, &[("range", "bytes=0-1")], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), "300000");
    assert_eq!(head.header("etag"), answer.header("etag"));
}

#[tokio::test]
async fn metadata_named_by_its_checksum_may_be_kept() {
    let (_dir, app) = tree();
    let base = "/composes/odcs-1/compose/Temporary/x86_64/os/repodata";
    let sum = "0123456789abcdef".repeat(4);
    let primary = get(&app, &format!("{base}/{sum}-primary.xml.gz")).await;
    assert!(primary.header("cache-control").contains("immutable"));
    assert_eq!(primary.header("content-type"), "application/gzip");
    assert_eq!(primary.header("content-encoding"), "");
    let repomd = get(&app, &format!("{base}/repomd.xml")).await;
    assert_eq!(repomd.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn one_range() {
    let (_dir, app) = tree();
    let whole = content(300_000);
    for (range, start, end) in [
        ("bytes=0-0", 0, 1),
        ("bytes=100-299", 100, 300),
        ("bytes=299999-", 299_999, 300_000),
        ("bytes=-5", 299_995, 300_000),
        ("bytes=0-999999999999999999999", 0, 300_000),
        ("bytes=131000-263000", 131_000, 263_001),
    ] {
        let answer = ranged(&app, RPM, range).await;
        assert_eq!(answer.status, 206, "{range}");
        assert_eq!(answer.body, whole[start..end], "{range}");
        assert_eq!(
            answer.header("content-range"),
            format!("bytes {start}-{}/300000", end - 1)
        );
        assert_eq!(answer.header("content-length"), (end - start).to_string());
        assert_eq!(answer.header("content-type"), "application/x-rpm");
    }
    for range in ["bytes=300000-", "bytes=-0", "bytes=400000-400001,300000-"] {
        let answer = ranged(&app, RPM, range).await;
        answer.assert_error(416);
        assert_eq!(answer.header("content-range"), "bytes */300000", "{range}");
    }
    ranged(&app, "/composes/odcs-1/empty", "bytes=0-")
        .await
        .assert_error(416);
    for range in ["bytes=5-1", "lines=1-2", "bytes=a-", "nonsense"] {
        let answer = ranged(&app, TEN, range).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (200, "0123456789"),
            "{range}"
        );
    }
    let twice = [("range", "bytes=0-1"), ("range", "bytes=2-3")];
    assert_eq!(send(&app, "GET", TEN, &twice, "").await.status, 200);
}

/// The parts of a multipart answer: what `Content-Range` says, and the bytes.
fn parts(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    let boundary = answer
        .header("content-type")
        .strip_prefix("multipart/byteranges; boundary=");
    let boundary = format!("--{}", boundary.unwrap());
    let mut rest: &[u8] = &answer.body;
    let mut parts = Vec::new();
    loop {
        rest = rest.strip_prefix(boundary.as_bytes()).unwrap();
        if rest == b"--\r\n" {
            return parts;
        }
        let end = rest.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&rest[..end]).unwrap();
        let range = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Range: bytes "));
        let (range, _) = range.unwrap().split_once('/').unwrap();
        assert!(head.contains("\r\nContent-Type: "));
        let (first, last) = range.split_once('-').unwrap();
        let length = last.parse::<usize>().unwrap() - first.parse::<usize>().unwrap() + 1;
        parts.push((range.to_owned(), rest[end + 4..end + 4 + length].to_vec()));
        rest = rest[end + 4 + length..].strip_prefix(b"\r\n").unwrap();
    }
}

#[tokio::test]
async fn several_ranges() {
    let (_dir, app) = tree();
    let answer = ranged(&app, TEN, "bytes=8-, 0-1,1-2").await;
    assert_eq!(answer.status, 206);
    assert_eq!(answer.header("content-range"), "");
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    let expected = [("8-9", "89"), ("0-1", "01"), ("1-2", "12")];
    let expected = expected.map(|(range, bytes)| (range.to_owned(), bytes.as_bytes().to_vec()));
    assert_eq!(parts(&answer), expected);
    // One that is left of several is a range like any other.
    let answer = ranged(&app, TEN, "bytes=3-4,90-91").await;
    assert_eq!(
        (answer.header("content-range"), answer.text()),
        ("bytes 3-4/10", "34")
    );
    // What would be more than the file, or too many, is the file.
    let many = format!("bytes={}", vec!["0-0"; 17].join(","));
    for range in ["bytes=0-,0-", &many] {
        let answer = ranged(&app, TEN, range).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 10), "{range}");
    }
    let list = (0..16)
        .map(|index| format!("{0}-{0}", index * 10_000))
        .collect::<Vec<_>>()
        .join(",");
    let answer = ranged(&app, RPM, &format!("bytes={list}")).await;
    assert_eq!(parts(&answer).len(), 16);
}

#[tokio::test]
async fn conditions() {
    let (dir, app) = tree();
    let first = get(&app, TEN).await;
    let (etag, modified) = (first.header("etag"), first.header("last-modified"));
    let with = async |headers: &[(&str, &str)]| send(&app, "GET", TEN, headers, "").await;
    for headers in [
        ("if-none-match", etag),
        ("if-none-match", "*"),
        ("if-modified-since", modified),
    ] {
        let answer = with(&[headers]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.len()),
            (304, 0),
            "{headers:?}"
        );
        assert_eq!(answer.header("etag"), etag);
        assert_eq!(answer.header("cache-control"), "no-cache");
        assert_eq!(answer.header("content-length"), "10");
    }
    with(&[("if-match", "\"other\"")]).await.assert_error(412);
    with(&[("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT")])
        .await
        .assert_error(412);
    assert_eq!(with(&[("if-match", etag)]).await.status, 200);
    let part = ("range", "bytes=0-1");
    assert_eq!(with(&[part, ("if-range", etag)]).await.status, 206);
    assert_eq!(with(&[part, ("if-range", modified)]).await.status, 206);
    assert_eq!(with(&[part, ("if-range", "\"other\"")]).await.status, 200);
    assert_eq!(with(&[part, ("if-none-match", etag)]).await.status, 304);
    // Another content is another file.
    fs::write(dir.path().join("composes/odcs-1/ten"), "9876543210+").unwrap();
    assert_eq!(with(&[("if-none-match", etag)]).await.text(), "9876543210+");
    assert_eq!(with(&[part, ("if-range", etag)]).await.body.len(), 11);
    assert!(first.headers.get(CONTENT_RANGE).is_none() && first.headers.contains_key(LAST_MODIFIED));
}

#[tokio::test]
async fn a_log_is_followed_by_ranges() {
    let (dir, app) = tree();
    let (path, log) = (
        "/composes/odcs-1/pungi-stderr.log",
        dir.path().join("composes/odcs-1/pungi-stderr.log"),
    );
    ranged(&app, path, "bytes=0-").await.assert_error(404);
    fs::write(&log, "resolve\n").unwrap();
    assert_eq!(ranged(&app, path, "bytes=0-").await.text(), "resolve\n");
    ranged(&app, path, "bytes=8-").await.assert_error(416);
    fs::write(&log, "resolve\ngather\n").unwrap();
    let answer = ranged(&app, path, "bytes=8-").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (206, "gather\n"));
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
}

#[tokio::test]
async fn directories_are_listed() {
    let (_dir, app) = tree();
    let answer = get(&app, "/composes/odcs-1/").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(
        answer
            .header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    let html = answer.text();
    assert!(html.contains("<title>Index of /composes/odcs-1/</title>"));
    assert!(html.contains("<a href=\"./compose/\">compose/</a>"));
    assert!(
        html.contains("<a href=\"./%3Cb%3E%26%22x\">&lt;b&gt;&amp;&quot;x</a>"),
        "{html}"
    );
    assert!(html.contains("<data value=\"10\">10 B</data>"));
    assert!(html.contains("href=\"../\""));
    assert_eq!(get(&app, "/composes/odcs-1/%3Cb%3E%26%22x").await.text(), "x");
    let top = get(&app, "/composes/").await;
    assert!(top.text().contains("./odcs-1/") && !top.text().contains("href=\"../\""));
    let head = send(&app, "HEAD", "/composes/odcs-1/", &[], "").await;
    assert_eq!(head.header("content-length"), html.len().to_string());
}

#[tokio::test]
async fn a_directory_without_a_slash_leads_to_the_one_with() {
    let (_dir, app) = tree();
    for (path, location) in [
        ("/composes", "./composes/"),
        ("/composes/odcs-1", "./odcs-1/"),
        ("/composes/odcs-1/compose?x=1", "./compose/"),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = send(&app, method, path, &[], "").await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("location")),
                (307, location),
                "{path}"
            );
        }
    }
    get(&app, "/composes/odcs-1/ten/").await.assert_error(404);
}

#[tokio::test]
async fn nothing_outside_is_reachable() {
    let (dir, app) = tree();
    let outside = dir.path().to_str().unwrap();
    let absolute = format!("/composes/{outside}/secret");
    let encoded = format!("/composes/{}%2fsecret", outside.replace('/', "%2f"));
    for path in [
        "/composes/../secret",
        "/composes/odcs-1/../../secret",
        "/composes/%2e%2e/secret",
        "/composes/.%2e/secret",
        "/composes/%2E%2E%2Fsecret",
        "/composes/..%2fsecret",
        "/composes/..%5csecret",
        "/composes/..\\secret",
        "/composes/%252e%252e/secret",
        "/composes/%252e%252e%252fsecret",
        "/composes/..;/secret",
        "/composes/..;a=b/secret",
        "/composes/%2e%2e;/secret",
        "/composes/%c0%ae%c0%ae/secret",
        "/composes/%e0%80%ae%e0%80%ae/secret",
        "/composes/%ef%bc%8e%ef%bc%8e/secret",
        "/composes/%u002e%u002e/secret",
        "/composes/odcs-1/ten%00.rpm",
        "/composes/%00",
        "/composes/odcs-1//ten",
        "/composes//odcs-1/ten",
        "/composes/./odcs-1/ten",
        "/composes/odcs-1/./ten",
        "/composes/odcs-1/out",
        "/composes/odcs-1/up/secret",
        "/composes/odcs-1/up/",
        "/composes/latest-odcs-1-1/out",
        "/composes/odcs-1/ten/x",
        "/composes/odcs-1/missing",
        "/composes/%",
        "/composes/%f",
        "/composesx/odcs-1/ten",
        "/composes%2fodcs-1/ten",
        &absolute,
        &encoded,
    ] {
        let answer = get(&app, path).await;
        answer.assert_error(404);
        assert!(!answer.text().contains("secret\n"));
    }
}

#[tokio::test]
async fn composes_may_be_published_at_the_top_or_beside_the_older_api() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("odcs-1")).unwrap();
    fs::write(dir.path().join("odcs-1/ten"), "0123456789").unwrap();
    for (public_url, base) in [
        ("http://localhost/", ""),
        ("http://localhost/odcs", "/odcs"),
        ("http://localhost/a/b/", "/a/b"),
    ] {
        let service = Arc::new(MemoryService::default());
        let app = router(state_of(service, dir.path(), public_url, HttpOptions::default()));
        assert_eq!(
            get(&app, &format!("{base}/odcs-1/ten")).await.text(),
            "0123456789"
        );
        assert!(
            get(&app, &format!("{base}/")).await.text().contains("odcs-1"),
            "{public_url}"
        );
        assert_eq!(get(&app, "/odcs/1/composes").await.json()["meta"]["total"], 0);
        assert_eq!(get(&app, "/api/1/about").await.json()["version"], "0.1.0");
        get(&app, "/api/1/nope").await.assert_error(404);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn ranges_are_slices_of_the_file(first in 0_usize..330_000, length in 1_usize..330_000, suffix in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let whole = content(300_000);
        let (header, slice) = if suffix {
            (format!("bytes=-{length}"), &whole[300_000_usize.saturating_sub(length)..])
        } else {
            let last = first + length - 1;
            (format!("bytes={first}-{last}"), &whole[first.min(300_000)..(last + 1).min(300_000)])
        };
        let (_dir, app) = tree();
        let answer = runtime.block_on(ranged(&app, RPM, &header));
        if slice.is_empty() {
            prop_assert_eq!(answer.status, 416);
        } else {
            prop_assert_eq!(answer.status, 206);
            prop_assert_eq!(&answer.body[..], slice);
        }
    }
}
