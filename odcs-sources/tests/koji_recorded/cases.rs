//! The recordings.

use std::fs;
use std::path::{Path, PathBuf};

use odcs_core::ErrorKind;
use odcs_sources::koji::client::xmlrpc::{Call, Limits, Reader, Struct, Value, read_call};
use odcs_sources::koji::client::{Fault, KojiError, KojiHub, Problem};
use serde_json::Value as Json;
use test_support::{project_root, recordings};
use tokio::runtime::Runtime;

use crate::server::{Answer, Server};
use crate::{shape, typed};

struct Case {
    name: String,
    meta: Json,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Case {
    fn read(folder: &Path, name: String) -> Self {
        let response = fs::read(folder.join("response.xml")).unwrap_or_else(|_| {
            zstd::decode_all(&*fs::read(folder.join("response.xml.zst")).unwrap()).unwrap()
        });
        Self {
            name,
            meta: serde_json::from_slice(&fs::read(folder.join("meta.json")).unwrap()).unwrap(),
            request: fs::read(folder.join("request.xml")).unwrap_or_default(),
            response,
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.meta["response_headers"][name].as_str()
    }

    /// What was sent, as it was sent.
    fn answer(&self) -> Answer {
        let status = format!(
            "{} {}",
            self.meta["http_status"],
            self.meta["http_reason"].as_str().unwrap_or_default()
        );
        let names = [
            "Content-Type",
            "Content-Encoding",
            "Location",
            "Koji-Version",
            "Vary",
            "Content-Range",
        ];
        let headers: Vec<_> = names
            .into_iter()
            .filter_map(|name| Some((name, self.header(name)?)))
            .collect();
        let body = match self.header("Content-Encoding") {
            // What is kept is what was in it.
            Some("gzip") => crate::server::compressed(&self.response),
            _ => self.response.clone(),
        };
        match self.header("Transfer-Encoding") {
            Some("chunked") => Answer::chunked(&status, &headers, &body, 4_096),
            _ => Answer::http(&status, &headers, &body),
        }
    }

    /// The call that was made, if it is one that can be made: what was sent by hand to see what a hub makes of it is not.
    fn call(&self) -> Option<(String, Vec<Value>)> {
        if self.meta["http_verb"] != "POST"
            || matches!(self.meta["method"].as_str(), Some("(raw)" | "(http file)"))
        {
            return None;
        }
        read_call(&mut Reader::new(&*self.request, Limits::default())).ok()
    }
}

/// The folders below one, those in sequences included.
fn all(top: &Path) -> Vec<Case> {
    let folders = |path: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
        folders.sort();
        folders
    };
    let mut cases = Vec::new();
    for folder in folders(top) {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        if folder.join("meta.json").exists() {
            cases.push(Case::read(&folder, name));
            continue;
        }
        for step in folders(&folder) {
            let name = format!("{name}/{}", step.file_name().unwrap().to_str().unwrap());
            cases.push(Case::read(&step, name));
        }
    }
    cases
}

/// Arguments as a call of ours.
pub(crate) fn call_of(method: &str, params: &[Value]) -> Call {
    let mut call = Call::new(String::leak(method.to_owned()));
    call.args = params.to_vec();
    if let Some(Value::Struct(Struct(last))) = params.last()
        && last.get("__starstar") == Some(&Value::Bool(true))
    {
        call.args.pop();
        call.keywords = Struct(last.clone());
        call.keywords.0.remove("__starstar");
    }
    call
}

fn judge(runtime: &Runtime, server: &Server, hub: &KojiHub, case: &Case) -> Result<(), String> {
    server.answer([case.answer()]);
    let call = case.call();
    let made = match &call {
        Some((method, params)) => call_of(method, params),
        None => Call::new("getAPIVersion"),
    };
    let answer = runtime.block_on(hub.call(&made));
    if case.meta["outcome"]["kind"] == "exception" {
        // The hub was made to refuse it by what we do not send at all.
        return match answer {
            Err(error) if matches!(error.problem(), Problem::Request { .. } | Problem::Status { .. }) => {
                Ok(())
            }
            other => Err(format!("{other:?}")),
        };
    }
    let asked = server.asked();
    let asked = asked.first().ok_or("nothing was sent")?;
    if asked.header("transfer-encoding").is_some() || asked.header("content-length").is_none() {
        return Err("it was sent in chunks".into());
    }
    if asked.header("content-type") != Some("text/xml") || asked.header("accept-encoding") != Some("gzip") {
        return Err(format!("headers: {:?}", asked.headers));
    }
    if let Some(call) = &call
        && asked.call() != *call
    {
        return Err(format!("sent {:?}, not {call:?}", asked.call()));
    }
    outcome(case, answer.as_ref())?;
    match &call {
        Some((method, params)) => typed::judge(runtime, server, hub, method, params, answer.as_ref()),
        None => Ok(()),
    }
}

fn outcome(case: &Case, answer: Result<&Value, &KojiError>) -> Result<(), String> {
    let outcome = &case.meta["outcome"];
    let text = |member: &str| outcome[member].as_str().unwrap_or_default();
    let is_xml = case.header("Content-Type") == Some("text/xml");
    match (outcome["kind"].as_str().unwrap(), answer) {
        ("ok", Ok(value)) => {
            if let Some(found) = outcome
                .get("shape")
                .and_then(|shape| shape::differs(shape, value, "answer"))
            {
                return Err(found);
            }
            match (outcome["len"].as_u64(), value) {
                (Some(length), Value::Array(values)) if values.len() as u64 != length => {
                    Err(format!("{} items, not {length}", values.len()))
                }
                _ => Ok(()),
            }
        }
        ("in-sequence", Ok(_)) => Ok(()),
        // A file that was read from the web server before the hub.
        ("ok", Err(error)) if !is_xml && matches!(error.problem(), Problem::Foreign { .. }) => {
            internal_or_away(error)
        }
        ("in-sequence", Err(error)) if error.fault().is_some() => Ok(()),
        ("fault", Err(error)) => {
            let fault = error.fault().ok_or_else(|| format!("not a fault: {error:?}"))?;
            let code = outcome["faultCode"].as_i64().unwrap();
            if fault.code != code {
                return Err(format!("fault {}, not {code}", fault.code));
            }
            // Of long texts the beginning was kept.
            let (said, expected) = (unescaped(&fault.text), unescaped(text("message")));
            let expected: String = expected.chars().take(290).collect();
            if !said.starts_with(&expected) {
                return Err(format!("fault says {:?}, not {:?}", fault.text, text("message")));
            }
            judge_fault(error, fault)
        }
        ("http", Err(error)) => {
            let status = case.meta["http_status"].as_u64().unwrap();
            match error.problem() {
                Problem::Status { status: found, .. } if u64::from(*found) == status => {}
                other => return Err(format!("{other:?}, not status {status}")),
            }
            let retryable = matches!(status, 502..=504);
            if error.is_retryable() != retryable {
                return Err(format!("retryable: {}", error.is_retryable()));
            }
            internal_or_away(error)
        }
        (kind, answer) => Err(format!("{kind} expected, not {answer:?}")),
    }
}

/// Some recordings keep the text as it is in XML.
fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

fn judge_fault(error: &KojiError, fault: &Fault) -> Result<(), String> {
    let (kind, retryable) = match fault.code {
        1014 => (ErrorKind::Unavailable, true),
        1 | 1009 if fault.code == 1 => (ErrorKind::Unavailable, false),
        1002 | 1004 | 1009 => (ErrorKind::Forbidden, false),
        _ => (ErrorKind::Invalid, false),
    };
    if (error.kind(), error.is_retryable()) != (kind, retryable) {
        return Err(format!("{:?}, retryable: {}", error.kind(), error.is_retryable()));
    }
    let shown = fault.to_string();
    let plain = !shown.contains(['\n', '\r']) && !shown.contains("SELECT") && !shown.contains("Traceback");
    if !plain || shown.is_empty() || shown.chars().count() > 200 || error.to_string().contains('\n') {
        return Err(format!("shown as {shown:?}"));
    }
    Ok(())
}

/// No answer that is none of a hub may be taken for something that the request did.
fn internal_or_away(error: &KojiError) -> Result<(), String> {
    match error.kind() {
        ErrorKind::Internal | ErrorKind::Unavailable | ErrorKind::Forbidden => Ok(()),
        other => Err(format!("kind {other:?}")),
    }
}

fn judge_all(cases: &[Case]) {
    let runtime = Runtime::new().unwrap();
    let server = Server::new();
    let hub = server.hub();
    let mut differing = 0;
    for case in cases {
        match judge(&runtime, &server, &hub, case) {
            Ok(()) => println!("ok {}", case.name),
            Err(what) => {
                differing += 1;
                let what: String = what.chars().take(400).collect();
                println!("DIFF {}: {what}", case.name);
            }
        }
    }
    assert_eq!(differing, 0, "cases differ from their recordings");
}

#[test]
fn recordings_are_read_as_they_were_sent() {
    let Some(top) = recordings("ODCS_KOJI_RECORDINGS", "koji/recordings") else {
        return;
    };
    let cases = all(&top);
    assert!(!cases.is_empty(), "there are no recordings at {}", top.display());
    judge_all(&cases);
}

#[test]
fn recordings_that_are_kept_here_are_read_as_they_were_sent() {
    let cases = all(&project_root().join("odcs-sources/tests/koji_recorded/fixtures"));
    assert!(cases.len() > 30, "{} cases", cases.len());
    judge_all(&cases);
}
