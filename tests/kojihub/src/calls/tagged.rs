//! What is in a tag.

use std::collections::{BTreeMap, BTreeSet};

use super::args::Args;
use super::tags::{json, no_such_tag};
use super::{Answer, Calls, Fault};
use crate::Value;
use crate::state::{Build, COMPLETE, Listing, RpmInfo, id_of, name_of};

/// What is asked of a tag.
struct Question<'v> {
    tag: i64,
    event: Option<i64>,
    inherit: bool,
    /// How many builds of each package, the last ones tagged; 0 is all of them.
    latest: usize,
    package: Option<&'v str>,
    owner: Option<&'v str>,
    kind: Option<&'v str>,
    draft: Option<bool>,
}

/// A build, and the row that has it in a tag.
struct Tagged<'s> {
    build: &'s Build,
    listing: &'s Listing,
}

impl<'v> Question<'v> {
    /// Nothing if there is no such tag, and that was said not to matter.
    fn of(calls: &Calls<'_>, args: &'v Args) -> Result<Option<Self>, Fault> {
        let event = args.event()?;
        let info = args.get("tag");
        let Some(config) = calls.tag_config(info, event)? else {
            return match args.flag("strict", true) {
                true => Err(no_such_tag(info)),
                false => Ok(None),
            };
        };
        let latest = match args.get("latest") {
            Value::Int(count) => usize::try_from(*count).unwrap_or(0),
            other => usize::from(other.is_truthy()),
        };
        let text = |name| args.get(name).as_str().filter(|text| !text.is_empty());
        let draft = match args.get("draft") {
            Value::Nil => None,
            other => Some(other.is_truthy()),
        };
        Ok(Some(Self {
            tag: config.tag_id,
            event,
            inherit: args.flag("inherit", false),
            latest,
            package: text("package"),
            owner: text("owner"),
            kind: text("type"),
            draft,
        }))
    }
}

impl Calls<'_> {
    pub(super) fn list_tagged(&self, args: &Args) -> Answer {
        let Some(question) = Question::of(self, args)? else {
            return Ok(Value::Array(Vec::new()));
        };
        let prefix = args.get("prefix").as_str().unwrap_or_default().to_lowercase();
        let with_extra = args.flag("extra", false);
        let tagged = self.tagged(&question)?;
        let rows = tagged
            .iter()
            .filter(|tagged| {
                let name = self.state.package_name(tagged.build.pkg_id);
                name.to_lowercase().starts_with(&prefix)
            })
            .map(|tagged| self.tagged_row(tagged, with_extra));
        Ok(Value::Array(rows.collect()))
    }

    pub(super) fn latest_builds(&self, args: &Args) -> Answer {
        self.tag_id(args.get("tag"))?;
        let Some(question) = Question::of(self, args)? else {
            return Ok(Value::Array(Vec::new()));
        };
        let question = Question {
            inherit: true,
            latest: 1,
            ..question
        };
        let tagged = self.tagged(&question)?;
        Ok(Value::Array(
            tagged
                .iter()
                .map(|tagged| self.tagged_row(tagged, false))
                .collect(),
        ))
    }

    pub(super) fn list_tagged_rpms(&self, args: &Args) -> Answer {
        let Some(question) = Question::of(self, args)? else {
            return Ok(Value::Array(Vec::new()));
        };
        let arches: Option<Vec<&str>> = match args.get("arch") {
            arch if !arch.is_truthy() => None,
            Value::Str(arch) => Some(vec![arch]),
            Value::Array(arches) => Some(arches.iter().filter_map(Value::as_str).collect()),
            other => {
                let what = format!("Invalid type for arch option: <class '{}'>", other.python_type());
                return Err(Fault::generic(what));
            }
        };
        let tagged = self.tagged(&question)?;
        let (rpms, keys) = (self.state.rpms_by_build(), self.state.keys_by_rpm());
        let with_sigs = args.flag("rpmsigs", false);
        let with_extra = args.flag("extra", true);
        let mut rows = Vec::new();
        let mut listed = BTreeSet::new();
        // Tag by tag, in the order of the inheritance.
        let mut in_order: Vec<_> = tagged.iter().collect();
        let mut places = BTreeMap::new();
        for tagged in &tagged {
            let next = places.len();
            places.entry(tagged.listing.tag_id).or_insert(next);
        }
        in_order.sort_by_key(|tagged| places.get(&tagged.listing.tag_id));
        for tagged in in_order {
            if !listed.insert(tagged.build.id) {
                continue;
            }
            for rpm in rpms.get(&tagged.build.id).into_iter().flatten() {
                let is_wanted = arches
                    .as_ref()
                    .is_none_or(|arches| arches.contains(&rpm.arch.as_str()))
                    && question
                        .draft
                        .is_none_or(|draft| rpm.draft.unwrap_or(false) == draft);
                if !is_wanted {
                    continue;
                }
                if !with_sigs {
                    rows.push(rpm_row(rpm, with_extra, None));
                    continue;
                }
                match keys.get(&rpm.id) {
                    None => rows.push(rpm_row(rpm, with_extra, Some(Value::Nil))),
                    Some(keys) => {
                        let keys = keys
                            .iter()
                            .map(|key| rpm_row(rpm, with_extra, Some((*key).into())));
                        rows.extend(keys);
                    }
                }
            }
        }
        let builds = tagged.iter().map(|tagged| self.tagged_row(tagged, false));
        Ok(Value::Array(vec![
            Value::Array(rows),
            Value::Array(builds.collect()),
        ]))
    }

    /// The builds of a tag: tag by tag in the order of the inheritance, the one tagged last first.
    fn tagged(&self, question: &Question<'_>) -> Result<Vec<Tagged<'_>>, Fault> {
        let kind = match question.kind {
            None => None,
            Some(name) => match id_of(&self.state.btype, name) {
                None => return Err(Fault::generic(format!("unsupported build type: {name}"))),
                known => known,
            },
        };
        let mut tags = vec![question.tag];
        if question.inherit {
            tags.extend(
                self.parents(question.tag, question.event)
                    .iter()
                    .map(|step| step.tag),
            );
        }
        // Inherited also where builds are not.
        let allowed = self.package_list(question.tag, question.event, true, true);
        let mut seen: BTreeMap<i64, usize> = BTreeMap::new();
        let mut found = Vec::new();
        for tag in tags {
            let mut listings: Vec<_> = self
                .state
                .tag_listing
                .iter()
                .filter(|listing| listing.tag_id == tag && listing.life.is_visible(question.event))
                .collect();
            listings.sort_by_key(|listing| std::cmp::Reverse((listing.life.create_event, listing.build_id)));
            for listing in listings {
                let Some(build) = self.state.build_by_id(listing.build_id) else {
                    continue;
                };
                let package = self.state.package_name(build.pkg_id);
                let is_of = |kind| {
                    let types = &self.state.build_types;
                    types
                        .iter()
                        .any(|of| of.build_id == build.id && of.btype_id == kind)
                };
                let is_meant = build.state == COMPLETE
                    && question.package.is_none_or(|name| name == package)
                    && question.draft.is_none_or(|draft| build.draft == draft)
                    && kind.is_none_or(is_of)
                    && question
                        .owner
                        .is_none_or(|owner| name_of(&self.state.users, build.owner) == Some(owner));
                if !is_meant || !allowed.allows(build.pkg_id) {
                    continue;
                }
                let seen = seen.entry(build.pkg_id).or_default();
                if question.latest > 0 && *seen >= question.latest {
                    continue;
                }
                *seen += 1;
                found.push(Tagged { build, listing });
            }
        }
        Ok(found)
    }

    fn tagged_row(&self, tagged: &Tagged<'_>, with_extra: bool) -> Value {
        let Value::Struct(mut members) = self.build_row(tagged.build) else {
            return Value::Nil;
        };
        let (build, listing) = (tagged.build, tagged.listing);
        members.push(("create_event".to_owned(), listing.life.create_event.into()));
        members.push(("tag_id".to_owned(), listing.tag_id.into()));
        members.push((
            "tag_name".to_owned(),
            name_of(&self.state.tag, listing.tag_id).into(),
        ));
        if with_extra {
            members.push(("extra".to_owned(), json(build.extra.as_deref())));
        }
        Value::Struct(members)
    }
}

/// A row about an RPM, with the key of one of its signatures if signatures are listed.
pub(super) fn rpm_row(rpm: &RpmInfo, with_extra: bool, sigkey: Option<Value>) -> Value {
    let Value::Struct(mut members) = crate::value::row([
        ("arch", (&rpm.arch).into()),
        ("build_id", rpm.build_id.into()),
        ("buildroot_id", rpm.buildroot_id.into()),
        ("buildtime", rpm.buildtime.into()),
        ("draft", rpm.draft.into()),
        ("epoch", rpm.epoch.into()),
        ("id", rpm.id.into()),
        ("metadata_only", rpm.metadata_only.into()),
        ("name", (&rpm.name).into()),
        ("payloadhash", (&rpm.payloadhash).into()),
        ("release", (&rpm.release).into()),
        ("size", rpm.size.into()),
        ("version", (&rpm.version).into()),
    ]) else {
        return Value::Nil;
    };
    if with_extra {
        members.push(("extra".to_owned(), json(rpm.extra.as_deref())));
    }
    members.extend(sigkey.map(|sigkey| ("sigkey".to_owned(), sigkey)));
    Value::Struct(members)
}
