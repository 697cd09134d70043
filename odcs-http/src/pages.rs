//! Pages for people: what they have in common, and the one at the top.

use std::fmt;

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use crate::files::is_below;
use crate::state::ApiState;

/// The style of all pages. [`POLICY`] allows it by its digest: whoever changes one changes the other.
const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse}th,td{text-align:left;padding:.1rem 1.5rem .1rem 0}\
.n{text-align:right;font-variant-numeric:tabular-nums}:root{color-scheme:light dark}";

/// What a page may load: nothing but its style.
const POLICY: &str = "default-src 'none'; style-src 'sha256-ufL3kIDabwkAY5M/ZnTvmxrB6pDLj3bXdCmtHWPB+bM='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Text made safe for elements and quoted attributes.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            other => write!(f, "{other}"),
        })
    }
}

/// A page; `main` is HTML, the title is not.
pub(crate) fn page(title: &str, main: &str) -> Response {
    let title = Escaped(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{main}</main>\n</body>\n</html>\n"
    );
    let mut response = Response::new(Body::from(html));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// The page at the top.
pub(crate) fn top(state: &ApiState, prefix: &str) -> Response {
    // The public URL may have the prefix already.
    let before = if is_below(prefix, state.mount()) {
        ""
    } else {
        prefix
    };
    let (before, prefix, composes) = (Escaped(before), Escaped(prefix), Escaped(state.mount()));
    let main = format!(
        "<p>The On Demand Compose Service makes composes: temporary RPM repositories with exactly the \
         packages somebody asked for.</p>\n<ul>\n<li><a href=\"{before}{composes}/\">Published composes</a></li>\n\
         <li><a href=\"{prefix}/api/1/composes/\">All composes</a> (JSON)</li>\n\
         <li><a href=\"{prefix}/api/1/about/\">About this server</a> (JSON)</li>\n\
         <li><a href=\"{prefix}/api/1/openapi.json\">The API</a> (OpenAPI)</li>\n</ul>\n"
    );
    page("ODCS", &main)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_allows_the_style() {
        let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
        assert!(POLICY.contains(&format!("'sha256-{digest}'")), "it is {digest}");
    }

    #[test]
    fn text_is_escaped() {
        let text = Escaped("<a href='x' id=\"y\">&</a>").to_string();
        assert_eq!(text, "&lt;a href=&#39;x&#39; id=&quot;y&quot;&gt;&amp;&lt;/a&gt;");
    }
}
