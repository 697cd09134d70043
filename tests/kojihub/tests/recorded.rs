//! That the double is a hub: what a real one answered, it answers, too.
//!
//! Every recording whose method it has is asked again over HTTP, and the answers are compared as values. What is not
//! compared, and why, is said by rules; none of them knows the name of a recording.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::indexing_slicing
)]

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use kojihub::{Hub, Value, xml};

/// The hub whose tables the state has. Others were recorded as well: with other data, behind other servers, offline.
const HUB: &str = "http://127.0.0.1:18080/kojihub";

/// A recording.
struct Case {
    name: String,
    folder: PathBuf,
    meta: serde_json::Value,
}

fn cases() -> Vec<Case> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recordings");
    let folder = test_support::recordings("ODCS_KOJI_RECORDINGS", "koji/recordings").unwrap_or(own);
    let mut cases: Vec<_> = test_support::files(&folder)
        .into_iter()
        .filter_map(|path| {
            let name = path.strip_suffix("/meta.json")?.to_owned();
            let meta = serde_json::from_slice(&std::fs::read(folder.join(&path)).unwrap()).unwrap();
            Some(Case {
                folder: folder.join(&name),
                name,
                meta,
            })
        })
        .collect();
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    cases
}

/// Asks over HTTP, and returns the status and the body.
fn post(hub: &Hub, body: &[u8]) -> (u16, Vec<u8>) {
    let address = hub.url().replace("http://", "").replace("/kojihub", "");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /kojihub HTTP/1.1\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
    (status, answer[end + 4..].to_vec())
}

/// Why a recording is not asked again.
fn not_asked(meta: &serde_json::Value, method: Option<&str>) -> Option<String> {
    let text = |name: &str| meta[name].as_str().unwrap_or_default();
    if text("url") != HUB {
        return Some(format!("another hub, or not a hub: {}", text("url")));
    }
    if text("http_verb") != "POST" {
        return Some(text("http_verb").to_owned());
    }
    if meta["request_headers"].get("Koji-Session-Id").is_some() {
        return Some("who is logged in".to_owned());
    }
    match method {
        None => Some("not a call".to_owned()),
        // What is said about methods that there are none of holds for those that there are here.
        Some(method) if !Hub::has(method) && text_of_outcome(meta) != "Invalid method" => {
            Some(format!("method {method}"))
        }
        Some(_) => None,
    }
}

fn text_of_outcome(meta: &serde_json::Value) -> &str {
    let message = meta["outcome"]["message"].as_str().unwrap_or_default();
    message.split(':').next().unwrap_or_default()
}

/// What is compared of a value, after what cannot be the same is taken out of it.
fn comparable(method: &str, value: Value) -> Value {
    match value {
        // Where in the real hub's source something went wrong.
        Value::Struct(members) => {
            let members = members.into_iter().filter(|(name, _)| name != "traceback");
            let mut members: Vec<_> = members
                .map(|(name, value)| (name, comparable(method, value)))
                .collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Struct(members)
        }
        Value::Array(elements) => {
            let mut elements: Vec<_> = elements
                .into_iter()
                .map(|element| comparable(method, element))
                .collect();
            // Rows that the database was not asked to order come as they lie there.
            let is_unordered = matches!(
                method,
                "listTaggedRPMS"
                    | "queryRPMSigs"
                    | "listBuildRPMs"
                    | "getTaskChildren"
                    | "listPackages"
                    | "multiCall"
            );
            let is_rows =
                |element: &Value| element.get("build_id").is_none() || element.get("arch").is_some();
            let are_rows = elements
                .iter()
                .all(|element| matches!(element, Value::Struct(_)) && is_rows(element));
            if is_unordered && are_rows && elements.iter().all(|row| row.get("faultCode").is_none()) {
                elements.sort_by_cached_key(Value::repr);
            }
            Value::Array(elements)
        }
        other => other,
    }
}

/// Whether something has happened since: tagging, signing and deleting went on between some recordings.
fn is_of_the_past(hub: &Hub, meta: &serde_json::Value) -> bool {
    let date = meta["response_headers"]["Date"].as_str().unwrap();
    let date = jiff::fmt::rfc2822::parse(date).unwrap().timestamp();
    let last = hub.call("getLastEvent", &[]).unwrap();
    let Some(Value::Double(last)) = last.get("ts") else {
        panic!("the last event has a time");
    };
    date.as_second() as f64 <= *last
}

#[test]
fn it_answers_as_a_real_hub_did() {
    let hub = Hub::start();
    let cases = cases();
    let (mut asked, mut differ) = (0, Vec::new());
    for case in &cases {
        let request = std::fs::read(case.folder.join("request.xml")).unwrap_or_default();
        let method = xml::read(&request).ok().and_then(|document| document.method);
        if let Some(why) = not_asked(&case.meta, method.as_deref()) {
            println!("later {}: {why}", case.name);
            continue;
        }
        if is_of_the_past(&hub, &case.meta) {
            println!("later {}: recorded before the last event", case.name);
            continue;
        }
        let method = method.unwrap_or_default();
        let recorded = std::fs::read(case.folder.join("response.xml")).unwrap();
        let (status, body) = post(&hub, &request);
        let expected = case.meta["http_status"].as_u64().unwrap();
        asked += 1;
        if u64::from(status) != expected {
            differ.push(format!("DIFF {}: HTTP {status} instead of {expected}", case.name));
            continue;
        }
        if status != 200 {
            println!("ok {}", case.name);
            continue;
        }
        let whole = |bytes: &[u8]| {
            let document = xml::read(bytes).unwrap_or_else(|error| panic!("{}: {error}", case.name));
            let values = document.params.into_iter().chain(document.fault);
            comparable(&method, Value::Array(values.collect()))
        };
        let (ours, theirs) = (whole(&body), whole(&recorded));
        match ours == theirs {
            true => println!("ok {}", case.name),
            false => differ.push(format!(
                "DIFF {}:\n  ours   {}\n  theirs {}",
                case.name,
                ours.repr(),
                theirs.repr()
            )),
        }
    }
    println!("{asked} asked");
    assert!(asked > 20, "there are recordings");
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
