//! Following redirects, each as carefully as the first URL.

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};
use url::Url;

use crate::error::{Problem, shown_redirect};
use crate::guard::Guard;

/// The way from the URL that was asked for to the one that answers.
#[derive(Debug)]
pub(crate) struct Redirects {
    limit: usize,
    /// The first one is what was asked for.
    seen: Vec<Url>,
}

impl Redirects {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            seen: Vec::new(),
        }
    }

    /// Whether an answer leads elsewhere.
    pub(crate) fn is_redirect(status: StatusCode) -> bool {
        matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
    }

    /// Where an answer leads to, if that may be followed. From https to http is never followed, not even where the
    /// list has both: whoever asked for https relies on it.
    pub(crate) fn follow(&mut self, from: &Url, headers: &HeaderMap, guard: &Guard) -> Result<Url, Problem> {
        let mut to = headers
            .get(LOCATION)
            .and_then(|location| std::str::from_utf8(location.as_bytes()).ok())
            .and_then(|location| from.join(location).ok())
            .ok_or_else(|| Problem::Nonsense("it is a redirect that leads nowhere".into()))?;
        to.set_fragment(None);
        if !to.username().is_empty() || to.password().is_some() {
            return Err(Problem::RedirectCredentials);
        }
        if from.scheme() == "https" && to.scheme() == "http" {
            return Err(Problem::RedirectDowngraded {
                to: shown_redirect(&to),
            });
        }
        if !guard.allows(&to) {
            return Err(Problem::RedirectNotAllowed {
                to: shown_redirect(&to),
            });
        }
        self.seen.push(from.clone());
        if self.seen.contains(&to) {
            return Err(Problem::RedirectLoop {
                to: shown_redirect(&to),
            });
        }
        if self.seen.len() > self.limit {
            return Err(Problem::TooManyRedirects { limit: self.limit });
        }
        Ok(to)
    }
}
