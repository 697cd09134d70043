//! What is answered, before anything of it is sent.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::behaviour::{Behaviour, Broken, Gate};
use super::request::Request;

/// Bytes of a body, and what is said of them.
#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) bytes: Bytes,
    pub(super) size: u64,
    /// Empty for none, like `modified`.
    etag: String,
    modified: String,
    kind: &'static str,
}

/// Where the bytes of a body are.
#[derive(Clone, Debug)]
pub(super) enum Bytes {
    Memory(Arc<[u8]>),
    File(PathBuf),
    Endless,
}

impl Content {
    /// When files in memory have been modified: in 2023.
    const MODIFIED: Duration = Duration::from_secs(1_700_000_000);

    pub(super) fn of_bytes(bytes: Arc<[u8]>) -> Self {
        // FNV-1a: the same bytes have the same name, whatever they are served by.
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self {
            size: bytes.len() as u64,
            bytes: Bytes::Memory(bytes),
            etag: format!("\"{hash:x}\""),
            modified: httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Self::MODIFIED),
            kind: "application/octet-stream",
        }
    }

    fn text(kind: &'static str, text: &str) -> Self {
        Self {
            etag: String::new(),
            modified: String::new(),
            kind,
            ..Self::of_bytes(text.as_bytes().into())
        }
    }

    pub(super) fn of_file(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        let modified = about.modified().ok()?;
        let since = modified.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(Self {
            bytes: Bytes::File(path.to_owned()),
            size: about.len(),
            etag: format!("\"{:x}-{:x}\"", since.as_nanos(), about.len()),
            modified: httpdate::fmt_http_date(modified),
            kind: "application/octet-stream",
        })
    }

    /// The bytes from here on.
    pub(super) fn open(&self, first: u64) -> std::io::Result<Box<dyn Read>> {
        match &self.bytes {
            Bytes::Memory(bytes) => {
                let mut bytes = std::io::Cursor::new(Arc::clone(bytes));
                bytes.set_position(first);
                Ok(Box::new(bytes))
            }
            Bytes::File(path) => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(first))?;
                Ok(Box::new(file))
            }
            Bytes::Endless => Ok(Box::new(std::io::repeat(b'x'))),
        }
    }
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Framing {
    Length,
    Close,
    Chunked(Option<Broken>),
}

/// Where the connection is closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cut {
    AtOnce,
    InHead,
    After(u64),
}

/// What does not fit the form of an answer.
#[derive(Clone, Debug)]
pub(super) enum Odd {
    Raw(Vec<u8>),
    Headers,
    Informational,
}

/// An answer, and how it is sent.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content: Content,
    /// The first byte of the content that is sent, and how many are.
    pub(super) first: u64,
    pub(super) length: u64,
    pub(super) framing: Framing,
    pub(super) cut: Option<Cut>,
    pub(super) delay: Duration,
    pub(super) hold: Option<(u64, Gate)>,
    pub(super) drip: Option<(usize, Duration)>,
    pub(super) informational: usize,
    pub(super) odd: Option<Odd>,
    pub(super) is_last: bool,
}

impl Answer {
    /// The answer to a request for what may be there. `serial` is the number of the request.
    pub(super) fn to(
        request: &Request,
        content: Option<Content>,
        behaviours: &[Behaviour],
        serial: usize,
    ) -> Self {
        let mut answer = match content {
            Some(content) => Self::whole(200, content),
            None => Self::whole(404, Content::text("text/plain", "There is no such file.\n")),
        };
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            answer.say(405);
        }
        for behaviour in behaviours {
            answer.choose(request, behaviour, serial);
        }
        let ignores = behaviours.iter().any(|b| matches!(b, Behaviour::IgnoreRange));
        if answer.status == 200 && !ignores && !matches!(answer.content.bytes, Bytes::Endless) {
            answer.part(request, behaviours);
        }
        answer.describe(behaviours);
        answer
    }

    fn whole(status: u16, content: Content) -> Self {
        Self {
            status,
            headers: Vec::new(),
            first: 0,
            length: content.size,
            content,
            framing: Framing::Length,
            cut: None,
            delay: Duration::ZERO,
            hold: None,
            drip: None,
            informational: 0,
            odd: None,
            is_last: false,
        }
    }

    fn have(&mut self, status: u16, content: Content) {
        self.status = status;
        self.length = content.size;
        self.content = content;
    }

    fn say(&mut self, status: u16) {
        self.have(
            status,
            Content::text("text/plain", &format!("This is {status}.\n")),
        );
    }

    /// What is answered, and which of it is left out.
    fn choose(&mut self, request: &Request, behaviour: &Behaviour, serial: usize) {
        match behaviour {
            Behaviour::Body(bytes) => self.have(200, Content::of_bytes(Arc::clone(bytes))),
            Behaviour::Html(status) => {
                let page = "<!DOCTYPE html><html><title>Sign in</title><p>Please sign in to go on.</html>\n";
                self.have(*status, Content::text("text/html; charset=utf-8", page));
            }
            Behaviour::Status(status) => self.say(*status),
            Behaviour::Redirect(status, location) => self.redirect(*status, location.clone()),
            Behaviour::RedirectToItself => self.redirect(302, request.target.clone()),
            Behaviour::RedirectChain(hops) => {
                let (path, hop) = request
                    .target
                    .split_once("?hop=")
                    .unwrap_or((&request.target, "0"));
                let hop = hop.parse().unwrap_or(0);
                if hop < *hops {
                    self.redirect(302, format!("{path}?hop={}", hop + 1));
                }
            }
            Behaviour::EndlessBody => {
                self.status = 200;
                self.content.bytes = Bytes::Endless;
                self.length = u64::MAX;
                if self.framing == Framing::Length {
                    self.framing = Framing::Close;
                }
            }
            Behaviour::ChangingEtag => self.content.etag = format!("\"{serial}\""),
            Behaviour::NoValidators => {
                self.content.etag.clear();
                self.content.modified.clear();
            }
            Behaviour::Delay(delay) => self.delay = *delay,
            Behaviour::HoldAfter(bytes, gate) => self.hold = Some((*bytes, gate.clone())),
            Behaviour::Drip(bytes, every) => self.drip = Some((*bytes, *every)),
            Behaviour::CutAtOnce => self.cut = Some(Cut::AtOnce),
            Behaviour::CutInHead => self.cut = Some(Cut::InHead),
            Behaviour::CutAfter(bytes) => self.cut = Some(Cut::After(*bytes)),
            Behaviour::NoLength => self.framing = Framing::Close,
            Behaviour::Chunked => self.framing = Framing::Chunked(None),
            Behaviour::BrokenChunks(how) => self.framing = Framing::Chunked(Some(*how)),
            Behaviour::Informational(count) => self.informational = *count,
            Behaviour::EndlessHeaders => self.odd = Some(Odd::Headers),
            Behaviour::EndlessInformational => self.odd = Some(Odd::Informational),
            Behaviour::Raw(bytes) => self.odd = Some(Odd::Raw(bytes.clone())),
            _ => (),
        }
    }

    fn redirect(&mut self, status: u16, location: String) {
        self.say(status);
        self.headers.push(("Location", location));
    }

    /// Leaves out what was not asked for.
    fn part(&mut self, request: &Request, behaviours: &[Behaviour]) {
        let (etag, modified) = (&self.content.etag, &self.content.modified);
        // An ETag that is weak is never the same.
        let same = |validator: &str| {
            (validator == etag && !validator.starts_with("W/") || validator == modified)
                && !validator.is_empty()
        };
        let size = self.content.size;
        let part = request
            .part_of(size)
            .filter(|_| request.header("if-range").is_none_or(same));
        let (mut first, last) = match part {
            None => return,
            Some(None) => {
                self.say(416);
                self.headers.push(("Content-Range", format!("bytes */{size}")));
                return;
            }
            Some(Some(part)) => part,
        };
        let mut name = (first, size);
        let mut is_named = true;
        for behaviour in behaviours {
            match behaviour {
                Behaviour::RangeOff(by) => {
                    first = first.saturating_add_signed(*by).min(last);
                    name.0 = first;
                }
                Behaviour::RangeMisnamed(by) => name.0 = first.saturating_add_signed(*by).min(last),
                Behaviour::RangeTotal(total) => name.1 = *total,
                Behaviour::RangeUnnamed => is_named = false,
                _ => (),
            }
        }
        self.status = 206;
        self.first = first;
        self.length = last - first + 1;
        if is_named {
            let range = format!("bytes {}-{last}/{}", name.0, name.1);
            self.headers.push(("Content-Range", range));
        }
    }

    /// What is said of it.
    fn describe(&mut self, behaviours: &[Behaviour]) {
        let content = &self.content;
        self.headers.push(("Content-Type", content.kind.to_owned()));
        if !content.etag.is_empty() {
            self.headers.push(("ETag", content.etag.clone()));
            self.headers.push(("Accept-Ranges", "bytes".to_owned()));
        }
        if !content.modified.is_empty() {
            self.headers.push(("Last-Modified", content.modified.clone()));
        }
        let mut off = 0;
        for behaviour in behaviours {
            match behaviour {
                Behaviour::CutBeforeEnd(bytes) => {
                    self.cut = Some(Cut::After(self.length.saturating_sub(*bytes)));
                }
                Behaviour::LengthOff(by) => off = *by,
                Behaviour::HugeHeader(bytes) => self.headers.push(("X-Huge", "x".repeat(*bytes))),
                _ => (),
            }
        }
        match self.framing {
            Framing::Length => {
                let length = self.length.saturating_add_signed(off);
                self.headers.push(("Content-Length", length.to_string()));
            }
            Framing::Chunked(_) => self.headers.push(("Transfer-Encoding", "chunked".to_owned())),
            Framing::Close => self.headers.push(("Connection", "close".to_owned())),
        }
        for behaviour in behaviours {
            if let Behaviour::Header(name, value) = behaviour {
                self.headers.retain(|(has, _)| !has.eq_ignore_ascii_case(name));
                self.headers.push((name, value.clone()));
            }
        }
        self.is_last = off != 0 || self.framing == Framing::Close || self.cut.is_some() || self.odd.is_some();
    }

    /// The head as it is sent.
    pub(super) fn head(&self) -> String {
        let mut head = "HTTP/1.1 102 Processing\r\n\r\n".repeat(self.informational);
        head.push_str(&format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status)));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        301 | 302 | 303 | 307 | 308 => "Elsewhere",
        404 => "Not Found",
        416 => "Range Not Satisfiable",
        503 => "Service Unavailable",
        _ => "As Told",
    }
}
