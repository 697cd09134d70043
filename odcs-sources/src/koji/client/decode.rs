//! From what a hub sends to records: everything is checked here.

use std::time::Duration;

use odcs_core::Timestamp;
use odcs_rpm::{Arch, Digest, DigestAlgorithm};

use super::fault::Fault;
use super::ids::{BuildId, EventId, PackageId, TagId, TaskId};
use super::names::{Nvr, WorkPath};
use super::records::{
    Build, BuildState, Event, FoundBuild, InheritedTag, PackageStatus, RpmChecksums, Tag, TaggedBuild,
};
use super::scratch::{Task, TaskResult, TaskState};
use super::xmlrpc::{Mismatch, ReadError, Struct, Value};

/// What is wrong with a record.
pub(super) type Wrong = Box<str>;

impl From<Mismatch> for Wrong {
    fn from(mismatch: Mismatch) -> Self {
        mismatch.to_string().into()
    }
}

fn wrong(field: &str, reason: impl std::fmt::Display) -> Wrong {
    format!("{field}: {reason}").into()
}

/// A number of 32 bits, such as an epoch.
pub(super) fn small(field: &str, number: i64) -> Result<u32, Wrong> {
    u32::try_from(number)
        .map_err(|_| format!("{field} is {number}, not a number from 0 to {}", u32::MAX).into())
}

/// A struct, of what a row is to be made.
fn members(value: &Value) -> Result<&Struct, Wrong> {
    value
        .as_struct()
        .ok_or_else(|| format!("it is {}, not a struct", value.kind()).into())
}

/// An answer that is nil, or one record.
pub(super) fn optional<T>(
    what: &str,
    value: &Value,
    decode: impl Fn(&Struct) -> Result<T, Wrong>,
) -> Result<Option<T>, ReadError> {
    if value.is_nil() {
        return Ok(None);
    }
    one(what, value, decode).map(Some)
}

/// An answer that is one record.
pub(super) fn one<T>(
    what: &str,
    value: &Value,
    decode: impl Fn(&Struct) -> Result<T, Wrong>,
) -> Result<T, ReadError> {
    members(value)
        .and_then(decode)
        .map_err(|wrong| ReadError::row(what, wrong))
}

/// An answer that is a list of records.
pub(super) fn list<T>(
    what: &str,
    value: &Value,
    decode: impl Fn(&Struct) -> Result<T, Wrong>,
) -> Result<Vec<T>, ReadError> {
    let rows = value
        .as_array()
        .ok_or_else(|| ReadError::row("the answer", format!("it is {}, not an array", value.kind())))?;
    rows.iter()
        .enumerate()
        .map(|(index, row)| {
            members(row)
                .and_then(&decode)
                .map_err(|wrong| ReadError::row(format!("{what} {}", index + 1), wrong))
        })
        .collect()
}

pub(super) fn tag(row: &Struct) -> Result<Tag, Wrong> {
    let arches = row.str_or_nil("arches")?.unwrap_or_default();
    let arches: Result<Vec<Arch>, _> = arches.split_whitespace().map(str::parse).collect();
    Ok(Tag {
        id: TagId(row.int("id")?),
        name: row.str("name")?.into(),
        arches: arches.map_err(|error| wrong("arches", error))?,
        locked: row.bool_or_false("locked")?,
    })
}

pub(super) fn inherited_tag(row: &Struct) -> Result<InheritedTag, Wrong> {
    let depth = row.int("currdepth")?;
    let filter: Result<Vec<Box<str>>, Wrong> = row
        .array_or_empty("filter")?
        .iter()
        .map(|value| match value.as_str() {
            Some(text) => Ok(text.into()),
            None => Err(Mismatch::new("filter", "strings", Some(value)).into()),
        })
        .collect();
    Ok(InheritedTag {
        id: TagId(row.int("parent_id")?),
        name: row.str("name")?.into(),
        child_id: TagId(row.int("child_id")?),
        depth: small("currdepth", depth)?,
        intransitive: row.bool_or_false("intransitive")?,
        noconfig: row.bool_or_false("noconfig")?,
        filter: filter?,
    })
}

pub(super) fn event(row: &Struct) -> Result<Event, Wrong> {
    let seconds = row.double("ts")?;
    let time = Duration::try_from_secs_f64(seconds)
        .map_err(|_| Wrong::from(format!("ts is {seconds:?}, not a time in seconds since 1970")))?;
    Ok(Event {
        id: EventId(row.int("id")?),
        time: Timestamp::from_seconds(0).plus(time),
    })
}

/// The members of a build that are looked at; of a large listing no others are kept.
pub(super) fn is_of_build(member: &[u8]) -> bool {
    matches!(
        member,
        b"build_id"
            | b"id"
            | b"name"
            | b"version"
            | b"release"
            | b"epoch"
            | b"volume_name"
            | b"state"
            | b"package_id"
            | b"task_id"
            | b"draft"
            | b"tag_id"
            | b"tag_name"
            | b"create_event"
    )
}

fn nvr(row: &Struct) -> Result<Nvr, Wrong> {
    let name = row
        .str_or_nil("name")?
        .map_or_else(|| row.str("package_name"), Ok)?;
    Nvr::new(name, row.str("version")?, row.str("release")?).map_err(|error| error.to_string().into())
}

pub(super) fn build(row: &Struct) -> Result<Build, Wrong> {
    let id = match row.int_or_nil("build_id")? {
        Some(id) => id,
        None => row.int("id")?,
    };
    let epoch = row.int_or_nil("epoch")?;
    Ok(Build {
        id: BuildId(id),
        nvr: nvr(row)?,
        epoch: epoch.map(|epoch| small("epoch", epoch)).transpose()?,
        volume: row
            .str("volume_name")?
            .parse()
            .map_err(|error| wrong("volume_name", error))?,
        state: match row.int("state")? {
            0 => BuildState::Building,
            1 => BuildState::Complete,
            2 => BuildState::Deleted,
            3 => BuildState::Failed,
            4 => BuildState::Canceled,
            other => BuildState::Other(other),
        },
        package_id: PackageId(row.int("package_id")?),
        task_id: row.int_or_nil("task_id")?.map(TaskId),
        draft: row.bool_or_false("draft")?,
    })
}

pub(super) fn tagged_build(row: &Struct) -> Result<TaggedBuild, Wrong> {
    Ok(TaggedBuild {
        build: build(row)?,
        tag_id: TagId(row.int("tag_id")?),
        tag_name: row.str("tag_name")?.into(),
        tagged_at: EventId(row.int("create_event")?),
    })
}

pub(super) fn found_build(row: &Struct) -> Result<FoundBuild, Wrong> {
    Ok(FoundBuild {
        id: BuildId(row.int("id")?),
        nvr: row.str("name")?.parse().map_err(|error| wrong("name", error))?,
    })
}

/// Whether a package is blocked in the one row there is of it.
pub(super) fn package_status(value: &Value) -> Result<PackageStatus, ReadError> {
    let rows = list("package", value, |row| Ok(row.bool_or_false("blocked")?))?;
    Ok(match rows.first() {
        None => PackageStatus::Absent,
        Some(false) => PackageStatus::Listed,
        Some(true) => PackageStatus::Blocked,
    })
}

pub(super) fn checksums(row: &Struct) -> Result<RpmChecksums, Wrong> {
    let mut checksums = RpmChecksums::default();
    for (key, value) in &row.0 {
        let digests = digests(members(value).map_err(|reason| wrong(&format!("{key:?}"), reason))?)?;
        if key.is_empty() {
            checksums.unsigned = digests;
        } else {
            let key = key.parse().map_err(|error| wrong("sigkey", error))?;
            checksums.signed.insert(key, digests);
        }
    }
    Ok(checksums)
}

/// Digests by the name of their algorithm, the strongest first.
fn digests(row: &Struct) -> Result<Vec<Digest>, Wrong> {
    let mut digests = Vec::new();
    for (name, value) in &row.0 {
        // Algorithms that prove nothing, or are not known, are left out.
        let Ok(algorithm) = DigestAlgorithm::from_repodata(name) else {
            continue;
        };
        let hex = match value {
            Value::Nil => continue,
            value => value
                .as_str()
                .ok_or_else(|| Wrong::from(Mismatch::new(name, "a string", Some(value))))?,
        };
        digests.push(Digest::new(algorithm, hex).map_err(|error| wrong(name, error))?);
    }
    digests.sort_by_key(|digest| std::cmp::Reverse(digest.algorithm()));
    Ok(digests)
}

pub(super) fn task(row: &Struct) -> Result<Task, Wrong> {
    Ok(Task {
        id: TaskId(row.int("id")?),
        method: row.str("method")?.into(),
        state: TaskState::from_number(row.int("state")?),
        arch: row.str_or_nil("arch")?.unwrap_or_default().into(),
        parent: row.int_or_nil("parent")?.map(TaskId),
        label: row.str_or_nil("label")?.map(Into::into),
    })
}

/// What a task made. One that made nothing of interest may have any result.
pub(super) fn task_result(value: &Value) -> Result<TaskResult, ReadError> {
    let mut result = TaskResult::default();
    let Some(row) = value.as_struct() else {
        return Ok(result);
    };
    if let (Some(code), Some(text)) = (row.get("faultCode"), row.get("faultString")) {
        result.fault = Some(Fault::new(
            code.as_int().unwrap_or_default(),
            text.as_str().unwrap_or_default(),
        ));
        return Ok(result);
    }
    let read = || -> Result<(Vec<WorkPath>, Vec<WorkPath>), Wrong> {
        let rpms = paths(row, "rpms")?;
        let mut srpms = paths(row, "srpms")?;
        if let Some(path) = row.str_or_nil("srpm")? {
            srpms.push(path.parse().map_err(|error| wrong("srpm", error))?);
        }
        Ok((rpms, srpms))
    };
    (result.rpms, result.srpms) = read().map_err(|wrong| ReadError::row("the result", wrong))?;
    Ok(result)
}

fn paths(row: &Struct, member: &str) -> Result<Vec<WorkPath>, Wrong> {
    row.array_or_empty(member)?
        .iter()
        .map(|value| match value.as_str() {
            Some(path) => path.parse().map_err(|error| wrong(member, error)),
            None => Err(Mismatch::new(member, "strings", Some(value)).into()),
        })
        .collect()
}
