use std::io::{Read, Write};
use std::net::Ipv6Addr;

use super::*;

/// Asks on a connection of its own, and reads what comes until it is closed: head and body.
fn ask(server: &Server, request: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let request = format!("{request}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    match end {
        Some(end) => {
            let body = answer.split_off(end + 4);
            (String::from_utf8(answer).unwrap(), body)
        }
        None => (String::from_utf8(answer).unwrap(), Vec::new()),
    }
}

fn get(server: &Server, path: &str) -> (String, Vec<u8>) {
    ask(server, &format!("GET {path} HTTP/1.1\r\n"))
}

fn with(rule: impl Into<Rule>) -> Server {
    let server = Server::empty();
    server.put("/x", "0123456789");
    server.on("/x", rule);
    server
}

#[test]
fn a_directory_is_served_properly() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("a b")).unwrap();
    std::fs::write(directory.path().join("a b/x"), "0123456789").unwrap();
    let server = Server::of_directory(directory.path());

    let (head, body) = get(&server, "/a%20b/x");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!(body, b"0123456789");
    let validator = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| *key == name).unwrap().1.to_owned()
    };
    for (range, status, body) in [
        ("bytes=2-4", "206", "234"),
        ("bytes=7-", "206", "789"),
        ("bytes=-2", "206", "89"),
        ("bytes=10-", "416", "This is 416.\n"),
        ("bytes=1-2,4-5", "200", "0123456789"),
    ] {
        let found = ask(&server, &format!("GET /a%20b/x HTTP/1.1\r\nRange: {range}\r\n"));
        assert!(
            found.0.contains(&format!("HTTP/1.1 {status} ")),
            "{range}: {}",
            found.0
        );
        assert_eq!(found.1, body.as_bytes(), "{range}");
    }
    for (validator, body) in [
        (validator("ETag"), "34"),
        (validator("Last-Modified"), "34"),
        ("\"other\"".to_owned(), "0123456789"),
    ] {
        let range = format!("GET /a%20b/x HTTP/1.1\r\nRange: bytes=3-4\r\nIf-Range: {validator}\r\n");
        assert_eq!(ask(&server, &range).1, body.as_bytes(), "{validator}");
    }
    let (head, body) = ask(&server, "HEAD /a%20b/x HTTP/1.1\r\n");
    assert!(
        head.contains("Content-Length: 10\r\n") && body.is_empty(),
        "{head}"
    );
    for path in ["/", "/a%20b", "/../x", "/%2e%2e/x", "//x", "/none"] {
        assert!(get(&server, path).0.starts_with("HTTP/1.1 404 "), "{path}");
    }
    assert_eq!(server.requests_for("/a%20b/x").len(), 10);
}

#[test]
fn connections_are_kept_and_counted() {
    let server = with(Behaviour::Proper);
    let mut stream = TcpStream::connect(server.address()).unwrap();
    for _ in 0..3 {
        stream.write_all(b"HEAD /x HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = [0; 17];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK\r\n");
        while !answer.ends_with(b"\r\n\r\n") {
            answer.rotate_left(1);
            stream.read_exact(&mut answer[16..]).unwrap();
        }
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 3));
    get(&server, "/x");
    assert_eq!((server.connections(), server.connections()), (2, 2));
}

#[test]
fn connections_are_cut_where_they_should_be() {
    let full = get(&with(Behaviour::Proper), "/x");
    let (head, body) = get(&with(Behaviour::CutAfter(4)), "/x");
    assert_eq!(
        (head.as_str(), body.as_slice()),
        (full.0.as_str(), b"0123".as_slice())
    );
    assert_eq!(get(&with(Behaviour::CutBeforeEnd(1)), "/x").1, b"012345678");
    assert_eq!(
        get(&with(Behaviour::CutAtOnce), "/x"),
        (String::new(), Vec::new())
    );
    let half = get(&with(Behaviour::CutInHead), "/x").0;
    assert!(full.0.starts_with(&half) && half.len() < full.0.len(), "{half}");
}

#[test]
fn lengths_are_told_as_they_should_be() {
    for (by, says) in [(5, "Content-Length: 15"), (-5, "Content-Length: 5")] {
        let (head, body) = get(&with(Behaviour::LengthOff(by)), "/x");
        assert!(head.contains(says), "{head}");
        assert_eq!(body, b"0123456789");
    }
    let (head, body) = get(&with(Behaviour::NoLength), "/x");
    assert!(
        !head.contains("Content-Length") && body == b"0123456789",
        "{head}"
    );
    let chunks = |behaviour| String::from_utf8(get(&with(behaviour), "/x").1).unwrap();
    assert_eq!(chunks(Behaviour::Chunked), "a\r\n0123456789\r\n0\r\n\r\n");
    let broken = |how| chunks(Behaviour::BrokenChunks(how));
    assert_eq!(broken(Broken::NoEnd), "a\r\n0123456789\r\n");
    assert!(broken(Broken::NoNumber).starts_with("many\r\n"));
    assert!(broken(Broken::HugeSize).starts_with("ffff"));
    assert!(broken(Broken::NoLineEnd).contains("9no line ends here0\r\n"));
}

#[test]
fn what_is_asked_for_is_answered_otherwise() {
    let status = |rule: Rule| get(&with(rule), "/x").0.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(status(Behaviour::Status(503).into()), "503");
    let late = Behaviour::Status(503).and(Behaviour::Header("Retry-After", "7".to_owned()));
    assert!(get(&with(late), "/x").0.contains("Retry-After: 7"));
    assert_eq!(get(&with(Behaviour::Body(b"other"[..].into())), "/x").1, b"other");
    assert!(get(&with(Behaviour::Html(200)), "/x").0.contains("text/html"));
    assert!(
        get(&with(Behaviour::RedirectToItself), "/x")
            .0
            .contains("Location: /x\r\n")
    );
    let chain = with(Behaviour::RedirectChain(2));
    assert!(get(&chain, "/x").0.contains("Location: /x?hop=1\r\n"));
    assert!(get(&chain, "/x?hop=1").0.contains("Location: /x?hop=2\r\n"));
    assert_eq!(get(&chain, "/x?hop=2").1, b"0123456789");
    let part = |behaviour| ask(&with(behaviour), "GET /x HTTP/1.1\r\nRange: bytes=4-\r\n");
    assert_eq!(part(Behaviour::IgnoreRange).1, b"0123456789");
    let (head, body) = part(Behaviour::RangeOff(-1));
    assert!(head.contains("bytes 3-9/10") && body == b"3456789", "{head}");
    let (head, body) = part(Behaviour::RangeMisnamed(1));
    assert!(head.contains("bytes 5-9/10") && body == b"456789", "{head}");
    assert!(part(Behaviour::RangeTotal(99)).0.contains("bytes 4-9/99"));
    assert!(!part(Behaviour::RangeUnnamed).0.contains("Content-Range"));
    let etag = |server: &Server| {
        get(server, "/x")
            .0
            .split_once("ETag")
            .map(|(_, etag)| etag.to_owned())
    };
    let changing = with(Behaviour::ChangingEtag);
    assert_ne!(etag(&changing), etag(&changing));
    assert_eq!(etag(&with(Behaviour::NoValidators)), None);
    let raw = with(Behaviour::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec()));
    assert_eq!(get(&raw, "/x").0, "SSH-2.0-OpenSSH\r\n");
    let many = get(&with(Behaviour::Informational(3)), "/x");
    assert!(
        String::from_utf8_lossy(&many.1).matches("102").count() == 2,
        "{many:?}"
    );
    assert!(get(&with(Behaviour::HugeHeader(5_000)), "/x").0.len() > 5_000);
}

#[test]
fn what_does_not_end_ends_when_the_client_has_enough() {
    for behaviour in [
        Behaviour::EndlessBody,
        Behaviour::EndlessHeaders,
        Behaviour::EndlessInformational,
    ] {
        let server = with(behaviour);
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
        stream.read_exact(&mut vec![0; 1 << 20]).unwrap();
        drop(stream);
        assert!(!server.requests()[0].is_complete);
    }
}

#[test]
fn rules_are_for_some_requests() {
    let server = with(Behaviour::Status(503).times(2));
    server.on("/x", Behaviour::Status(404).after(1).once());
    server.on("/*", Behaviour::Status(403).once().for_method("HEAD"));
    let mut seen = Vec::new();
    for _ in 0..5 {
        get(&server, "/x");
        seen.push(server.requests().last().unwrap().status);
    }
    assert_eq!(seen, [503, 503, 200, 404, 200]);
    ask(&server, "HEAD /y HTTP/1.1\r\n");
    assert_eq!(server.requests().last().unwrap().status, 403);
    server.forget();
    assert!(server.requests().is_empty());
}

#[test]
fn answers_wait_at_gates() {
    let gate = Gate::default();
    let server = with(Behaviour::HoldAfter(3, gate.clone()));
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream
        .write_all(b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n")
        .unwrap();
    gate.wait_for(1);
    assert_eq!(server.requests()[0].sent, 3);
    gate.open();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\n0123456789"), "{answer}");
    let request = &server.requests()[0];
    assert!(request.is_complete && request.sent == 10);
    let slow = with(Behaviour::Drip(3, Duration::from_millis(1)));
    assert_eq!(get(&slow, "/x").1, b"0123456789");
}

#[test]
fn servers_can_be_used_from_every_thread() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Server>();
    is_shared::<Gate>();
}

#[test]
fn servers_are_gone_when_they_are_dropped() {
    let server = with(Behaviour::HoldAfter(0, Gate::default()));
    let address = server.address();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
    drop(server);
    let _ = stream.read_to_end(&mut Vec::new());
    assert!(TcpStream::connect(address).is_err());
    assert!(TcpStream::connect(nobody()).is_err());
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        let server = Server::empty_at((Ipv6Addr::LOCALHOST, 0).into());
        assert!(server.url("/").starts_with("http://[::1]:"));
    }
}
