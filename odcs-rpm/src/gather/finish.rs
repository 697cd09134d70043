//! From members by number to what a gather gives back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::reason::{Brought, MultilibRule, Reason, Why};
use super::result::{Gathered, Member};
use super::run::{Cause, Link, Run};
use super::table::{Id as _, PackageId, RequirementId};
use crate::{Dependency, PackagePattern};

impl Run<'_> {
    pub(super) fn finish(mut self, unmatched: Vec<PackagePattern>) -> Gathered {
        self.members.sort_unstable_by_key(|(id, _)| *id);
        let members = self.members.iter().filter_map(|&(id, cause)| {
            let entry = self.set.entry(id)?;
            Some(Member {
                package: Arc::clone(self.set.made(id)?),
                number: id.number(),
                origin: entry.origin,
                kind: entry.kind,
                flags: self.flags.get(id).copied().unwrap_or_default(),
                why: self.why(cause)?,
            })
        });
        let mut broken: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for &(package, requirement) in &self.broken {
            if let (Some(package), Some(dependency)) = (self.set.made(package), self.dependency(requirement))
            {
                let of_package = broken.entry(package.nevra.clone()).or_default();
                of_package.insert(dependency.to_string());
            }
        }
        let mut found = Vec::with_capacity(self.members.len());
        found.extend(members);
        Gathered {
            members: found,
            broken,
            unmatched,
        }
    }

    fn why(&self, cause: Cause<'_>) -> Option<Why> {
        let (by, link) = match cause {
            Cause::Asked(pattern) => return Some(Why::Asked(pattern.clone())),
            Cause::Everything => return Some(Why::Everything),
            Cause::Prepopulated => return Some(Why::Prepopulated),
            Cause::Brought { by, link } => (by, link),
        };
        let entry = self.set.entry(by)?;
        Some(Why::Brought(Brought {
            by: Arc::clone(self.set.made(by)?),
            origin: entry.origin,
            reason: self.reason(by, link)?,
        }))
    }

    fn reason(&self, by: PackageId, link: Link<'_>) -> Option<Reason> {
        Some(match link {
            Link::Requires(id) => Reason::Requires(self.dependency(id)?),
            Link::BuildRequires(id) => Reason::BuildRequires(self.dependency(id)?),
            Link::Conditional => Reason::Conditional,
            Link::SourceOf => Reason::SourceOf,
            Link::DebugOf => Reason::DebugOf,
            Link::Fulltree => {
                let source = self.set.entry(by)?.source?;
                Reason::Fulltree(self.set.source_rpm(source).into())
            }
            Link::Langpack => Reason::Langpack,
            Link::Whitelist(pattern) => Reason::Multilib(MultilibRule::Whitelist(pattern.clone())),
            Link::Method(method) => Reason::Multilib(MultilibRule::Method(method)),
        })
    }

    fn dependency(&self, id: RequirementId) -> Option<Dependency> {
        Some(self.index.dependency(id)?.to_dependency())
    }
}
