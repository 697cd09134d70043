//! Whoever believes that nothing is going to be made must not get a compose.

use serde_json::{Map, Value};

use super::shape::quoted;
use crate::{Error, Result};

/// Whether a name, of a field or of a parameter, is meant to ask for a dry run, however it is spelled.
///
/// ```
/// use odcs_core::request::parse::is_dry_run;
/// assert!(["dry_run", "dry-run", "dryRun", "DRYRUN"].into_iter().all(is_dry_run));
/// assert!(!is_dry_run("dry"));
/// ```
pub fn is_dry_run(name: &str) -> bool {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    letters.map(|c| c.to_ascii_lowercase()).eq("dryrun".chars())
}

/// Refuses bodies that ask for a dry run: other parts that are not known have no effect, and a warning comes with
/// the compose.
pub(super) fn refuse(objects: [&Map<String, Value>; 2]) -> Result<()> {
    let mut keys = objects.into_iter().flat_map(Map::keys);
    let Some(key) = keys.find(|key| is_dry_run(key)) else {
        return Ok(());
    };
    let message = format!(
        "{} is no part of a request; dry runs are asked for by the URL, POST /api/1/composes/?dry_run=1, and only new \
         composes have them",
        quoted(key)
    );
    Err(Error::invalid(key, message))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::request::parse::{compose_request, renewal_request};

    #[test]
    fn bodies_that_ask_for_it_are_refused() {
        for body in [
            json!({"source": {"type": "repo", "source": "/srv"}, "dry_run": true}),
            json!({"source": {"type": "repo", "source": "/srv", "dry-run": 1}}),
            json!({"source_type": "repo", "source": "/srv", "dryRun": false}),
        ] {
            let error = compose_request(&body, &[]).unwrap_err();
            assert!(error.message().contains("?dry_run=1"), "{error}");
        }
        for body in [json!({"dry_run": true}), json!({"source": {"dry_run": null}})] {
            assert!(renewal_request(&body).is_err(), "{body}");
        }
    }
}
