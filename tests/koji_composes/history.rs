//! Composes of every tag, each time that something changed there, and at the last event before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::expected::{Expected, difference};
use crate::lab::{Files, Lab};

/// A tag at an event, and the builds that it has then; nothing if it is not there.
struct Moment {
    event: i64,
    builds: Option<BTreeSet<String>>,
}

/// The last event of the laboratory.
const LAST: i64 = 174;

/// The moments to look at: each step, and the event before it.
fn moments(steps: &[(i64, String)]) -> Vec<Moment> {
    let mut moments = Vec::new();
    let mut builds: Option<BTreeSet<String>> = None;
    for (event, changes) in steps {
        moments.push(Moment {
            event: event - 1,
            builds: builds.clone(),
        });
        for change in changes.split_whitespace() {
            match (change, change.split_at(1)) {
                ("made", _) => builds = Some(BTreeSet::new()),
                ("deleted", _) => builds = None,
                (_, ("+", nvr)) => assert!(builds.as_mut().unwrap().insert(nvr.to_owned()), "{change}"),
                (_, ("-", nvr)) => assert!(builds.as_mut().unwrap().remove(nvr), "{change}"),
                _ => panic!("{change}"),
            }
        }
        moments.push(Moment {
            event: *event,
            builds: builds.clone(),
        });
    }
    moments.push(Moment { event: LAST, builds });
    // Two steps one after the other.
    moments.dedup_by_key(|moment| moment.event);
    moments
}

async fn every_moment(
    files: Files,
    flags: &[&str],
    steps_of: impl Fn(&Expected) -> Vec<(String, Vec<Moment>)>,
) {
    let expected = Expected::read();
    let lab = Lab::start(files);
    let mut under_way = Vec::new();
    for (tag, moments) in steps_of(&expected) {
        for moment in moments {
            let body = json!({
                "source": {"type": "tag", "source": tag, "koji_event": moment.event}, "flags": flags,
            });
            let id = lab.server.submit(&body).await["id"].as_i64().unwrap();
            under_way.push((tag.clone(), moment, id));
        }
    }
    let (mut differ, mut made) = (Vec::new(), 0);
    let with_i686 = flags.contains(&"no_deps");
    for (tag, moment, id) in under_way {
        let record = lab
            .server
            .ended_within(id, std::time::Duration::from_secs(120))
            .await;
        let name = format!("{tag} at {}", moment.event);
        let builds = moment.builds.as_ref();
        let packages = builds.map(|builds| expected.of_builds(builds, "x86_64", with_i686));
        match packages {
            None => match failed(&record, &tag, moment.event) {
                None => println!("ok {name}"),
                Some(what) => differ.push(format!("DIFF {name}: {what}")),
            },
            Some(_) if record["state_name"] != "done" => differ.push(format!("DIFF {name}: {record}")),
            // Of a tag without packages, all packages are none: a repository that can be used, and is empty.
            Some(packages) => {
                let compose = lab.made(&record);
                lab.check_files(&compose);
                let unsigned = packages.into_iter().map(|nevra| (nevra, String::new())).collect();
                let trees = BTreeMap::from([("x86_64".to_owned(), unsigned)]);
                let found = BTreeMap::from([("x86_64".to_owned(), compose.keys("x86_64"))]);
                match difference(&trees, &found) {
                    None => println!("ok {name}"),
                    Some(what) => differ.push(format!("DIFF {name}:\n  {what}")),
                }
                made += 1;
            }
        }
    }
    println!("{made} composes");
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(!lab.server.log().contains("panicked"), "{}", lab.server.log());
}

/// What is wrong with how a compose of a tag failed that is not there.
fn failed(record: &Value, tag: &str, event: i64) -> Option<String> {
    let reason = record["state_reason"].as_str().unwrap_or_default();
    let at = format!("did not exist at event {event};");
    let is_said = match tag {
        // There neither then nor now.
        "lab-dead" => reason.contains("no Koji tag lab-dead"),
        _ => reason.contains(tag) && reason.contains(&at),
    };
    let is_right = record["state_name"] == "failed" && is_said;
    (!is_right).then(|| format!("{} {reason}", record["state_name"]))
}

#[tokio::test]
async fn of_every_tag() {
    every_moment(Files::Topdir, &["no_deps"], |expected| {
        let tags = expected.history.iter();
        tags.map(|history| (history.tag.clone(), moments(&history.steps)))
            .collect()
    })
    .await;
}

#[tokio::test]
async fn of_every_tag_without_inheritance() {
    every_moment(Files::Topdir, &["no_deps", "no_inheritance"], |expected| {
        let tags = expected.history.iter();
        tags.filter_map(|history| Some((history.tag.clone(), moments(history.alone.as_ref()?))))
            .collect()
    })
    .await;
}

#[tokio::test]
async fn of_tags_with_dependencies() {
    every_moment(Files::Topdir, &[], |expected| {
        let tags = expected.history.iter();
        let tags = tags.filter(|history| {
            ["lab-build", "lab-diamond", "lab-depth", "lab-signed"].contains(&history.tag.as_str())
        });
        tags.map(|history| (history.tag.clone(), moments(&history.steps)))
            .collect()
    })
    .await;
}

/// The same through HTTP, where packages have other ways to go: now, and when everything had been tagged once.
#[tokio::test]
async fn of_every_tag_over_http() {
    every_moment(Files::Topurl, &["no_deps"], |expected| {
        let tags = expected.history.iter();
        tags.map(|history| {
            let mut moments = moments(&history.steps);
            moments.retain(|moment| [104, 108, LAST].contains(&moment.event));
            (history.tag.clone(), moments)
        })
        .collect()
    })
    .await;
}
