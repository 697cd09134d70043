//! Package lists: which packages may be in a tag, and which are blocked there.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use regex::Regex;

use super::args::Args;
use super::{Answer, Calls, Fault};
use crate::Value;
use crate::state::{TagPackage, name_of};
use crate::value::row;

/// A package list: the entry that counts for each package, and the order in which they were found.
#[derive(Default)]
pub(super) struct PackageList<'s> {
    entries: BTreeMap<i64, &'s TagPackage>,
    order: Vec<&'s TagPackage>,
}

impl<'s> PackageList<'s> {
    /// Whether a package may be in the tag.
    pub(super) fn allows(&self, package: i64) -> bool {
        self.entries.get(&package).is_some_and(|entry| !entry.blocked)
    }

    fn add(&mut self, entry: &'s TagPackage) {
        if let Entry::Vacant(place) = self.entries.entry(entry.package_id) {
            place.insert(entry);
            self.order.push(entry);
        }
    }
}

impl Calls<'_> {
    /// The package list of a tag: its own entries, and for packages that it says nothing about those of what it inherits
    /// from, as far as the filters of the links let them through.
    pub(super) fn package_list(
        &self,
        tag: i64,
        event: Option<i64>,
        inherit: bool,
        with_blocked: bool,
    ) -> PackageList<'_> {
        let entries = |of: i64| {
            let entries = self.state.tag_packages.iter();
            entries.filter(move |entry| {
                entry.tag_id == of && entry.life.is_visible(event) && (with_blocked || !entry.blocked)
            })
        };
        let mut list = PackageList::default();
        entries(tag).for_each(|entry| list.add(entry));
        if !inherit {
            return list;
        }
        for step in self.parents(tag, event) {
            // A pattern has to match where the name begins, not all of it.
            let filters: Vec<_> = step
                .filters
                .iter()
                .map(|filter| Regex::new(&format!("^(?:{filter})")).unwrap())
                .collect();
            for entry in entries(step.tag) {
                let name = self.state.package_name(entry.package_id);
                if filters.iter().all(|filter| filter.is_match(name)) {
                    list.add(entry);
                }
            }
        }
        list
    }

    pub(super) fn list_packages(&self, args: &Args) -> Answer {
        let event = args.event()?;
        if *args.get("tagID") == Value::Nil {
            return Err(Fault::generic("tag,user, and/or pkg must be specified"));
        }
        let tag = self.tag_id(args.get("tagID"))?;
        let inherit = args.flag("inherited", false);
        let list = self.package_list(tag, event, inherit, args.flag("with_blocked", true));
        let wanted = |entry: &&&TagPackage| match args.get("pkgID") {
            Value::Nil => true,
            Value::Int(id) => entry.package_id == *id,
            name => name.as_str() == Some(self.state.package_name(entry.package_id)),
        };
        let rows: Vec<_> = list
            .order
            .iter()
            .filter(wanted)
            .map(|entry| {
                let owners = self.state.tag_package_owners.iter();
                let owner = owners
                    .filter(|owner| owner.tag_id == entry.tag_id && owner.package_id == entry.package_id)
                    .find(|owner| owner.life.is_visible(event))
                    .map(|owner| owner.owner);
                row([
                    ("blocked", entry.blocked.into()),
                    ("extra_arches", entry.extra_arches.clone().into()),
                    ("owner_id", owner.into()),
                    (
                        "owner_name",
                        owner.and_then(|owner| name_of(&self.state.users, owner)).into(),
                    ),
                    ("package_id", entry.package_id.into()),
                    ("package_name", self.state.package_name(entry.package_id).into()),
                    ("tag_id", entry.tag_id.into()),
                    ("tag_name", name_of(&self.state.tag, entry.tag_id).into()),
                ])
            })
            .collect();
        Ok(args.with_options(rows))
    }
}
