//! `modules.json`: which modules are in the compose.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ComposeIdent, ComposeInfoSection, json};
use crate::Result;

const KIND: &str = "productmd.modules";

/// The payload of `modules.json`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Modules {
    /// Which compose.
    pub compose: ComposeInfoSection,
    /// Variant → arch → `NAME:STREAM:VERSION:CONTEXT` → module.
    pub modules: BTreeMap<String, BTreeMap<String, BTreeMap<String, Module>>>,
}

/// One module.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Module {
    /// What it is.
    pub metadata: ModuleMetadata,
    /// Where its documents are: category (`binary`, `debug`, `source`) → path below `compose/`.
    #[serde(default)]
    pub modulemd_path: BTreeMap<String, String>,
    /// NEVRAs of its packages, sorted.
    pub rpms: Vec<String>,
}

/// What a module is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the format")]
pub struct ModuleMetadata {
    pub context: String,
    pub koji_tag: String,
    pub name: String,
    pub stream: String,
    /// `NAME:STREAM:VERSION:CONTEXT`.
    pub uid: String,
    pub version: String,
}

impl Modules {
    /// The metadata of a compose without modules.
    pub fn none(ident: &ComposeIdent) -> Self {
        Self {
            compose: ident.section(),
            modules: BTreeMap::new(),
        }
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// None in practice: the type has a JSON form.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        json::write(KIND, self)
    }

    /// Reads a file. Its size is for the caller to limit.
    ///
    /// # Errors
    /// `Invalid` if it is none.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        json::read(KIND, bytes)
    }
}
