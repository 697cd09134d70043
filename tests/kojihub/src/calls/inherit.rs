//! The inheritance of tags, and the order in which it is walked.

use std::collections::BTreeMap;

use super::args::Args;
use super::tags::link_row;
use super::{Answer, Calls};
use crate::Value;
use crate::state::{Inheritance, name_of};

/// A tag that was come to.
#[derive(Clone, Debug)]
pub(super) struct Step<'s> {
    pub(super) link: &'s Inheritance,
    /// The tag at its end.
    pub(super) tag: i64,
    depth: i64,
    next_depth: Option<i64>,
    is_noconfig: bool,
    /// What the names of packages have to match: the patterns of all links on the way.
    pub(super) filters: Vec<&'s str>,
}

/// A walk from one tag to all that it inherits from, or that inherit from it.
struct Walk<'s> {
    links: &'s [Inheritance],
    event: Option<i64>,
    is_reversed: bool,
    steps: Vec<Step<'s>>,
    /// Where each tag stands among the steps.
    seen: BTreeMap<i64, Vec<usize>>,
}

/// What is handed on along the links.
#[derive(Clone, Default)]
struct Onward<'s> {
    /// The tags on the way here.
    way: Vec<i64>,
    depth: i64,
    max_depth: Option<i64>,
    is_noconfig: bool,
    filters: Vec<&'s str>,
}

impl Calls<'_> {
    pub(super) fn inheritance_data(&self, args: &Args) -> Answer {
        let tag = self.tag_id(args.get("tag"))?;
        let links = links(&self.state.tag_inheritance, tag, args.event()?, false);
        let rows = links.into_iter().map(|link| self.link(link, false));
        Ok(Value::Array(rows.collect()))
    }

    pub(super) fn full_inheritance(&self, args: &Args) -> Answer {
        let tag = self.tag_id(args.get("tag"))?;
        let is_reversed = args.flag("reverse", false);
        let steps = self
            .walk(tag, args.event()?, is_reversed)
            .into_iter()
            .map(|step| {
                let Value::Struct(mut members) = self.link(step.link, is_reversed) else {
                    return Value::Nil;
                };
                members.push(("currdepth".to_owned(), step.depth.into()));
                members.push(("nextdepth".to_owned(), step.next_depth.into()));
                members.push(("filter".to_owned(), step.filters.into()));
                Value::Struct(members)
            });
        Ok(Value::Array(steps.collect()))
    }

    /// All that a tag inherits from, in the order in which it counts.
    pub(super) fn parents(&self, tag: i64, event: Option<i64>) -> Vec<Step<'_>> {
        self.walk(tag, event, false)
    }

    fn walk(&self, tag: i64, event: Option<i64>, is_reversed: bool) -> Vec<Step<'_>> {
        let mut walk = Walk {
            links: &self.state.tag_inheritance,
            event,
            is_reversed,
            steps: Vec::new(),
            seen: BTreeMap::new(),
        };
        walk.from(tag, &Onward::default());
        walk.steps
    }

    fn link(&self, link: &Inheritance, is_reversed: bool) -> Value {
        let other = if is_reversed { link.tag_id } else { link.parent_id };
        let Value::Struct(mut members) = link_row(link, name_of(&self.state.tag, other).unwrap_or_default())
        else {
            return Value::Nil;
        };
        members.push(("parent_id".to_owned(), link.parent_id.into()));
        let child = if is_reversed { "tag_id" } else { "child_id" };
        members.push((child.to_owned(), link.tag_id.into()));
        Value::Struct(members)
    }
}

/// The links of a tag by their priority; from its children those that were made first come first.
fn links(all: &[Inheritance], tag: i64, event: Option<i64>, is_reversed: bool) -> Vec<&Inheritance> {
    let own = |link: &&Inheritance| tag == if is_reversed { link.parent_id } else { link.tag_id };
    let mut links: Vec<_> = all
        .iter()
        .filter(own)
        .filter(|link| link.life.is_visible(event))
        .collect();
    links.sort_by_key(|link| link.priority);
    links
}

impl<'s> Walk<'s> {
    fn from(&mut self, tag: i64, here: &Onward<'s>) {
        if here.max_depth.is_some_and(|most| most < 1) {
            return;
        }
        let mut on = here.clone();
        on.depth += 1;
        on.way.push(tag);
        for link in links(self.links, tag, self.event, self.is_reversed) {
            let next = if self.is_reversed {
                link.tag_id
            } else {
                link.parent_id
            };
            // A link that is no good for others is followed from the top alone.
            let is_hidden = link.intransitive && on.way.len() > 1 && !self.is_reversed;
            if on.way.contains(&next) || is_hidden {
                continue;
            }
            let mut next_depth = None;
            if self.is_reversed {
                if link.maxdepth.is_some_and(|most| most < on.depth - 1) {
                    continue;
                }
            } else {
                next_depth = match (link.maxdepth, on.max_depth) {
                    (Some(own), Some(most)) => Some(own.min(most) - 1),
                    (None, Some(most)) => Some(most - 1),
                    (own, None) => own,
                };
            }
            // Not undone for the links after this one: that is how the hub has it.
            on.is_noconfig |= link.noconfig;
            let mut filters = on.filters.clone();
            filters.extend(Some(link.pkg_filter.as_str()).filter(|filter| !filter.is_empty()));
            let step = Step {
                link,
                tag: next,
                depth: on.depth,
                next_depth,
                is_noconfig: link.noconfig,
                filters,
            };
            if self.is_redundant(&step, on.is_noconfig) {
                continue;
            }
            self.seen.entry(next).or_default().push(self.steps.len());
            let mut further = on.clone();
            further.max_depth = step.next_depth;
            further.filters.clone_from(&step.filters);
            self.steps.push(step);
            if !(link.intransitive && self.is_reversed) {
                self.from(next, &further);
            }
        }
    }

    /// Whether the tag was come to before in a way that shows at least as much of it.
    fn is_redundant(&self, step: &Step<'_>, is_noconfig: bool) -> bool {
        let before = self.seen.get(&step.tag).into_iter().flatten();
        before.filter_map(|index| self.steps.get(*index)).any(|before| {
            let is_as_deep = match (step.next_depth, before.next_depth) {
                (None, last) => last.is_none(),
                (Some(next), Some(last)) => last >= next,
                (Some(_), None) => true,
            };
            is_as_deep && (is_noconfig || !before.is_noconfig) && before.filters.is_empty()
        })
    }
}
