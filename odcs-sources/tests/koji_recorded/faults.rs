//! What no hub should send: never data, never a panic, and always a reason.

use odcs_core::ErrorKind;
use odcs_sources::koji::client::{
    BuildId, BuildRef, EventId, Fault, HubSettings, KojiError, KojiHub, Problem, RpmId, TagId, TaggedRpms,
};

use crate::server::{Answer, Server, compressed, envelope};

pub(crate) const EVENT: &str = "<value><struct>\n<member>\n<name>id</name>\n<value><int>174</int></value>\n</member>\n<member>\n\
                     <name>ts</name>\n<value><double>1795254115.5</double></value>\n</member>\n</struct></value>";

pub(crate) async fn refused(answer: Answer) -> KojiError {
    let server = Server::with(answer);
    server.hub().last_event().await.unwrap_err()
}

pub(crate) fn rpm(id: &str, name: &str, key: &str) -> String {
    let members = [
        ("arch", "<string>x86_64</string>"),
        ("build_id", "<int>1</int>"),
        ("buildtime", "<int>1772409600</int>"),
        ("epoch", "<nil/>"),
        ("id", id),
        ("name", name),
        ("payloadhash", "<string>8192e8e1a65892060816c50d332a3d3f</string>"),
        ("release", "<string>1</string>"),
        ("sigkey", key),
        ("size", "<int>7018</int>"),
        ("version", "<string>2.0</string>"),
    ];
    structure(&members)
}

fn build(version: &str, volume: &str) -> String {
    structure(&[
        ("build_id", "<int>1</int>"),
        ("create_event", "<int>5</int>"),
        ("name", "<string>ed</string>"),
        ("package_id", "<int>9</int>"),
        ("release", "<string>1</string>"),
        ("state", "<int>1</int>"),
        ("tag_id", "<int>3</int>"),
        ("tag_name", "<string>f42</string>"),
        ("version", version),
        ("volume_name", volume),
    ])
}

fn structure(members: &[(&str, &str)]) -> String {
    let mut xml = "<value><struct>\n".to_owned();
    for (name, value) in members {
        xml.push_str(&format!(
            "<member>\n<name>{name}</name>\n<value>{value}</value>\n</member>\n"
        ));
    }
    xml + "</struct></value>\n"
}

fn array(values: &[String]) -> String {
    format!(
        "<value><array><data>\n{}</data></array></value>\n",
        values.concat()
    )
}

pub(crate) fn listing(rpms: &[String], builds: &[String]) -> String {
    array(&[array(rpms), array(builds)])
}

pub(crate) fn good_listing() -> String {
    let rpms = [
        rpm("<int>7</int>", "<string>ed</string>", "<string>f1290335</string>"),
        rpm("<int>8</int>", "<string>ed-doc</string>", "<nil/>"),
        rpm("<int>7</int>", "<string>ed</string>", "<string></string>"),
        rpm("<int>7</int>", "<string>ed</string>", "<string>94d22493</string>"),
    ];
    listing(
        &rpms,
        &[build("<string>2.0</string>", "<string>DEFAULT</string>")],
    )
}

#[tokio::test]
async fn rows_of_one_rpm_are_one_record() {
    let server = Server::with(Answer::value(&good_listing()));
    let listing = server.hub().tagged_rpms(&TaggedRpms::new("f42")).await.unwrap();
    let ed = &listing.rpms[0];
    assert_eq!(listing.rpms.len(), 2);
    assert_eq!(ed.nevra.to_string(), "ed-0:2.0-1.x86_64");
    assert_eq!(
        ed.signatures.keys,
        ["94d22493".parse().unwrap(), "f1290335".parse().unwrap()]
    );
    assert!(ed.signatures.unsigned);
    assert!(listing.rpms[1].signatures.keys.is_empty() && !listing.rpms[1].signatures.unsigned);
    assert_eq!(
        listing.build(BuildId(1)).unwrap().build.nvr.to_string(),
        "ed-2.0-1"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_cut_off_anywhere_is_no_answer() {
    let body = envelope(EVENT);
    let server = Server::new();
    let hub = server.hub();
    for end in 0..body.trim_end().len() {
        // Without a length, so that only its content says that there is something missing.
        let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n".to_vec();
        bytes.extend(&body.as_bytes()[..end]);
        server.answer([Answer::raw(bytes)]);
        let error = hub.last_event().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{end}: {error}");
        assert_eq!(error.is_retryable(), end > 0, "{end}: {error}");
        // With one that says so.
        let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 900\r\n\r\n".to_vec();
        bytes.extend(&body.as_bytes()[..end]);
        server.answer([Answer::raw(bytes)]);
        let error = hub.last_event().await.unwrap_err();
        assert!(matches!(error.problem(), Problem::Cut { .. }), "{end}: {error:?}");
    }
    server.answer([Answer::xml(body)]);
    let event = hub.last_event().await.unwrap();
    assert_eq!((event.id, event.time.seconds()), (EventId(174), 1_795_254_115));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_listing_is_no_listing() {
    let body = envelope(&good_listing());
    let server = Server::new();
    let hub = server.hub();
    for end in (1..body.trim_end().len()).step_by(37) {
        let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n".to_vec();
        bytes.extend(&body.as_bytes()[..end]);
        server.answer([Answer::raw(bytes)]);
        let error = hub.tagged_rpms(&TaggedRpms::new("f42")).await.unwrap_err();
        assert!(matches!(error.problem(), Problem::Cut { .. }), "{end}: {error:?}");
    }
    let gzip = compressed(body.as_bytes());
    for end in (0..gzip.len()).step_by(11) {
        let mut bytes =
            b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n".to_vec();
        bytes.extend(&gzip[..end]);
        server.answer([Answer::raw(bytes)]);
        let error = hub.tagged_rpms(&TaggedRpms::new("f42")).await.unwrap_err();
        assert!(error.is_retryable() || end == 0, "{end}: {error:?}");
    }
    server.answer([Answer::gzip(body.as_bytes())]);
    assert_eq!(
        hub.tagged_rpms(&TaggedRpms::new("f42")).await.unwrap().rpms.len(),
        2
    );
}

#[tokio::test]
async fn records_that_are_none_are_named() {
    let good = || rpm("<int>7</int>", "<string>ed</string>", "<string></string>");
    let builds = || [build("<string>2.0</string>", "<string>DEFAULT</string>")];
    let bad_rpm = |rpm: String| listing(&[good(), rpm], &builds());
    for (xml, row, reason) in [
        (
            bad_rpm(rpm("<string>8</string>", "<string>a</string>", "<nil/>")),
            "RPM 2",
            "id",
        ),
        (
            bad_rpm(rpm("<int>8</int>", "<int>5</int>", "<nil/>")),
            "RPM 2",
            "name",
        ),
        (bad_rpm(rpm("<int>8</int>", "<nil/>", "<nil/>")), "RPM 2", "name"),
        (
            bad_rpm(rpm("<int>8</int>", "<string>../a</string>", "<nil/>")),
            "RPM 2",
            "../a",
        ),
        (
            bad_rpm(rpm("<int>8</int>", "<array><data></data></array>", "<nil/>")),
            "RPM 2",
            "name",
        ),
        (
            bad_rpm(rpm(
                "<int>8</int>",
                "<string>a</string>",
                "<string>../..</string>",
            )),
            "RPM 2",
            "../..",
        ),
        (
            bad_rpm(rpm("<int>7</int>", "<string>other</string>", "<nil/>")),
            "RPM 2",
            "contradicts",
        ),
        (bad_rpm(structure(&[("id", "<int>8</int>")])), "RPM 2", "name"),
        (
            bad_rpm("<value><string>x</string></value>".into()),
            "RPM 2",
            "struct",
        ),
        (listing(&[good()], &[]), "ed-0:2.0-1.x86_64", "build 1"),
        (
            listing(
                &[good()],
                &[build("<string>..</string>", "<string>DEFAULT</string>")],
            ),
            "build 1",
            "version",
        ),
        (
            listing(&[good()], &[build("<string>1</string>", "<string>../v</string>")]),
            "build 1",
            "volume_name",
        ),
        (
            listing(&[good()], &[build("<int>1</int>", "<string>v</string>")]),
            "build 1",
            "version",
        ),
        (array(&[]), "the answer", "list"),
        (array(&[array(&[])]), "the answer", "list"),
        (array(&[array(&[]), array(&[]), array(&[])]), "the answer", "list"),
        ("<value><nil/></value>".into(), "the answer", "list"),
        (
            array(&["<value><string>x</string></value>".into(), array(&[])]),
            "the list of RPMs",
            "array",
        ),
    ] {
        let server = Server::with(Answer::value(&xml));
        let error = server
            .hub()
            .tagged_rpms(&TaggedRpms::new("f42"))
            .await
            .unwrap_err();
        let Problem::Record {
            row: found,
            reason: said,
        } = error.problem()
        else {
            panic!("{error:?}: {xml}");
        };
        assert!(
            found.contains(row) && said.contains(reason),
            "{error}: {row} {reason}"
        );
        assert!(
            error.to_string().contains("listTaggedRPMS") && error.to_string().contains("f42"),
            "{error}"
        );
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn what_is_no_answer_of_a_hub_is_never_data() {
    let html = b"<!DOCTYPE html><html><head><title>Log in</title></head><body>Who are you?</body></html>";
    let foreign: [(&str, &[u8]); 7] = [
        ("text/html; charset=utf-8", html),
        ("text/xml", html),
        ("text/html", b"<html><body/></html>"),
        ("application/json", b"{\"id\": 174, \"ts\": 1.5}"),
        ("text/plain", b"try again"),
        ("text/xml", b""),
        ("text/xml", b"  \n "),
    ];
    for (kind, body) in foreign {
        let error = refused(Answer::http("200 OK", &[("Content-Type", kind)], body)).await;
        let is_blank = body.iter().all(u8::is_ascii_whitespace);
        match error.problem() {
            Problem::Foreign { what } => assert!(what.contains(kind) || is_blank, "{what}"),
            Problem::Cut { .. } if is_blank && !body.is_empty() => continue,
            other => panic!("{other:?}"),
        }
        assert!(!error.is_retryable());
        assert!(error.to_string().contains("127.0.0.1"), "{error}");
    }
    for body in [
        &b"\xff\xfe\x00garbage\x80"[..],
        b"<methodResponse><params><param><value><int>x</int></value></param></params></methodResponse>",
        b"<methodResponse><params><param><value><int>1</int></value></param></params></methodResponse>trailing",
        b"<methodResponse><params><param><value><int>1</int></value><value/></param></params></methodResponse>",
        b"<methodResponse><params></params></methodResponse>",
        b"<methodResponse><params><param><value><weird>1</weird></value></param></params></methodResponse>",
        b"<methodResponse><params><param><value><int>1</string></value></param></params></methodResponse>",
        b"<methodResponse><params><param><value><string>&nbsp;</string></value></param></params></methodResponse>",
        b"<methodResponse><params><param><value><string>\xff</string></value></param></params></methodResponse>",
        b"<methodResponse><fault><value><string>x</string></value></fault></methodResponse>",
        b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><methodResponse><params>\
          <param><value><string>&b;</string></value></param></params></methodResponse>",
    ] {
        let error = refused(Answer::xml(body)).await;
        assert!(!error.is_retryable(), "{error}");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(matches!(error.problem(), Problem::Malformed { .. } | Problem::Foreign { .. }), "{error:?}");
    }
    // Well formed, and nothing that was asked for.
    for value in [
        "<value><int>1</int></value>",
        "<value><nil/></value>",
        "<value><struct></struct></value>",
        "<value/>",
    ] {
        let error = refused(Answer::value(value)).await;
        assert!(matches!(error.problem(), Problem::Record { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn faults_are_of_one_call_among_many() {
    let nvr = build("<string>2.0</string>", "<string>DEFAULT</string>");
    let bad = structure(&[
        ("faultCode", "<int>1000</int>"),
        ("faultString", "<string>invalid format: nodashes</string>"),
        (
            "traceback",
            "<array><data><value><string>x</string></value></data></array>",
        ),
    ]);
    let answers = [
        array(std::slice::from_ref(&nvr)),
        bad,
        array(&["<value><nil/></value>".into()]),
    ];
    let server = Server::with(Answer::value(&array(&answers)));
    let hub = server.hub();
    let asked = [
        BuildRef::from("ed-2.0-1"),
        BuildRef::from("nodashes"),
        BuildRef::from(BuildId(5)),
    ];
    let builds = hub.builds(&asked).await.unwrap();
    assert_eq!(builds[0].as_ref().unwrap().as_ref().unwrap().id, BuildId(1));
    let error = builds[1].as_ref().unwrap_err();
    assert!(
        error.is_fault(Fault::GENERIC) && error.subject() == "nodashes",
        "{error:?}"
    );
    assert!(builds[2].as_ref().unwrap().is_none());
    // Not as many answers as there were questions, and what is no answer.
    for answers in [
        array(&answers[..2]),
        array(&[&answers[..], &answers[..1]].concat()),
        array(&[answers[0].clone(), answers[1].clone(), array(&[])]),
        array(&[
            answers[0].clone(),
            answers[1].clone(),
            array(&[nvr.clone(), nvr.clone()]),
        ]),
        array(&[
            answers[0].clone(),
            answers[1].clone(),
            "<value><nil/></value>".into(),
        ]),
        "<value><nil/></value>".into(),
    ] {
        server.answer([Answer::value(&answers)]);
        let error = hub.builds(&asked).await.unwrap_err();
        assert!(matches!(error.problem(), Problem::Record { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn many_calls_are_as_many_requests_as_a_hub_takes() {
    let empty = array(&[array(&[])]);
    let server = Server::new();
    let mut settings = server.settings();
    settings.calls_at_once = 30;
    settings.connections = 1;
    let hub = KojiHub::new(settings).unwrap();
    let answer = |count: usize| Answer::value(&array(&vec![empty.clone(); count]));
    server.answer([answer(30), answer(30), answer(10)]);
    let ids: Vec<_> = (0..70).map(RpmId).collect();
    assert_eq!(hub.rpm_signatures(&ids).await.unwrap().len(), 70);
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|asked| asked.call().0 == "multiCall"));
    // No call is larger than a hub takes.
    let mut settings = server.settings();
    settings.request_bytes = 4_000;
    settings.connections = 1;
    let hub = KojiHub::new(settings).unwrap();
    server.answer([Answer::value("<value><nil/></value>")]);
    hub.rpm_signatures(&ids).await.unwrap_err();
    assert!(server.asked().iter().all(|asked| asked.body.len() <= 4_000));
    let error = hub.tag("x".repeat(4_000).as_str(), None).await.unwrap_err();
    assert!(matches!(error.problem(), Problem::Request { .. }), "{error:?}");
    assert!(hub.rpm_checksums(&[]).await.unwrap().is_empty());
    assert!(!hub.tag_changed_since(EventId(1), &[] as &[TagId]).await.unwrap());
    let error = hub.tag("bell\u{7}", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(server.asked().is_empty(), "nothing of this needs a hub");
}

/// What it was, and what it should have been, in words of the project.
#[tokio::test]
async fn values_of_other_types_are_said_to_be_what_they_are() {
    let epoch = "<name>epoch</name>\n<value><nil/></value>";
    let number = |value: &str| format!("<name>epoch</name>\n<value>{value}</value>");
    for (from, to, reason) in [
        (
            "<string>f42</string>",
            "<double>1.5</double>",
            "tag_name is a double, not a string",
        ),
        (
            "<string>f42</string>",
            "<struct></struct>",
            "tag_name is a struct, not a string",
        ),
        (
            "<string>f42</string>",
            "<dateTime.iso8601>20260301T00:00:00</dateTime.iso8601>",
            "tag_name is a date, not a string",
        ),
        (
            "<int>7018</int>",
            "<double>7018.0</double>",
            "size is a double, not an integer",
        ),
        (
            "<int>7018</int>",
            "<int>70180000000000000000</int>",
            "size is \"70180000000000000000\", not an integer of 64 bits",
        ),
        (
            "<int>7018</int>",
            "<struct></struct>",
            "size is a struct, not a plain value",
        ),
        (
            "<int>7018</int>",
            "<int>-1</int>",
            "size is -1, which is below zero",
        ),
        (
            epoch,
            &number("<int>-1</int>"),
            "epoch is -1, not a number from 0 to 4294967295",
        ),
        (
            epoch,
            &number("<i8>4294967296</i8>"),
            "epoch is 4294967296, not a number from 0 to 4294967295",
        ),
    ] {
        let xml = good_listing();
        assert!(xml.contains(from));
        let server = Server::with(Answer::value(&xml.replace(from, to)));
        let error = server
            .hub()
            .tagged_rpms(&TaggedRpms::new("f42"))
            .await
            .unwrap_err();
        let Problem::Record { reason: found, .. } = error.problem() else {
            panic!("{error:?}")
        };
        assert_eq!(&**found, reason);
    }
    let error = refused(Answer::value(&EVENT.replace("1795254115.5", "-1.5"))).await;
    assert!(
        error
            .to_string()
            .contains("ts is -1.5, not a time in seconds since 1970"),
        "{error}"
    );
    let error = refused(Answer::value("<value><string>&#xZZ;</string></value>")).await;
    assert!(error.to_string().contains("&#xZZ; is no character"), "{error}");
}

#[tokio::test]
async fn an_answer_has_limits() {
    let limited = |change: fn(&mut HubSettings), answer: Answer| async move {
        let server = Server::with(answer);
        let mut settings = server.settings();
        change(&mut settings);
        let hub = KojiHub::new(settings).unwrap();
        let error = hub.tagged_rpms(&TaggedRpms::new("f42")).await.unwrap_err();
        assert!(matches!(error.problem(), Problem::Limit { .. }), "{error:?}");
        assert!(!error.is_retryable());
    };
    let listing = || Answer::value(&good_listing());
    limited(|settings| settings.limits.bytes = 1_000, listing()).await;
    limited(|settings| settings.limits.values = 20, listing()).await;
    limited(|settings| settings.limits.depth = 2, listing()).await;
    let long = listing_with_name(&"x".repeat(500_000));
    limited(|settings| settings.limits.text = 100_000, Answer::value(&long)).await;
    let deep = "<value><array><data>".repeat(1_000_000);
    let member = format!("<value><struct><member><name>unknown</name>{deep}");
    let row = envelope(&format!("<value><array><data><value><array><data>{member}"));
    limited(|_| {}, Answer::xml(row)).await;
    for value in [&deep, &member] {
        let error = refused(Answer::xml(envelope(value))).await;
        assert!(matches!(error.problem(), Problem::Limit { .. }), "{error:?}");
    }
    let bomb = envelope(&format!(
        "<value><string>{}</string></value>",
        " ".repeat(64 << 20)
    ));
    limited(|_| {}, Answer::gzip(bomb.as_bytes())).await;
    let attribute = format!("<value a='{}'/>", "x".repeat(1 << 20));
    limited(
        |settings| settings.limits.text = 100_000,
        Answer::value(&attribute),
    )
    .await;
}

fn listing_with_name(name: &str) -> String {
    listing(
        &[rpm("<int>7</int>", &format!("<string>{name}</string>"), "<nil/>")],
        &[],
    )
}
