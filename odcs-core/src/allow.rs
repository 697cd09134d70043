//! Which URLs the service may fetch from on behalf of a request.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::{Error, Result};

/// How often the percent signs of a path are decoded to see what hides behind them. What is encoded more
/// often than that is refused.
const DECODINGS: usize = 4;

/// The URLs at or below one of some prefixes. An empty list allows nothing.
///
/// ```
/// use odcs_core::allow::UrlAllowList;
/// let list = UrlAllowList::parse(["https://example.com/pub/", "http://lab.example.com:8080"])?;
/// let allows = |text: &str| list.allows(&text.parse().unwrap());
/// assert!(allows("https://EXAMPLE.com:443/pub/f36/x86_64/"));
/// assert!(allows("http://lab.example.com:8080/anything"));
/// assert!(!allows("https://example.com/public"), "prefixes end where a segment ends");
/// assert!(!allows("https://example.com/pub/..%2fsecret"));
/// assert!(!allows("https://me@example.com/pub/"));
/// # Ok::<(), odcs_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UrlAllowList(Vec<UrlPrefix>);

impl UrlAllowList {
    /// Reads prefixes.
    ///
    /// # Errors
    /// `Invalid` with the first that is none; see [`UrlPrefix`].
    pub fn parse<S: AsRef<str>>(prefixes: impl IntoIterator<Item = S>) -> Result<Self> {
        prefixes.into_iter().map(|text| text.as_ref().parse()).collect()
    }

    /// Whether a URL is at or below one of the prefixes. Fetch the URL that was asked about, not the text
    /// it was parsed from; about a text, ask [`allows_text`](Self::allows_text).
    pub fn allows(&self, url: &Url) -> bool {
        let Some(wanted) = Place::of(url) else {
            return false;
        };
        self.0.iter().any(|prefix| prefix.0.holds(&wanted))
    }

    /// Whether a URL is allowed that other programs are going to read, too. They may see other segments in
    /// it than this one does, so `.` and `..` are refused however they are written.
    pub fn allows_text(&self, text: &str) -> bool {
        is_plain_text(text) && Url::parse(text).is_ok_and(|url| self.allows(&url))
    }

    /// The prefixes.
    pub fn prefixes(&self) -> &[UrlPrefix] {
        &self.0
    }
}

impl FromIterator<UrlPrefix> for UrlAllowList {
    fn from_iter<I: IntoIterator<Item = UrlPrefix>>(prefixes: I) -> Self {
        Self(prefixes.into_iter().collect())
    }
}

/// An http, https or git URL under which everything may be fetched: `https://example.com:8443/pub/`.
///
/// A URL is below it if its scheme, host and port are the same, the port of the scheme standing for one
/// that is not written, and its path begins with the same segments. Neither of them may hold a user
/// name, a `.` or `..`, or a slash in disguise (`%2f`, `%252f`, a backslash).
///
/// ```
/// use odcs_core::allow::UrlPrefix;
/// let prefix: UrlPrefix = "HTTPS://Example.com:443/pub".parse()?;
/// assert_eq!(prefix.to_string(), "https://example.com/pub");
/// for text in ["ftp://example.com/", "https://me@example.com/", "https://example.com/pub/../", "example.com"] {
///     assert!(text.parse::<UrlPrefix>().is_err(), "{text}");
/// }
/// # Ok::<(), odcs_core::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UrlPrefix(Place, Url);

impl UrlPrefix {
    /// Whether a URL is at or below this one.
    pub fn allows(&self, url: &Url) -> bool {
        Place::of(url).is_some_and(|wanted| self.0.holds(&wanted))
    }

    /// The prefix as a URL.
    pub fn url(&self) -> &Url {
        &self.1
    }
}

impl FromStr for UrlPrefix {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let refused = |why: &str| {
            let shown: String = text.chars().take(200).collect();
            Error::invalid("allowed_urls", format!("{shown:?} is no URL prefix: {why}"))
        };
        let url = Url::parse(text).ok().filter(is_known_scheme);
        let url = url.ok_or_else(|| {
            refused("an http, https or git URL is expected, as in https://example.com/pub/")
        })?;
        if has_credentials(&url) {
            return Err(refused("user names and passwords do not belong into it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused(
                "paths go on where it ends, so it can have neither ? nor #",
            ));
        }
        if text.contains('*') {
            return Err(refused(
                "hosts and paths are compared as they are: a * stands for nothing else, so name every host or directory",
            ));
        }
        match Place::of(&url) {
            Some(place) if is_plain_text(text) => Ok(Self(place, url)),
            _ => Err(refused(
                "its path can have no . or .. and no encoded slashes, and it can have no white space or backslashes",
            )),
        }
    }
}

impl fmt::Display for UrlPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.fmt(f)
    }
}

/// What URLs are compared by.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Place {
    scheme: Box<str>,
    host: Host<String>,
    port: u16,
    /// Decoded once, as a server does; an empty one at the end says that the path ends in a slash.
    segments: Vec<Vec<u8>>,
}

impl Place {
    /// Nothing for URLs that are never allowed.
    fn of(url: &Url) -> Option<Self> {
        if !is_known_scheme(url) || has_credentials(url) {
            return None;
        }
        let segments = url.path_segments()?;
        if !segments.clone().all(is_plain_segment) {
            return None;
        }
        Some(Self {
            scheme: url.scheme().into(),
            host: host_of(url)?,
            port: url.port_or_known_default().unwrap_or(GIT_PORT),
            segments: segments.map(|text| percent_decode_str(text).collect()).collect(),
        })
    }

    /// Whether another place is this one, or below it.
    fn holds(&self, other: &Self) -> bool {
        let segments = match self.segments.split_last() {
            Some((last, rest)) if last.is_empty() => rest,
            _ => &self.segments,
        };
        (&self.scheme, &self.host, self.port) == (&other.scheme, &other.host, other.port)
            && other.segments.starts_with(segments)
    }
}

/// The port of git's own protocol, which the parser of URLs does not know.
const GIT_PORT: u16 = 9418;

/// What requests may make the service fetch: files, and git repositories with module defaults.
fn is_known_scheme(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https" | "git")
}

/// The host as it is looked up: the parser leaves hosts of `git` URLs as they are written.
fn host_of(url: &Url) -> Option<Host<String>> {
    match url.host()? {
        Host::Domain(name) => Host::parse(name).ok(),
        other => Some(other.to_owned()),
    }
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Whether a segment of a path is one segment to every program that may ever read it.
fn is_plain_segment(segment: &str) -> bool {
    let mut bytes = Cow::Borrowed(segment.as_bytes());
    for _ in 0..DECODINGS {
        // Some servers cut parameters off: `..;a=b` is `..` to them.
        let name = bytes.split(|byte| *byte == b';').next().unwrap_or_default();
        if matches!(name, b"." | b"..")
            || bytes
                .iter()
                .any(|byte| matches!(byte, b'/' | b'\\') || byte.is_ascii_control())
        {
            return false;
        }
        let decoded: Vec<u8> = percent_encoding::percent_decode(&bytes).collect();
        if decoded == *bytes {
            return true;
        }
        bytes = Cow::Owned(decoded);
    }
    false
}

/// Whether a text is the same URL to every program: the parser of URLs drops or replaces what this
/// refuses.
fn is_plain_text(text: &str) -> bool {
    let blank = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    let path = text.split(['?', '#']).next().unwrap_or_default();
    // What precedes the path has no segment that is refused, other than in hosts that are none.
    !text.contains(blank) && path.split('/').all(is_plain_segment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(prefixes: &[&str]) -> UrlAllowList {
        UrlAllowList::parse(prefixes).unwrap()
    }

    fn allows(prefix: &str, url: &str) -> bool {
        list(&[prefix]).allows(&url.parse().unwrap())
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        assert!(!UrlAllowList::default().allows(&"https://example.com/".parse().unwrap()));
    }

    #[test]
    fn scheme_host_and_port_are_compared_as_they_are_meant() {
        for url in [
            "https://example.com/pub/a",
            "HTTPS://EXAMPLE.COM/pub/a",
            "https://example.com:443/pub/a",
            "https://example.com/pub",
            "https://example.com/pub/",
            "https://example.com/pub/?query=/../",
            "https://example.com/p%75b/a",
            "https://example.com/x/../pub/a",
        ] {
            assert!(allows("https://example.com/pub/", url), "{url}");
            assert!(allows("https://example.com:443/pub", url), "{url}");
        }
        for url in [
            "http://example.com/pub/a",
            "https://example.com:8443/pub/a",
            "https://example.org/pub/a",
            "https://example.com.evil.org/pub/a",
            "https://sub.example.com/pub/a",
            "https://example.com@evil.org/pub/a",
            "https://me:secret@example.com/pub/a",
            "https://example.com/public",
            "https://example.com/Pub/a",
            "https://example.com//pub/a",
            "https://example.com/",
            "https://example.com/pub/../secret",
            "https://example.com/pub/%2e%2e/secret",
            "https://example.com/pub/..%2fsecret",
            "https://example.com/pub/%2e%2e%2fsecret",
            "https://example.com/pub/..%5csecret",
            "https://example.com/pub/%252e%252e/secret",
            "https://example.com/pub/%25252525252e",
            "https://example.com/pub/..;/secret",
            "https://example.com/pub/a%00",
            "file:///pub/a",
            "ftp://example.com/pub/a",
            "git://example.com/pub/a",
        ] {
            assert!(!allows("https://example.com/pub/", url), "{url}");
        }
        assert!(allows("http://127.0.0.1:8080/", "http://0x7f.1:8080/a"));
        assert!(allows("http://[::1]/a", "http://[0:0::1]:80/a/b"));
        assert!(allows("git://example.com/", "git://EXAMPLE.com:9418/a.git"));
        assert!(!allows("git://example.com/", "git://example.com:9419/a.git"));
        assert!(!allows("git://example.com/", "https://example.com/a.git"));
        assert!(!allows("git://example.com/pub", "git://example.com/pub/../a.git"));
    }

    #[test]
    fn a_text_may_not_look_different_to_others() {
        let list = list(&["https://example.com/pub/"]);
        assert!(list.allows_text("https://example.com/pub/a"));
        for text in [
            "https://example.com/pub/x/../a",
            "https://example.com/pub/./a",
            "https://example.com/pub/%2e%2e/pub/a",
            "https:\\\\example.com\\pub\\a",
            "https://example.com/pub/\ta",
            " https://example.com/pub/a",
            "pub/a",
        ] {
            assert!(!list.allows_text(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_prefix_is_refused_with_the_reason() {
        for (text, says) in [
            ("", "an http, https or git URL is expected"),
            ("example.com/pub", "an http, https or git URL is expected"),
            ("file:///srv", "an http, https or git URL is expected"),
            ("https://me@example.com/", "user names"),
            ("https://example.com/?a", "neither ? nor #"),
            ("https://*.example.com/", "name every host"),
            ("https://example.com/pub/*", "name every host"),
            ("https://example.com/#a", "neither ? nor #"),
            ("https://example.com/a/../b", "no . or .."),
            ("https://example.com/a%2fb", "no . or .."),
            ("https://example.com\\a", "no . or .."),
        ] {
            let error = text.parse::<UrlPrefix>().unwrap_err();
            assert!(error.message().contains(says), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in ".{0,60}", url in "https?://[a-z.:@%/\\\\0-9]{0,40}") {
            let _ = text.parse::<UrlPrefix>();
            let _ = url.parse::<UrlPrefix>();
            let _ = list(&["https://a/"]).allows_text(&url);
        }

        #[test]
        fn what_is_allowed_stays_below_the_prefix_when_it_is_decoded(
            segments in prop::collection::vec("(\\.|%2e|%2E|%2f|%252e|%5c|%25|/|;|[ab]){0,4}", 0..5)
        ) {
            let text = format!("https://example.com/pub/{}", segments.join("/"));
            if list(&["https://example.com/pub/"]).allows_text(&text) {
                let mut path = Url::parse(&text).unwrap().path().to_owned();
                for _ in 0..8 {
                    let url = Url::parse(&format!("https://example.com{path}")).unwrap();
                    prop_assert!(url.path().starts_with("/pub/"), "{} leads to {}", text, url);
                    path = percent_decode_str(&path).decode_utf8_lossy().into_owned();
                }
            }
        }

        #[test]
        fn below_a_prefix_is_allowed_and_beside_it_is_not(
            base in "[a-z]{1,8}(/[a-z]{1,8}){0,2}", below in "[a-z0-9+~._-]{0,8}[a-z]", slash in any::<bool>()
        ) {
            let prefix = format!("https://example.com/{base}{}", if slash { "/" } else { "" });
            let under = format!("https://example.com/{base}/{below}");
            prop_assert!(allows(&prefix, &under));
            let beside = format!("https://example.com/{base}{below}");
            prop_assert!(!allows(&prefix, &beside));
        }
    }
}
