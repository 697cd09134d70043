//! Finding what packages offer of what others require.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::SetBuilder;
use super::requirements::Requirements;
use crate::PackageKind;
use crate::gather::index::Offer;
use crate::gather::table::{AddedId, CapabilityId, Column, Id as _, PackageId, TextId};

/// Every offer of a capability that some requirement names, in order of packages.
pub(super) fn offers(
    order: &[AddedId],
    builder: &SetBuilder,
    requirements: &Requirements,
) -> Vec<(CapabilityId, Offer)> {
    let texts = &builder.numbers.texts;
    let capabilities = &requirements.by_name;
    let mut by_text: Column<TextId, Option<CapabilityId>> = std::iter::repeat_n(None, texts.len()).collect();
    let mut paths = Paths::new();
    for (&text, &capability) in capabilities {
        if let Some(place) = by_text.get_mut(text) {
            *place = Some(capability);
        }
        let name = texts.get(text);
        if name.starts_with('/') {
            paths.insert(builder.hasher.hash(name), capability);
        }
    }
    let mut found: Vec<(CapabilityId, Offer)> = Vec::new();
    for (index, &id) in order.iter().enumerate() {
        let Some(added) = builder
            .added
            .get(id.index())
            .filter(|a| a.kind != PackageKind::Source)
        else {
            continue;
        };
        let package = PackageId::from_index(index);
        let first = found.len();
        // Not all repositories list its own name among the provides.
        let own = (added.name, Some(added.own));
        for &(name, range) in [own].iter().chain(builder.provides.row(id)) {
            if let Some(capability) = by_text.get(name).copied().flatten() {
                found.push((capability, Offer { package, range }));
            }
        }
        // Most repeat it, too.
        let repeated = found.get(first).copied();
        if let Some(repeated) =
            repeated.filter(|(capability, _)| by_text.get(added.name) == Some(&Some(*capability)))
            && let Some(again) = found.iter().skip(first + 1).position(|offer| *offer == repeated)
        {
            found.remove(first + 1 + again);
        }
        for &path in builder.paths.row(id) {
            if let Some(capability) = paths.get(path) {
                found.push((capability, Offer { package, range: None }));
            }
        }
    }
    found
}

/// Required paths by their hashes.
struct Paths {
    known: HashMap<u64, CapabilityId, BuildHasherDefault<AsItIs>>,
    /// Tells most paths that nothing requires by a few bits of their hashes.
    bits: Vec<bool>,
}

impl Paths {
    fn new() -> Self {
        Self {
            known: HashMap::default(),
            bits: vec![false; 1 << 16],
        }
    }

    fn insert(&mut self, path: u64, capability: CapabilityId) {
        if let Some(bit) = self.bits.get_mut(Self::place(path)) {
            *bit = true;
        }
        self.known.insert(path, capability);
    }

    fn get(&self, path: u64) -> Option<CapabilityId> {
        let may_be = self.bits.get(Self::place(path)).copied().unwrap_or(false);
        may_be.then(|| self.known.get(&path).copied()).flatten()
    }

    fn place(path: u64) -> usize {
        (path & 0xffff) as usize
    }
}

/// Takes hashes for what they are.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
