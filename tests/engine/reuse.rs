//! Equal composes share a tree.

use std::time::Duration;

use odcs_core::engine::Shutdown;
use odcs_core::request::{Flag, Lifetime};
use odcs_core::{Compose, ComposeId, ComposeRequest, ComposeState, ComposeStore};
use odcs_rpm::compression::WriteCompression;
use odcs_storage::RepodataSettings;

use crate::support::{Call, Lab};

async fn made(lab: &Lab, request: ComposeRequest) -> Compose {
    lab.engine.submit(request, "me").await.unwrap();
    let compose = lab.run_one().await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    compose
}

#[tokio::test]
async fn the_same_once_more_uses_the_tree_that_is_there() {
    let lab = Lab::new().await;
    let first = made(&lab, lab.request(&["ed", "line-editor-common"])).await;
    let mut request = lab.request(&["line-editor-common", "ed", "ed"]);
    request.lifetime = Some(Lifetime::from_seconds(200_000).unwrap());
    let second = made(&lab, request).await;
    assert_ne!(first.id, second.id);
    assert_eq!(second.reused_id, Some(first.id));
    assert_eq!(second.pungi_compose_id, first.pungi_compose_id);
    assert!(!lab.target(second.id, "compose").exists());
    let links = lab.engine.links();
    assert_eq!(links.result_repofile(&second), links.result_repofile(&first));
    // The tree must be there as long as the longer of both.
    let first = lab.get(first.id).await;
    assert_eq!(first.times.expires, second.times.expires);
    // A third uses the tree, not the second's, which has none.
    let third = made(&lab, lab.request(&["ed", "line-editor-common"])).await;
    assert_eq!(third.reused_id, Some(first.id));
    assert_eq!(
        lab.store.manifest(third.id).await.unwrap(),
        lab.store.manifest(first.id).await.unwrap()
    );
}

#[tokio::test]
async fn whatever_shows_in_a_compose_makes_it_another() {
    let lab = Lab::new().await;
    let base = || lab.request(&["ed"]);
    let first = made(&lab, base()).await;
    let mut without_reuse = first.id;
    let mut others = Vec::new();
    let mut vary = |change: fn(&mut ComposeRequest)| {
        let mut request = base();
        change(&mut request);
        others.push(request);
    };
    vary(|request| request.packages = Some(vec!["line-editor-common".parse().unwrap()]));
    vary(|request| request.arches = vec!["aarch64".parse().unwrap()]);
    vary(|request| request.flags = [Flag::NoDeps].into_iter().collect());
    vary(|request| request.flags = [Flag::NoReuse].into_iter().collect());
    vary(|request| request.label = Some("RC-1.0".parse().unwrap()));
    vary(|request| request.compose_type = "nightly".parse().unwrap());
    vary(|request| request.sigkeys = Some(vec!["".parse().unwrap()]));
    for request in others {
        let other = made(&lab, request.clone()).await;
        if request.flags.contains(Flag::NoReuse) {
            without_reuse = other.id;
        }
        assert_eq!(other.reused_id, None, "{request:?}");
        assert!(lab.target(other.id, "compose").is_dir());
    }
    // Those that were made without looking for others are as good as any.
    let again = made(&lab, base()).await.reused_id;
    assert!(
        again == Some(first.id) || again == Some(without_reuse),
        "{again:?}"
    );
}

/// The `.repo` file of a tree names the URL that it was made for.
#[tokio::test]
async fn a_tree_that_was_made_for_another_url_is_not_used() {
    let lab = Lab::new().await;
    made(&lab, lab.request(&["ed"])).await;
    let moved = lab.engine_at("https://composes.example.com");
    let submitted = moved.submit(lab.request(&["ed"]), "me").await.unwrap();
    let compose = moved.worker().run_one().await.unwrap().unwrap();
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    let id = submitted.compose.id;
    let file = format!(
        "compose/Temporary/{}.repo",
        compose.reused_id.unwrap_or(id).name()
    );
    let file = lab.target(compose.reused_id.unwrap_or(id), &file);
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("baseurl=https://composes.example.com/"), "{text}");
}

#[tokio::test]
async fn a_tree_that_was_laid_out_in_another_way_is_not_used() {
    let lab = Lab::new().await;
    let first = made(&lab, lab.request(&["ed"])).await;
    let again = async |repodata| {
        let engine = lab.engine_with(repodata);
        engine.submit(lab.request(&["ed"]), "me").await.unwrap();
        let compose = engine.worker().run_one().await.unwrap().unwrap();
        assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
        compose.reused_id
    };
    let gzip = RepodataSettings::default();
    assert_eq!(again(gzip).await, Some(first.id));
    assert_eq!(again(gzip.with_compression(WriteCompression::Zstd)).await, None);
    assert_eq!(again(gzip.with_filelists_ext(true)).await, None);
}

#[tokio::test]
async fn a_repository_that_changed_gives_another_compose() {
    let lab = Lab::new().await;
    std::fs::remove_dir_all(lab.repository.join("repodata")).unwrap();
    let first = made(&lab, lab.request(&["ed"])).await;
    assert_eq!(made(&lab, lab.request(&["ed"])).await.reused_id, Some(first.id));
    // The same name and size, another file.
    let package = lab.repository.join("Packages/ed-1.20-1.x86_64.rpm");
    let bytes = std::fs::read(&package).unwrap();
    std::fs::remove_file(&package).unwrap();
    std::fs::write(&package, bytes).unwrap();
    assert_eq!(made(&lab, lab.request(&["ed"])).await.reused_id, None);
}

#[tokio::test]
async fn trees_that_are_gone_or_spoiled_are_not_used() {
    let lab = Lab::new().await;
    let first = made(&lab, lab.request(&["ed"])).await;
    std::fs::write(lab.target(first.id, "STATUS"), "DOOMED\n").unwrap();
    let second = made(&lab, lab.request(&["ed"])).await;
    assert_eq!(second.reused_id, None);
    for id in [first.id, second.id] {
        lab.engine.delete(id, "me").await.unwrap();
    }
    lab.engine.sweeper(lab.trees()).sweep().await.unwrap();
    assert_eq!(made(&lab, lab.request(&["ed"])).await.reused_id, None);
}

#[tokio::test]
async fn a_tree_goes_with_its_last_user() {
    let lab = Lab::new().await;
    let first = made(&lab, lab.request(&["ed"])).await;
    let second = made(&lab, lab.request(&["ed"])).await;
    let sweeper = lab.engine.sweeper(lab.trees());
    lab.engine.delete(first.id, "me").await.unwrap();
    let swept = sweeper.sweep().await.unwrap();
    assert_eq!(swept.removed, [first.id]);
    assert!(lab.target(first.id, "compose").is_dir(), "the second needs it");
    // It may still be used by a third.
    let third = made(&lab, lab.request(&["ed"])).await;
    assert_eq!(third.reused_id, Some(first.id));
    for id in [second.id, third.id] {
        lab.engine.delete(id, "me").await.unwrap();
    }
    sweeper.sweep().await.unwrap();
    assert!(!lab.target_dir.join(first.id.name()).exists());
    assert!(!lab.target_dir.join(second.id.name()).exists());
}

/// One that is equal to one under way waits for it: what becomes of it decides.
async fn while_the_second_waits(end: impl AsyncFn(&Lab, ComposeId)) -> (Lab, Compose, Compose) {
    let lab = Lab::new().await;
    let first = lab.submit(&["ed"]).await;
    // As long as its manifest cannot be recorded, it is being made.
    lab.store.fail(Call::RecordManifest, usize::MAX, crate::busy);
    let shutdown = Shutdown::default();
    let run = |engine: odcs_core::Engine| {
        let (worker, shutdown) = (engine.worker(), shutdown.clone());
        tokio::spawn(async move { worker.run(shutdown).await })
    };
    let one = run(lab.engine.clone());
    let says = |id: ComposeId, text: &str| {
        let log = std::fs::read_to_string(lab.target(id, "pungi-stderr.log"));
        log.is_ok_and(|log| log.contains(text))
    };
    while !says(first, "reading it back") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = lab.submit(&["ed"]).await;
    let other = run(lab.another_engine());
    while !says(second, "waiting for it") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    end(&lab, first).await;
    lab.store.fail(Call::RecordManifest, 0, crate::busy);
    while lab.get(second).await.state.is_unfinished() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    shutdown.drain.cancel();
    one.await.unwrap();
    other.await.unwrap();
    let (first, second) = (lab.get(first).await, lab.get(second).await);
    assert_eq!(second.state, ComposeState::Done, "{second:?}");
    (lab, first, second)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_being_made_is_waited_for() {
    let (lab, first, second) = while_the_second_waits(async |_, _| {}).await;
    assert_eq!(first.state, ComposeState::Done);
    assert_eq!((first.reused_id, second.reused_id), (None, Some(first.id)));
    assert!(!lab.target(second.id, "compose").exists());
}

/// If the one that is waited for fails, it is made after all.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_after_all_is_not_waited_for_any_longer() {
    let cancel = async |lab: &Lab, first: ComposeId| {
        lab.engine.delete(first, "me").await.unwrap();
    };
    let (lab, first, second) = while_the_second_waits(cancel).await;
    assert_eq!(first.state, ComposeState::Failed);
    assert_eq!(second.reused_id, None);
    assert!(lab.target(second.id, "compose").is_dir());
}
