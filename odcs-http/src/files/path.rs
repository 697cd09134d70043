//! From the path of a URL to a path below the directory of the composes, and back.

use odcs_core::files::RelativePath;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What a URL's path may hold as it is (RFC 3986's unreserved characters); `^` and `+`, which package
/// names are full of, are among the escaped ones on purpose: not every client reads them alike.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a path asks for.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Wanted {
    /// Where it is; `None` for the directory of the composes itself.
    pub(super) path: Option<RelativePath>,
    /// Whether there is a slash at the end.
    pub(super) is_directory: bool,
}

/// Whether a path of a URL is the mount or below it.
pub(crate) fn is_below(mount: &str, path: &str) -> bool {
    path.strip_prefix(mount)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Reads the path of a URL, `None` if it cannot be that of anything published: segments are decoded one
/// by one and exactly once, so that an encoded slash never parts segments, and what decodes to `..`,
/// nothing, NUL or no UTF-8 is refused.
pub(super) fn parse(mount: &str, path: &str) -> Option<Wanted> {
    let rest = path.strip_prefix(mount)?;
    if rest.is_empty() || rest == "/" {
        return Some(Wanted {
            path: None,
            is_directory: rest == "/",
        });
    }
    let rest = rest.strip_prefix('/')?;
    let (rest, is_directory) = match rest.strip_suffix('/') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let segments: Option<Vec<_>> = rest.split('/').map(decode_segment).collect();
    let path = segments?.join("/").parse().ok()?;
    Some(Wanted {
        path: Some(path),
        is_directory,
    })
}

fn decode_segment(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let is_digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
        if byte == b'%' && !(is_digit(bytes.next()) && is_digit(bytes.next())) {
            return None;
        }
    }
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    (!decoded.contains('/')).then(|| decoded.into_owned())
}

/// A name as a segment of a URL.
pub(super) fn encode_segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> Option<String> {
        parse("/composes", text)?.path.map(|path| path.to_string())
    }

    #[test]
    fn paths_are_decoded_once() {
        assert_eq!(path("/composes/odcs-1/a%2Bb"), Some("odcs-1/a+b".to_owned()));
        assert_eq!(path("/composes/a+b^c/"), Some("a+b^c".to_owned()));
        assert_eq!(path("/composes/%252e%252e"), Some("%2e%2e".to_owned()));
        assert_eq!(path("/composes/%C3%A9"), Some("é".to_owned()));
        assert!(parse("/composes", "/composes/x/").is_some_and(|wanted| wanted.is_directory));
        assert!(parse("", "/odcs-1/x").is_some_and(|wanted| !wanted.is_directory));
    }

    #[test]
    fn paths_that_lead_nowhere() {
        for text in [
            "/composes//",
            "/composes//etc/passwd",
            "/composes/a//b",
            "/composes/..",
            "/composes/../x",
            "/composes/./x",
            "/composes/%2e%2e/x",
            "/composes/%2E./x",
            "/composes/a%2fb",
            "/composes/%2fetc%2fpasswd",
            "/composes/..%2f..%2fetc",
            "/composes/a%00b",
            "/composes/%c0%ae%c0%ae/x",
            "/composes/%ff",
            "/composes/%",
            "/composes/%2",
            "/composes/%zz",
            "/composes/%+1",
            "/composesx",
            "/other",
        ] {
            assert_eq!(parse("/composes", text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_again(name in "[^/\0]{1,40}") {
            prop_assume!(name != "." && name != "..");
            let url = format!("/composes/odcs-1/{}", encode_segment(&name));
            prop_assert_eq!(path(&url), Some(format!("odcs-1/{name}")));
        }

        #[test]
        fn nothing_leads_out(text in "[a./%2efF05c\\\\;]{0,40}") {
            if let Some(path) = path(&format!("/composes/{text}")) {
                prop_assert!(path.split('/').all(|part| part != ".." && part != "." && !part.is_empty()));
            }
        }
    }
}
