//! Bodies read from files chunk by chunk.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::try_unfold;
use http::HeaderValue;

use super::range::ByteRange;

/// How much is read at once, and so what a download needs of memory.
const CHUNK: u64 = 128 * 1024;

/// A piece of a body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Segment {
    /// These bytes.
    Bytes(Bytes),
    /// A part of the file.
    File {
        /// Where it starts.
        start: u64,
        /// How many bytes it has.
        length: u64,
    },
}

/// A body of pieces of a file and what is between them. It ends with an error if the file has become
/// shorter than it was: the connection breaks, and nobody takes a part for the whole.
pub(super) fn stream(file: File, segments: Vec<Segment>) -> Body {
    let state = (Arc::new(file), VecDeque::from(segments));
    Body::from_stream(try_unfold(state, |(file, mut segments)| async move {
        let Some(segment) = segments.pop_front() else {
            return Ok::<_, io::Error>(None);
        };
        let chunk = match segment {
            Segment::Bytes(bytes) => bytes,
            Segment::File { length: 0, .. } => Bytes::new(),
            Segment::File { start, length } => {
                let reader = Arc::clone(&file);
                let reading = tokio::task::spawn_blocking(move || read(&reader, start, length.min(CHUNK)));
                let chunk = reading.await.map_err(io::Error::other)??;
                let read = u64::try_from(chunk.len()).unwrap_or(length);
                if read < length {
                    segments.push_front(Segment::File {
                        start: start + read,
                        length: length - read,
                    });
                }
                chunk
            }
        };
        Ok(Some((chunk, (file, segments))))
    }))
}

/// Reads up to `length` bytes, at least one.
fn read(file: &File, start: u64, length: u64) -> io::Result<Bytes> {
    let mut chunk = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    let read = loop {
        match file.read_at(&mut chunk, start) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => break result?,
        }
    };
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    chunk.truncate(read);
    Ok(chunk.into())
}

/// The pieces of a `multipart/byteranges` body, and how many bytes they are together.
pub(super) fn multipart(
    ranges: &[ByteRange],
    size: u64,
    kind: &HeaderValue,
    boundary: &str,
) -> (Vec<Segment>, u64) {
    let kind = kind.to_str().unwrap_or("application/octet-stream");
    let mut segments = Vec::new();
    let mut total = 0;
    let text = |segments: &mut Vec<Segment>, text: String| {
        let length = u64::try_from(text.len()).unwrap_or_default();
        segments.push(Segment::Bytes(text.into()));
        length
    };
    for (index, range) in ranges.iter().enumerate() {
        let line = if index == 0 { "" } else { "\r\n" };
        let content_range = range.content_range(size);
        let head =
            format!("{line}--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {content_range}\r\n\r\n");
        total += text(&mut segments, head) + range.length();
        segments.push(Segment::File {
            start: range.start(),
            length: range.length(),
        });
    }
    total += text(&mut segments, format!("\r\n--{boundary}--\r\n"));
    (segments, total)
}
