//! The type, what it can, and what it refuses at once.

use std::thread;

use super::{Cases, Subject, errors, must_fail};
use crate::request::{ComposeRequest, Embargo, SourceKind};
use crate::source::{Pins, SourceRegistry};
use crate::{ErrorKind, Result};

/// The name and the number belong together, for all instances.
pub(super) fn the_type_is_one(one: &Subject, other: &Subject, cases: &Cases<'_>) {
    let kind = one.source().kind();
    assert_eq!(kind, one.source().kind(), "the type does not change");
    assert_eq!(kind, other.source().kind(), "the type is that of all instances");
    if !SourceKind::BUILTIN.contains(&kind) {
        SourceKind::custom(kind.name(), kind.number())
            .expect("a type is one of the API, or has a name and a number of its own");
    }
    assert_eq!(one.source().capability(), other.source().capability());
    let requests = [&cases.works].into_iter().chain(&cases.refused);
    for request in requests.chain(&cases.not_found) {
        let written = serde_json::to_string(request).expect("a request has a JSON form");
        let read: ComposeRequest = serde_json::from_str(&written).expect("a request can be read back");
        assert_eq!(read, *request, "a request survives being recorded");
    }
    assert_eq!(cases.works.source.kind(), kind, "the request is one of this type");
    assert!(
        !format!("{:?}", one.source()).is_empty(),
        "it can be shown in logs"
    );
    let mut registry = SourceRegistry::new();
    registry
        .register_shared(one.0.clone())
        .expect("it can be registered");
    let twice = registry.register_shared(other.0.clone());
    let error = twice.expect_err("a type is registered once");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
}

/// Without a runtime, and with the same answer each time: it does not ask anybody.
pub(super) fn checking_is_thinking(subject: &Subject, cases: &Cases<'_>) {
    let check = |request: &ComposeRequest| -> Result<()> {
        let (subject, request) = (subject.clone(), request.clone());
        let thinking = thread::spawn(move || subject.source().check(&request));
        thinking
            .join()
            .expect("checking needs no runtime, and does not panic")
    };
    for request in [&cases.works].into_iter().chain(&cases.not_found) {
        check(request).expect("a request that may work is let through");
        check(request).expect("as the first time");
    }
    for request in &cases.refused {
        let error = must_fail(check(request), "a request that can never work is refused");
        assert!(
            matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Forbidden),
            "what can never work is invalid or forbidden: {error:?}"
        );
        let again = must_fail(check(request), "as the first time");
        assert_eq!(
            (error.kind(), error.message()),
            (again.kind(), again.message()),
            "the answer is the same each time"
        );
    }
}

/// The engine refuses what a capability does not name, but for the event, which means nothing then. Embedders
/// have no such engine in between, perhaps: the source refuses it, too, or pins the same.
pub(super) async fn what_is_off_changes_nothing(subject: &Subject, cases: &Cases<'_>) {
    let capability = subject.source().capability();
    let plain: Pins = subject.must_resolve(&cases.works).await.pins;
    let mut variants = Vec::new();
    let mut variant = |on: bool, field: &'static str, set: fn(&mut ComposeRequest)| {
        if !on {
            let mut request = cases.works.clone();
            set(&mut request);
            variants.push((field, request));
        }
    };
    variant(capability.packages, "packages", |request| {
        request.packages = "ed".parse().ok().map(|name| vec![name]);
    });
    variant(capability.builds, "builds", |request| {
        request.builds = "ed-1.14.1-2.fc36".parse().ok().map(|nvr| vec![nvr]);
    });
    variant(capability.sigkeys, "sigkeys", |request| {
        request.sigkeys = "fd431d51".parse().ok().map(|key| vec![key]);
    });
    variant(capability.sigkeys, "sigkeys", |request| {
        let keys: Option<_> = "fd431d51".parse().ok().map(|key| vec![key]);
        let arches = request.arches.iter().cloned();
        request.arch_sigkeys = arches.zip(keys).collect();
    });
    variant(capability.scratch_build_tasks, "scratch_build_tasks", |request| {
        request.scratch_build_tasks = "7".parse().ok().map(|task| vec![task]);
    });
    variant(capability.embargo, "embargo", |request| {
        request.embargo = "ed-1.14.1-2.fc36"
            .parse()
            .ok()
            .map(|nvr| Embargo::Builds(vec![nvr]));
    });
    variant(capability.koji_event, "koji_event", |request| {
        request.koji_event = 7.try_into().ok();
    });
    for (field, request) in variants {
        match subject.source().check(&request) {
            Ok(()) => {
                let pins = subject.must_resolve(&request).await.pins;
                assert_eq!(pins, plain, "{field} means nothing to this source");
            }
            Err(error) => {
                errors::is_well_formed(&error);
                assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
                assert_ne!(
                    field, "koji_event",
                    "an event that means nothing is no reason to refuse"
                );
            }
        }
    }
}
