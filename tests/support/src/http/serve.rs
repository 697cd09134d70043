//! One connection of a server.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::time::{Duration, Instant};

use super::Shared;
use super::answer::{Answer, Cut, Framing, Odd};
use super::behaviour::{Broken, Gate, TICK};
use super::request::Request;

/// Bytes of a piece.
const PIECE: usize = 64 * 1024;

/// The most that is sent of what does not end: a client that takes more has no limit.
const ENDLESS: u64 = 1 << 32;

/// What is read from and written to.
pub(super) trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

/// Answers requests until one side has enough.
pub(super) fn serve(shared: &Shared, stream: &mut dyn Stream) {
    let mut reader = BufReader::with_capacity(8 * 1024, Both(stream));
    while let Some(request) = Request::read(&mut reader) {
        let is_last = request.header("connection").is_some_and(|value| value == "close");
        let mut sending = Sending::new(shared, &mut *reader.get_mut().0, request);
        match sending.send() {
            Ok(true) if !is_last => (),
            _ => break,
        }
    }
    let _ = reader.get_mut().0.flush();
}

struct Both<'s>(&'s mut dyn Stream);

impl Read for Both<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

/// An answer that is being sent.
struct Sending<'s> {
    shared: &'s Shared,
    to: BufWriter<&'s mut dyn Stream>,
    request: Request,
    /// Which one of all requests it is.
    serial: usize,
}

impl<'s> Sending<'s> {
    fn new(shared: &'s Shared, to: &'s mut dyn Stream, request: Request) -> Self {
        Self {
            shared,
            to: BufWriter::with_capacity(PIECE, to),
            serial: shared.record(request.clone()),
            request,
        }
    }

    /// Whether another request may follow.
    fn send(&mut self) -> io::Result<bool> {
        let answer = self.shared.answer(&self.request, self.serial);
        self.wait(answer.delay);
        match answer.odd {
            Some(Odd::Raw(bytes)) => {
                self.note(|request| request.sent = bytes.len() as u64);
                self.to.write_all(&bytes)?;
                self.to.flush()?;
                return Ok(false);
            }
            Some(Odd::Headers) => {
                self.to.write_all(b"HTTP/1.1 200 OK\r\n")?;
                return self.repeat(b"X-More: and more, and more, and more\r\n");
            }
            Some(Odd::Informational) => return self.repeat(b"HTTP/1.1 102 Processing\r\n\r\n"),
            None => (),
        }
        if answer.cut == Some(Cut::AtOnce) {
            return Ok(false);
        }
        let head = answer.head();
        if answer.cut == Some(Cut::InHead) {
            let half = head.as_bytes().get(..head.len() / 2).unwrap_or_default();
            self.to.write_all(half)?;
            self.to.flush()?;
            return Ok(false);
        }
        self.note(|request| request.status = answer.status);
        self.to.write_all(head.as_bytes())?;
        let is_whole = match self.request.method.as_str() {
            "HEAD" => true,
            _ => self.body(&answer)?,
        };
        // Noted before it is true: whoever has the last byte may ask.
        self.note(|request| request.is_complete = is_whole);
        let flushed = self.to.flush();
        if flushed.is_err() {
            self.note(|request| request.is_complete = false);
        }
        flushed.map(|()| is_whole && !answer.is_last)
    }

    /// Sends the body, and says whether that was all of it.
    fn body(&mut self, answer: &Answer) -> io::Result<bool> {
        let mut content = answer.content.open(answer.first)?;
        let end = match answer.cut {
            Some(Cut::After(bytes)) => bytes.min(answer.length),
            _ => answer.length,
        };
        let mut hold = answer.hold.clone();
        let mut piece = vec![0; PIECE];
        let mut sent = 0;
        while sent < end {
            if let Some((_, gate)) = hold.take_if(|(at, _)| *at <= sent) {
                self.pass(&gate)?;
            }
            let mut most = (end - sent).min(PIECE as u64);
            if let Some((at, _)) = &hold {
                most = most.min(*at - sent);
            }
            if let Some((step, every)) = answer.drip {
                most = most.min(step as u64);
                self.to.flush()?;
                self.wait(every);
            }
            let read = content.read(
                piece
                    .get_mut(..usize::try_from(most).unwrap_or(PIECE))
                    .unwrap_or_default(),
            )?;
            let bytes = piece.get(..read).unwrap_or_default();
            if read == 0 || sent > ENDLESS || self.shared.is_stopped() {
                break;
            }
            self.piece(bytes, answer.framing)?;
            sent += read as u64;
        }
        if let Some((_, gate)) = hold.filter(|(at, _)| *at <= sent) {
            self.pass(&gate)?;
        }
        let is_whole = sent == answer.length;
        match answer.framing {
            Framing::Chunked(Some(Broken::NoEnd)) => Ok(false),
            Framing::Chunked(how) if is_whole => {
                self.to.write_all(b"0\r\n\r\n")?;
                Ok(how.is_none())
            }
            _ => Ok(is_whole),
        }
    }

    fn piece(&mut self, bytes: &[u8], framing: Framing) -> io::Result<()> {
        let length = bytes.len();
        match framing {
            Framing::Chunked(Some(Broken::NoNumber)) => self.to.write_all(b"many\r\n")?,
            Framing::Chunked(Some(Broken::HugeSize)) => self.to.write_all(b"fffffffffffffffffffff\r\n")?,
            Framing::Chunked(_) => write!(self.to, "{length:x}\r\n")?,
            Framing::Length | Framing::Close => (),
        }
        // Counted before: whoever has them may ask.
        self.note(|request| request.sent += length as u64);
        let written = self.to.write_all(bytes);
        if written.is_err() {
            self.note(|request| request.sent -= length as u64);
        }
        written?;
        match framing {
            Framing::Chunked(Some(Broken::NoLineEnd)) => self.to.write_all(b"no line ends here"),
            Framing::Chunked(_) => self.to.write_all(b"\r\n"),
            Framing::Length | Framing::Close => Ok(()),
        }
    }

    fn repeat(&mut self, line: &[u8]) -> io::Result<bool> {
        let mut sent = 0;
        while sent < ENDLESS && !self.shared.is_stopped() {
            self.to.write_all(line)?;
            // Line by line: a flood that comes as fast as it can only tests how fast the client is.
            self.to.flush()?;
            sent += line.len() as u64;
            self.note(|request| request.sent = sent);
        }
        Ok(false)
    }

    fn pass(&mut self, gate: &Gate) -> io::Result<()> {
        self.to.flush()?;
        gate.pass(|| !self.shared.is_stopped());
        Ok(())
    }

    /// Waits, but not for a server that is gone.
    fn wait(&self, how_long: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < how_long && !self.shared.is_stopped() {
            std::thread::park_timeout((how_long - begun.elapsed().min(how_long)).min(TICK));
        }
    }

    fn note(&self, what: impl FnOnce(&mut Request)) {
        self.shared.note(self.serial, what);
    }
}

impl Drop for Sending<'_> {
    /// What is still kept back was never meant to be sent.
    fn drop(&mut self) {
        let _ = self.to.flush();
    }
}
