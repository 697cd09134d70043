//! Builds by themselves.

use super::args::Args;
use super::tagged::rpm_row;
use super::tags::json;
use super::{Answer, Calls, Fault};
use crate::Value;
use crate::state::{Build, RpmInfo, name_of, seconds};
use crate::value::row;

impl Calls<'_> {
    pub(super) fn get_build(&self, args: &Args) -> Answer {
        let info = args.get("buildInfo");
        match self.find_build(info)? {
            Some(build) => Ok(self.whole_build(build)),
            None if args.flag("strict", false) => Err(no_such_build(info)),
            None => Ok(Value::Nil),
        }
    }

    /// The RPMs of a build, also of one whose files are deleted.
    pub(super) fn list_build_rpms(&self, args: &Args) -> Answer {
        let info = args.get("build");
        let build = self.find_build(info)?.ok_or_else(|| no_such_build(info))?;
        let rpms = self.state.rpminfo.iter();
        let rows = rpms.filter(|rpm| rpm.build_id == build.id).map(|rpm| {
            let Value::Struct(mut members) = self.stored_rpm(rpm) else {
                return Value::Nil;
            };
            let nvr = format!("{}-{}-{}", rpm.name, rpm.version, rpm.release);
            members.push(("nvr".to_owned(), nvr.into()));
            Value::Struct(members)
        });
        Ok(Value::Array(rows.collect()))
    }

    /// An RPM as it is shown outside of a tag.
    pub(super) fn stored_rpm(&self, rpm: &RpmInfo) -> Value {
        let Value::Struct(mut members) = rpm_row(rpm, true, None) else {
            return Value::Nil;
        };
        let repository = name_of(&self.state.external_repo, rpm.external_repo_id);
        members.push(("external_repo_id".to_owned(), rpm.external_repo_id.into()));
        members.push((
            "external_repo_name".to_owned(),
            repository.unwrap_or("INTERNAL").into(),
        ));
        Value::Struct(members)
    }

    /// A build by its id, its NVR or its parts.
    pub(super) fn find_build(&self, info: &Value) -> Result<Option<&Build>, Fault> {
        match info {
            Value::Int(id) => Ok(self.state.build_by_id(*id)),
            Value::Str(nvr) => {
                let (name, version, release) = nvr_of(nvr)?;
                Ok(self.state.build_by_nvr(name, version, release))
            }
            Value::Struct(_) => {
                let part = |name| info.get(name).and_then(Value::as_str);
                match (info.get("id"), part("name"), part("version"), part("release")) {
                    (Some(Value::Int(id)), ..) => Ok(self.state.build_by_id(*id)),
                    (None, Some(name), Some(version), Some(release)) => {
                        Ok(self.state.build_by_nvr(name, version, release))
                    }
                    _ => Err(Fault::generic(format!(
                        "did not provide name and id: {}",
                        info.repr()
                    ))),
                }
            }
            other => Err(Fault::generic(format!(
                "Invalid type for buildInfo: <class '{}'>",
                other.python_type()
            ))),
        }
    }

    /// What all calls show of a build.
    pub(super) fn build_row(&self, build: &Build) -> Value {
        let state = self.state;
        let created = state.event(build.create_event);
        let members = [
            ("build_id", build.id.into()),
            ("completion_time", build.completion_time.clone().into()),
            ("creation_event_id", build.create_event.into()),
            ("creation_time", created.map(|event| event.time.clone()).into()),
            ("draft", build.draft.into()),
            ("epoch", build.epoch.into()),
            ("id", build.id.into()),
            ("name", state.package_name(build.pkg_id).into()),
            ("nvr", state.nvr(build).into()),
            ("owner_id", build.owner.into()),
            ("owner_name", name_of(&state.users, build.owner).into()),
            ("package_id", build.pkg_id.into()),
            ("package_name", state.package_name(build.pkg_id).into()),
            ("promoter_id", Value::Nil),
            ("promoter_name", Value::Nil),
            ("promotion_time", Value::Nil),
            ("release", (&build.release).into()),
            ("start_time", build.start_time.clone().into()),
            ("state", build.state.into()),
            ("task_id", build.task_id.into()),
            ("version", (&build.version).into()),
            ("volume_id", build.volume_id.into()),
            ("volume_name", state.volume_name(build.volume_id).into()),
        ];
        row(members)
    }

    fn whole_build(&self, build: &Build) -> Value {
        let Value::Struct(mut members) = self.build_row(build) else {
            return Value::Nil;
        };
        let ts = |time: Option<&String>| Value::from(time.map(|time| seconds(time)));
        let created = self.state.event(build.create_event);
        let generator = build
            .cg_id
            .and_then(|id| name_of(&self.state.content_generator, id));
        let more = [
            ("cg_id", build.cg_id.into()),
            ("cg_name", generator.into()),
            ("completion_ts", ts(build.completion_time.as_ref())),
            ("creation_ts", ts(created.map(|event| &event.time))),
            ("extra", json(build.extra.as_deref())),
            ("promotion_ts", Value::Nil),
            ("source", build.source.clone().into()),
            ("start_ts", ts(build.start_time.as_ref())),
        ];
        members.extend(more.map(|(name, value)| (name.to_owned(), value)));
        Value::Struct(members)
    }
}

fn no_such_build(info: &Value) -> Fault {
    Fault::generic(format!("No such build: {}", info.repr()))
}

/// The parts of `NAME-VERSION-RELEASE`.
pub(crate) fn nvr_of(nvr: &str) -> Result<(&str, &str, &str), Fault> {
    let parts = nvr.rsplit_once('-').and_then(|(rest, release)| {
        let (name, version) = rest.rsplit_once('-')?;
        Some((name, version, release))
    });
    parts
        .filter(|(name, ..)| !name.is_empty())
        .ok_or_else(|| Fault::generic(format!("invalid format: {nvr}")))
}
