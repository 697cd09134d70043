//! A web server that says what it is told to, and keeps what it was asked.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use odcs_sources::koji::client::xmlrpc::{Limits, Reader, Value, read_call};
use odcs_sources::koji::client::{HubSettings, KojiHub};

/// What is sent: bytes, and pauses between them. The connection is closed at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pieces: Vec<(Duration, Vec<u8>)>,
    resets: bool,
}

impl Answer {
    /// These bytes, whatever they are.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            pieces: vec![(Duration::ZERO, bytes.into())],
            resets: false,
        }
    }

    /// An answer of HTTP with a body of known length.
    pub(crate) fn http(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut bytes = head(status, headers);
        bytes.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
        bytes.extend(body);
        Self::raw(bytes)
    }

    /// XML, as a hub sends it.
    pub(crate) fn xml(body: impl AsRef<[u8]>) -> Self {
        Self::http("200 OK", &[("Content-Type", "text/xml")], body.as_ref())
    }

    /// The value of an answer.
    pub(crate) fn value(value: &str) -> Self {
        Self::xml(envelope(value))
    }

    /// In chunks of so many bytes.
    pub(crate) fn chunked(status: &str, headers: &[(&str, &str)], body: &[u8], size: usize) -> Self {
        let mut bytes = head(status, headers);
        bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n");
        for chunk in body.chunks(size) {
            bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
        Self::raw(bytes)
    }

    /// Compressed, in chunks, without a length, as a web server before a hub does it.
    pub(crate) fn gzip(body: &[u8]) -> Self {
        let headers = [("Content-Type", "text/xml"), ("Content-Encoding", "gzip")];
        Self::chunked("200 OK", &headers, &compressed(body), 4_000)
    }

    /// A byte at a time.
    pub(crate) fn slowly(self, pause: Duration) -> Self {
        let bytes = self.pieces.into_iter().flat_map(|(_, bytes)| bytes);
        Self {
            pieces: bytes.map(|byte| (pause, vec![byte])).collect(),
            resets: false,
        }
    }

    /// Ended by a reset.
    pub(crate) fn reset(mut self) -> Self {
        self.resets = true;
        self
    }
}

pub(crate) fn envelope(value: &str) -> String {
    format!(
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n{value}\n</param>\n</params>\n</methodResponse>\n"
    )
}

pub(crate) fn fault(code: i64, text: &str) -> Answer {
    Answer::xml(format!(
        "<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>{code}</int></value></member>\
         <member><name>faultString</name><value><string>{text}</string></value></member></struct></value></fault>\
         </methodResponse>"
    ))
}

pub(crate) fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn head(status: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.into_bytes()
}

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The call.
    pub(crate) fn call(&self) -> (String, Vec<Value>) {
        read_call(&mut Reader::new(&*self.body, Limits::default())).unwrap()
    }
}

#[derive(Default)]
struct State {
    answers: VecDeque<Answer>,
    last: Answer,
    asked: Vec<Asked>,
}

/// The server. It ends with the test.
pub(crate) struct Server {
    address: std::net::SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || {
                    // The client may hang up at any time.
                    let _ = serve(stream, &state);
                });
            }
        });
        Self { address, state }
    }

    /// A server that answers with this, always.
    pub(crate) fn with(answer: Answer) -> Self {
        let server = Self::new();
        server.answer([answer]);
        server
    }

    /// What to answer, one after another; with the last from then on.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().unwrap().answers = answers.into_iter().collect();
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }

    /// Settings to ask it, once.
    pub(crate) fn settings(&self) -> HubSettings {
        let mut settings = HubSettings::new(format!("http://{}/kojihub", self.address).parse().unwrap());
        settings.attempts = 1;
        settings
    }

    pub(crate) fn hub(&self) -> KojiHub {
        KojiHub::new(self.settings()).unwrap()
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: Vec<_> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut asked = Asked {
        headers,
        body: Vec::new(),
    };
    let length = asked
        .header("content-length")
        .and_then(|length| length.parse().ok());
    reader
        .by_ref()
        .take(length.unwrap_or(0))
        .read_to_end(&mut asked.body)?;
    let answer = {
        let mut state = state.lock().unwrap();
        state.asked.push(asked);
        if let Some(answer) = state.answers.pop_front() {
            state.last = answer;
        }
        state.last.clone()
    };
    let mut stream = stream;
    stream.set_nodelay(true)?;
    for (pause, bytes) in answer.pieces {
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
        stream.write_all(&bytes)?;
    }
    if answer.resets {
        // What was sent and not read makes closing a reset; so does this.
        rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
        return Ok(());
    }
    stream.shutdown(Shutdown::Write)?;
    Ok(())
}
