//! The calls that the client has methods for: they send what was recorded, and make of the answer what is in it.

use std::collections::BTreeMap;

use odcs_sources::koji::client::xmlrpc::{Struct, Value};
use odcs_sources::koji::client::{
    BuildId, BuildRef, EventId, KojiError, KojiHub, PackageStatus, Rpm, RpmId, TagId, TagRef, TaggedBuilds,
    TaggedRpms, TaskId,
};
use tokio::runtime::Runtime;

use crate::cases::call_of;
use crate::expected::expected;
use test_support::project_root;

use crate::server::{Answer, Server, fault};

/// The names of the arguments that some calls were recorded with by position.
fn positions(method: &str) -> &'static [&'static str] {
    match method {
        "getTag" => &["tagInfo", "strict", "event"],
        "getFullInheritance" => &["tag", "event", "reverse"],
        "search" => &["terms", "type", "matchType"],
        _ => &[],
    }
}

/// All arguments by name; those that mean the same whether they are there or not are left out.
fn normalized(method: &str, params: &[Value]) -> BTreeMap<String, Value> {
    let call = call_of(method, params);
    let names = positions(method);
    let by_position = call.args.into_iter().enumerate().map(|(index, value)| {
        let name = names
            .get(index)
            .map_or_else(|| index.to_string(), |name| (*name).to_owned());
        (name, value)
    });
    let by_name = call
        .keywords
        .0
        .into_iter()
        .map(|(name, value)| (name.into(), value));
    by_position
        .chain(by_name)
        .filter(|(name, value)| {
            !matches!(
                (name.as_str(), value),
                ("inherit" | "latest" | "rpmsigs", Value::Bool(false))
            )
        })
        .collect()
}

/// What a method of the client made of an answer, in the order of the answer, as far as it can be compared with it.
type Made = Result<Vec<String>, KojiError>;

/// Arguments that a method of the client takes.
struct Arguments(BTreeMap<String, Value>);

impl Arguments {
    fn only(&self, names: &[&str]) -> Option<()> {
        self.0
            .keys()
            .all(|name| names.contains(&name.as_str()))
            .then_some(())
    }

    fn tag(&self, name: &str) -> Option<TagRef> {
        match self.0.get(name)? {
            Value::String(name) => Some(TagRef::from(&**name)),
            Value::Int(id) => Some(TagId(*id).into()),
            _ => None,
        }
    }

    fn build(&self, name: &str) -> Option<BuildRef> {
        match self.0.get(name)? {
            Value::String(name) => Some(BuildRef::from(&**name)),
            Value::Int(id) => Some(BuildId(*id).into()),
            _ => None,
        }
    }

    fn int(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_int()
    }

    fn str(&self, name: &str) -> Option<Box<str>> {
        self.0.get(name)?.as_str().map(Into::into)
    }

    /// An event, or none; not one that is no number.
    fn event(&self) -> Option<Option<EventId>> {
        match self.0.get("event") {
            None => Some(None),
            Some(event) => event.as_int().map(|id| Some(EventId(id))),
        }
    }

    /// A flag, which cannot be a number.
    fn flag(&self, name: &str) -> Option<bool> {
        match self.0.get(name) {
            None => Some(false),
            Some(flag) => flag.as_bool(),
        }
    }
}

fn rpm_line(rpm: &Rpm) -> String {
    format!(
        "{} {} {} {} {}",
        rpm.id,
        rpm.build_id,
        rpm.nevra,
        rpm.size,
        rpm.build_time.seconds()
    )
}

/// Calls the method of the client, if there is one for these arguments. None if there is none.
async fn make(hub: &KojiHub, method: &str, of: &Arguments) -> Option<Made> {
    Some(match method {
        "getTag" => {
            of.only(&["tagInfo", "event"])?;
            let tag = hub.tag(of.tag("tagInfo")?, of.event()?).await;
            tag.map(|tag| {
                tag.map(|tag| format!("{} {}", tag.id, tag.name))
                    .into_iter()
                    .collect()
            })
        }
        "getFullInheritance" => {
            of.only(&["tag", "event"])?;
            let tags = hub.full_inheritance(of.tag("tag")?, of.event()?).await;
            tags.map(|tags| {
                let line = |tag: &odcs_sources::koji::client::InheritedTag| {
                    format!("{} {} {}", tag.id, tag.name, tag.depth)
                };
                tags.iter().map(line).collect()
            })
        }
        "getLastEvent" => {
            of.only(&[])?;
            hub.last_event()
                .await
                .map(|event| vec![format!("{} {}", event.id, event.time.seconds())])
        }
        "getEvent" => {
            of.only(&["0"])?;
            let event = hub.event(EventId(of.int("0")?)).await;
            event.map(|event| vec![format!("{} {}", event.id, event.time.seconds())])
        }
        "tagChangedSinceEvent" => {
            of.only(&["0", "1"])?;
            let ids = of.0.get("1")?.as_array().filter(|ids| !ids.is_empty())?;
            let ids: Option<Vec<_>> = ids.iter().map(|id| id.as_int().map(TagId)).collect();
            let changed = hub.tag_changed_since(EventId(of.int("0")?), &ids?).await;
            changed.map(|changed| vec![changed.to_string()])
        }
        "listTagged" => {
            of.only(&["0", "event", "inherit", "latest", "package", "type", "draft"])?;
            let mut query = TaggedBuilds::new(of.tag("0")?);
            query.event = of.event()?;
            query.inherit = of.flag("inherit")?;
            query.latest = of.flag("latest")?;
            query.package = of.str("package");
            query.build_type = of.str("type");
            query.drafts = !of.0.contains_key("draft");
            let builds = hub.tagged_builds(&query).await;
            builds.map(|builds| {
                let line = |tagged: &odcs_sources::koji::client::TaggedBuild| {
                    let build = &tagged.build;
                    format!(
                        "{} {} {} {} {}",
                        build.id, build.nvr, build.volume, tagged.tag_name, tagged.tagged_at
                    )
                };
                builds.iter().map(line).collect()
            })
        }
        "listTaggedRPMS" => {
            of.only(&[
                "0", "event", "inherit", "latest", "package", "arch", "rpmsigs", "extra", "draft",
            ])?;
            let mut query = TaggedRpms::new(of.tag("0")?);
            query.event = of.event()?;
            query.inherit = of.flag("inherit")?;
            query.latest = of.flag("latest")?;
            query.package = of.str("package");
            query.signatures = of.flag("rpmsigs")?;
            query.extra = !of.0.contains_key("extra");
            query.drafts = !of.0.contains_key("draft");
            if let Some(arches) = of.0.get("arch") {
                let arches: Option<Vec<_>> = arches.as_array()?.iter().map(Value::as_str).collect();
                query.arches = arches?.into_iter().map(|arch| arch.parse().unwrap()).collect();
                // None is no filter, which is not sent.
                (!query.arches.is_empty()).then_some(())?;
            }
            let listing = hub.tagged_rpms(&query).await;
            listing.map(|listing| {
                let line = |rpm: &Rpm| {
                    let keys: Vec<_> = rpm.signatures.keys.iter().map(|key| key.as_str()).collect();
                    let build = listing.build(rpm.build_id).unwrap();
                    format!(
                        "{} {} unsigned: {} [{}] {} {}",
                        rpm_line(rpm),
                        rpm.payload_hash.unwrap(),
                        rpm.signatures.unsigned,
                        keys.join(" "),
                        build.build.nvr,
                        build.build.volume
                    )
                };
                listing.rpms.iter().map(line).collect()
            })
        }
        "getBuild" => {
            of.only(&["0"])?;
            let build = hub.build(of.build("0")?).await;
            build.map(|build| build.iter().map(build_line).collect())
        }
        "search" => {
            of.only(&["terms", "type", "matchType"])?;
            let is = |name: &str, expected: &str| of.str(name).as_deref() == Some(expected);
            (is("type", "build") && is("matchType", "glob")).then_some(())?;
            let builds = hub.search_builds(&of.str("terms")?).await;
            builds.map(|builds| {
                builds
                    .iter()
                    .map(|build| format!("{} {}", build.id, build.nvr))
                    .collect()
            })
        }
        "getTaskInfo" => {
            of.only(&["0"])?;
            let task = hub.task_info(TaskId(of.int("0")?)).await;
            task.map(|task| task.iter().map(task_line).collect())
        }
        "getTaskChildren" => {
            of.only(&["0"])?;
            let tasks = hub.task_children(TaskId(of.int("0")?)).await;
            tasks.map(|tasks| tasks.iter().map(task_line).collect())
        }
        "getTaskResult" => {
            of.only(&["0", "raise_fault"])?;
            of.0.get("raise_fault")?;
            let result = hub.task_result(TaskId(of.int("0")?)).await;
            result.map(|result| {
                let fault = result.fault.iter().map(|fault| fault.code.to_string());
                let files = result.rpms.iter().chain(&result.srpms).map(ToString::to_string);
                fault.chain(files).collect()
            })
        }
        "multiCall" => return many(hub, of).await,
        _ => return None,
    })
}

fn build_line(build: &odcs_sources::koji::client::Build) -> String {
    format!("{} {} {} {}", build.id, build.nvr, build.volume, build.state)
}

fn task_line(task: &odcs_sources::koji::client::Task) -> String {
    format!("{} {} {}", task.id, task.method, task.state)
}

/// Several calls of one kind.
async fn many(hub: &KojiHub, of: &Arguments) -> Option<Made> {
    of.only(&["0"])?;
    let calls = of.0.get("0")?.as_array()?;
    let params = |method: &str| -> Option<Vec<BTreeMap<String, Value>>> {
        calls
            .iter()
            .map(|call| {
                let call = call.as_struct()?;
                (call.get("methodName")?.as_str()? == method).then_some(())?;
                Some(normalized(method, call.get("params")?.as_array()?))
            })
            .collect()
    };
    if let Some(params) = params("getBuild") {
        let builds: Option<Vec<_>> = params
            .into_iter()
            .map(|params| Arguments(params).build("0"))
            .collect();
        let builds = hub.builds(&builds?).await;
        return Some(builds.map(|builds| {
            let line =
                |build: Result<Option<_>, _>| build.unwrap().as_ref().map_or_else(String::new, build_line);
            builds.into_iter().map(line).collect()
        }));
    }
    let rpms: Option<Vec<_>> = params("queryRPMSigs")?
        .into_iter()
        .map(|params| Arguments(params).int("rpm_id").map(RpmId))
        .collect();
    let signatures = hub.rpm_signatures(&rpms?).await;
    Some(signatures.map(|all| {
        all.into_iter()
            .map(|signatures| {
                let signatures = signatures.unwrap();
                let keys: Vec<_> = signatures.keys.iter().map(|key| key.as_str()).collect();
                format!("unsigned: {} [{}]", signatures.unsigned, keys.join(" "))
            })
            .collect()
    }))
}

/// Judges the method of the client for a recorded call, if there is one. The server answers as it did before.
pub(crate) fn judge(
    runtime: &Runtime,
    server: &Server,
    hub: &KojiHub,
    method: &str,
    params: &[Value],
    answer: Result<&Value, &KojiError>,
) -> Result<(), String> {
    let of = Arguments(normalized(method, params));
    let Some(made) = runtime.block_on(make(hub, method, &of)) else {
        server.asked();
        return Ok(());
    };
    let asked = server.asked();
    let (sent_method, sent) = asked.first().ok_or("nothing was sent")?.call();
    if sent_method != method || normalized(method, &sent) != of.0 {
        return Err(format!(
            "sent {sent_method} {:?}, not {:?}",
            normalized(method, &sent),
            of.0
        ));
    }
    match (answer, made) {
        (Ok(answer), Ok(made)) => {
            let expected = expected(method, answer);
            if made == expected {
                return Ok(());
            }
            let differing = made
                .iter()
                .zip(&expected)
                .find(|(made, expected)| made != expected);
            Err(format!(
                "{} records, not {}; {differing:?}",
                made.len(),
                expected.len()
            ))
        }
        (Err(answer), Err(made)) if answer.fault() == made.fault() => Ok(()),
        (answer, made) => Err(format!("{made:?} of {answer:?}")),
    }
}

/// The value of a recorded answer, as the only one of many.
fn only(case: &str) -> Answer {
    let path = project_root().join("odcs-sources/tests/koji_recorded/fixtures");
    let xml = std::fs::read_to_string(path.join(case).join("response.xml")).unwrap();
    let (_, rest) = xml.split_once("<param>").unwrap();
    let (value, _) = rest.rsplit_once("</param>").unwrap();
    let many = format!(
        "<value><array><data><value><array><data>{value}</data></array></value></data></array></value>"
    );
    Answer::value(&many)
}

#[tokio::test]
async fn answers_of_single_calls_are_read_among_many() {
    let server = Server::new();
    let hub = server.hub();
    let entry = |method: &str, params: Vec<Value>| {
        let entry = [
            ("methodName", Value::from(method)),
            ("params", Value::Array(params)),
        ];
        let entries = Value::Array(vec![entry.into_iter().collect::<Struct>().into()]);
        ("multiCall".to_owned(), vec![entries])
    };
    let keywords = |name: &str, value: Value| -> Value {
        let members = [(name, value), ("__starstar", Value::Bool(true))];
        members.into_iter().collect::<Struct>().into()
    };

    server.answer([only("rpm-checksum-cacheonly")]);
    let checksums = hub.rpm_checksums(&[RpmId(4)]).await.unwrap().remove(0).unwrap();
    let asked = entry(
        "getRPMChecksums",
        vec![Value::Int(4), keywords("cacheonly", Value::Bool(true))],
    );
    assert_eq!(server.asked()[0].call(), asked);
    let unsigned = checksums.of(None).unwrap();
    assert_eq!(
        unsigned.hex(),
        "3fad9a91fb6943671d6400b83ec618c31eb452611289775a866d7ce5442ae9d8"
    );
    let signed = checksums.of(Some(&"f1290335".parse().unwrap())).unwrap();
    assert_eq!(
        signed.hex(),
        "41ed2139eeca694c6359df735edf300290dcff041dc943b6cc5495fa471ff5e4"
    );
    assert_eq!(checksums.signed.len(), 2);
    assert!(checksums.of(Some(&"12345678".parse().unwrap())).is_none());
    assert!(
        checksums
            .unsigned
            .iter()
            .all(|digest| digest.algorithm().as_str() == "sha256"),
        "MD5 proves nothing"
    );

    server.answer([only("buildrpms-draft")]);
    let rpms = hub.build_rpms(&[BuildId(28)]).await.unwrap().remove(0).unwrap();
    assert_eq!(
        server.asked()[0].call(),
        entry("listBuildRPMs", vec![Value::Int(28)])
    );
    let names: Vec<_> = rpms.iter().map(|rpm| rpm.nevra.to_string()).collect();
    assert_eq!(names, ["lab-draft-0:1.0-1.src", "lab-draft-0:1.0-1.x86_64"]);
    assert!(rpms.iter().all(|rpm| rpm.draft && rpm.build_id == BuildId(28)));

    server.answer([only("rpm-nvra")]);
    let rpm = hub
        .rpms_by_id(&[RpmId(4)])
        .await
        .unwrap()
        .remove(0)
        .unwrap()
        .unwrap();
    assert_eq!(server.asked()[0].call(), entry("getRPM", vec![Value::Int(4)]));
    assert_eq!(
        (rpm.id, rpm.nevra.nvra().as_str()),
        (RpmId(4), "lab-hello-1.0-1.x86_64")
    );
    server.answer([only("rpm-unknown")]);
    assert!(
        hub.rpms_by_id(&[RpmId(9)])
            .await
            .unwrap()
            .remove(0)
            .unwrap()
            .is_none()
    );
    server.answer([only("search-none")]);
    assert!(
        hub.rpm_checksums(&[RpmId(4)]).await.is_err(),
        "a list is no checksums"
    );
}

#[tokio::test]
async fn packages_are_listed_blocked_or_absent() {
    let row = |blocked: u8| {
        format!(
            "<value><array><data><value><struct><member><name>blocked</name><value><boolean>{blocked}</boolean></value>\
             </member></struct></value></data></array></value>"
        )
    };
    let tag = "<value><struct><member><name>id</name><value><int>2</int></value></member><member><name>name</name><value>\
               lab-updates</value></member></struct></value>";
    let unknown = fault(1000, "No such entry in table package: nope");
    let server = Server::new();
    let hub = server.hub();
    let event = Some(EventId(108));
    for (answers, expected) in [
        (vec![Answer::value(&row(0))], PackageStatus::Listed),
        (vec![Answer::value(&row(1))], PackageStatus::Blocked),
        (
            vec![Answer::value("<value><array><data/></array></value>")],
            PackageStatus::Absent,
        ),
        (vec![unknown.clone(), Answer::value(tag)], PackageStatus::Absent),
    ] {
        server.answer(answers);
        assert_eq!(
            hub.package_in_tag("lab-updates", "lab-blocked", event)
                .await
                .unwrap(),
            expected
        );
    }
    let (method, params) = server.asked()[0].call();
    let by_name = normalized(&method, &params);
    let expected = [
        ("event", Value::Int(108)),
        ("inherited", Value::Bool(true)),
        ("pkgID", Value::from("lab-blocked")),
        ("tagID", Value::from("lab-updates")),
    ];
    assert_eq!(
        by_name,
        expected.map(|(name, value)| (name.to_owned(), value)).into()
    );
    server.answer([unknown, Answer::value("<value><nil/></value>")]);
    let error = hub
        .package_in_tag("no-such-tag", "lab-blocked", None)
        .await
        .unwrap_err();
    assert!(
        error.is_fault(1000) && error.subject() == "lab-blocked in no-such-tag",
        "{error:?}"
    );
}
