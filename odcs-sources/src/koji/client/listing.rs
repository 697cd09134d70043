//! Large listings, read into records while they come in: no tree of values is ever made of them.

use std::collections::HashMap;
use std::io::BufRead;
use std::str;

use odcs_core::Timestamp;
use odcs_rpm::{Arch, Evr, Nevra, PackageName, Sigkey};

use super::decode::{self, Wrong};
use super::ids::{BuildId, RpmId};
use super::names::Nvr;
use super::records::{PayloadHash, Rpm, RpmListing, Signatures, TaggedBuild};
use super::xmlrpc::{Field, Item, Kind, Mismatch, ReadError, Reader, Struct, Value};

/// A listing of a tag, and what it shows about drafts.
pub(super) struct Drafted<T> {
    pub(super) listing: T,
    pub(super) drafts: Drafts,
}

/// What the rows of a listing say about drafts.
pub(super) enum Drafts {
    /// Nothing: there are no rows.
    Unsaid,
    /// Nothing, as the hub does not know about drafts.
    Unknown,
    /// Which are; one of them, if there are any.
    Known(Option<Nvr>),
}

impl Drafts {
    fn new(has_rows: bool, is_said: bool, draft: Option<Nvr>) -> Self {
        match (has_rows, is_said) {
            (_, true) => Self::Known(draft),
            (true, false) => Self::Unknown,
            (false, false) => Self::Unsaid,
        }
    }
}

/// The first build that is a draft.
fn draft(builds: &[TaggedBuild]) -> Option<Nvr> {
    let draft = builds.iter().find(|tagged| tagged.build.draft)?;
    Some(draft.build.nvr.clone())
}

/// Reads the answer of `listTaggedRPMS`.
pub(super) fn tagged_rpms<R: BufRead>(reader: &mut Reader<R>) -> Result<Drafted<RpmListing>, ReadError> {
    reader.begin_answer()?;
    let two = || ReadError::row("the answer", "it is not a list of RPMs and one of builds");
    if reader.value()? != Item::Array || !reader.next_element()? {
        return Err(two());
    }
    let (mut rpms, is_said) = rpm_rows(reader)?;
    if !reader.next_element()? {
        return Err(two());
    }
    let (mut builds, is_said_of_builds) = tagged_builds(reader)?;
    if reader.next_element()? {
        return Err(two());
    }
    reader.end_answer()?;
    // What comes first is what the tag has; the same build may be in a tag that it inherits from, too.
    builds.sort_by_key(|tagged| tagged.build.id);
    builds.dedup_by_key(|tagged| tagged.build.id);
    builds.shrink_to_fit();
    rpms.sort_unstable_by(|a, b| {
        (a.build_id.cmp(&b.build_id))
            .then_with(|| a.nevra.cmp(&b.nevra))
            .then_with(|| a.id.cmp(&b.id))
    });
    let listing = RpmListing { rpms, builds };
    let mut known = None;
    for rpm in &listing.rpms {
        if known != Some(rpm.build_id) && listing.build(rpm.build_id).is_none() {
            let reason = format!("its build {} is not in the listing", rpm.build_id);
            return Err(ReadError::row(format!("{} (RPM {})", rpm.nevra, rpm.id), reason));
        }
        known = Some(rpm.build_id);
    }
    let draft = draft(&listing.builds).or_else(|| {
        let rpm = listing.rpms.iter().find(|rpm| rpm.draft)?;
        Some(listing.build(rpm.build_id)?.build.nvr.clone())
    });
    let has_rows = !listing.rpms.is_empty() || !listing.builds.is_empty();
    Ok(Drafted {
        drafts: Drafts::new(has_rows, is_said || is_said_of_builds, draft),
        listing,
    })
}

/// Reads the answer of `listTagged`, in the order that the hub gives.
pub(super) fn tagged_builds_answer<R: BufRead>(
    reader: &mut Reader<R>,
) -> Result<Drafted<Vec<TaggedBuild>>, ReadError> {
    reader.begin_answer()?;
    let (listing, is_said) = tagged_builds(reader)?;
    reader.end_answer()?;
    Ok(Drafted {
        drafts: Drafts::new(!listing.is_empty(), is_said, draft(&listing)),
        listing,
    })
}

/// Builds, and whether any row says if it is of a draft.
fn tagged_builds<R: BufRead>(reader: &mut Reader<R>) -> Result<(Vec<TaggedBuild>, bool), ReadError> {
    let mut builds = Vec::new();
    let mut is_said = false;
    rows(reader, "build", |reader, row| {
        let mut members = Struct::default();
        reader.row(|name, field| {
            if decode::is_of_build(name) {
                let (name, value) =
                    member(name, field).map_err(|wrong| ReadError::row(label("build", row), wrong))?;
                members.0.insert(name, value);
            }
            Ok(())
        })?;
        is_said |= members.get("draft").is_some();
        let build = decode::tagged_build(&members);
        builds.push(build.map_err(|wrong| ReadError::row(label("build", row), wrong))?);
        Ok(())
    })?;
    Ok((builds, is_said))
}

/// A member as a value.
fn member(name: &[u8], field: Field<'_>) -> Result<(Box<str>, Value), Wrong> {
    let name = str::from_utf8(name).map_err(|_| Wrong::from("a member whose name is not UTF-8"))?;
    let value = match field {
        // Of these it counts what they are, and nothing else.
        Field::Array => Value::Array(Vec::new()),
        Field::Struct => Value::Struct(Struct::default()),
        Field::Plain(Kind::Double, _) => Value::Double(0.0),
        Field::Plain(Kind::DateTime, _) => Value::DateTime("".into()),
        Field::Plain(Kind::Base64, _) => Value::Bytes(Vec::new()),
        Field::Plain(Kind::Nil, _) => Value::Nil,
        Field::Plain(Kind::Int, text) => Value::Int(int(name, Kind::Int, text)?),
        Field::Plain(Kind::Bool, text) => Value::Bool(boolean(name, Kind::Bool, text)?),
        Field::Plain(Kind::String, text) => Value::String(string(name, Kind::String, text)?.into()),
    };
    Ok((name.into(), value))
}

/// Reads an array of structs.
fn rows<R: BufRead>(
    reader: &mut Reader<R>,
    what: &str,
    mut read: impl FnMut(&mut Reader<R>, usize) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    if reader.value()? != Item::Array {
        return Err(ReadError::row(
            format!("the list of {what}s"),
            "it is not an array",
        ));
    }
    let mut row = 0;
    while reader.next_element()? {
        row += 1;
        if reader.value()? != Item::Struct {
            return Err(ReadError::row(label(what, row), "it is not a struct"));
        }
        read(reader, row)?;
    }
    Ok(())
}

fn label(what: &str, row: usize) -> String {
    format!("{what} {row}")
}

/// Reads an array of RPMs. Rows of one RPM, one for each of its signatures, become one record.
pub(super) fn rpms<R: BufRead>(reader: &mut Reader<R>) -> Result<Vec<Rpm>, ReadError> {
    Ok(rpm_rows(reader)?.0)
}

/// The same, and whether any row says if it is of a draft.
fn rpm_rows<R: BufRead>(reader: &mut Reader<R>) -> Result<(Vec<Rpm>, bool), ReadError> {
    let mut rpms: Vec<Rpm> = Vec::new();
    let mut index: HashMap<i64, usize> = HashMap::new();
    let mut scratch = Row::default();
    rows(reader, "RPM", |reader, row| {
        scratch.read(reader, row)?;
        let wrong = |wrong: Wrong| ReadError::row(label("RPM", row), wrong);
        let id = scratch.id.ok_or_else(|| wrong(missing("id", "an integer")))?;
        match index.get(&id).and_then(|index| rpms.get_mut(*index)) {
            Some(rpm) => {
                if !scratch.is_of(rpm) {
                    return Err(wrong("it contradicts another row of the same id".into()));
                }
                scratch.sign(&mut rpm.signatures).map_err(wrong)?;
            }
            None => {
                index.insert(id, rpms.len());
                rpms.push(scratch.rpm(id).map_err(wrong)?);
            }
        }
        Ok(())
    })?;
    for rpm in &mut rpms {
        rpm.signatures.keys.sort_unstable();
        rpm.signatures.keys.dedup();
        rpm.signatures.keys.shrink_to_fit();
    }
    rpms.shrink_to_fit();
    Ok((rpms, scratch.says_draft))
}

/// Reads one RPM, or nil.
pub(super) fn rpm<R: BufRead>(reader: &mut Reader<R>) -> Result<Option<Rpm>, ReadError> {
    match reader.value()? {
        Item::Plain(Kind::Nil) => Ok(None),
        Item::Struct => {
            let mut scratch = Row::default();
            scratch.read(reader, 1)?;
            let wrong = |wrong: Wrong| ReadError::row("the RPM", wrong);
            let id = scratch.id.ok_or_else(|| wrong(missing("id", "an integer")))?;
            scratch.rpm(id).map(Some).map_err(wrong)
        }
        _ => Err(ReadError::row("the RPM", "it is not a struct")),
    }
}

/// Reads the signatures of one RPM, as `queryRPMSigs` gives them.
pub(super) fn signatures<R: BufRead>(reader: &mut Reader<R>) -> Result<Signatures, ReadError> {
    let mut signatures = Signatures::default();
    let mut scratch = Row::default();
    rows(reader, "signature", |reader, row| {
        scratch.read(reader, row)?;
        let signed = match scratch.key {
            Key::Unlisted => Err(missing("sigkey", "a string")),
            _ => scratch.sign(&mut signatures),
        };
        signed.map_err(|wrong| ReadError::row(label("signature", row), wrong))
    })?;
    signatures.keys.sort_unstable();
    signatures.keys.dedup();
    Ok(signatures)
}

/// What a row says about a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Key {
    /// Signatures were not asked for.
    #[default]
    Unlisted,
    /// None is on record, not even that it has none.
    Nil,
    /// A key, or `""`.
    Named,
}

/// The members of one row, in memory that is used again for the next.
#[derive(Debug, Default)]
struct Row {
    id: Option<i64>,
    build_id: Option<i64>,
    size: Option<i64>,
    build_time: Option<i64>,
    epoch: Option<i64>,
    name: Option<String>,
    version: Option<String>,
    release: Option<String>,
    arch: Option<String>,
    hash: Option<PayloadHash>,
    key: Key,
    sigkey: String,
    draft: bool,
    metadata_only: bool,
    /// Whether any row so far had a member `draft`.
    says_draft: bool,
    spare: Vec<String>,
}

impl Row {
    fn clear(&mut self) {
        for text in [
            &mut self.name,
            &mut self.version,
            &mut self.release,
            &mut self.arch,
        ] {
            self.spare.extend(text.take());
        }
        (self.id, self.build_id, self.size) = (None, None, None);
        (self.build_time, self.epoch, self.hash) = (None, None, None);
        self.key = Key::Unlisted;
        self.sigkey.clear();
        (self.draft, self.metadata_only) = (false, false);
    }

    fn read<R: BufRead>(&mut self, reader: &mut Reader<R>, row: usize) -> Result<(), ReadError> {
        self.clear();
        reader.row(|name, field| {
            self.member(name, field)
                .map_err(|wrong| ReadError::row(label("RPM", row), wrong))
        })
    }

    fn member(&mut self, name: &[u8], field: Field<'_>) -> Result<(), Wrong> {
        let number = |to: &mut Option<i64>, name: &str| -> Result<(), Wrong> {
            *to = optional(name, field, int)?;
            Ok(())
        };
        match name {
            b"id" => number(&mut self.id, "id"),
            b"build_id" => number(&mut self.build_id, "build_id"),
            b"size" => number(&mut self.size, "size"),
            b"buildtime" => number(&mut self.build_time, "buildtime"),
            b"epoch" => number(&mut self.epoch, "epoch"),
            b"name" => keep(&mut self.name, &mut self.spare, "name", field),
            b"version" => keep(&mut self.version, &mut self.spare, "version", field),
            b"release" => keep(&mut self.release, &mut self.spare, "release", field),
            b"arch" => keep(&mut self.arch, &mut self.spare, "arch", field),
            b"payloadhash" => {
                self.hash = optional("payloadhash", field, string)?.and_then(PayloadHash::from_hex);
                Ok(())
            }
            b"sigkey" => {
                self.key = match optional("sigkey", field, string)? {
                    None => Key::Nil,
                    Some(key) => {
                        self.sigkey.push_str(key);
                        Key::Named
                    }
                };
                Ok(())
            }
            b"draft" => {
                self.says_draft = true;
                self.draft = optional("draft", field, boolean)?.unwrap_or_default();
                Ok(())
            }
            b"metadata_only" => {
                self.metadata_only = optional("metadata_only", field, boolean)?.unwrap_or_default();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether the row is about an RPM that is known from another row.
    fn is_of(&self, rpm: &Rpm) -> bool {
        let is = |text: &Option<String>, known: &str| text.as_deref() == Some(known);
        is(&self.name, rpm.nevra.name().as_str())
            && is(&self.version, rpm.nevra.evr().version())
            && is(&self.release, rpm.nevra.evr().release())
            && is(&self.arch, rpm.nevra.arch().as_str())
            && self.epoch.unwrap_or_default() == i64::from(rpm.nevra.evr().epoch())
            && self.build_id == Some(rpm.build_id.0)
    }

    fn rpm(&self, id: i64) -> Result<Rpm, Wrong> {
        let text = |of: &'static str, text: &Option<String>| -> Result<Box<str>, Wrong> {
            let text = text.as_deref().ok_or_else(|| missing(of, "a string"))?;
            Ok(text.into())
        };
        let number = |of: &'static str, number: Option<i64>| number.ok_or_else(|| missing(of, "an integer"));
        let value = |error: odcs_rpm::Error| Wrong::from(error.to_string());
        let name = PackageName::try_from(text("name", &self.name)?).map_err(value)?;
        let epoch = decode::small("epoch", self.epoch.unwrap_or_default())?;
        let (version, release) = (text("version", &self.version)?, text("release", &self.release)?);
        let evr = Evr::new(epoch, version, release).map_err(value)?;
        let arch = Arch::try_from(text("arch", &self.arch)?).map_err(value)?;
        let size = number("size", self.size)?;
        let mut signatures = Signatures::default();
        self.sign(&mut signatures)?;
        Ok(Rpm {
            id: RpmId(id),
            build_id: BuildId(number("build_id", self.build_id)?),
            nevra: Nevra::new(name, evr, arch),
            size: u64::try_from(size).map_err(|_| format!("size is {size}, which is below zero"))?,
            build_time: Timestamp::from_seconds(number("buildtime", self.build_time)?),
            payload_hash: self.hash,
            signatures,
            draft: self.draft,
            metadata_only: self.metadata_only,
        })
    }

    /// Adds the signature that the row is about.
    fn sign(&self, signatures: &mut Signatures) -> Result<(), Wrong> {
        match self.key {
            Key::Unlisted | Key::Nil => {}
            Key::Named if self.sigkey.is_empty() => signatures.unsigned = true,
            Key::Named => {
                let key: Sigkey = self
                    .sigkey
                    .parse()
                    .map_err(|error: odcs_rpm::Error| error.to_string())?;
                if signatures.keys.is_empty() {
                    signatures.keys.reserve_exact(1);
                }
                signatures.keys.push(key);
            }
        }
        Ok(())
    }
}

fn missing(field: &str, expected: &'static str) -> Wrong {
    Mismatch::new(field, expected, None).into()
}

fn keep(
    to: &mut Option<String>,
    spare: &mut Vec<String>,
    name: &'static str,
    field: Field<'_>,
) -> Result<(), Wrong> {
    if let Some(text) = optional(name, field, string)? {
        let mut kept = to.take().or_else(|| spare.pop()).unwrap_or_default();
        kept.clear();
        kept.push_str(text);
        *to = Some(kept);
    }
    Ok(())
}

/// A member that may be nil.
fn optional<'a, T>(
    name: &str,
    field: Field<'a>,
    read: impl Fn(&str, Kind, &'a [u8]) -> Result<T, Wrong>,
) -> Result<Option<T>, Wrong> {
    match field {
        Field::Plain(Kind::Nil, _) => Ok(None),
        Field::Plain(kind, text) => read(name, kind, text).map(Some),
        Field::Array => Err(mismatch(name, "an array", "a plain value")),
        Field::Struct => Err(mismatch(name, "a struct", "a plain value")),
    }
}

fn string<'a>(name: &str, kind: Kind, text: &'a [u8]) -> Result<&'a str, Wrong> {
    if kind != Kind::String {
        return Err(mismatch(name, kind.noun(), "a string"));
    }
    str::from_utf8(text).map_err(|_| format!("{name} is not UTF-8").into())
}

fn int(name: &str, kind: Kind, text: &[u8]) -> Result<i64, Wrong> {
    if kind != Kind::Int {
        return Err(mismatch(name, kind.noun(), "an integer"));
    }
    let number = str::from_utf8(text)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    number.ok_or_else(|| mismatch(name, &shown(text), "an integer of 64 bits"))
}

fn boolean(name: &str, kind: Kind, text: &[u8]) -> Result<bool, Wrong> {
    if kind != Kind::Bool {
        return Err(mismatch(name, kind.noun(), "a boolean"));
    }
    match text.trim_ascii() {
        b"0" => Ok(false),
        b"1" => Ok(true),
        _ => Err(mismatch(name, &shown(text), "a boolean")),
    }
}

fn mismatch(name: &str, found: &str, expected: &str) -> Wrong {
    format!("{name} is {found}, not {expected}").into()
}

/// The beginning of a text that may be long.
fn shown(text: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(text).chars().take(40).collect();
    format!("{text:?}")
}
