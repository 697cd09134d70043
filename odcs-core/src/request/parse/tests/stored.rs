//! Requests that are stored, resolved, and asked for again.

use serde_json::json;

use super::*;
use crate::request::KeyOrUnsigned;

/// Fingerprints hash the stored form: what a request does not say must not show in it.
#[test]
fn what_is_not_said_is_not_stored() {
    let stored = serde_json::to_value(accept(&within(json!({"sigkeys": ["abc"]})))).unwrap();
    for absent in ["arch_sigkeys", "embargo"] {
        assert_eq!(stored.get(absent), None);
    }
    let older: ComposeRequest = serde_json::from_value(stored).unwrap();
    assert!(older.arch_sigkeys.is_empty() && older.embargo.is_none());
}

/// What resolving has rewritten counts, and nothing else.
#[test]
fn records_say_what_was_resolved() {
    let request = accept(&with(
        json!({"arches": ["x86_64"]}),
        json!({"sigkeys": {"*": ["", "ABC"], "x86_64": ["123"]}, "packages": [], "builds": ["ed-1-1"]}),
    ));
    let mut record = crate::compose::Requested::from_request(&request);
    assert_eq!(as_recorded(request.clone(), &record).unwrap(), request);
    // Nothing and an empty list are the same to the engine.
    record.packages = None;
    record.koji_event = Some(7);
    record.source = "something else".to_owned();
    assert_eq!(as_recorded(request.clone(), &record).unwrap(), request);

    let fields = crate::source::ResolvedFields {
        arches: Some(vec!["s390x".parse().unwrap(), "x86_64".parse().unwrap()]),
        builds: Some(vec!["foo-2-2".parse().unwrap()]),
        sigkeys: Some(vec!["abc".parse().unwrap(), KeyOrUnsigned::Unsigned]),
        packages: Some(vec!["foo".parse().unwrap()]),
        ..Default::default()
    };
    let mut rewritten = request.clone();
    fields.rewrite(&mut rewritten);
    assert!(rewritten.arch_sigkeys.is_empty());
    let record = crate::compose::Requested::from_request(&rewritten);
    assert_eq!(
        (record.sigkeys.as_deref(), &*record.arches),
        (Some("abc "), "s390x x86_64")
    );
    assert_eq!(as_recorded(request.clone(), &record).unwrap(), rewritten);

    let record = crate::compose::Requested {
        arches: "vax".to_owned(),
        ..record
    };
    assert_eq!(as_recorded(request, &record).unwrap_err().subject(), "arches");
}

#[test]
fn renewals() {
    let body = json!({"seconds_to_live": 5000, "sigkeys": ["999"], "label": "L-1",
        "source": {"builds": ["n-1-1"], "modules": ["x:y:1:z"]}});
    let parsed = renewal_request(&body).unwrap();
    let renewal = parsed.request;
    assert_eq!(renewal.lifetime.unwrap().seconds(), 5000);
    assert_eq!(
        (renewal.sigkeys.unwrap().len(), renewal.builds.unwrap().len()),
        (1, 1)
    );
    assert_eq!(
        (renewal.label.unwrap().as_str(), renewal.modules.unwrap().len()),
        ("L-1", 1)
    );
    assert!(parsed.warnings.is_empty());
    assert_eq!(
        renewal_request(&json!({})).unwrap().request,
        crate::request::Renewal::default()
    );
    let ignored = json!({"flags": ["nope"], "source": {"type": "repo", "source": "x"}});
    assert_eq!(renewal_request(&ignored).unwrap().warnings.len(), 3);
    for (wrong, field) in [
        (json!({"source": "modules"}), "source"),
        (json!({"source": null}), "source"),
        (json!({"sigkeys": "a"}), "sigkeys"),
        (json!({"sigkeys": [1]}), "sigkeys"),
        (json!({"label": "a(b"}), "label"),
        (json!({"source": {"builds": "a"}}), "builds"),
        (json!({"source": {"source": "a\tb"}}), "source"),
        (
            json!({"lookaside_repos": ["http://localhost/?a=b"]}),
            "lookaside_repos",
        ),
        (json!({"seconds_to_live": -1}), "seconds_to_live"),
        (json!([]), "body"),
    ] {
        assert_eq!(renewal_request(&wrong).unwrap_err().subject(), field);
    }
}

#[test]
fn a_custom_source_survives_storage() {
    let kinds = [SourceKind::custom("conda", 100).unwrap()];
    let body = json!({"source": {"type": "conda", "source": "any = text"}});
    let request = compose_request(&body, &kinds).unwrap().request;
    let stored = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<ComposeRequest>(&stored).unwrap(), request);
}
