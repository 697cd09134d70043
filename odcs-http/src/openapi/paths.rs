//! The operations. Each function stands for the handler of the same name.

#![allow(
    dead_code,
    unused_qualifications,
    reason = "these functions carry the description of others; what is made of them is spelled out in full"
)]

use utoipa::IntoParams;

use super::answers::{
    About, Accepted, ComposeList, Error, Health, Readiness, Submission, SubmittedCompose, WouldFail,
};
use super::packages::{Difference, Manifest, PackageKind, PackageList};
use super::record::ComposeRecord;
use super::requests::{ComposeRequest, RenewalRequest};

/// What lists are filtered and ordered by. Of a parameter that is given twice the first counts, empty filters
/// are none, unknown ones change nothing.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct ListParameters {
    /// Only those that this person asked for.
    owner: Option<String>,
    /// Only those of this source type, by number.
    source_type: Option<i64>,
    /// Only those of this source, exactly.
    source: Option<String>,
    /// Only those in this state, by number.
    state: Option<i64>,
    /// Only the one that this Koji task made.
    koji_task_id: Option<i64>,
    /// Only the one with this id in its metadata.
    pungi_compose_id: Option<String>,
    /// Only those of this type.
    compose_type: Option<String>,
    /// Only those with this label.
    label: Option<String>,
    /// By what they are ordered: `id`, `owner`, `source_type`, `koji_event`, `state`, `time_to_expire`,
    /// `time_submitted`, `time_done` or `time_removed`, descending with a `-` in front.
    #[param(default = "-id")]
    order_by: Option<String>,
    /// Which page.
    #[param(minimum = 1, default = 1)]
    page: Option<u64>,
    /// How many records are on a page; more than 100 are 100.
    #[param(minimum = 1, maximum = 100, default = 10)]
    per_page: Option<u64>,
}

/// Whether anything is to be made.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct CreateParameters {
    /// `1` or `true`: nothing is made, and the answer is what would be in the compose. `0` or `false` is the same as
    /// nothing; any other value, and any other spelling of the name, is refused, here and wherever something is
    /// changed.
    dry_run: Option<String>,
}

/// Which packages. Of a parameter that is given twice the first counts, empty ones are none.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct PackageParameters {
    /// Only those of this name, or of the names that a glob matches.
    name: Option<String>,
    /// Only those that are there for this arch of the compose.
    arch: Option<String>,
    /// Only those of this kind; without, all but those of lookaside repositories.
    #[param(inline)]
    kind: Option<PackageKind>,
    /// Which page.
    #[param(minimum = 1, default = 1)]
    page: Option<u64>,
    /// How many packages are on a page; more than 10000 are 10000.
    #[param(minimum = 1, maximum = 10_000, default = 1_000)]
    per_page: Option<u64>,
}

/// Which part of a log.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
struct LogParameters {
    /// Which bytes of it; without, all of it.
    #[param(rename = "Range", required = false, example = "bytes=4096-")]
    range: String,
}

/// The composes, newest first
#[utoipa::path(
    get, path = "/api/1/composes/", tag = "composes", operation_id = "list_composes",
    params(ListParameters),
    responses(
        (status = 200, description = "One page of records", body = ComposeList),
        (status = 400, description = "An order that there is not", body = Error),
        (status = 503, description = "Records cannot be read at the moment", body = Error),
    ),
)]
fn list() {}

/// Asks for a compose
///
/// It is recorded and made later: read its record until its state is neither `wait` nor `generating`. With `dry_run=1`
/// nothing is made and nothing recorded: the answer says what would be in it, and 422 that it would fail, with the reason
/// that its record would give.
#[utoipa::path(
    post, path = "/api/1/composes/", tag = "composes", operation_id = "create_compose",
    request_body = ComposeRequest,
    params(CreateParameters),
    responses(
        (status = 200, description = "The record, in state `wait`; what would be in the compose", body = Submission),
        (status = 400, description = "What this server cannot make; the message names the field", body = Error),
        (status = 401, description = "Callers have to say who they are", body = Error),
        (status = 403, description = "The caller may not do this", body = Error),
        (status = 408, description = "The body did not arrive in time", body = Error),
        (status = 413, description = "The body is too large", body = Error),
        (status = 422, description = "A dry run: the compose would fail", body = WouldFail),
        (
            status = 503, description = "It cannot be recorded, or there are too many dry runs, at the moment",
            body = Error,
            headers(("Retry-After" = u32, description = "Seconds after which to ask for the dry run again")),
        ),
    ),
)]
fn create() {}

/// The record of a compose
#[utoipa::path(
    get, path = "/api/1/composes/{id}", tag = "composes", operation_id = "read_compose",
    params(("id" = i64, Path, description = "The id of the compose", minimum = 1)),
    responses(
        (status = 200, description = "The record", body = ComposeRecord),
        (status = 404, description = "There is no such compose", body = Error),
        (status = 503, description = "Records cannot be read at the moment", body = Error),
    ),
)]
fn read() {}

/// Renews a compose: keeps it longer, or makes it again
#[utoipa::path(
    patch, path = "/api/1/composes/{id}", tag = "composes", operation_id = "renew_compose",
    params(("id" = i64, Path, description = "The id of the compose", minimum = 1)),
    request_body(content = Option<RenewalRequest>),
    responses(
        (status = 200, description = "The record of the compose, or of the new one", body = SubmittedCompose),
        (status = 400, description = "What cannot be done; the message names the field", body = Error),
        (status = 401, description = "Callers have to say who they are", body = Error),
        (status = 403, description = "The caller may not do this", body = Error),
        (status = 404, description = "There is no such compose, or none to renew", body = Error),
        (status = 408, description = "The body did not arrive in time", body = Error),
        (status = 413, description = "The body is too large", body = Error),
        (status = 503, description = "It cannot be recorded at the moment", body = Error),
    ),
)]
fn renew() {}

/// Cancels a compose that has not ended; lets one that has ended expire now
///
/// The record stays.
#[utoipa::path(
    delete, path = "/api/1/composes/{id}", tag = "composes", operation_id = "delete_compose",
    params(("id" = i64, Path, description = "The id of the compose", minimum = 1)),
    responses(
        (status = 202, description = "It is going to be removed", body = Accepted),
        (status = 400, description = "It is removed already", body = Error),
        (status = 401, description = "Callers have to say who they are", body = Error),
        (status = 403, description = "The caller may not do this", body = Error),
        (status = 404, description = "There is no such compose", body = Error),
        (status = 503, description = "It cannot be recorded at the moment", body = Error),
    ),
)]
fn delete() {}

/// What happened while a compose was made
///
/// It grows while the compose is made: ask for what is new with `Range: bytes=N-`, N being what you have; 416
/// says that there is no more yet.
#[utoipa::path(
    get, path = "/api/1/composes/{id}/log", tag = "composes", operation_id = "read_compose_log",
    params(
        ("id" = i64, Path, description = "The id of the compose", minimum = 1),
        LogParameters,
    ),
    responses(
        (status = 200, description = "The log as far as it is written", body = String, content_type = "text/plain"),
        (status = 206, description = "A part of it", body = String, content_type = "text/plain"),
        (status = 304, description = "It has not changed"),
        (status = 404, description = "There is no such compose, or it has no log, yet or any more", body = Error),
        (status = 416, description = "It has no such bytes, yet", body = Error),
        (status = 503, description = "Records cannot be read at the moment", body = Error),
    ),
)]
fn log() {}

/// What is in a compose, and why
#[utoipa::path(
    get, path = "/api/1/composes/{id}/packages", tag = "composes", operation_id = "list_compose_packages",
    params(
        ("id" = i64, Path, description = "The id of the compose", minimum = 1),
        PackageParameters,
    ),
    responses(
        (status = 200, description = "One page of packages", body = PackageList),
        (status = 400, description = "What cannot be the value of a parameter", body = Error),
        (
            status = 404, body = Error,
            description = "There is no such compose, it is not done, has failed, or it was not recorded what is in it",
        ),
        (status = 503, description = "Records cannot be read at the moment", body = Error),
    ),
)]
fn packages() {}

/// What went into a compose, file by file
///
/// It is kept for ever, also when the compose is removed.
#[utoipa::path(
    get, path = "/api/1/composes/{id}/manifest", tag = "composes", operation_id = "read_compose_manifest",
    params(("id" = i64, Path, description = "The id of the compose", minimum = 1)),
    responses(
        (status = 200, description = "The manifest", body = Manifest),
        (
            status = 404, body = Error,
            description = "There is no such compose, it is not done, has failed, or it was not recorded what is in it",
        ),
        (status = 503, description = "Records cannot be read at the moment", body = Error),
    ),
)]
fn manifest() {}

/// What is different between two composes
#[utoipa::path(
    get, path = "/api/1/composes/{id}/diff/{other}", tag = "composes", operation_id = "compare_composes",
    params(
        ("id" = i64, Path, description = "The id of the compose that is compared", minimum = 1),
        ("other" = i64, Path, description = "The id of the compose that it is compared with", minimum = 1),
    ),
    responses(
        (status = 200, description = "What is different in the other one", body = Difference),
        (
            status = 404, body = Error,
            description = "There is no such compose, it is not done, has failed, or it was not recorded what is in it",
        ),
        (status = 503, description = "Records cannot be read at the moment", body = Error),
    ),
)]
fn diff() {}

/// The version, and what this server makes
#[utoipa::path(
    get, path = "/api/1/about/", tag = "service", operation_id = "about",
    responses((status = 200, description = "What this server is", body = About)),
)]
fn about() {}

/// Counts and times, for Prometheus
#[utoipa::path(
    get, path = "/api/1/metrics/", tag = "service", operation_id = "metrics",
    responses((
        status = 200, description = "Metrics as OpenMetrics text", body = String,
        content_type = "application/openmetrics-text",
    )),
)]
fn metrics() {}

/// This document
#[utoipa::path(
    get, path = "/api/1/openapi.json", tag = "service", operation_id = "openapi",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = Object)),
)]
fn openapi() {}

/// Whether the process answers; under any `Host`
#[utoipa::path(
    get, path = "/healthz", tag = "service", operation_id = "healthz",
    responses((status = 200, description = "It does", body = Health)),
)]
fn healthz() {}

/// Whether the service can do its work; under any `Host`
#[utoipa::path(
    get, path = "/readyz", tag = "service", operation_id = "readyz",
    responses(
        (status = 200, description = "It can", body = Readiness),
        (status = 503, description = "It cannot; the answer says why", body = Readiness),
    ),
)]
fn readyz() {}
