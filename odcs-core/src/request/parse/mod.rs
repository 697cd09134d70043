//! From JSON to a request.
//!
//! [`body_from_bytes`] makes JSON of a body, [`compose_request`] a request of it and
//! [`renewal_request`] the wish to renew a compose. None of them knows the configuration: which URLs, arches, lifetimes or target directories are allowed is asked elsewhere.

mod body;
mod dry_run;
mod read;
mod record;
mod renewal;
mod shape;
mod source;
mod warnings;

pub use body::body_from_bytes;
pub use dry_run::is_dry_run;
pub(crate) use record::as_recorded;
pub use record::recorded_request;
pub use renewal::renewal_request;
pub use source::BASE_MODULES;

use serde_json::{Map, Value};

use super::{ComposeRequest, SourceKind};
use crate::{Error, Result};

/// The most items a list may have.
pub const MAX_ITEMS: usize = 100_000;

/// The most characters a text, or a text in a list, may have.
pub const MAX_TEXT_CHARS: usize = 4096;

/// The most characters the text `source` may have: it can be a long list of content sets.
pub const MAX_SOURCE_CHARS: usize = 262_144;

/// A request, and what its sender should hear about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parsed<T> {
    /// What is asked for.
    pub request: T,
    /// Sentences about parts of the body that have no effect. They are no errors: clients in use send
    /// such parts.
    pub warnings: Vec<String>,
}

/// How a body is laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// `{"source": {"type": "tag", "source": "f36", …}, …}`
    Nested,
    /// `{"source_type": "tag", "source": "f36", …}`, the older one.
    Flat,
}

impl Form {
    fn type_field(self) -> &'static str {
        match self {
            Self::Nested => "type",
            Self::Flat => "source_type",
        }
    }
}

/// Reads the body of a request for a compose, in either of its two forms.
///
/// `custom` are the source types that are installed besides the seven of the API.
///
/// The shapes of all values are looked at first, those within `source` before those beside it; then
/// what they say: lifetime, source, flags, results, and the rest. The first thing that is wrong is
/// the error.
///
/// # Errors
/// `Invalid`, with the field as its subject and a message that names it and says what is expected.
///
/// ```
/// use odcs_core::request::parse::compose_request;
/// use serde_json::json;
///
/// let nested = json!({"source": {"type": "tag", "source": "f36", "packages": ["ed"]}});
/// let flat = json!({"source_type": "tag", "source": "f36", "packages": ["ed"]});
/// let parsed = compose_request(&nested, &[])?;
/// assert_eq!(parsed.request.source.to_string(), "f36");
/// assert_eq!(parsed, compose_request(&flat, &[])?);
///
/// let wrong = json!({"source": {"type": "tag", "source": "f36"}, "arches": "x86_64"});
/// let error = compose_request(&wrong, &[]).unwrap_err();
/// assert_eq!(error.to_string(), "\"arches\" should be a list of strings");
/// # Ok::<(), odcs_core::Error>(())
/// ```
pub fn compose_request(body: &Value, custom: &[SourceKind]) -> Result<Parsed<ComposeRequest>> {
    let top = body.as_object().ok_or_else(|| body::not_an_object(body))?;
    if top.is_empty() {
        return Err(Error::invalid(
            "body",
            "the body is an empty object; at least \"source\" is needed",
        ));
    }
    let (form, source) = layout(top)?;
    dry_run::refuse([top, source])?;
    let lifetime = read::lifetime(top)?;
    let kind = source::kind(source, form, custom)?;
    let mut request = ComposeRequest::new(source::spec(source, kind)?);
    request.lifetime = lifetime;
    request.module_defaults = read::module_defaults(source)?;
    request.flags = read::flags(top)?;
    request.results = read::results(top)?;
    let sigkeys = read::sigkeys(source)?;
    request.sigkeys = sigkeys.keys;
    request.arch_sigkeys = sigkeys.of_arches;
    request.embargo = read::embargo(source)?;
    request.koji_event = read::koji_event(source)?;
    request.packages = read::list(source, "packages")?;
    request.builds = read::list(source, "builds")?;
    request.modular_koji_tags = read::list(source, "modular_koji_tags")?;
    request.scratch_modules = read::list(source, "scratch_modules")?;
    request.scratch_build_tasks = read::list(source, "scratch_build_tasks")?;
    request.modules = read::list(source, "modules")?;
    request.base_module = read::base_module(source)?;
    request.arches = read::set(top, "arches")?;
    request.multilib_arches = read::set(top, "multilib_arches")?;
    request.multilib_methods = read::multilib_methods(top)?;
    request.lookaside_repos = read::list(top, "lookaside_repos")?.unwrap_or_default();
    request.label = read::parsed(top, "label")?;
    request.compose_type = read::parsed(top, "compose_type")?.unwrap_or_default();
    if read::text(top, "target_dir").is_some_and(|name| !name.is_empty()) {
        request.target_dir = read::parsed(top, "target_dir")?.unwrap_or_default();
    }
    request.parent_pungi_compose_ids = read::list(top, "parent_pungi_compose_ids")?;
    request.respin_of = read::parsed(top, "respin_of")?;
    let warnings = warnings::of(top, source, form, &request);
    Ok(Parsed { request, warnings })
}

/// Tells the form, checks all shapes, and gives the object that holds the fields of the source.
fn layout(top: &Map<String, Value>) -> Result<(Form, &Map<String, Value>)> {
    match top.get("source") {
        Some(Value::Object(source)) => {
            shape::check(source, None)?;
            shape::check(top, Some("source"))?;
            Ok((Form::Nested, source))
        }
        _ if top.contains_key("source_type") => {
            shape::check(top, None)?;
            if read::text(top, "source_type").is_none() {
                return Err(Error::invalid(
                    "source_type",
                    "\"source_type\" should be a string",
                ));
            }
            Ok((Form::Flat, top))
        }
        _ => {
            shape::check(top, Some("source"))?;
            Err(Error::invalid(
                "source",
                "\"source\" should be an object such as {\"type\": \"tag\", \"source\": \"f36\"}",
            ))
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
