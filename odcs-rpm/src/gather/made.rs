//! Packages that are made when they are first asked for, which for most of a distribution is never.

use std::sync::{Arc, OnceLock};

use super::table::{Id, PackageId};
use crate::Package;

/// How many packages have their places together: what is gathered is spread over all of a set, and places that
/// nobody asks for are to take no memory.
const TOGETHER: usize = 8;

/// The places of the packages of a set.
#[derive(Debug)]
pub(super) struct Made(Vec<OnceLock<Box<[Place; TOGETHER]>>>);

/// A package as it is given back: from the start, or from when it is first asked for. `None` only where what was
/// decoded is none.
pub(super) type Place = OnceLock<Option<Arc<Package>>>;

impl Made {
    /// Places for so many packages, none of which is there.
    pub(super) fn new(packages: usize) -> Self {
        let places = std::iter::repeat_with(OnceLock::new);
        Self(places.take(packages.div_ceil(TOGETHER)).collect())
    }

    /// The package with a number, made if it is not there yet.
    pub(super) fn get_or_make(
        &self,
        id: PackageId,
        make: impl FnOnce() -> Option<Arc<Package>>,
    ) -> Option<&Arc<Package>> {
        self.place(id)?.get_or_init(make).as_ref()
    }

    /// Puts a package into its place, if that is empty.
    pub(super) fn put(&self, id: PackageId, package: Arc<Package>) {
        if let Some(place) = self.place(id) {
            place.get_or_init(|| Some(package));
        }
    }

    fn place(&self, id: PackageId) -> Option<&Place> {
        let places = self.0.get(id.index() / TOGETHER)?;
        let places = places.get_or_init(|| Box::new([const { OnceLock::new() }; TOGETHER]));
        places.get(id.index() % TOGETHER)
    }
}
