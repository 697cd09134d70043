//! The labels of metrics, each with few values.

use http::{Method, StatusCode};
use odcs_core::SourceKind;
use odcs_core::compose::ComposeState;
use odcs_core::service::About;
use prometheus_client::encoding::EncodeLabelSet;

/// What is none of the names that are counted apart.
const OTHER: &str = "other";

#[derive(Clone, Debug, Eq, PartialEq, Hash, EncodeLabelSet)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) route: String,
    pub(super) status: &'static str,
}

#[derive(Clone, Debug, Eq, PartialEq, Hash, EncodeLabelSet)]
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) route: String,
}

#[derive(Clone, Debug, Eq, PartialEq, Hash, EncodeLabelSet)]
pub(super) struct SourceType {
    pub(super) source_type: &'static str,
}

#[derive(Clone, Debug, Eq, PartialEq, Hash, EncodeLabelSet)]
pub(super) struct Ended {
    pub(super) source_type: &'static str,
    pub(super) state: &'static str,
}

/// As the reference server has it.
#[derive(Clone, Debug, Eq, PartialEq, Hash, EncodeLabelSet)]
pub(super) struct Composes {
    source_type: String,
    state: &'static str,
}

#[derive(Clone, Debug, Eq, PartialEq, Hash, EncodeLabelSet)]
pub(super) struct PhaseLabel {
    pub(super) phase: String,
}

#[derive(Clone, Debug, Eq, PartialEq, Hash, EncodeLabelSet)]
pub(super) struct Placed {
    pub(super) how: &'static str,
}

#[derive(Clone, Debug, Eq, PartialEq, Hash, EncodeLabelSet)]
pub(super) struct Found {
    pub(super) how: &'static str,
}

#[derive(Clone, Debug, Eq, PartialEq, Hash, EncodeLabelSet)]
pub(super) struct SweptWhat {
    pub(super) what: &'static str,
}

impl Composes {
    pub(super) fn new(source_type: &str, state: ComposeState) -> Self {
        Self {
            source_type: source_type.to_owned(),
            state: state.name(),
        }
    }
}

/// The method, if it is one that anything answers to: callers may make up others.
pub(super) fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => OTHER,
    }
}

pub(super) fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

/// The types of the API, and those that this server has besides.
pub(super) fn kinds(about: &About) -> impl Iterator<Item = &SourceKind> {
    let custom = about.source_types.iter();
    let custom = custom.filter(|kind| !SourceKind::BUILTIN.contains(kind));
    BUILTIN.iter().chain(custom)
}

/// The name of a source type that records may have; they outlive what servers know.
pub(super) fn known_name(source_type: i64, about: &About) -> &str {
    let mut kinds = kinds(about);
    let kind = kinds.find(|kind| i64::from(kind.number()) == source_type);
    kind.map_or(OTHER, SourceKind::name)
}

static BUILTIN: [SourceKind; 7] = SourceKind::BUILTIN;

pub(super) fn source_name(source_type: i64) -> SourceType {
    let kind = BUILTIN
        .iter()
        .find(|kind| i64::from(kind.number()) == source_type);
    SourceType {
        source_type: kind.map_or(OTHER, SourceKind::name),
    }
}
