//! What goes wrong on servers elsewhere, and places that nobody is led to.

use serde_json::{Value, json};
use test_support::http::{self, Behaviour};

use super::Lab;

const PACKAGE: &str = "/repo/Packages/ed-1.20-1.x86_64.rpm";

/// Few attempts, so that a test need not wait.
const IMPATIENT: &str = "fetch_attempts = 2\nfetch_timeout = 2\n";

#[track_caller]
fn failed(lab: &Lab, compose: &Value, says: &[&str]) {
    assert_eq!(compose["state_name"], "failed", "{compose}");
    let reason = compose["state_reason"].as_str().unwrap();
    for says in says {
        assert!(reason.contains(says), "{says:?} is not in: {reason}");
    }
    assert!(!reason.contains('\n') && reason.len() < 700, "{reason}");
    lab.is_clean();
}

#[tokio::test]
async fn a_server_that_dies_and_comes_back() {
    let lab = Lab::new(IMPATIENT);
    // The checksum is known: nothing else has to say that it is still the same file.
    let cut = Behaviour::CutAfter(1000).and(Behaviour::NoValidators);
    lab.www.on(PACKAGE, cut.once());
    lab.www.on(PACKAGE, Behaviour::NoValidators);
    let compose = lab.compose("/repo", &["ed"]).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    let requests = lab.www.requests_for(PACKAGE);
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert_eq!(requests[1].range(), Some("bytes=1000-"), "it goes on from there");
}

#[tokio::test]
async fn a_server_that_stays_away() {
    let lab = Lab::new(IMPATIENT);
    lab.www.on(PACKAGE, Behaviour::Status(503));
    let compose = lab.compose("/repo", &["ed"]).await;
    failed(
        &lab,
        &compose,
        &[
            "ed-0:1.20-1.x86_64 could not be fetched",
            &lab.www.url(PACKAGE),
            "503",
        ],
    );
    assert_eq!(lab.www.requests_for(PACKAGE).len(), 2);
    // Later, what was fetched for the first attempt is there.
    lab.www.behave();
    lab.www.forget();
    let compose = lab.compose("/repo", &["ed"]).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    assert!(lab.fetched().contains(&"ed-1.20-1.x86_64.rpm".to_owned()));
    let all = lab.fetched().len();
    let log = lab.log(2);
    assert!(log.contains(&format!("{all} fetched (")), "{all}: {log}");
}

#[tokio::test]
async fn other_bytes_than_the_repository_lists() {
    let lab = Lab::new(IMPATIENT);
    let path = lab.service.dir.path().join(format!("www{PACKAGE}"));
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    lab.www.put(PACKAGE, &bytes);
    let compose = lab.compose("/repo", &["ed"]).await;
    failed(
        &lab,
        &compose,
        &["ed-0:1.20-1.x86_64 could not be fetched", &lab.www.url(PACKAGE)],
    );
    lab.www.on("/repo/repodata/repomd.xml", Behaviour::Html(200));
    let compose = lab.compose("/repo", &["ed"]).await;
    failed(&lab, &compose, &["repomd.xml", "web page"]);
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_at_once() {
    let lab = Lab::new("");
    let elsewhere = http::Server::of_directory(lab.service.dir.path().join("www"));
    for (field, body) in [
        (
            "source",
            json!({"source": {"type": "repo", "source": elsewhere.url("/repo")}}),
        ),
        (
            "source",
            json!({"source": {"type": "repo", "source": "http://169.254.169.254/latest/"}}),
        ),
        (
            "lookaside_repos",
            json!({
                "source": {"type": "repo", "source": lab.www.url("/repo")},
                "lookaside_repos": [elsewhere.url("/repo/$basearch")],
            }),
        ),
    ] {
        let answer = lab.service.post(&body).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(field), "{message}");
    }
    let refused = lab.service.odcs(["create-repo", &elsewhere.url("/repo"), "ed"]);
    assert_eq!(refused.status.code(), Some(255), "{refused:?}");
    assert_eq!((elsewhere.connections(), lab.www.connections()), (0, 0));
}

#[tokio::test]
async fn redirects_lead_nowhere_else() {
    let lab = Lab::new(IMPATIENT);
    let elsewhere = http::Server::of_directory(lab.service.dir.path().join("www"));
    lab.www
        .on(PACKAGE, Behaviour::Redirect(302, elsewhere.url(PACKAGE)));
    let compose = lab.compose("/repo", &["ed"]).await;
    failed(
        &lab,
        &compose,
        &["ed-0:1.20-1.x86_64 could not be fetched", &elsewhere.url(PACKAGE)],
    );
    lab.www.on(
        "/repo/repodata/repomd.xml",
        Behaviour::Redirect(301, "http://[::1]:1/".to_owned()),
    );
    let compose = lab.compose("/repo", &["ed"]).await;
    failed(&lab, &compose, &["http://[::1]:1/"]);
    assert_eq!(elsewhere.connections(), 0);
    // Within the list they are followed.
    lab.www.behave();
    lab.www.on("/other/*", Behaviour::Status(404));
    lab.www.on(
        "/moved/repodata/repomd.xml",
        Behaviour::Redirect(302, "/repo/repodata/repomd.xml".to_owned()),
    );
    let compose = lab.compose("/other", &["ed"]).await;
    failed(&lab, &compose, &[&lab.www.url("/other"), "repodata/repomd.xml"]);
}

#[tokio::test]
async fn a_store_that_is_too_small_says_so() {
    let lab = Lab::with(&format!("{IMPATIENT}store_bytes = \"1 MiB\"\n"), |www| {
        let big = |name: &str| super::package(name, "x86_64").with_file("/usr/share/noise", noise(800 << 10));
        super::repository(&www.join("repo"), vec![big("one"), big("two")]);
    });
    if !crate::support::has("createrepo_c") {
        return;
    }
    let compose = lab.compose("/repo", &["*"]).await;
    failed(&lab, &compose, &["could not be fetched", "store_bytes"]);
}

/// Bytes that no compression makes fewer of.
fn noise(length: usize) -> Vec<u8> {
    let states = std::iter::successors(Some(88_172_645_463_325_252_u64), |state| {
        let state = state ^ (state << 13);
        let state = state ^ (state >> 7);
        Some(state ^ (state << 17))
    });
    states.map(|state| state.to_le_bytes()[3]).take(length).collect()
}
