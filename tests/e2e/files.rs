//! The published composes over HTTP.

use reqwest::Method;

use crate::support::{Repository, Server, Start};

async fn with_a_compose() -> (Server, String) {
    let (server, repository) = Server::with_test_repository();
    let compose = server.compose_of(&repository, &["ed"]).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    (
        server,
        "/composes/odcs-1/compose/Temporary/x86_64/os/Packages/e/ed-1.20-1.x86_64.rpm".to_owned(),
    )
}

#[tokio::test]
async fn directories_are_listed() {
    let (server, _) = with_a_compose().await;
    for (path, entry) in [
        ("/composes/", "odcs-1/"),
        ("/composes/odcs-1/", "COMPOSE_ID"),
        ("/composes/odcs-1/compose/", "Temporary/"),
        ("/composes/odcs-1/compose/Temporary/x86_64/os/Packages/", "e/"),
        ("/composes/latest-odcs-1-1/compose/Temporary/", "odcs-1.repo"),
    ] {
        let listing = server.get(path).await;
        assert_eq!(listing.status, 200, "{path}");
        assert!(listing.header("content-type").starts_with("text/html"), "{path}");
        assert!(
            listing.text().contains(&format!("href=\"./{entry}\"")),
            "{path}: {}",
            listing.text()
        );
    }
    let top = server.get("/composes/").await.text();
    assert!(!top.contains(".staging"), "{top}");
    // Without the slash the links of a listing would lead elsewhere; clients are sent on.
    assert_eq!(server.get("/composes/odcs-1").await.status, 200);
}

#[tokio::test]
async fn links_lead_to_the_composes_wherever_they_are() {
    let tail = "odcs-1/compose/Temporary/odcs-1.repo";
    let start = Start::new().args(["--listen", "[::1]:0"]);
    let repository = Repository::copy_below(start.dir());
    let server = start.start();
    let compose = server.compose_of(&repository.path, &["ed"]).await;
    let link = compose["result_repofile"].as_str().unwrap();
    assert_eq!(link, format!("{}/composes/{tail}", server.base));
    assert_eq!(server.get(link).await.status, 200);

    let start = Start::new().args(["--public-url", "http://odcs.example.com/some/where/"]);
    let repository = Repository::copy_below(start.dir());
    let server = start.start();
    let compose = server.compose_of(&repository.path, &["ed"]).await;
    let link = compose["result_repofile"].as_str().unwrap();
    assert_eq!(link, format!("http://odcs.example.com/some/where/{tail}"));
    // Under its public name, too, the service answers.
    let host = [("Host", "odcs.example.com")];
    let path = format!("/some/where/{tail}");
    let file = server.ask(Method::GET, &path, &host, b"").await;
    assert_eq!(file.status, 200);
    let base = "baseurl=http://odcs.example.com/some/where/odcs-1/compose/Temporary/$basearch/os\n";
    assert!(file.text().contains(base), "{}", file.text());
}

#[tokio::test]
async fn files_have_etags_and_ranges() {
    let (server, path) = with_a_compose().await;
    let whole = server.get(&path).await;
    let size = whole.body.len();
    assert_eq!(
        (whole.status.as_u16(), whole.header("accept-ranges")),
        (200, "bytes")
    );
    let etag = whole.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.len() > 8, "{etag}");

    let again = server
        .ask(Method::GET, &path, &[("If-None-Match", &etag)], b"")
        .await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    let head = server.ask(Method::HEAD, &path, &[], b"").await;
    assert_eq!(
        (head.status.as_u16(), head.header("content-length")),
        (200, size.to_string().as_str())
    );

    let part = server
        .ask(Method::GET, &path, &[("Range", "bytes=100-199")], b"")
        .await;
    assert_eq!(part.status, 206);
    assert_eq!(part.header("content-range"), format!("bytes 100-199/{size}"));
    assert_eq!(part.body, whole.body[100..200]);
    let tail = server
        .ask(Method::GET, &path, &[("Range", "bytes=-10")], b"")
        .await;
    assert_eq!(tail.body, whole.body[size - 10..]);
    let stale = server
        .ask(
            Method::GET,
            &path,
            &[("Range", "bytes=0-9"), ("If-Range", "\"other\"")],
            b"",
        )
        .await;
    assert_eq!((stale.status.as_u16(), stale.body.len()), (200, size));
    let beyond = server
        .ask(Method::GET, &path, &[("Range", &format!("bytes={size}-"))], b"")
        .await;
    assert_eq!(
        (beyond.status.as_u16(), beyond.header("content-range")),
        (416, format!("bytes */{size}").as_str())
    );

    let several = server
        .ask(Method::GET, &path, &[("Range", "bytes=0-3,96-103,-4")], b"")
        .await;
    assert_eq!(several.status, 206);
    let kind = several.header("content-type");
    let boundary = kind
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap_or_else(|| panic!("{kind}"));
    let text = String::from_utf8_lossy(&several.body).into_owned();
    for range in [
        format!("bytes 0-3/{size}"),
        format!("bytes 96-103/{size}"),
        format!("bytes {}-{}/{size}", size - 4, size - 1),
    ] {
        assert!(text.contains(&range), "{range}: {text}");
    }
    assert_eq!(text.matches(&format!("--{boundary}")).count(), 4);
    assert_eq!(several.header("content-length"), several.body.len().to_string());
}

#[tokio::test]
async fn nothing_outside_is_reachable() {
    let (server, _) = with_a_compose().await;
    std::fs::write(server.target().join("secret.txt"), "secret").unwrap();
    std::os::unix::fs::symlink("/etc", server.target().join("odcs-1/etc")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", server.target().join("odcs-1/passwd")).unwrap();
    for path in [
        "/composes/../odcs.sqlite",
        "/composes/%2e%2e/odcs.sqlite",
        "/composes/%2e%2e%2fodcs.sqlite",
        "/composes/odcs-1/..%2f..%2fodcs.sqlite",
        "/composes/odcs-1/compose/%2e%2e/%2e%2e/%2e%2e/odcs.sqlite",
        "/composes//etc/passwd",
        "/composes/odcs-1//COMPOSE_ID",
        "/composes/odcs-1/COMPOSE_ID%00",
        "/composes/odcs-1/etc/passwd",
        "/composes/odcs-1/passwd",
        "/composes/secret.txt",
        "/composes/.staging/",
    ] {
        let status = raw_status(&server, path).await;
        assert!(matches!(status, 400 | 404), "{path}: {status}");
    }
}

/// Asks by hand, because clients tidy paths up before they send them.
async fn raw_status(server: &Server, path: &str) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = server.base.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}
