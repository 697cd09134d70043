//! Lookaside repositories: what they have satisfies requirements, and stays out.

use odcs_core::why::Reason;
use odcs_core::{ComposeState, ComposeStore, Error, ErrorKind};
use rpmgen::PackageSpec;

use crate::repositories::{Repositories, binaries, made, package, request};
use crate::support::{Call, Lab};

#[tokio::test]
async fn what_lookaside_has_stays_out() {
    let lab = Lab::new().await;
    let repos = Repositories::of(&lab);
    let app = package("app", "x86_64")
        .with_requires("lib")
        .with_requires("tool");
    let repo = repos.write(
        "apps",
        vec![app, package("lib", "x86_64"), package("tool", "x86_64")],
    );
    // It brings its own requirement, which the package set has.
    repos.write("base", vec![package("lib", "x86_64")]);
    let asked = request(&lab, &repo, &["app"], &[repos.url("base")]);
    let compose = made(&lab, asked.clone()).await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    assert_eq!(
        binaries(&lab, &compose, "x86_64"),
        ["app-1-1.x86_64.rpm", "tool-1-1.x86_64.rpm"]
    );
    let manifest = lab.store.manifest(compose.id).await.unwrap().unwrap();
    let tool = manifest
        .packages
        .iter()
        .find(|it| it.nevra.name().as_str() == "tool");
    let why = tool.unwrap().why.values().next().unwrap();
    assert_eq!(why.to_string(), "app-1-1.x86_64 requires tool");
    // What satisfied a requirement without being there is known, too.
    let lookaside: Vec<_> = manifest.lookaside.iter().map(|it| it.nevra.nvra()).collect();
    assert_eq!(lookaside, ["lib-1-1.x86_64"]);
    assert_eq!(
        manifest.lookaside[0].why.values().next().unwrap().to_string(),
        "app-1-1.x86_64 requires lib"
    );
    // Renewed from its manifest, it needs no lookaside.
    std::fs::remove_dir_all(repos.0.join("base")).unwrap();
    lab.engine.delete(compose.id, "me").await.unwrap();
    lab.engine.sweeper(lab.trees()).sweep().await.unwrap();
    let renewed = lab
        .engine
        .renew(compose.id, odcs_core::request::Renewal::default(), "me")
        .await;
    let renewed = renewed.unwrap().compose;
    assert_ne!(renewed.id, compose.id);
    let renewed = lab.run_one().await;
    assert_eq!(renewed.state, ComposeState::Done, "{renewed:?}");
    assert_eq!(binaries(&lab, &renewed, "x86_64").len(), 2);
}

#[tokio::test]
async fn each_arch_has_its_own_where_the_url_says_so() {
    let lab = Lab::new().await;
    let repos = Repositories::of(&lab);
    let app = |arch| package("app", arch).with_requires("lib");
    let specs = vec![
        app("x86_64"),
        app("aarch64"),
        package("lib", "x86_64"),
        package("lib", "aarch64"),
    ];
    let repo = repos.write("apps", specs);
    repos.write("base/x86_64", vec![package("lib", "x86_64")]);
    repos.write("base/aarch64", vec![package("other", "aarch64")]);
    let mut asked = request(&lab, &repo, &["app"], &[repos.url("base/$basearch")]);
    asked.arches = vec!["x86_64".parse().unwrap(), "aarch64".parse().unwrap()];
    let compose = made(&lab, asked).await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    assert_eq!(binaries(&lab, &compose, "x86_64"), ["app-1-1.x86_64.rpm"]);
    assert_eq!(
        binaries(&lab, &compose, "aarch64"),
        ["app-1-1.aarch64.rpm", "lib-1-1.aarch64.rpm"]
    );
}

#[tokio::test]
async fn asking_for_what_lookaside_has_fails_and_says_so() {
    let lab = Lab::new().await;
    let repos = Repositories::of(&lab);
    let repo = repos.write("apps", vec![package("app", "x86_64"), package("lib", "x86_64")]);
    repos.write("base", vec![package("lib", "x86_64")]);
    let compose = made(
        &lab,
        request(&lab, &repo, &["app", "lib", "nothing"], &[repos.url("base")]),
    )
    .await;
    assert_eq!(compose.state, ComposeState::Failed);
    let reason = compose.state_reason.unwrap();
    assert!(
        reason.contains("lookaside repositories have them: lib"),
        "{reason}"
    );
    assert!(
        reason.contains("does not have them for x86_64: nothing"),
        "{reason}"
    );
    assert!(!reason.contains("app,"), "{reason}");
}

#[tokio::test]
async fn one_that_is_not_there_fails_the_compose() {
    let lab = Lab::new().await;
    let repos = Repositories::of(&lab);
    let repo = repos.write("apps", vec![package("app", "x86_64")]);
    let compose = made(&lab, request(&lab, &repo, &["app"], &[repos.url("base")])).await;
    assert_eq!(compose.state, ComposeState::Failed);
    let reason = compose.state_reason.unwrap();
    assert!(
        reason.contains("lookaside_repos") && reason.contains("base on the server"),
        "{reason}"
    );
}

#[tokio::test]
async fn one_that_changed_after_an_attempt_that_died_is_pinned_again() {
    let lab = Lab::new().await;
    let repos = Repositories::of(&lab);
    let app = package("app", "x86_64").with_requires("lib");
    let repo = repos.write("apps", vec![app, package("lib", "x86_64")]);
    repos.write("base", vec![package("other", "x86_64")]);
    let busy = || Error::new(ErrorKind::Unavailable, "test", "store", "the database is busy");
    lab.store.fail(Call::RecordManifest, usize::MAX, busy);
    let compose = made(&lab, request(&lab, &repo, &["app"], &[repos.url("base")])).await;
    assert_eq!(compose.state, ComposeState::Wait, "{compose:?}");
    lab.store.fail(Call::RecordManifest, 0, busy);
    repos.write("base", vec![package("lib", "x86_64")]);
    let compose = lab.run_one().await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    assert_eq!(binaries(&lab, &compose, "x86_64"), ["app-1-1.x86_64.rpm"]);
}

#[tokio::test]
async fn what_may_not_be_read_is_refused_at_submission() {
    let lab = Lab::new().await;
    let repos = Repositories::of(&lab);
    let repo = repos.write("apps", vec![package("app", "x86_64")]);
    for url in [
        "file:///etc",
        "file:///$basearch",
        "https://example.com/repo",
        "file://host/srv",
    ] {
        let asked = request(&lab, &repo, &["app"], &[url.to_owned()]);
        let error = lab.engine.submit(asked, "me").await.unwrap_err();
        assert_eq!(
            (error.kind(), error.subject()),
            (ErrorKind::Invalid, "lookaside_repos"),
            "{url}: {error}"
        );
    }
    let up = request(&lab, &repo, &["app"], &[format!("{}/../..", repos.url("apps"))]);
    let error = lab.engine.submit(up, "me").await.unwrap_err();
    assert_eq!(error.subject(), "lookaside_repos", "{error}");
}

#[tokio::test]
async fn a_chain_of_reasons_may_lead_through_lookaside() {
    let lab = Lab::new().await;
    let repos = Repositories::of(&lab);
    let repo = repos.write(
        "apps",
        vec![
            package("app", "x86_64").with_requires("lib"),
            PackageSpec::source("lib", "1", "1", "x86_64"),
        ],
    );
    repos.write("base", vec![package("lib", "x86_64")]);
    let compose = made(&lab, request(&lab, &repo, &["app"], &[repos.url("base")])).await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    let manifest = lab.store.manifest(compose.id).await.unwrap().unwrap();
    for package in &manifest.packages {
        let mut why = package.why.values().next();
        let mut steps = 0;
        while let Some(by) = why.and_then(|why| why.by.as_ref()) {
            let here = manifest.packages.iter().map(|it| (&it.nevra, &it.why));
            let mut all = here.chain(manifest.lookaside.iter().map(|it| (&it.nevra, &it.why)));
            why = all
                .find(|(nevra, _)| *nevra == by)
                .and_then(|(_, why)| why.values().next());
            steps += 1;
            assert!(steps < 10);
        }
        let end = &why.expect("the chain ends at a request").reason;
        assert!(matches!(end, Reason::Asked { .. }), "{end:?}");
    }
}
