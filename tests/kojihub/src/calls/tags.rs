//! Tags as they were configured.

use super::args::Args;
use super::{Answer, Calls, Fault};
use crate::Value;
use crate::state::{TagConfig, id_of, name_of};
use crate::value::row;

/// How something is named: by its id or by its name. A number in a string is a name.
pub(super) enum NameOrId<'v> {
    Id(i64),
    Name(&'v str),
}

impl<'v> NameOrId<'v> {
    pub(super) fn of(value: &'v Value) -> Result<Self, Fault> {
        let invalid = || Fault::parameter(format!("Invalid name or id value: {}", value.repr()));
        match value {
            Value::Int(id) => Ok(Self::Id(*id)),
            Value::Str(name) => Ok(Self::Name(name)),
            Value::Struct(_) => match (value.get("id"), value.get("name")) {
                (Some(Value::Int(id)), _) => Ok(Self::Id(*id)),
                (None, Some(Value::Str(name))) => Ok(Self::Name(name)),
                _ => Err(invalid()),
            },
            _ => Err(invalid()),
        }
    }
}

impl Calls<'_> {
    pub(super) fn get_tag(&self, args: &Args) -> Answer {
        let is_auto = args.get("event").as_str() == Some("auto");
        let info = args.get("tagInfo");
        let found = match is_auto {
            true => self.last_config(info)?,
            false => self
                .tag_config(info, args.event()?)?
                .map(|config| (config, args.event().ok().flatten())),
        };
        let Some((config, event)) = found else {
            return match args.flag("strict", false) {
                true => Err(no_such_tag(info)),
                false => Ok(Value::Nil),
            };
        };
        let extra = self.state.tag_extra.iter();
        let extra = extra
            .filter(|extra| extra.tag_id == config.tag_id && extra.life.is_visible(event))
            .map(|extra| (extra.key.clone(), json(extra.value.as_deref())));
        let members = [
            ("arches", config.arches.clone().into()),
            ("id", config.tag_id.into()),
            ("locked", config.locked.into()),
            ("maven_include_all", config.maven_include_all.into()),
            ("maven_support", config.maven_support.into()),
            ("name", name_of(&self.state.tag, config.tag_id).into()),
            ("perm", Value::Nil),
            ("perm_id", config.perm_id.into()),
            ("extra", Value::Struct(extra.collect())),
        ];
        let mut tag = Vec::from(members.map(|(name, value)| (name.to_owned(), value)));
        if let Some(event) = event {
            tag.push(("query_event".to_owned(), event.into()));
        }
        if is_auto && let Some(end) = config.life.revoke_event {
            tag.push(("revoke_event".to_owned(), end.into()));
        }
        Ok(Value::Struct(tag))
    }

    pub(super) fn get_tag_id(&self, args: &Args) -> Answer {
        match self.tag_id(args.get("info")) {
            Ok(id) => Ok(Value::Int(id)),
            Err(fault) if fault.code != 1000 || args.flag("strict", false) => Err(fault),
            Err(_) => Ok(Value::Nil),
        }
    }

    /// The id of a tag that is there, or ever was.
    pub(super) fn tag_id(&self, info: &Value) -> Result<i64, Fault> {
        let id = match NameOrId::of(info)? {
            NameOrId::Id(id) => name_of(&self.state.tag, id).map(|_| id),
            NameOrId::Name(name) => id_of(&self.state.tag, name),
        };
        id.ok_or_else(|| {
            let shown = info.as_str().map_or_else(|| info.repr(), str::to_owned);
            Fault::generic(format!("No such entry in table tag: {shown}"))
        })
    }

    /// How a tag was configured at an event; nothing if it was not there.
    pub(super) fn tag_config(&self, info: &Value, event: Option<i64>) -> Result<Option<&TagConfig>, Fault> {
        let id = match NameOrId::of(info)? {
            NameOrId::Id(id) => Some(id),
            NameOrId::Name(name) => id_of(&self.state.tag, name),
        };
        let mut configs = self.state.tag_config.iter();
        Ok(configs.find(|config| Some(config.tag_id) == id && config.life.is_visible(event)))
    }

    /// How a tag was configured last, and the event before it was deleted.
    fn last_config(&self, info: &Value) -> Result<Option<(&TagConfig, Option<i64>)>, Fault> {
        let id = match NameOrId::of(info)? {
            NameOrId::Id(id) => Some(id),
            NameOrId::Name(name) => id_of(&self.state.tag, name),
        };
        let configs = self.state.tag_config.iter();
        let last = configs
            .filter(|config| Some(config.tag_id) == id)
            .max_by_key(|config| config.life.create_event);
        Ok(last.map(|config| (config, config.life.revoke_event.map(|end| end - 1))))
    }
}

pub(super) fn no_such_tag(info: &Value) -> Fault {
    Fault::generic(format!("No such tagInfo: {}", info.repr()))
}

/// The value of a column that holds a JSON document.
pub(super) fn json(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok())
        .map_or(Value::Nil, |json| Value::of_json(&json))
}

/// A link of an inheritance as both calls about it show it.
pub(super) fn link_row(link: &crate::state::Inheritance, name: &str) -> Value {
    row([
        ("intransitive", link.intransitive.into()),
        ("maxdepth", link.maxdepth.into()),
        ("name", name.into()),
        ("noconfig", link.noconfig.into()),
        ("pkg_filter", (&link.pkg_filter).into()),
        ("priority", link.priority.into()),
    ])
}
