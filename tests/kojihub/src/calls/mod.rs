//! What the hub answers.

mod args;
mod builds;
mod events;
mod inherit;
mod packages;
mod rpms;
mod search;
mod tagged;
mod tags;
mod tasks;

use std::collections::BTreeMap;

use crate::Value;
use crate::state::State;
use crate::value::row;
pub(crate) use builds::nvr_of;

use args::{Signature, method, plain};

/// A call that failed: its code and its text, as they are sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) code: i64,
    pub(crate) text: String,
}

impl Fault {
    /// What is wrong with what was asked for.
    pub(crate) fn generic(text: impl Into<String>) -> Self {
        Self {
            code: 1000,
            text: text.into(),
        }
    }

    /// What is wrong with how it was asked for.
    pub(crate) fn parameter(text: impl Into<String>) -> Self {
        Self {
            code: 1019,
            text: text.into(),
        }
    }

    /// What nobody in the hub thought of.
    pub(crate) fn uncaught(text: impl Into<String>) -> Self {
        Self {
            code: 1,
            text: text.into(),
        }
    }
}

pub(crate) type Answer = Result<Value, Fault>;

/// Whole-file digests that the hub knows: md5 and sha256 by RPM and key, `""` for the unsigned file.
pub(crate) type Digests = BTreeMap<i64, BTreeMap<String, (String, String)>>;

/// What calls are answered from.
pub(crate) struct Calls<'s> {
    pub(crate) state: &'s State,
    pub(crate) digests: &'s Digests,
}

/// The methods that there are, with what they take.
const METHODS: &[(&str, Signature)] = &[
    ("getAPIVersion", method("getAPIVersion", 0, &[])),
    ("getLastEvent", method("getLastEvent", 0, &["before", "strict"])),
    ("getEvent", method("getEvent", 1, &["id"])),
    (
        "tagChangedSinceEvent",
        plain("tag_changed_since_event", 2, &["event", "taglist"]),
    ),
    (
        "getTag",
        plain("get_tag", 1, &["tagInfo", "strict", "event", "blocked"]),
    ),
    ("getTagID", method("getTagID", 1, &["info", "strict", "create"])),
    (
        "getInheritanceData",
        method("getInheritanceData", 1, &["tag", "event"]),
    ),
    (
        "getFullInheritance",
        method("getFullInheritance", 1, &["tag", "event", "reverse"]),
    ),
    (
        "listTagged",
        method(
            "listTagged",
            1,
            &[
                "tag", "event", "inherit", "prefix", "latest", "package", "owner", "type", "strict", "extra",
            ],
        )
        .and_by_name(&["draft"]),
    ),
    (
        "listTaggedRPMS",
        method(
            "listTaggedRPMS",
            1,
            &[
                "tag", "event", "inherit", "latest", "package", "arch", "rpmsigs", "owner", "type", "strict",
                "extra",
            ],
        )
        .and_by_name(&["draft"]),
    ),
    (
        "getLatestBuilds",
        method(
            "getLatestBuilds",
            1,
            &["tag", "event", "package", "type", "draft"],
        ),
    ),
    (
        "listPackages",
        method(
            "listPackages",
            0,
            &[
                "tagID",
                "userID",
                "pkgID",
                "prefix",
                "inherited",
                "with_dups",
                "event",
                "queryOpts",
                "with_owners",
                "with_blocked",
            ],
        ),
    ),
    ("getBuild", plain("get_build", 1, &["buildInfo", "strict"])),
    ("listBuildRPMs", method("listBuildRPMs", 1, &["build"])),
    ("getRPM", plain("get_rpm", 1, &["rpminfo", "strict", "multi"])),
    (
        "queryRPMSigs",
        plain("query_rpm_sigs", 0, &["rpm_id", "sigkey", "queryOpts"]),
    ),
    (
        "getRPMChecksums",
        method("getRPMChecksums", 1, &["rpm_id", "checksum_types", "cacheonly"]),
    ),
    (
        "getTaskInfo",
        method("getTaskInfo", 1, &["task_id", "request", "strict"]),
    ),
    (
        "getTaskChildren",
        method("getTaskChildren", 1, &["task_id", "request", "strict"]),
    ),
    (
        "getTaskResult",
        method("getTaskResult", 1, &["taskId", "raise_fault"]),
    ),
    (
        "search",
        method("search", 3, &["terms", "type", "matchType", "queryOpts"]),
    ),
    ("listVolumes", method("listVolumes", 0, &[])),
];

/// Whether there is a method of this name; that of many calls in one has two names.
pub(crate) fn has(name: &str) -> bool {
    is_multicall(name) || METHODS.iter().any(|(method, _)| *method == name)
}

pub(crate) fn is_multicall(name: &str) -> bool {
    matches!(name, "multiCall" | "system.multicall")
}

impl Calls<'_> {
    /// Answers a call.
    pub(crate) fn answer(&self, name: &str, params: &[Value]) -> Answer {
        if is_multicall(name) {
            let multicall = plain("ModXMLRPCRequestHandler.multiCall", 1, &["calls"]);
            let args = multicall.bind(params)?;
            let calls = args.get("calls").as_array().unwrap_or_default();
            return Ok(Value::Array(
                calls.iter().map(|call| self.one_of_many(call)).collect(),
            ));
        }
        let signature = METHODS.iter().find(|(method, _)| *method == name);
        let (_, signature) = signature.ok_or_else(|| Fault::generic(format!("Invalid method: {name}")))?;
        let args = signature.bind(params)?;
        match name {
            "getAPIVersion" => Ok(Value::Int(1)),
            "getLastEvent" => self.last_event(&args),
            "getEvent" => self.event(&args),
            "tagChangedSinceEvent" => self.tag_changed(&args),
            "getTag" => self.get_tag(&args),
            "getTagID" => self.get_tag_id(&args),
            "getInheritanceData" => self.inheritance_data(&args),
            "getFullInheritance" => self.full_inheritance(&args),
            "listTagged" => self.list_tagged(&args),
            "listTaggedRPMS" => self.list_tagged_rpms(&args),
            "getLatestBuilds" => self.latest_builds(&args),
            "listPackages" => self.list_packages(&args),
            "getBuild" => self.get_build(&args),
            "listBuildRPMs" => self.list_build_rpms(&args),
            "getRPM" => self.get_rpm(&args),
            "queryRPMSigs" => self.query_rpm_sigs(&args),
            "getRPMChecksums" => self.rpm_checksums(&args),
            "getTaskInfo" => self.task_info(&args),
            "getTaskChildren" => self.task_children(&args),
            "getTaskResult" => self.task_result(&args),
            "search" => self.search(&args),
            "listVolumes" => {
                let volumes = self.state.volume.iter();
                Ok(volumes
                    .map(|volume| row([("id", volume.id.into()), ("name", (&volume.name).into())]))
                    .collect::<Vec<_>>()
                    .into())
            }
            _ => Err(Fault::generic(format!("Invalid method: {name}"))),
        }
    }

    /// The answer of one of many calls: an array of its value, or what became of it instead.
    fn one_of_many(&self, call: &Value) -> Value {
        let answer = match (call.get("methodName"), call.get("params")) {
            (None, _) => Err(Fault::uncaught("methodName")),
            (_, None) => Err(Fault::uncaught("params")),
            // A string is as many arguments as it has characters.
            (Some(name), Some(Value::Str(text))) => {
                let params: Vec<_> = text.chars().map(|c| Value::Str(c.to_string())).collect();
                self.answer(name.as_str().unwrap_or_default(), &params)
            }
            (Some(name), Some(params)) => self.answer(
                name.as_str().unwrap_or_default(),
                params.as_array().unwrap_or_default(),
            ),
        };
        match answer {
            Ok(value) => Value::Array(vec![value]),
            Err(fault) => {
                // Of what nobody thought of, the class is said outside only.
                let text = fault
                    .text
                    .strip_prefix("<class '")
                    .and_then(|text| text.split_once("'>: "));
                inside_multicall(fault.code, text.map_or(&fault.text, |(_, text)| text))
            }
        }
    }
}

/// A fault as it stands among the answers of many calls.
pub(crate) fn inside_multicall(code: i64, text: &str) -> Value {
    let traceback = vec![
        "Traceback (most recent call last):\n".to_owned(),
        format!("{text}\n"),
    ];
    row([
        ("faultCode", code.into()),
        ("faultString", text.into()),
        ("traceback", traceback.into()),
    ])
}
