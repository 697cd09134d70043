//! The sources that are installed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Capability, ComposeSource};
use crate::request::SourceKind;
use crate::{Error, ErrorKind, Result};

/// The sources that are installed, by name.
#[derive(Clone, Debug, Default)]
pub struct SourceRegistry {
    sources: BTreeMap<String, Arc<dyn ComposeSource>>,
    /// Why there is none of some types.
    absent: BTreeMap<String, Box<str>>,
}

impl SourceRegistry {
    /// A registry without sources.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a source.
    ///
    /// # Errors
    /// `Conflict` if its name or its number is taken.
    pub fn register(&mut self, source: impl ComposeSource) -> Result<()> {
        self.register_shared(Arc::new(source))
    }

    /// Adds a source that is used elsewhere, too.
    ///
    /// # Errors
    /// `Conflict` if its name or its number is taken.
    pub fn register_shared(&mut self, source: Arc<dyn ComposeSource>) -> Result<()> {
        let kind = source.kind();
        let taken = self
            .sources
            .values()
            .map(|other| other.kind())
            .find(|other| other.name() == kind.name() || other.number() == kind.number());
        if let Some(other) = taken {
            let message = format!(
                "the source type {} ({}) cannot be registered: {} ({}) is there already",
                kind.name(),
                kind.number(),
                other.name(),
                other.number()
            );
            return Err(Error::new(
                ErrorKind::Conflict,
                "register source",
                kind.name(),
                message,
            ));
        }
        self.sources.insert(kind.name().to_owned(), source);
        Ok(())
    }

    /// Says why there is no source of a type, though there could be: half a sentence that goes on from "it", for whoever
    /// asks for one ("it has no Koji hub configured (koji_server)"). It counts until one is registered.
    ///
    /// ```
    /// use odcs_core::request::SourceKind;
    /// use odcs_core::source::SourceRegistry;
    /// let mut sources = SourceRegistry::new();
    /// sources.register_absent(&SourceKind::TAG, "it has no Koji hub configured (koji_server)");
    /// let error = sources.get(&SourceKind::TAG).unwrap_err();
    /// assert_eq!(
    ///     error.message(),
    ///     "this server makes no composes of source type \"tag\": it has no Koji hub configured (koji_server)"
    /// );
    /// ```
    pub fn register_absent(&mut self, kind: &SourceKind, reason: impl Into<Box<str>>) {
        self.absent.insert(kind.name().to_owned(), reason.into());
    }

    /// The source of a type.
    ///
    /// # Errors
    /// `Invalid` if this server has none, saying why if [somebody knows](Self::register_absent), or naming those it has.
    pub fn get(&self, kind: &SourceKind) -> Result<&Arc<dyn ComposeSource>> {
        self.sources.get(kind.name()).ok_or_else(|| {
            if let Some(reason) = self.absent.get(kind.name()) {
                let message = format!(
                    "this server makes no composes of source type {:?}: {reason}",
                    kind.name()
                );
                return Error::invalid("source.type", message);
            }
            let known: Vec<_> = self.sources.keys().map(String::as_str).collect();
            let message = format!(
                "this server makes no composes of source type {:?}; it has {}",
                kind.name(),
                if known.is_empty() {
                    "no source types".to_owned()
                } else {
                    known.join(", ")
                }
            );
            Error::invalid("source.type", message)
        })
    }

    /// What requests of the types that are installed may carry.
    pub fn capabilities(&self) -> impl Iterator<Item = Capability> {
        self.sources.values().map(|source| source.capability())
    }

    /// The types that are installed, by name.
    pub fn kinds(&self) -> impl Iterator<Item = SourceKind> {
        self.sources.values().map(|source| source.kind())
    }
}
