//! The hub's side of HTTP.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::calls::{Answer, Fault, inside_multicall, is_multicall};
use crate::fault::{Wrong, with_field};
use crate::{Call, Shared, Value, xml};

/// The most bytes of a head, and of a body: what the real one takes.
const HEAD: u64 = 64 * 1024;
const BODY: u64 = 4 * 1024 * 1024;

/// What a web server says when it is not the hub that answers.
const PAGE: &str = "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\">\n<html><head>\n<title>Sign in</title>\n\
                    </head><body>\n<h1>Please sign in</h1>\n</body></html>\n";

/// A request as it came in.
struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What is sent back.
struct Reply {
    status: u16,
    kind: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// What to do wrong while it is sent.
    wrong: Option<Wrong>,
}

impl Reply {
    fn new(status: u16, kind: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            kind,
            headers: Vec::new(),
            body: body.into(),
            wrong: None,
        }
    }
}

/// Answers the requests of a connection.
pub(crate) fn serve(shared: &Arc<Shared>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let (Ok(mut writer), Ok(open)) = (stream.try_clone(), stream.try_clone()) else {
        return;
    };
    let _closing = Closing(open);
    let mut reader = BufReader::new(stream);
    while let Ok(Some(request)) = read(&mut reader) {
        let is_last = header(&request, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let reply = answer(shared, &request);
        match send(shared, &mut writer, reply) {
            Ok(true) if !is_last => (),
            _ => break,
        }
    }
}

/// Closes a connection at the end, also at that of a panic: nobody shall wait for an answer that does not come.
struct Closing(TcpStream);

impl Drop for Closing {
    fn drop(&mut self) {
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let mut headers = request.headers.iter();
    headers
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

fn read(from: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut head = from.take(HEAD);
    let mut line = String::new();
    head.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        request
            .headers
            .push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = header(&request, "content-length").and_then(|length| length.parse().ok());
    let length: u64 = length.unwrap_or(0);
    from.take(length.min(BODY + 1)).read_to_end(&mut request.body)?;
    Ok(Some(request))
}

/// What the hub says to a request, before anything is done wrong on the way.
fn answer(shared: &Arc<Shared>, request: &Request) -> Reply {
    let path = request.path.split('?').next().unwrap_or_default();
    if path.trim_end_matches('/') != "/kojihub" {
        return Reply::new(404, "text/html", "not found\n");
    }
    if request.method != "POST" {
        let what = "Method Not Allowed\nThis is an XML-RPC server. Only POST requests are accepted.\n";
        return Reply::new(405, "text/plain", what);
    }
    if header(request, "transfer-encoding").is_some() {
        return Reply::new(411, "text/plain", "Length Required\n");
    }
    if request.body.len() as u64 > BODY {
        return Reply::new(400, "text/plain", "Invalid request: Request too long\n");
    }
    let document = match xml::read(&request.body) {
        Ok(document) => document,
        Err(error) => return Reply::new(400, "text/plain", format!("Invalid request: {error}\n")),
    };
    let method = document.method.unwrap_or_else(|| "None".to_owned());
    let wrong = shared.record(Call {
        method: method.clone(),
        params: document.params.clone(),
        headers: request.headers.clone(),
    });
    let answer = shared.answer(&method, &document.params);
    with_wrong(&method, answer, wrong)
}

fn with_wrong(method: &str, answer: Answer, wrong: Option<Wrong>) -> Reply {
    let text = |answer: Answer| {
        let xml = match answer {
            Ok(value) => xml::response(&value),
            Err(Fault { code, text }) => xml::fault(code, &text),
        };
        Reply::new(200, "text/xml", xml)
    };
    let mut reply = match wrong {
        Some(Wrong::Body(body)) => return Reply::new(200, "text/xml", body),
        Some(Wrong::Html(status)) => return Reply::new(status, "text/html; charset=utf-8", PAGE),
        Some(Wrong::Redirect(to)) => {
            let mut reply = Reply::new(302, "text/html; charset=utf-8", PAGE);
            reply.headers.push(("Location", to));
            return reply;
        }
        Some(Wrong::Fault(code, what)) => return text(Err(Fault { code, text: what })),
        Some(Wrong::FaultInside(index, code, what)) if is_multicall(method) => {
            return text(answer.map(|value| match value {
                Value::Array(mut answers) => {
                    if let Some(answer) = answers.get_mut(index) {
                        *answer = inside_multicall(code, &what);
                    }
                    Value::Array(answers)
                }
                other => other,
            }));
        }
        Some(Wrong::Field(name, field)) => {
            return text(answer.map(|value| with_field(value, name, Some(&field))));
        }
        Some(Wrong::NoField(name)) => return text(answer.map(|value| with_field(value, name, None))),
        _ => text(answer),
    };
    match &wrong {
        Some(Wrong::Gzip) => reply.body = gzip(&reply.body),
        Some(Wrong::GzipCut(length)) => {
            reply.body = gzip(&reply.body);
            reply.body.truncate(*length);
        }
        _ => (),
    }
    if matches!(wrong, Some(Wrong::Gzip | Wrong::GzipCut(_) | Wrong::GzipLie)) {
        reply.headers.push(("Content-Encoding", "gzip".to_owned()));
    }
    reply.wrong = wrong;
    reply
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// Sends a reply. Whether another request may follow.
fn send(shared: &Shared, to: &mut TcpStream, reply: Reply) -> io::Result<bool> {
    let reason = match reply.status {
        200 => "OK",
        302 => "Found",
        404 => "Not Found",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Whatever",
    };
    let mut head = format!(
        "HTTP/1.1 {} {reason}\r\nServer: kojihub\r\nKoji-Version: 1.35.3\r\nContent-Type: {}\r\n",
        reply.status, reply.kind
    );
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let is_chunked = matches!(reply.wrong, Some(Wrong::Chunked | Wrong::ChunkedCut));
    match is_chunked {
        true => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
        false => head.push_str(&format!("Content-Length: {}\r\n\r\n", reply.body.len())),
    }
    match &reply.wrong {
        Some(Wrong::Hangup) => return Ok(false),
        Some(Wrong::Late(pause)) => shared.pause(*pause),
        _ => (),
    }
    to.write_all(head.as_bytes())?;
    match reply.wrong {
        Some(Wrong::CutAfter(length)) => {
            to.write_all(reply.body.get(..length).unwrap_or(&reply.body))?;
            return Ok(false);
        }
        Some(Wrong::CutBeforeEnd(missing)) => {
            let length = reply.body.len().saturating_sub(missing);
            to.write_all(reply.body.get(..length).unwrap_or_default())?;
            return Ok(false);
        }
        Some(Wrong::Trickle(piece, pause)) => {
            for piece in reply.body.chunks(piece.max(1)) {
                shared.pause(pause);
                to.write_all(piece)?;
            }
        }
        Some(Wrong::Chunked | Wrong::ChunkedCut) => {
            for chunk in reply.body.chunks(4096) {
                to.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
                to.write_all(chunk)?;
                to.write_all(b"\r\n")?;
            }
            if matches!(reply.wrong, Some(Wrong::ChunkedCut)) {
                return Ok(false);
            }
            to.write_all(b"0\r\n\r\n")?;
        }
        _ => to.write_all(&reply.body)?,
    }
    to.flush()?;
    Ok(true)
}
