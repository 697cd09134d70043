//! Conditional requests (RFC 9110, section 13): is the file the one that the caller knows?

use std::time::{Duration, SystemTime};

use http::header::{HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderValue};
use odcs_core::Timestamp;
use odcs_core::files::OpenedFile;
use sha2::{Digest, Sha256};

/// What tells one content of a file from another.
#[derive(Debug)]
pub(super) struct Validators {
    etag: HeaderValue,
    tag: String,
    modified: SystemTime,
}

impl Validators {
    /// Those of an open file. The tag is a strong one: files are replaced or appended to, never
    /// written over.
    pub(super) fn new(file: &OpenedFile) -> Self {
        let OpenedFile {
            size,
            modified,
            identity,
            ..
        } = file;
        // Hashed: numbers of inodes are nobody's business.
        let digest = Sha256::digest(format!("{identity:?} {size} {modified:?}"));
        let tag: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let seconds = Timestamp::from_seconds(modified.0).seconds();
        let since = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        Self {
            etag: HeaderValue::try_from(format!("\"{tag}\"")).unwrap_or(HeaderValue::from_static("\"\"")),
            tag,
            modified: SystemTime::UNIX_EPOCH + since,
        }
    }

    /// The value of `ETag`.
    pub(super) fn etag(&self) -> &HeaderValue {
        &self.etag
    }

    /// The value of `Last-Modified`.
    pub(super) fn last_modified(&self) -> HeaderValue {
        HeaderValue::try_from(httpdate::fmt_http_date(self.modified))
            .unwrap_or(HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
    }

    /// What parts the ranges of a multipart answer. Being a digest, no file holds it by accident.
    pub(super) fn boundary(&self) -> &str {
        &self.tag
    }

    fn is(&self, tag: &EntityTag<'_>) -> bool {
        tag.value == self.tag
    }
}

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// Answer it.
    Proceed,
    /// The caller has the file already: 304.
    NotModified,
    /// It is another file: 412.
    Failed,
}

/// Evaluates the conditions of a GET or HEAD, in the order the standard gives them.
pub(super) fn evaluate(headers: &HeaderMap, validators: &Validators) -> Outcome {
    if headers.contains_key(IF_MATCH) {
        if !any_tag(headers, IF_MATCH, |tag| !tag.weak && validators.is(tag)) {
            return Outcome::Failed;
        }
    } else if date(headers, IF_UNMODIFIED_SINCE).is_some_and(|date| validators.modified > date) {
        return Outcome::Failed;
    }
    let unchanged = if headers.contains_key(IF_NONE_MATCH) {
        any_tag(headers, IF_NONE_MATCH, |tag| validators.is(tag))
    } else {
        date(headers, IF_MODIFIED_SINCE).is_some_and(|date| validators.modified <= date)
    };
    if unchanged {
        Outcome::NotModified
    } else {
        Outcome::Proceed
    }
}

/// Whether `If-Range`, if there is one, lets a `Range` count: the part asked for must be one of the
/// file that the caller has the rest of.
pub(super) fn range_applies(headers: &HeaderMap, validators: &Validators) -> bool {
    let Some(value) = headers.get(IF_RANGE) else {
        return true;
    };
    let Ok(text) = value.to_str() else {
        return false;
    };
    match EntityTag::parse(text.trim()) {
        Some((tag, "")) => !tag.weak && validators.is(&tag),
        _ => httpdate::parse_http_date(text).is_ok_and(|date| date == validators.modified),
    }
}

/// A date of a request; one that cannot be read does not count.
fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    let text = headers.get(name)?.to_str().ok()?;
    httpdate::parse_http_date(text).ok()
}

#[derive(Debug)]
struct EntityTag<'a> {
    weak: bool,
    value: &'a str,
}

impl<'a> EntityTag<'a> {
    /// Reads a tag, and gives what follows it.
    fn parse(text: &'a str) -> Option<(Self, &'a str)> {
        let (weak, rest) = match text.strip_prefix("W/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (value, rest) = rest.strip_prefix('"')?.split_once('"')?;
        Some((Self { weak, value }, rest))
    }
}

/// Whether one of the tags of a header, or its `*`, is what is looked for.
fn any_tag(headers: &HeaderMap, name: HeaderName, is_it: impl Fn(&EntityTag<'_>) -> bool) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|text| {
            let mut rest = text.trim();
            if rest == "*" {
                return true;
            }
            // A tag may hold commas, so the list is not split at them.
            while let Some((tag, after)) = EntityTag::parse(rest) {
                if is_it(&tag) {
                    return true;
                }
                rest = after.trim_start_matches([' ', '\t', ',']);
            }
            false
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validators(modified: i64, size: u64) -> Validators {
        Validators::new(&OpenedFile {
            file: tempfile::tempfile().unwrap(),
            size,
            modified: (modified, 5),
            identity: (1, 2),
        })
    }

    fn outcome(headers: &[(HeaderName, &str)]) -> Outcome {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
        // Fri, 13 Oct 2017 17:03:13 GMT
        evaluate(&headers.collect(), &validators(1_507_914_193, 10))
    }

    #[test]
    fn another_content_is_another_tag() {
        let tag = |modified, size| validators(modified, size).tag;
        assert_eq!(tag(1, 2), tag(1, 2));
        assert_ne!(tag(1, 2), tag(2, 2));
        assert_ne!(tag(1, 2), tag(1, 3));
        assert_eq!(tag(1, 2).len(), 32);
    }

    #[test]
    fn odd_times_are_dates_too() {
        for seconds in [i64::MIN, -1, 0, i64::MAX] {
            assert!(!validators(seconds, 0).last_modified().is_empty());
        }
        assert_eq!(
            validators(1_507_914_193, 1).last_modified(),
            "Fri, 13 Oct 2017 17:03:13 GMT"
        );
    }

    #[test]
    fn tags() {
        let own = validators(1_507_914_193, 10).tag;
        let (strong, weak) = (format!("\"{own}\""), format!("W/\"{own}\""));
        let listed = format!("\"a,b\" , W/\"c\",,{strong}");
        for value in [&*strong, &*weak, "*", &*listed] {
            assert_eq!(
                outcome(&[(IF_NONE_MATCH, value)]),
                Outcome::NotModified,
                "{value}"
            );
        }
        for value in ["\"other\"", &*own, "", "\"", "W/"] {
            assert_eq!(outcome(&[(IF_NONE_MATCH, value)]), Outcome::Proceed, "{value}");
            assert_eq!(outcome(&[(IF_MATCH, value)]), Outcome::Failed, "{value}");
        }
        for value in [&*strong, "*", &*listed] {
            assert_eq!(outcome(&[(IF_MATCH, value)]), Outcome::Proceed, "{value}");
        }
        assert_eq!(outcome(&[(IF_MATCH, &weak)]), Outcome::Failed);
    }

    #[test]
    fn dates() {
        let (before, same) = ("Fri, 13 Oct 2017 17:03:12 GMT", "Fri, 13 Oct 2017 17:03:13 GMT");
        assert_eq!(outcome(&[(IF_MODIFIED_SINCE, before)]), Outcome::Proceed);
        assert_eq!(outcome(&[(IF_MODIFIED_SINCE, same)]), Outcome::NotModified);
        assert_eq!(outcome(&[(IF_MODIFIED_SINCE, "yesterday")]), Outcome::Proceed);
        assert_eq!(outcome(&[(IF_UNMODIFIED_SINCE, before)]), Outcome::Failed);
        assert_eq!(outcome(&[(IF_UNMODIFIED_SINCE, same)]), Outcome::Proceed);
        // Tags come before dates.
        assert_eq!(
            outcome(&[(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, same)]),
            Outcome::Proceed
        );
        assert_eq!(
            outcome(&[(IF_MATCH, "*"), (IF_UNMODIFIED_SINCE, before)]),
            Outcome::Proceed
        );
    }

    #[test]
    fn ranges_of_another_file_do_not_count() {
        let validators = validators(1_507_914_193, 10);
        let applies = |value: &str| {
            let headers = [(IF_RANGE, HeaderValue::from_str(value).unwrap())];
            range_applies(&headers.into_iter().collect(), &validators)
        };
        let tag = validators.tag.clone();
        assert!(applies(&format!("\"{tag}\"")));
        assert!(!applies(&format!("W/\"{tag}\"")));
        assert!(!applies("\"other\""));
        assert!(applies("Fri, 13 Oct 2017 17:03:13 GMT"));
        assert!(!applies("Fri, 13 Oct 2017 17:03:14 GMT"));
        assert!(!applies("nonsense"));
    }
}
