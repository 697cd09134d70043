//! `POST /composes/?dry_run=1`: what would be in a compose, and nothing made.
//!
//! Whoever sends the parameter believes that nothing is going to be made. So it never goes unnoticed: not with a value
//! that is none, not spelled in another way, and not where there are no dry runs.

use axum::response::Response;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode, Uri};
use odcs_core::manifest::LookasidePackage;
use odcs_core::packages::PackageView;
use odcs_core::request::ComposeRequest;
use odcs_core::request::parse::{Parsed, is_dry_run};
use odcs_core::service::{Outlook, Preview, PreviewPackage};
use odcs_core::why::Reasons;
use serde::Serialize;
use url::form_urlencoded;

use super::manifest::made_aside;
use crate::error::{ApiError, json, sorted_json};
use crate::state::ApiState;

const DRY_RUN: &str = "dry_run";

/// Seconds after which it is worth asking again.
const SOON: HeaderValue = HeaderValue::from_static("5");

/// The answer. Fields are in alphabetical order, as in all answers.
#[derive(Serialize)]
struct DryRunView<'a> {
    description: &'a str,
    dry_run: bool,
    items: Vec<PackageView<'a>>,
    log: &'a [String],
    lookaside: Vec<PackageView<'a>>,
    warnings: &'a [String],
}

/// The answer if the compose would fail: an error, with what the reason has no room for. In alphabetical order.
#[derive(Serialize)]
struct WouldFailView<'a> {
    error: &'a str,
    log: &'a [String],
    message: &'a str,
    status: u16,
}

/// Whether a request for a compose is for a dry run only.
///
/// # Errors
/// 400 if that cannot be told for certain.
pub(super) fn is_asked_for(uri: &Uri) -> Result<bool, ApiError> {
    let mut asked = None;
    for (name, value) in meant(uri) {
        let wish = match &*value {
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            _ => None,
        };
        let is_sure = name == DRY_RUN && asked.is_none_or(|before| Some(before) == wish);
        asked = match wish {
            Some(wish) if is_sure => Some(wish),
            _ => {
                let shown: String = format!("{name}={value}").chars().take(100).collect();
                let message = format!(
                    "{shown:?} may ask for a dry run or not, so nothing was made; dry_run=1 (or true) does, dry_run=0 \
                     (or false) does not"
                );
                return Err(ApiError::bad_request(message));
            }
        };
    }
    Ok(asked.unwrap_or(false))
}

/// Refuses requests for dry runs of what has none.
///
/// # Errors
/// 400 if one is asked for, or may be.
pub(super) fn refuse(uri: &Uri) -> Result<(), ApiError> {
    if meant(uri).next().is_none() {
        return Ok(());
    }
    let message = "there are no dry runs of this, so nothing was done; only new composes have them: POST \
                   /api/1/composes/?dry_run=1";
    Err(ApiError::bad_request(message))
}

/// The parameters that are meant for this, however they are spelled.
fn meant(uri: &Uri) -> impl Iterator<Item = (String, String)> {
    let query = uri.query().unwrap_or_default().as_bytes();
    let parameters = form_urlencoded::parse(query).filter(|(name, _)| is_dry_run(name));
    parameters.map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// Works a dry run out. 422 says that the compose would be recorded, and fail; the message is the reason that its record
/// would give.
pub(super) async fn answer(state: &ApiState, wanted: Parsed<ComposeRequest>) -> Result<Response, ApiError> {
    let preview = state.service().preview(wanted).await.map_err(|error| {
        let is_worth_it = error.is_retryable();
        let error = ApiError::from(error);
        if is_worth_it {
            error.with_header(RETRY_AFTER, SOON)
        } else {
            error
        }
    })?;
    let Preview {
        outlook,
        log,
        warnings,
    } = preview;
    match outlook {
        Outlook::Failed { reason } => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let view = WouldFailView {
                error: status.canonical_reason().unwrap_or("Error"),
                log: &log,
                message: &reason,
                status: status.as_u16(),
            };
            Ok(json(status, &view))
        }
        Outlook::Made {
            description,
            packages,
            lookaside,
        } => {
            made_aside(move || {
                let reasons = reasons(&packages, &lookaside);
                let view = DryRunView {
                    description: &description,
                    dry_run: true,
                    items: packages
                        .iter()
                        .map(|package| PackageView::of_preview(package, &reasons))
                        .collect(),
                    log: &log,
                    lookaside: lookaside
                        .iter()
                        .map(|package| PackageView::of_lookaside(package, &reasons))
                        .collect(),
                    warnings: &warnings,
                };
                Ok(sorted_json(StatusCode::OK, &view))
            })
            .await
        }
    }
}

fn reasons<'a>(packages: &'a [PreviewPackage], lookaside: &'a [LookasidePackage]) -> Reasons<'a> {
    let packages = packages.iter().flat_map(|package| {
        let arches = package.arches.iter();
        arches.map(|arch| (&package.nevra, arch, package.why.get(arch)))
    });
    Reasons::new(packages, lookaside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Option<bool> {
        is_asked_for(&format!("/api/1/composes/{query}").parse().unwrap()).ok()
    }

    #[test]
    fn what_is_not_certain_is_refused() {
        for (query, expected) in [
            ("", false),
            ("?", false),
            ("?page=1&dry=1", false),
            ("?dry_run=1", true),
            ("?dry_run=true", true),
            ("?a=b&dry%5Frun=1", true),
            ("?dry_run=1&dry_run=true", true),
            ("?dry_run=0", false),
            ("?dry_run=false", false),
        ] {
            assert_eq!(asked(query), Some(expected), "{query}");
        }
        for query in [
            "?dry_run",
            "?dry_run=",
            "?dry_run=2",
            "?dry_run=yes",
            "?dry_run=True",
            "?dry_run=1&dry_run=0",
            "?dry_run=0&dry_run=1",
            "?dry_run=1&dry_run=",
            "?dryrun=1",
            "?dry-run=1",
            "?DRY_RUN=1",
            "?dry_run=1&dryRun=0",
            "?dry_run=%31%20",
        ] {
            assert_eq!(asked(query), None, "{query}");
        }
    }

    #[test]
    fn it_is_refused_where_there_is_none() {
        let refused = |query: &str| refuse(&format!("/api/1/composes/1{query}").parse().unwrap()).is_err();
        assert!(!refused("") && !refused("?a=1"));
        assert!(
            ["?dry_run=1", "?dry_run=0", "?dry_run", "?dry-run=1"]
                .into_iter()
                .all(refused)
        );
    }
}
