//! What a server is asked.

use std::io::{BufRead, Read};

/// The most bytes of a head.
const HEAD: u64 = 256 * 1024;

/// A request that came in, and what became of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Request {
    /// `GET` or `HEAD`, usually.
    pub method: String,
    /// What was asked for, as it was written: a path, with what follows its `?`.
    pub target: String,
    /// The headers, with their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The status that was answered; 0 if it did not come to that.
    pub status: u16,
    /// How many bytes of a body were sent, and taken by the system on their way to the client.
    pub sent: u64,
    /// Whether everything was sent that the answer should have. Of a large file, that cannot be if the client hangs up
    /// before; of a small one, the system takes it in any case.
    pub is_complete: bool,
}

impl Request {
    /// What was asked for, without what follows its `?`.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// The part that was asked for: `bytes=100-`.
    pub fn range(&self) -> Option<&str> {
        self.header("range")
    }

    /// Reads the next one of a connection. Nothing if there is none, or something else.
    pub(super) fn read(from: &mut impl BufRead) -> Option<Self> {
        let mut head = from.take(HEAD);
        let mut line = String::new();
        head.read_line(&mut line).ok()?;
        let mut words = line.split_whitespace();
        let mut request = Self {
            method: words.next()?.to_owned(),
            target: words.next()?.to_owned(),
            ..Self::default()
        };
        loop {
            line.clear();
            head.read_line(&mut line).ok().filter(|read| *read > 0)?;
            if line.trim_end().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            let header = (name.to_ascii_lowercase(), value.trim().to_owned());
            request.headers.push(header);
        }
        let body = request.header("content-length").unwrap_or("0").parse().ok()?;
        let read = std::io::copy(&mut from.take(body), &mut std::io::sink()).ok()?;
        (read == body).then_some(request)
    }

    /// The bytes that were asked for of so many: first and last. `None` for all of them, `Some(None)` for such
    /// as there are not.
    pub(super) fn part_of(&self, size: u64) -> Option<Option<(u64, u64)>> {
        let range = self.range()?.strip_prefix("bytes=")?;
        let (first, last) = range.split_once('-')?;
        let part = match (first, last) {
            ("", count) => {
                let count = count.parse::<u64>().ok()?.min(size);
                (size - count, size.checked_sub(1))
            }
            (first, "") => (first.parse().ok()?, size.checked_sub(1)),
            (first, last) => {
                let (first, last) = (first.parse().ok()?, last.parse::<u64>().ok()?);
                if last < first {
                    return None;
                }
                (first, size.checked_sub(1).map(|end| end.min(last)))
            }
        };
        Some(part.1.filter(|last| part.0 <= *last).map(|last| (part.0, last)))
    }
}

/// A path as a server reads it: decoded once.
pub(super) fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [byte, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (
            byte,
            digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()),
        ) {
            (b'%', Some(decoded)) => {
                bytes.push(decoded);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_they_are_meant() {
        let part = |range: &str, size| {
            let headers = vec![("range".to_owned(), range.to_owned())];
            let request = Request {
                headers,
                ..Request::default()
            };
            request.part_of(size)
        };
        assert_eq!(part("bytes=0-3", 10), Some(Some((0, 3))));
        assert_eq!(part("bytes=4-", 10), Some(Some((4, 9))));
        assert_eq!(part("bytes=4-99", 10), Some(Some((4, 9))));
        assert_eq!(part("bytes=-3", 10), Some(Some((7, 9))));
        assert_eq!(part("bytes=-30", 10), Some(Some((0, 9))));
        assert_eq!(part("bytes=10-", 10), Some(None));
        assert_eq!(part("bytes=-3", 0), Some(None));
        for odd in ["bytes=3-1", "bytes=a-b", "lines=1-2", "bytes=1-2,4-5", "bytes=1"] {
            assert_eq!(part(odd, 10), None, "{odd}");
        }
    }

    #[test]
    fn paths_are_decoded_once() {
        assert_eq!(decoded("/a%20b%2525%zz%2"), "/a b%25%zz%2");
    }
}
