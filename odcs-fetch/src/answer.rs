//! What the head of an answer says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use odcs_core::Timestamp;
use reqwest::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue,
    LAST_MODIFIED, RETRY_AFTER,
};

/// What of a file tells whether it is still the same one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Version {
    /// The strong entity tag.
    tag: Option<HeaderValue>,
    /// The date of the last modification, as the server writes it, if it is old enough to tell two versions apart.
    date: Option<HeaderValue>,
}

impl Version {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let tag = headers.get(ETAG).filter(|tag| tag.as_bytes().starts_with(b"\""));
        // RFC 9110, 8.8.2.2: within the second in which it was written a file may change unnoticed.
        let modified = date(headers, LAST_MODIFIED);
        let is_old = match (modified, date(headers, DATE)) {
            (Some(modified), Some(now)) => modified < now,
            (modified, None) => modified.is_some(),
            (None, _) => false,
        };
        Self {
            tag: tag.cloned(),
            date: headers.get(LAST_MODIFIED).filter(|_| is_old).cloned(),
        }
    }

    /// What to send as `If-Range`.
    pub(crate) fn condition(&self) -> Option<&HeaderValue> {
        self.tag.as_ref().or(self.date.as_ref())
    }

    /// What another server may know of it: tags are each server's own.
    pub(crate) fn elsewhere(self) -> Self {
        Self {
            tag: None,
            date: self.date,
        }
    }

    /// Whether another answer can be of the same version, as far as both say.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let differ =
            |a: &Option<HeaderValue>, b: &Option<HeaderValue>| matches!((a, b), (Some(a), Some(b)) if a != b);
        !differ(&self.tag, &other.tag) && !differ(&self.date, &other.date)
    }
}

/// `Content-Range: bytes 5-9/20`: the first and the last byte of the part, both included, and the size of the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Part {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) total: Option<u64>,
}

impl Part {
    /// Nothing if there is none that makes sense.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let (range, total) = content_range(headers)?;
        let (first, last) = range.split_once('-')?;
        let part = Self {
            first: number(first)?,
            last: number(last)?,
            total: if total == "*" { None } else { Some(number(total)?) },
        };
        let fits = part.first <= part.last && part.total.is_none_or(|total| part.last < total);
        fits.then_some(part)
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

/// `Content-Range: bytes */20`: the size of a file that has no such part.
pub(crate) fn size_of_refused(headers: &HeaderMap) -> Option<u64> {
    match content_range(headers)? {
        ("*", total) => number(total),
        _ => None,
    }
}

fn content_range(headers: &HeaderMap) -> Option<(&str, &str)> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?.trim();
    let (unit, rest) = text.split_once(' ')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (range, total) = rest.trim().split_once('/')?;
    Some((range.trim(), total.trim()))
}

/// Digits, and nothing else.
fn number(text: &str) -> Option<u64> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

/// How long the body is, if the server says it.
pub(crate) fn length(headers: &HeaderMap) -> Option<u64> {
    number(headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim())
}

/// When the file was last modified, in seconds since 1970.
pub(crate) fn modified(headers: &HeaderMap) -> Option<u64> {
    let since = date(headers, LAST_MODIFIED)?.duration_since(UNIX_EPOCH);
    since.ok().map(|since| since.as_secs())
}

/// Whether it is a web page, for people to read.
pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let kind = kind
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    kind.eq_ignore_ascii_case(b"text/html") || kind.eq_ignore_ascii_case(b"application/xhtml+xml")
}

/// How long the server asks to wait, in seconds or as a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()
        .and_then(|text| number(text.trim()));
    if let Some(seconds) = seconds {
        return Some(Duration::from_secs(seconds));
    }
    let then = date(headers, RETRY_AFTER)?.duration_since(UNIX_EPOCH).ok()?;
    Some(then.saturating_sub(now.since(Timestamp::from_seconds(0))))
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(named: &[(HeaderName, &str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        named
            .iter()
            .map(|(name, text)| (name.clone(), value(text)))
            .collect()
    }

    #[test]
    fn parts_make_sense_or_are_none() {
        let part = |text: &str| {
            let part = Part::of(&headers(&[(CONTENT_RANGE, text)]))?;
            Some((part.first, part.last, part.total))
        };
        assert_eq!(part("bytes 5-9/20"), Some((5, 9, Some(20))));
        assert_eq!(part("Bytes 0-0/*"), Some((0, 0, None)));
        for text in [
            "5-9/20",
            "bytes 9-5/20",
            "bytes 5-20/20",
            "bytes */20",
            "bytes +5-9/20",
            "bytes 5-9",
            "bytes 5-99999999999999999999/*",
            "lines 5-9/20",
        ] {
            assert_eq!(part(text), None, "{text}");
        }
        assert_eq!(
            size_of_refused(&headers(&[(CONTENT_RANGE, "bytes */20")])),
            Some(20)
        );
        assert_eq!(
            size_of_refused(&headers(&[(CONTENT_RANGE, "bytes 5-9/20")])),
            None
        );
    }

    #[test]
    fn only_what_is_strong_tells_versions_apart() {
        const OLD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        const NOW: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
        let condition = |named: &[(HeaderName, &str)]| {
            let version = Version::of(&headers(named));
            version
                .condition()
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(
            condition(&[(ETAG, "\"a\""), (LAST_MODIFIED, OLD)]).unwrap(),
            "\"a\""
        );
        assert_eq!(
            condition(&[(ETAG, "W/\"a\""), (LAST_MODIFIED, OLD)]).unwrap(),
            OLD
        );
        assert_eq!(condition(&[(LAST_MODIFIED, OLD), (DATE, NOW)]).unwrap(), OLD);
        assert_eq!(condition(&[(LAST_MODIFIED, OLD), (DATE, OLD)]), None);
        assert_eq!(condition(&[(ETAG, "W/\"a\"")]), None);
        let a = Version::of(&headers(&[(ETAG, "\"a\""), (LAST_MODIFIED, OLD)]));
        let b = Version::of(&headers(&[(ETAG, "\"b\""), (LAST_MODIFIED, OLD)]));
        assert!(!a.agrees(&b) && a.agrees(&Version::default()) && a.agrees(&b.elsewhere()));
    }

    #[test]
    fn waits_are_seconds_or_dates() {
        let wait = |text: &str| {
            retry_after(
                &headers(&[(RETRY_AFTER, text)]),
                Timestamp::from_seconds(784_111_770),
            )
        };
        assert_eq!(wait("12"), Some(Duration::from_secs(12)));
        assert_eq!(
            wait("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::from_secs(7))
        );
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:00 GMT"), Some(Duration::ZERO));
        assert_eq!((wait("soon"), wait("-1")), (None, None));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[ -~]{0,40}", range in "bytes [0-9*]{0,20}-?[0-9]{0,20}/[0-9*]{0,21}") {
            for text in [text, range] {
                let headers = headers(&[(CONTENT_RANGE, &text), (RETRY_AFTER, &text), (ETAG, &text),
                    (LAST_MODIFIED, &text), (CONTENT_TYPE, &text), (CONTENT_LENGTH, &text)]);
                if let Some(part) = Part::of(&headers) {
                    prop_assert!(part.len() > 0);
                }
                let _ = (size_of_refused(&headers), length(&headers), modified(&headers), is_html(&headers));
                let _ = (retry_after(&headers, Timestamp::from_seconds(0)), Version::of(&headers));
            }
        }
    }
}
