//! What happens while a hub runs, what it does wrong when it is told to, and a large one that is made up.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use kojihub::{GENERATED_TAG, Hub, Value, Wrong, xml};

/// An argument by name.
fn named<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut members = Vec::from(members.map(|(name, value)| (name.to_owned(), value)));
    members.push(("__starstar".to_owned(), true.into()));
    Value::Struct(members)
}

/// The NVRs of the builds in a tag.
fn tagged(hub: &Hub, tag: &str, event: Option<i64>) -> Vec<String> {
    let args = named([
        ("event", event.into()),
        ("inherit", true.into()),
        ("latest", true.into()),
    ]);
    let builds = hub.call("listTagged", &[tag.into(), args]).unwrap();
    let builds = builds.as_array().unwrap().iter();
    builds
        .map(|build| build.get("nvr").unwrap().as_str().unwrap().to_owned())
        .collect()
}

/// The keys of the signatures of an RPM that are on record, without the unsigned header.
fn keys(hub: &Hub, nvra: &str) -> Vec<String> {
    let rows = hub.call("queryRPMSigs", &[nvra.into()]).unwrap();
    let keys = rows.as_array().unwrap().iter();
    let keys = keys.map(|row| row.get("sigkey").unwrap().as_str().unwrap().to_owned());
    keys.filter(|key| !key.is_empty()).collect()
}

fn digests(hub: &Hub, rpm: i64) -> Vec<String> {
    let known = hub.call(
        "getRPMChecksums",
        &[rpm.into(), named([("cacheonly", true.into())])],
    );
    match known.unwrap() {
        Value::Struct(known) => known.into_iter().map(|(key, _)| key).collect(),
        _ => panic!("a struct"),
    }
}

/// What comes back over the wire, headers included.
fn ask(hub: &Hub, method: &str) -> String {
    let mut stream = TcpStream::connect(hub.url().replace("http://", "").replace("/kojihub", "")).unwrap();
    let body = xml::call(method, &[]);
    let head = format!(
        "POST /kojihub HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn history_goes_on() {
    let hub = Hub::start();
    let before = hub.last_event();
    assert_eq!(tagged(&hub, "lab-locked", None), ["lab-hello-1.0-1"]);
    let tagging = hub.tag("lab-locked", "lab-hello-1.0-2");
    assert_eq!(tagged(&hub, "lab-locked", None), ["lab-hello-1.0-2"]);
    assert_eq!(tagged(&hub, "lab-locked", Some(before)), ["lab-hello-1.0-1"]);
    let again = hub.tag("lab-locked", "lab-hello-1.0-1");
    assert_eq!(
        tagged(&hub, "lab-locked", None),
        ["lab-hello-1.0-1"],
        "the one tagged last"
    );
    let blocking = hub.list_package("lab-locked", "lab-hello", true);
    assert!(tagged(&hub, "lab-locked", None).is_empty());
    let deleting = hub.delete_build("lab-hello-1.0-1");
    assert_eq!(
        [tagging, again, blocking, deleting],
        [before + 1, before + 2, before + 3, before + 4]
    );
    assert_eq!(
        tagged(&hub, "lab-locked", Some(again)),
        ["lab-hello-1.0-2"],
        "a deleted build is gone from history, too"
    );
    let event = hub.call("getEvent", &[deleting.into()]).unwrap();
    assert!(event.get("ts").is_some());
    let changed = |event: i64| {
        hub.call("tagChangedSinceEvent", &[event.into(), vec![11].into()])
            .unwrap()
    };
    assert_eq!([changed(before), changed(deleting)], [true.into(), false.into()]);
}

#[test]
fn signatures_come_and_go_without_events() {
    let hub = Hub::start();
    let nvra = "lab-hello-1.0-1.x86_64";
    let signed = hub.rpm_path(nvra, "f1290335");
    let bytes = std::fs::read(&signed).unwrap();
    assert!(digests(&hub, 4).contains(&"f1290335".to_owned()));

    let before = hub.last_event();
    hub.unsign("lab-hello-1.0-1", "f1290335");
    assert_eq!(keys(&hub, nvra), ["94d22493"]);
    assert!(!signed.exists() && !digests(&hub, 4).contains(&"f1290335".to_owned()));
    hub.sign("lab-hello-1.0-1", "f1290335");
    assert_eq!(keys(&hub, nvra), ["94d22493", "f1290335"]);
    assert_eq!(
        std::fs::read(&signed).unwrap(),
        bytes,
        "as Koji writes signed copies"
    );
    assert!(digests(&hub, 4).contains(&"f1290335".to_owned()));
    assert_eq!(hub.last_event(), before);

    hub.sign_again("lab-hello-1.0-1", "f1290335");
    let again = std::fs::read(&signed).unwrap();
    assert!(again != bytes && again.len() == bytes.len());
    if test_support::has("rpm") {
        let read = Command::new("rpm")
            .args(["-qp", "--qf", "%{RSAHEADER:pgpsig}"])
            .arg(&signed)
            .output()
            .unwrap();
        let key = String::from_utf8(read.stdout).unwrap();
        assert!(read.status.success() && key.ends_with("f1290335"), "{key}");
    }

    // On record since it was recorded, and not on disk.
    assert!(!hub.rpm_path("lab-noarch-2.0-2.noarch", "f1290335").exists());
    hub.write_signed("lab-noarch-2.0-2", "f1290335");
    assert!(hub.rpm_path("lab-noarch-2.0-2.noarch", "f1290335").exists());
    hub.forget_digests();
    assert!(digests(&hub, 4).is_empty());
}

#[test]
fn builds_move() {
    let hub = Hub::start();
    let usual = hub.build_directory("lab-hello-1.0-2");
    hub.move_build("lab-hello-1.0-2", "fast");
    let there = hub.build_directory("lab-hello-1.0-2");
    assert!(there.starts_with(hub.topdir().join("vol/fast")));
    let link = std::fs::read_link(&usual).unwrap();
    assert_eq!(
        link.to_str(),
        Some("../../../vol/fast/packages/lab-hello/1.0/2"),
        "relative, as Koji leaves it"
    );
    assert!(usual.join("x86_64/lab-hello-1.0-2.x86_64.rpm").is_file());
    let build = hub.call("getBuild", &["lab-hello-1.0-2".into()]).unwrap();
    assert_eq!(build.get("volume_name"), Some(&"fast".into()));
    hub.move_build("lab-hello-1.0-2", "DEFAULT");
    assert!(!usual.is_symlink() && usual.join("x86_64/lab-hello-1.0-2.x86_64.rpm").is_file());
}

#[test]
fn it_does_wrong_what_it_is_told_to() {
    let hub = Hub::start();
    let wrong = |rule: kojihub::Rule, expected: &str| {
        hub.behave();
        hub.on(rule);
        let answer = ask(&hub, "getAPIVersion");
        assert!(answer.contains(expected), "{answer:?} has no {expected:?}");
    };
    wrong(
        Wrong::Fault(1014, "server is offline".to_owned()).into(),
        "<int>1014</int>",
    );
    wrong(
        Wrong::Html(503).into(),
        "HTTP/1.1 503 Service Unavailable\r\nServer: kojihub",
    );
    wrong(Wrong::Html(200).into(), "Please sign in");
    wrong(
        Wrong::Redirect("http://login.example.com/".to_owned()).into(),
        "Location: http://login",
    );
    wrong(Wrong::Body(b"garbage".to_vec()).into(), "\r\n\r\ngarbage");
    wrong(Wrong::Body(Vec::new()).into(), "Content-Length: 0\r\n");
    wrong(
        Wrong::Chunked.into(),
        "Transfer-Encoding: chunked\r\n\r\n79\r\n<?xml",
    );
    wrong(Wrong::Gzip.into(), "Content-Encoding: gzip");
    wrong(
        Wrong::Trickle(7, Duration::from_millis(1)).into(),
        "</methodResponse>\n",
    );

    hub.behave();
    hub.on(Wrong::CutAfter(10));
    assert!(
        ask(&hub, "getAPIVersion").ends_with("\r\n\r\n<?xml vers"),
        "cut off"
    );
    hub.behave();
    hub.on(Wrong::Hangup);
    assert_eq!(ask(&hub, "getAPIVersion"), "");
    hub.behave();
    hub.on(Wrong::Field("id", "seven".into()));
    assert!(ask(&hub, "getLastEvent").contains("<string>seven</string>"));
    hub.behave();
    hub.on(Wrong::NoField("ts"));
    assert!(!ask(&hub, "getLastEvent").contains("ts"));

    hub.behave();
    hub.on(Wrong::Html(502).of("getLastEvent").after(1).times(1));
    let statuses = ["getLastEvent", "getAPIVersion", "getLastEvent", "getLastEvent"].map(|method| {
        let answer = ask(&hub, method);
        answer.contains("502")
    });
    assert_eq!(statuses, [false, false, true, false]);
    hub.forget();
    ask(&hub, "getAPIVersion");
    assert_eq!(
        hub.counts(),
        [("getAPIVersion".to_owned(), 1)].into_iter().collect()
    );
}

#[test]
fn faults_stand_among_answers() {
    let hub = Hub::start();
    let one = |method: &str| {
        Value::Struct(vec![
            ("methodName".to_owned(), method.into()),
            ("params".to_owned(), Value::Array(Vec::new())),
        ])
    };
    let body = xml::call(
        "multiCall",
        &[Value::Array(vec![one("getAPIVersion"), one("getAPIVersion")])],
    );
    hub.on(Wrong::FaultInside(1, 1000, "no luck".to_owned()));
    let mut stream = TcpStream::connect(hub.url().replace("http://", "").replace("/kojihub", "")).unwrap();
    let head = format!(
        "POST /kojihub HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let document = xml::read(answer.split_once("\r\n\r\n").unwrap().1.as_bytes()).unwrap();
    let answers = document.params[0].as_array().unwrap().to_vec();
    assert_eq!(answers[0], Value::Array(vec![1.into()]));
    assert_eq!(answers[1].get("faultCode"), Some(&1000.into()));
    assert_eq!(hub.counts().get("getAPIVersion"), Some(&2), "calls inside count");
}

#[test]
fn the_volume_is_served() {
    let hub = Hub::start();
    let address = hub.topurl().replace("http://", "");
    let mut stream = TcpStream::connect(address).unwrap();
    // Behind the link that a moved build left.
    let head = "GET /packages/lab-volume/1.0/1/x86_64/lab-volume-1.0-1.x86_64.rpm HTTP/1.1\r\nRange: bytes=0-3\r\n\
                Connection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.ends_with(&[0xed, 0xab, 0xee, 0xdb]));
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 206"));
}

#[test]
fn a_large_one_has_real_rpms() {
    let place = tempfile::tempdir().unwrap();
    let hub = Hub::generated(place.path(), 60, &["aaaaaaaa", "f1290335"]);
    let args = named([("rpmsigs", true.into()), ("latest", true.into())]);
    let listing = hub.call("listTaggedRPMS", &[GENERATED_TAG.into(), args]).unwrap();
    let rows = listing.as_array().unwrap()[0].as_array().unwrap().to_vec();
    assert_eq!(rows.len(), 60 * 3, "a row for each key, and one for none");
    if !test_support::has("rpm") {
        return;
    }
    let keyid = |key: &str| {
        let path = hub.rpm_path("pkg00001-libs-1.0-1.x86_64", key);
        let output = Command::new("rpm")
            .args(["-qp", "--nosignature", "--qf", "%{NAME} %{RSAHEADER:pgpsig}"])
            .arg(path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(keyid("f1290335").ends_with("f1290335"), "{}", keyid("f1290335"));
    assert!(keyid("").ends_with("(none)"));
    let checked = Command::new("rpm")
        .args(["-K", "--nosignature"])
        .arg(hub.rpm_path("pkg00001-libs-1.0-1.x86_64", "f1290335"))
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
}
