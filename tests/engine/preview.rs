//! Dry runs: they find what a compose would, and leave nothing behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use odcs_core::service::{Outlook, Preview};
use odcs_core::why::{End, Reasons};
use odcs_core::{ComposeState, ComposeStore, Engine, ErrorKind};
use tokio::sync::Semaphore;

use crate::repositories::{Repositories, made, package, request};
use crate::support::{Lab, entries};

fn foreseen(preview: Preview) -> Vec<(String, Vec<String>)> {
    let Outlook::Made { packages, .. } = preview.outlook else {
        panic!("it would fail: {:?}", preview.outlook)
    };
    let packages = packages.into_iter().map(|package| {
        let whys = package.why.iter().map(|(arch, why)| format!("{arch}: {why}"));
        (package.nevra.to_string(), whys.collect())
    });
    packages.collect()
}

#[tokio::test]
async fn what_is_foreseen_is_what_is_made() {
    let lab = Lab::new().await;
    let repos = Repositories::of(&lab);
    let app = package("app", "x86_64")
        .with_requires("lib")
        .with_requires("tool");
    let tool = package("tool", "x86_64").with_requires("low");
    let all = vec![app, tool, package("low", "x86_64"), package("lib", "x86_64")];
    let repo = repos.write("apps", all);
    repos.write("base", vec![package("lib", "x86_64")]);
    let asked = request(&lab, &repo, &["a*"], &[repos.url("base")]);
    let before = entries(&lab.target_dir);

    let preview = lab.engine.preview(asked.clone()).await.unwrap();
    let log = preview.log.join("\n");
    assert!(log.contains("gather: x86_64: 3 packages"), "{log}");
    let foreseen = foreseen(preview);
    assert_eq!(entries(&lab.target_dir), before);
    assert_eq!(lab.store.counts().await.unwrap(), []);

    let compose = made(&lab, asked).await;
    assert_eq!(
        (compose.id.number(), compose.state),
        (1, ComposeState::Done),
        "{compose:?}"
    );
    let manifest = lab.store.manifest(compose.id).await.unwrap().unwrap();
    let recorded = manifest.packages.iter().map(|package| {
        let whys = package.why.iter().map(|(arch, why)| format!("{arch}: {why}"));
        (package.nevra.to_string(), whys.collect())
    });
    assert_eq!(foreseen, recorded.collect::<Vec<_>>());
    // Every chain ends at the request.
    let reasons = Reasons::of(&manifest);
    for package in &manifest.packages {
        for arch in &package.arches {
            assert_eq!(reasons.chain(&package.nevra, arch).unwrap().end, End::Request);
        }
    }
    let low = manifest
        .packages
        .iter()
        .find(|it| it.nevra.name().as_str() == "low");
    let low = low.unwrap();
    assert_eq!(
        reasons.chain(&low.nevra, &low.arches[0]).unwrap().to_string(),
        "app-1-1.x86_64 was asked for by a*\napp-1-1.x86_64 requires tool\ntool-1-1.x86_64 requires low"
    );
}

#[tokio::test]
async fn what_would_fail_fails_with_that_reason() {
    let lab = Lab::new().await;
    for names in [&["emacs"][..], &["-ed"]] {
        let preview = lab.engine.preview(lab.request(names)).await.unwrap();
        let Outlook::Failed { reason } = preview.outlook else {
            panic!("{:?}", preview.outlook)
        };
        lab.submit(names).await;
        assert_eq!(lab.run_one().await.state_reason, Some(reason));
    }
    // What no compose is recorded for is refused here, too.
    let mut wrong = lab.request(&["ed"]);
    wrong.target_dir = "elsewhere".parse().unwrap();
    let error = lab.engine.preview(wrong).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn signatures_are_left_to_the_compose() {
    let lab = Lab::new().await;
    let mut request = lab.request(&["ed"]);
    request.sigkeys = Some(vec!["9f8d0467".parse().unwrap()]);
    let preview = lab.engine.preview(request).await.unwrap();
    assert!(preview.warnings[0].contains("signed"), "{:?}", preview.warnings);
}

/// Holds up whoever reads the source until permits are added.
fn held_up(lab: &Lab) -> Arc<Semaphore> {
    let gate = Arc::new(Semaphore::new(0));
    lab.source.before_content({
        let gate = Arc::clone(&gate);
        move || {
            let gate = Arc::clone(&gate);
            Box::pin(async move { gate.acquire().await.unwrap().forget() })
        }
    });
    gate
}

async fn until_free(engine: &Engine, lab: &Lab) {
    let begun = Instant::now();
    while let Err(error) = engine.preview(lab.request(&["ed"])).await {
        assert!(begun.elapsed() < Duration::from_secs(20), "{error}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn only_so_many_are_worked_out_at_once() {
    let lab = Lab::new().await;
    let gate = held_up(&lab);
    let ask = || {
        let (engine, request) = (lab.engine.clone(), lab.request(&["ed"]));
        tokio::spawn(async move { engine.preview(request).await })
    };
    let asked = [ask(), ask()];
    let refused = loop {
        match lab.engine.preview(lab.request(&["ed"])).await {
            Err(error) if error.is_retryable() => break error,
            other => assert!(other.is_err(), "{other:?}"),
        }
    };
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert!(refused.message().contains("2 dry runs"), "{refused}");
    // Who goes away does not make room while the work that they left is still being done.
    for one in asked {
        one.abort();
        let _ = one.await;
    }
    let refused = lab.engine.preview(lab.request(&["ed"])).await.unwrap_err();
    assert!(refused.is_retryable());
    gate.add_permits(1_000);
    until_free(&lab.engine, &lab).await;
}

#[tokio::test]
async fn a_dry_run_has_its_time() {
    let lab = Lab::new().await;
    let gate = held_up(&lab);
    let begun = Instant::now();
    let error = lab.engine.preview(lab.request(&["ed"])).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, false)
    );
    assert!(error.message().contains("longer than 2 s"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    gate.add_permits(1_000);
    until_free(&lab.engine, &lab).await;
}
