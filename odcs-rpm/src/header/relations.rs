//! The lists of dependencies in a header.

use super::tags::{Tag, Tags};
use super::value::Texts;
use crate::{Comparison, Dependency, DependencyVersion, Error, Result};

/// `RPMSENSE_STRONG`: what told recommending from suggesting before there were tags for both.
const SENSE_STRONG: u32 = 1 << 27;

/// The tags of one list: names, flags, versions.
pub(super) type RelationTags = (Tag, Tag, Tag);

pub(super) const PROVIDES: RelationTags = (
    Tag::RPMTAG_PROVIDENAME,
    Tag::RPMTAG_PROVIDEFLAGS,
    Tag::RPMTAG_PROVIDEVERSION,
);
pub(super) const REQUIRES: RelationTags = (
    Tag::RPMTAG_REQUIRENAME,
    Tag::RPMTAG_REQUIREFLAGS,
    Tag::RPMTAG_REQUIREVERSION,
);
pub(super) const CONFLICTS: RelationTags = (
    Tag::RPMTAG_CONFLICTNAME,
    Tag::RPMTAG_CONFLICTFLAGS,
    Tag::RPMTAG_CONFLICTVERSION,
);
pub(super) const OBSOLETES: RelationTags = (
    Tag::RPMTAG_OBSOLETENAME,
    Tag::RPMTAG_OBSOLETEFLAGS,
    Tag::RPMTAG_OBSOLETEVERSION,
);
pub(super) const RECOMMENDS: RelationTags = (
    Tag::RPMTAG_RECOMMENDNAME,
    Tag::RPMTAG_RECOMMENDFLAGS,
    Tag::RPMTAG_RECOMMENDVERSION,
);
pub(super) const SUGGESTS: RelationTags = (
    Tag::RPMTAG_SUGGESTNAME,
    Tag::RPMTAG_SUGGESTFLAGS,
    Tag::RPMTAG_SUGGESTVERSION,
);
pub(super) const SUPPLEMENTS: RelationTags = (
    Tag::RPMTAG_SUPPLEMENTNAME,
    Tag::RPMTAG_SUPPLEMENTFLAGS,
    Tag::RPMTAG_SUPPLEMENTVERSION,
);
pub(super) const ENHANCES: RelationTags = (
    Tag::RPMTAG_ENHANCENAME,
    Tag::RPMTAG_ENHANCEFLAGS,
    Tag::RPMTAG_ENHANCEVERSION,
);
pub(super) const OLD_SUGGESTS: RelationTags = (
    Tag::RPMTAG_OLDSUGGESTSNAME,
    Tag::RPMTAG_OLDSUGGESTSFLAGS,
    Tag::RPMTAG_OLDSUGGESTSVERSION,
);
pub(super) const OLD_ENHANCES: RelationTags = (
    Tag::RPMTAG_OLDENHANCESNAME,
    Tag::RPMTAG_OLDENHANCESFLAGS,
    Tag::RPMTAG_OLDENHANCESVERSION,
);

/// A dependency as a header has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relation<'a> {
    pub(super) name: &'a str,
    pub(super) flags: u32,
    /// As it was written: `0:1` is another text than `1`.
    pub(super) version: &'a str,
}

impl Relation<'_> {
    pub(super) fn to_dependency(self) -> Dependency {
        let version = Comparison::from_header_flags(self.flags)
            .filter(|_| !self.version.is_empty())
            .map(|comparison| DependencyVersion::parse(comparison, self.version));
        Dependency {
            name: self.name.into(),
            version,
            is_pre: false,
        }
    }
}

/// The dependencies of one kind. Those without a name are left out, as `createrepo_c` does: nothing can provide them.
pub(super) struct Relations<'a> {
    names: Texts<'a>,
    flags: std::slice::Iter<'a, [u8; 4]>,
    versions: Texts<'a>,
}

impl<'a> Relations<'a> {
    /// Those in these tags.
    ///
    /// # Errors
    /// [`Error::Package`] if there is not a version and a flag for each.
    pub(super) fn of(header: &Tags<'a>, (names, flags, versions): RelationTags) -> Result<Self> {
        let (names, flags, versions) = (header.texts(names), header.numbers(flags), header.texts(versions));
        // Without flags and versions (very old packages) all are unversioned; anything else is damage.
        let is_whole = |length| length == 0 || length == names.total();
        if !is_whole(flags.len()) || !is_whole(versions.total()) {
            return Err(Error::package(
                "a list of dependencies in its header is incomplete",
            ));
        }
        Ok(Self {
            names,
            flags: flags.iter(),
            versions,
        })
    }

    /// All of them.
    pub(super) fn list(self) -> Vec<Relation<'a>> {
        let mut list = Vec::with_capacity(self.at_most());
        list.extend(self);
        list
    }

    /// How many there are at most.
    fn at_most(&self) -> usize {
        // A name and its zero have two bytes.
        self.names.total().min(self.names.bytes() / 2)
    }
}

impl<'a> Iterator for Relations<'a> {
    type Item = Relation<'a>;

    fn next(&mut self) -> Option<Relation<'a>> {
        loop {
            let name = self.names.next()?;
            let flags = self.flags.next().map_or(0, |flags| u32::from_be_bytes(*flags));
            let version = self.versions.next().unwrap_or_default();
            if !name.is_empty() {
                return Some(Relation { name, flags, version });
            }
        }
    }
}

pub(super) fn dependencies(header: &Tags<'_>, tags: RelationTags) -> Result<Vec<Dependency>> {
    let all = Relations::of(header, tags)?;
    let mut dependencies = Vec::with_capacity(all.at_most());
    dependencies.extend(all.map(Relation::to_dependency));
    Ok(dependencies)
}

/// Weak dependencies as SUSE and rpm 5 wrote them before rpm 4.12: two kinds in one list.
pub(super) fn old_weak_dependencies(
    header: &Tags<'_>,
    tags: RelationTags,
    strong: &mut Vec<Dependency>,
    weak: &mut Vec<Dependency>,
) -> Result<()> {
    for relation in Relations::of(header, tags)? {
        let list = match relation.flags & SENSE_STRONG {
            0 => &mut *weak,
            _ => &mut *strong,
        };
        list.push(relation.to_dependency());
    }
    Ok(())
}
