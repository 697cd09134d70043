//! Drafts: never listed unless they are asked for, whatever a hub says.

use kojihub::{Hub, Value, Wrong};
use odcs_sources::koji::client::{HubSettings, KojiHub, Problem, TaggedBuilds, TaggedRpms};

use crate::faults::{good_listing, listing};
use crate::server::{Answer, Server, fault};

const TAG: &str = "lab-candidate";
const DRAFT: &str = "lab-draft-1.0-1,draft_28";

fn ask(hub: &Hub) -> KojiHub {
    let mut settings = HubSettings::new(hub.url().parse().unwrap());
    settings.attempts = 1;
    KojiHub::new(settings).unwrap()
}

/// What was said of drafts in each listing since the last time.
fn asked(hub: &Hub) -> Vec<Option<Value>> {
    let calls = hub.calls();
    hub.forget();
    calls.iter().map(|call| call.named("draft").cloned()).collect()
}

fn has_draft(listing: &odcs_sources::koji::client::RpmListing) -> bool {
    let is_it = |nvr: &dyn ToString| nvr.to_string() == DRAFT;
    listing.rpms.iter().any(|rpm| rpm.draft) || listing.builds.iter().any(|of| is_it(&of.build.nvr))
}

#[tokio::test]
async fn hubs_that_do_not_know_drafts_are_asked_without() {
    let server = Server::new();
    let hub = server.hub();
    server.answer([
        fault(1, "TypeError: unexpected keyword argument 'draft'"),
        Answer::value(&good_listing()),
    ]);
    assert_eq!(
        hub.tagged_rpms(&TaggedRpms::new("f42")).await.unwrap().rpms.len(),
        2
    );
    assert_eq!(server.asked().len(), 2);
    // It is remembered.
    hub.tagged_rpms(&TaggedRpms::new("f42")).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert!(!String::from_utf8_lossy(&asked[0].body).contains("draft"));
    // What is wrong in another way is said, and nothing is learned from it.
    let hub = server.hub();
    server.answer([fault(1000, "No such tagInfo: 'x'")]);
    assert!(
        hub.tagged_rpms(&TaggedRpms::new("x"))
            .await
            .unwrap_err()
            .is_fault(1000)
    );
    server.asked();
    server.answer([Answer::value(&good_listing())]);
    hub.tagged_rpms(&TaggedRpms::new("f42")).await.unwrap();
    assert!(String::from_utf8_lossy(&server.asked()[0].body).contains("draft"));
}

/// A database that timed out, once: the hub would list drafts if it were asked without the argument.
#[tokio::test]
async fn faults_that_pass_say_nothing_about_drafts() {
    let double = Hub::start();
    let query = TaggedRpms::new(TAG);
    let mut with_drafts = query.clone();
    with_drafts.drafts = true;
    let hub = ask(&double);
    assert!(has_draft(&hub.tagged_rpms(&with_drafts).await.unwrap()));
    let usual = hub.tagged_rpms(&query).await.unwrap();
    assert!(!has_draft(&usual));
    asked(&double);
    let no = Some(Value::from(false));
    for code in [1, 1000, 1019] {
        let hub = ask(&double);
        let text = "canceling statement due to statement timeout";
        double.on(Wrong::Fault(code, text.into()).of("listTaggedRPMS").times(1));
        let error = hub.tagged_rpms(&query).await.unwrap_err();
        assert!(
            error.is_fault(code) && error.to_string().contains(text),
            "{error}"
        );
        assert_eq!(asked(&double), [no.clone(), None]);
        // It has passed, and drafts are left out as before.
        assert_eq!(hub.tagged_rpms(&query).await.unwrap(), usual);
        assert_eq!(asked(&double), [Some(Value::from(false))]);

        double.on(Wrong::Fault(code, text.into()).of("listTagged").times(1));
        let query = TaggedBuilds::new(TAG);
        assert!(hub.tagged_builds(&query).await.unwrap_err().is_fault(code));
        let builds = hub.tagged_builds(&query).await.unwrap();
        assert!(builds.iter().all(|tagged| !tagged.build.draft));
        assert_eq!(asked(&double), [no.clone(), None, no.clone()]);
    }
}

#[tokio::test]
async fn a_hub_that_learns_about_drafts_is_asked_to_leave_them_out() {
    let double = Hub::start();
    let hub = ask(&double);
    let query = TaggedRpms::new(TAG);
    let refusal = "listTaggedRPMS() got an unexpected keyword argument 'draft'";
    double.on(Wrong::Fault(1019, refusal.into()).times(1));
    double.on(Wrong::NoField("draft"));
    hub.tagged_rpms(&query).await.unwrap();
    hub.tagged_rpms(&query).await.unwrap();
    let no = Some(Value::from(false));
    assert_eq!(asked(&double), [no.clone(), None, None]);
    double.behave();
    for times in [2, 1] {
        assert!(!has_draft(&hub.tagged_rpms(&query).await.unwrap()));
        let asked = asked(&double);
        assert_eq!(asked.len(), times);
        assert_eq!(asked.last(), Some(&no));
    }
}

/// Where it stands there may be no other build of its package.
#[tokio::test]
async fn a_draft_that_was_not_asked_for_is_an_error_that_names_it() {
    let double = Hub::start();
    let hub = ask(&double);
    double.on(Wrong::Field("draft", Value::from(true)));
    let error = hub.tagged_rpms(&TaggedRpms::new("lab-locked")).await.unwrap_err();
    let Problem::Record { row, reason } = error.problem() else {
        panic!("{error:?}")
    };
    assert!(
        row.starts_with("build lab-") && reason.contains("draft"),
        "{error}"
    );
    assert!(!error.is_retryable());
    let error = hub
        .tagged_builds(&TaggedBuilds::new("lab-locked"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("build lab-"), "{error}");
    // One that only the RPMs are said to be of.
    let arch = "<member>\n<name>arch</name>";
    let draft = format!("<member><name>draft</name><value><boolean>1</boolean></value></member>{arch}");
    let server = Server::with(Answer::value(&good_listing().replacen(arch, &draft, 1)));
    let hub = server.hub();
    let mut query = TaggedRpms::new("f42");
    let error = hub.tagged_rpms(&query).await.unwrap_err();
    assert!(
        error.to_string().contains("build ed-2.0-1: it is a draft"),
        "{error}"
    );
    query.drafts = true;
    assert_eq!(hub.tagged_rpms(&query).await.unwrap().rpms.len(), 2);
}

#[tokio::test]
async fn nothing_is_learned_from_an_empty_listing() {
    let server = Server::new();
    let hub = server.hub();
    let query = TaggedRpms::new("f42");
    server.answer([fault(1, "timeout"), Answer::value(&listing(&[], &[]))]);
    assert!(hub.tagged_rpms(&query).await.unwrap().rpms.is_empty());
    server.asked();
    server.answer([Answer::value(&good_listing())]);
    hub.tagged_rpms(&query).await.unwrap();
    assert!(String::from_utf8_lossy(&server.asked()[0].body).contains("draft"));
}
