//! What a source has, indexed for gathering, and as it is kept in the cache.

use std::sync::Arc;

use odcs_core::{CacheKey, MetadataCache};
use odcs_rpm::gather::{PackageSet, SetBuilder};
use odcs_rpm::{Digest, DigestAlgorithm, Package, Result, facts};
use rayon::prelude::*;

/// How much of its packages a content has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Amount {
    /// Brief packages, and a set that knows the rest.
    Brief,
    /// Everything, and no set.
    Complete,
}

/// The packages of a repository in its own order, brief, and the set of them.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) set: Arc<PackageSet>,
    pub(crate) items: Vec<Item>,
}

/// A package of a repository.
#[derive(Debug)]
pub(crate) struct Item {
    /// That of the set, unless the set has another one for the same NEVRA.
    pub(crate) package: Arc<Package>,
    /// Where its file is, from the repository's top; nothing where that is known otherwise.
    pub(crate) location: Box<str>,
    pub(crate) checksum: Option<Digest>,
}

/// Indexes packages one by one, so that they need not all be there at once.
pub(crate) struct CatalogBuilder {
    set: SetBuilder,
    items: Vec<Item>,
}

impl CatalogBuilder {
    pub(crate) fn new() -> Self {
        Self {
            set: PackageSet::builder(),
            items: Vec::new(),
        }
    }

    /// Adds a package with all its dependencies and files, of which only the index stays.
    pub(crate) fn add(&mut self, package: &Package, location: Box<str>, checksum: Option<Digest>) {
        let brief = Arc::new(brief(package));
        self.set.add(package, Arc::clone(&brief));
        self.items.push(Item {
            package: brief,
            location,
            checksum,
        });
    }

    /// # Errors
    /// `TooLarge` for more than a set may have.
    pub(crate) fn finish(self) -> Result<Catalog> {
        Ok(Catalog {
            set: Arc::new(self.set.finish()?),
            items: self.items,
        })
    }
}

/// What is left of a package when it is indexed.
fn brief(package: &Package) -> Package {
    Package {
        source_rpm: package.source_rpm.clone(),
        build_time: package.build_time,
        file_time: package.file_time,
        sizes: package.sizes,
        header_range: package.header_range,
        signatures: package.signatures.clone(),
        ..Package::new(package.nevra.clone())
    }
}

/// How many packages a thread makes before others may help.
const TOGETHER: usize = 256;

/// Stands for a package that the set does not have: there is another one of its NEVRA.
const NOT_IN_SET: u32 = u32::MAX;

impl Catalog {
    /// Reads a catalog from the cache. What is damaged is as good as not there.
    pub(crate) fn cached(cache: &dyn MetadataCache, key: &CacheKey) -> Option<Self> {
        let mut bytes = Vec::new();
        if !cache.get(key, &mut bytes) {
            return None;
        }
        let catalog = Self::decode(Arc::new(bytes));
        if catalog.is_none() {
            tracing::warn!("what the cache has of a repository cannot be used; it is made anew");
        }
        catalog
    }

    /// Keeps it in the cache.
    pub(crate) fn keep(&self, cache: &dyn MetadataCache, key: &CacheKey) {
        let items = self.encode_items();
        let length = (items.len() as u64).to_le_bytes();
        cache.put(key, &[&length, &items, self.set.as_encoded()]);
        cache.flush();
    }

    /// For each package its number in the set, or itself; its location; its checksum.
    fn encode_items(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.items.len() * 128);
        for Item {
            package,
            location,
            checksum,
        } in &self.items
        {
            let number = self.set.number(&package.nevra);
            let is_it = |number: &u32| {
                self.set
                    .package(*number)
                    .is_some_and(|it| Arc::ptr_eq(it, package))
            };
            let number = number.filter(is_it);
            bytes.extend_from_slice(&number.unwrap_or(NOT_IN_SET).to_le_bytes());
            if number.is_none() {
                let mut own = Vec::new();
                facts::encode(package, &mut own);
                write(&mut bytes, &own);
            }
            write(&mut bytes, location.as_bytes());
            let (algorithm, hex) = match checksum {
                Some(digest) => (digest.algorithm().as_str(), digest.hex()),
                None => ("", ""),
            };
            write(&mut bytes, algorithm.as_bytes());
            write(&mut bytes, hex.as_bytes());
        }
        bytes
    }

    fn decode(bytes: Arc<Vec<u8>>) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk()?;
        let items = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let kept = Kept::all(items)?;
        // The set stands on the same bytes.
        let set = PackageSet::from_encoded_at(Arc::clone(&bytes), length.len() + items.len()).ok()?;
        // Most of the work is in making thousands of packages.
        let kept = kept.into_par_iter().with_min_len(TOGETHER);
        let items = kept.map(|kept| kept.item(&set)).collect::<Option<_>>()?;
        Some(Self {
            set: Arc::new(set),
            items,
        })
    }
}

/// An item as it is kept.
struct Kept<'a> {
    number: u32,
    /// The package, if the set has another one for its NEVRA.
    own: &'a [u8],
    location: &'a str,
    checksum: Option<Digest>,
}

impl<'a> Kept<'a> {
    fn all(mut bytes: &'a [u8]) -> Option<Vec<Self>> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            all.push(Self::decode(&mut bytes)?);
        }
        Some(all)
    }

    fn decode(reader: &mut &'a [u8]) -> Option<Self> {
        let number = u32::from_le_bytes(*take(reader)?);
        let own = match number {
            NOT_IN_SET => read(reader)?,
            _ => &[],
        };
        let location = text(reader)?;
        let (algorithm, hex) = (text(reader)?, text(reader)?);
        let checksum = match algorithm {
            "" => None,
            name => Some(Digest::new(DigestAlgorithm::from_repodata(name).ok()?, hex).ok()?),
        };
        Some(Self {
            number,
            own,
            location,
            checksum,
        })
    }

    fn item(self, set: &PackageSet) -> Option<Item> {
        let package = match self.number {
            NOT_IN_SET => Arc::new(facts::decode_brief(self.own).ok()?),
            number => Arc::clone(set.package(number)?),
        };
        Some(Item {
            package,
            location: self.location.into(),
            checksum: self.checksum,
        })
    }
}

/// Writes bytes with their length before them.
pub(crate) fn write(into: &mut Vec<u8>, bytes: &[u8]) {
    // What does not fit is a path of 4 GiB: it is cut, and does not decode.
    into.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    into.extend_from_slice(bytes);
}

pub(crate) fn read<'a>(reader: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::from_le_bytes(*take(reader)?)).ok()?;
    let (bytes, rest) = reader.split_at_checked(length)?;
    *reader = rest;
    Some(bytes)
}

pub(crate) fn text<'a>(reader: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(read(reader)?).ok()
}

pub(crate) fn take<'a, const N: usize>(reader: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (bytes, rest) = reader.split_first_chunk()?;
    *reader = rest;
    Some(bytes)
}
