//! The answers besides the record.

#![allow(dead_code, reason = "these types describe what others write")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

use super::packages::DryRun;
use super::record::ComposeRecord;

/// Why a request was not answered as asked.
#[derive(ToSchema)]
pub(super) struct Error {
    /// The name of the status.
    #[schema(example = "Bad Request")]
    error: String,
    /// What is wrong, for the person who asked; what is wrong with a field names it in quotes.
    message: String,
    /// The status, once more.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
}

/// Why a compose would fail.
#[derive(ToSchema)]
pub(super) struct WouldFail {
    /// The name of the status.
    #[schema(example = "Unprocessable Entity")]
    error: String,
    /// What the log of the compose would say: all that a long reason only counts.
    log: Vec<String>,
    /// The reason that the record of the compose would give.
    message: String,
    /// The status, once more.
    #[schema(example = 422)]
    status: u16,
}

/// One page of records.
#[derive(ToSchema)]
pub(super) struct ComposeList {
    items: Vec<ComposeRecord>,
    meta: ListMeta,
}

/// Where in the list a page is, and where the others are. The links repeat the parameters of the request.
#[derive(ToSchema)]
pub(super) struct ListMeta {
    #[schema(format = "uri")]
    first: String,
    #[schema(format = "uri")]
    last: String,
    #[schema(required, format = "uri")]
    next: Option<String>,
    /// The page, from 1.
    page: u64,
    /// How many there are.
    pages: u64,
    per_page: u64,
    /// Past the end it leads back to the last page that has something.
    #[schema(required, format = "uri")]
    prev: Option<String>,
    /// How many records match.
    total: u64,
}

/// A record, and what of the request was not understood.
#[derive(ToSchema)]
pub(super) struct SubmittedCompose {
    #[serde(flatten)]
    compose: ComposeRecord,
    /// What of the request was not understood or has no effect, a sentence each; missing if there is nothing
    /// to say.
    #[schema(nullable = false)]
    warnings: Option<Vec<String>>,
}

/// A compose that was asked for, or what would be in it.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[serde(untagged)]
pub(super) enum Submission {
    Compose(Box<SubmittedCompose>),
    DryRun(DryRun),
}

/// A request that was taken and is carried out soon.
#[derive(ToSchema)]
pub(super) struct Accepted {
    message: String,
    #[schema(example = 202)]
    status: u16,
}

/// The version, and what this server makes.
#[derive(ToSchema)]
pub(super) struct About {
    /// What the caller may use, by the name of the restriction.
    allowed_clients: BTreeMap<String, String>,
    /// The arches it makes composes for.
    arches: Vec<String>,
    /// How callers say who they are; `noauth` if they are not asked.
    #[schema(example = "noauth")]
    auth_backend: String,
    /// The flags that requests may have.
    flags: Vec<String>,
    /// The Pungi configurations that can be named in requests.
    raw_config_urls: BTreeMap<String, String>,
    /// What composes may consist of.
    results: Vec<String>,
    sigkeys: Vec<String>,
    /// The source types that it makes composes of.
    source_types: Vec<String>,
    version: String,
}

/// That the process answers.
#[derive(ToSchema)]
pub(super) struct Health {
    #[schema(example = "ok")]
    status: String,
}

/// Whether the service can do its work.
#[derive(ToSchema)]
pub(super) struct Readiness {
    checks: Vec<ReadinessCheck>,
    /// Whether all of them passed.
    ready: bool,
}

/// One thing that the service needs.
#[derive(ToSchema)]
pub(super) struct ReadinessCheck {
    /// `store`, `worker` or `target_dir`.
    name: String,
    /// What is wrong with it; null if nothing is.
    #[schema(required)]
    problem: Option<String>,
    ready: bool,
}
