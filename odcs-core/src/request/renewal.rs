//! What somebody asks for who wants to keep a compose, or have it back.

use std::collections::BTreeMap;

use odcs_rpm::TreeArch;

use super::{ComposeLabel, KeyOrUnsigned, Lifetime, Nsvc, Nvr};

/// The wish to renew a compose, and what is to be different. What is `None` stays as it is.
///
/// A compose that is still there and of which nothing but the lifetime changes is kept longer; else
/// a new one is made.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Renewal {
    /// How long it is to be kept from now on.
    pub lifetime: Option<Lifetime>,
    /// Signing keys in order of preference. They replace those of all arches.
    pub sigkeys: Option<Vec<KeyOrUnsigned>>,
    /// With `sigkeys`, the keys of arches that are to have their own.
    pub arch_sigkeys: BTreeMap<TreeArch, Vec<KeyOrUnsigned>>,
    /// The label.
    pub label: Option<ComposeLabel>,
    /// Koji builds.
    pub builds: Option<Vec<Nvr>>,
    /// Modules to include.
    pub modules: Option<Vec<Nsvc>>,
}
