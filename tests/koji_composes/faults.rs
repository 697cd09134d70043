//! A hub that misbehaves, through whole composes: the right packages or the right reason, and nothing else.

use std::time::Duration;

use kojihub::{Rule, Value as Xml, Wrong};
use serde_json::{Value, json};
use test_support::http::{Behaviour, Rule as FileRule};

use crate::lab::{Files, Lab, Made, tag, with};

/// Of a tag, a package that is signed, and a build on top: every call that composes make.
fn request() -> Value {
    let body = with(
        tag("lab-updates"),
        "packages",
        vec!["lab-hello-libs", "lab-noarch"],
    );
    let body = with(body, "builds", vec!["lab-noarch-2.0-2"]);
    let mut body = with(body, "sigkeys", vec!["94d22493", "f1290335"]);
    body["flags"] = json!(["no_deps", "no_reuse"]);
    body
}

/// What has to be in it.
const PACKAGES: [(&str, &str); 6] = [
    ("lab-hello-0:1.1-1.el9.src", "f1290335"),
    ("lab-hello-debuginfo-0:1.1-1.el9.x86_64", "f1290335"),
    ("lab-hello-debugsource-0:1.1-1.el9.x86_64", "f1290335"),
    ("lab-hello-libs-0:1.1-1.el9.x86_64", "f1290335"),
    ("lab-noarch-0:2.0-2.noarch", "94d22493"),
    ("lab-noarch-0:2.0-2.src", "94d22493"),
];

fn is_right(made: &Made) {
    let found: Vec<_> = made.keys("x86_64").into_iter().collect();
    let found: Vec<_> = found
        .iter()
        .map(|(nevra, key)| (nevra.as_str(), key.as_str()))
        .collect();
    assert_eq!(found, PACKAGES);
}

fn short(start: crate::support::Start) -> crate::support::Start {
    start.variable("ODCS_KOJI_TIMEOUT", "1")
}

/// The methods that such a compose calls.
async fn methods(lab: &Lab) -> Vec<String> {
    lab.hub.forget();
    is_right(&lab.done(&request()).await);
    let mut methods: Vec<String> = lab.hub.calls().into_iter().map(|call| call.method).collect();
    methods.sort();
    methods.dedup();
    assert!(methods.contains(&"listTaggedRPMS".to_owned()), "{methods:?}");
    methods
}

/// What is over when it is tried again.
#[tokio::test]
async fn what_passes() {
    let lab = Lab::with_profile(Files::Topdir, short);
    let long = Duration::from_secs(5);
    for method in methods(&lab).await {
        for wrong in [
            Wrong::Fault(1014, "server is offline".to_owned()),
            Wrong::Html(502),
            Wrong::Html(503),
            Wrong::Html(504),
            Wrong::Hangup,
            Wrong::CutAfter(0),
            Wrong::CutAfter(25),
            Wrong::CutBeforeEnd(1),
            Wrong::ChunkedCut,
            Wrong::GzipCut(30),
            Wrong::Late(long),
        ] {
            lab.hub.behave();
            lab.hub.on(wrong.clone().of(&method).times(1));
            lab.hub.forget();
            let record = lab.server.compose(&request()).await;
            assert_eq!(
                record["state_name"], "done",
                "{method} {wrong:?}: {}",
                record["state_reason"]
            );
            is_right(&lab.made(&record));
        }
    }
    assert!(!lab.server.log().contains("panicked"), "{}", lab.server.log());
}

/// What is only odd.
#[tokio::test]
async fn what_does_no_harm() {
    let lab = Lab::with_profile(Files::Topdir, |start| start);
    for wrong in [
        Wrong::Gzip,
        Wrong::Chunked,
        Wrong::Trickle(700, Duration::from_millis(2)),
        Wrong::Field("payloadhash", Xml::Nil),
        Wrong::NoField("extra"),
        Wrong::NoField("owner_name"),
        Wrong::NoField("completion_time"),
    ] {
        lab.hub.behave();
        lab.hub.on(wrong.clone());
        let record = lab.server.compose(&request()).await;
        assert_eq!(
            record["state_name"], "done",
            "{wrong:?}: {}",
            record["state_reason"]
        );
        is_right(&lab.made(&record));
    }
}

/// An answer is cut off wherever it can be, and the next one, too; the third is whole.
#[tokio::test]
async fn listings_that_are_cut_off() {
    let lab = Lab::with_profile(Files::Topdir, |start| start);
    for place in (0..4000)
        .step_by(397)
        .chain([38, 39, 40, 41, 60, 100, 101, 102, 103])
    {
        lab.hub.behave();
        lab.hub.on(Wrong::CutAfter(place).of("listTaggedRPMS").times(2));
        let record = lab.server.compose(&request()).await;
        assert_eq!(
            record["state_name"], "done",
            "{place}: {}",
            record["state_reason"]
        );
        is_right(&lab.made(&record));
    }
    // For good.
    lab.hub.behave();
    lab.hub.on(Wrong::CutBeforeEnd(20).of("listTaggedRPMS"));
    lab.fails(&request(), &[&lab.hub.url(), "listTaggedRPMS"]).await;
}

/// Right or failed, with a reason that says who: never anything else.
#[tokio::test]
async fn what_cannot_be_read() {
    let lab = Lab::with_profile(Files::Topdir, |start| start);
    let text = |text: &str| Xml::Str(text.to_owned());
    let nested = format!(
        "<?xml version='1.0'?><methodResponse><params><param>{}{}</param></params></methodResponse>",
        "<value><array><data>".repeat(20_000),
        "</data></array></value>".repeat(20_000)
    );
    let bodies: [&[u8]; 12] = [
        b"",
        b"\0\x01\x02\xff\xfe garbage",
        b"<?xml version='1.0'?>",
        b"<?xml version='1.0'?><methodResponse></methodResponse>",
        b"<?xml version='1.0'?><methodResponse><params></params></methodResponse>",
        b"<?xml version='1.0'?><methodResponse><params><param><value><nil/></value></param></params></methodResponse>",
        b"<?xml version='1.0'?><methodResponse><params><param><value><int>7</int></value></param></params></methodResponse>",
        b"<?xml version='1.0'?><methodResponse><params><param><value><array><data></data></array></value></param></params></methodResponse>",
        b"<?xml version='1.0'?><methodResponse><fault><value><int>7</int></value></fault></methodResponse>",
        b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a \"b\"><!ENTITY c \"&a;&a;\">]><methodResponse><params><param><value>&c;</value></param></params></methodResponse>",
        b"<?xml version='1.0'?><methodResponse><params><param><value><i8>99999999999999999999</i8></value></param></params></methodResponse>",
        nested.as_bytes(),
    ];
    let mut wrongs: Vec<Wrong> = bodies.iter().map(|body| Wrong::Body(body.to_vec())).collect();
    wrongs.extend([Wrong::GzipLie, Wrong::Html(200), Wrong::Html(500)]);
    let fields = [
        "id",
        "build_id",
        "name",
        "version",
        "release",
        "epoch",
        "arch",
        "size",
        "sigkey",
        "volume_name",
        "nvr",
        "state",
        "buildtime",
        "ts",
        "package_name",
        "tag_name",
    ];
    // Anywhere, and where what was read before is sound.
    let mut rules: Vec<Rule> = wrongs.into_iter().map(Rule::from).collect();
    for field in fields {
        let values = [
            Xml::Nil,
            Xml::Int(-7),
            Xml::Bool(true),
            text("a/../../b"),
            Xml::Array(vec![]),
            Xml::Double(1e300),
        ];
        let wrongs = values.into_iter().map(|value| Wrong::Field(field, value));
        for wrong in wrongs.chain([Wrong::NoField(field)]) {
            rules.push(wrong.clone().into());
            rules.extend(["listTaggedRPMS", "multiCall"].map(|method| wrong.clone().of(method)));
        }
    }
    let outcomes = outcomes(&lab, rules).await;
    assert!(outcomes.failed > 200, "{outcomes:?}");
    println!("{outcomes:?}");
}

/// What the hub has on record of files counts where it has anything.
#[tokio::test]
async fn digests_that_are_not_those_of_the_files() {
    let zeros = Xml::Str("0".repeat(64));
    for (wrong, is_done) in [
        (Wrong::Field("sha256", zeros), Some(false)),
        (Wrong::Field("sha256", Xml::Str("no digest".to_owned())), None),
        (Wrong::Field("sha256", Xml::Int(7)), None),
        (Wrong::NoField("sha256"), Some(true)),
    ] {
        let lab = Lab::with_profile(Files::Topdir, |start| start);
        lab.hub.on(wrong.clone());
        let record = lab.server.compose(&request()).await;
        let done = record["state_name"] == "done";
        assert!(
            is_done.is_none_or(|expected| expected == done),
            "{wrong:?}: {record}"
        );
        if done {
            is_right(&lab.made(&record));
        }
    }
    // A hub that knows none.
    let lab = Lab::with_profile(Files::Topdir, |start| start);
    lab.hub.forget_digests();
    is_right(&lab.done(&request()).await);
}

/// A server of the volume that misbehaves: what passes is waited for, what does not is said.
#[tokio::test]
async fn a_volume_that_is_served_badly() {
    let rpms = "/packages/*";
    let rules: [FileRule; 9] = [
        Behaviour::CutAtOnce.times(2),
        Behaviour::CutAfter(1000).times(3),
        Behaviour::CutBeforeEnd(1).times(3),
        Behaviour::Status(503).times(2),
        Behaviour::Html(502).times(2),
        Behaviour::IgnoreRange.into(),
        Behaviour::NoValidators.into(),
        Behaviour::Chunked.into(),
        Behaviour::RangeUnnamed.times(1),
    ];
    for rule in rules {
        // Nothing is known from before.
        let lab = Lab::with_profile(Files::Topurl, |start| start);
        lab.hub.files().on(rpms, rule.clone());
        let record = lab.server.compose(&request()).await;
        assert_eq!(
            record["state_name"], "done",
            "{rule:?}: {}",
            record["state_reason"]
        );
        let made = lab.made(&record);
        is_right(&made);
        lab.check_files(&made);
    }
    for behaviour in [
        Behaviour::Html(200),
        Behaviour::Status(403),
        Behaviour::Redirect(302, "https://login.example.com/".to_owned()),
        Behaviour::Body(b"no package".as_slice().into()),
        Behaviour::RangeOff(8),
    ] {
        let lab = Lab::with_profile(Files::Topurl, |start| start);
        lab.hub.files().on(rpms, behaviour.clone());
        let record = lab.server.compose(&request()).await;
        let reason = record["state_reason"].as_str().unwrap();
        println!("{behaviour:?}: {reason}");
        match record["state_name"] == "done" {
            true => is_right(&lab.made(&record)),
            false => assert!(reason.contains("/packages/lab-"), "{behaviour:?}: {reason}"),
        }
        assert!(!lab.server.log().contains("panicked"), "{}", lab.server.log());
    }
}

/// Faults where the answer as a whole is none.
#[tokio::test]
async fn faults_among_many_answers() {
    let lab = Lab::with_profile(Files::Topdir, |start| start);
    let mut rules: Vec<Rule> = Vec::new();
    for (call, place) in (0..4).flat_map(|call| (0..3).map(move |place| (call, place))) {
        for (code, text) in [
            (1000, "No such rpm: 4"),
            (1014, "server is offline"),
            (
                1,
                "Traceback (most recent call last):\n  File \"x\"\nKeyError: 'id'\n",
            ),
        ] {
            let wrong = Wrong::FaultInside(place, code, text.to_owned());
            rules.push(wrong.of("multiCall").after(call));
        }
    }
    let outcomes = outcomes(&lab, rules).await;
    assert!(outcomes.failed > 10, "{outcomes:?}");
    println!("{outcomes:?}");
}

#[derive(Debug, Default)]
struct Outcomes {
    done: usize,
    failed: usize,
}

async fn outcomes(lab: &Lab, rules: Vec<Rule>) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for wrong in rules {
        lab.hub.behave();
        lab.hub.on(wrong.clone());
        let record = lab.server.compose(&request()).await;
        let reason = record["state_reason"].as_str().unwrap_or_default();
        let shown = format!("{wrong:?}");
        let shown: String = shown.chars().take(120).collect();
        match record["state_name"].as_str().unwrap() {
            "done" => {
                is_right(&lab.made(&record));
                outcomes.done += 1;
                println!("done {shown}");
            }
            "failed" => {
                assert!(
                    reason.len() < 1200 && !reason.contains('\n') && !reason.contains("internal"),
                    "{shown}: {reason}"
                );
                println!("failed {shown}: {reason}");
                outcomes.failed += 1;
            }
            other => panic!("{shown}: {other}"),
        }
        assert!(
            !lab.server.log().contains("panicked"),
            "{shown}: {}",
            lab.server.log()
        );
    }
    // It is well as soon as the hub is.
    lab.hub.behave();
    is_right(&lab.done(&request()).await);
    outcomes
}
