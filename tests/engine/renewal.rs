//! Keeping composes longer, and making them once more.

use std::collections::BTreeMap;
use std::process::Command;

use odcs_core::request::{Flag, Lifetime, Renewal};
use odcs_core::{Compose, ComposeId, ComposeState, ComposeStore, ErrorKind};

use rpmgen::{Layout, PackageKind, PackageSpec};

use crate::support::Lab;

async fn done(lab: &Lab) -> Compose {
    lab.submit(&["ed"]).await;
    let compose = lab.run_one().await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    compose
}

fn for_seconds(seconds: u64) -> Renewal {
    Renewal {
        lifetime: Some(Lifetime::from_seconds(seconds).unwrap()),
        ..Renewal::default()
    }
}

async fn remove(lab: &Lab, id: ComposeId) {
    lab.engine.delete(id, "me").await.unwrap();
    lab.engine.sweeper(lab.trees()).sweep().await.unwrap();
    assert_eq!(lab.get(id).await.state, ComposeState::Removed);
    assert!(!lab.target_dir.join(id.name()).exists());
}

#[tokio::test]
async fn one_that_is_done_is_kept_longer_and_never_shorter() {
    let lab = Lab::new().await;
    let first = done(&lab).await;
    let second = done(&lab).await;
    assert_eq!(second.reused_id, Some(first.id));
    let longer = lab
        .engine
        .renew(second.id, for_seconds(200_000), "you")
        .await
        .unwrap();
    assert_eq!(longer.compose.id, second.id);
    assert_eq!(longer.compose.owner, "me");
    assert!(longer.compose.times.expires > second.times.expires);
    assert_eq!(
        lab.get(first.id).await.times.expires,
        longer.compose.times.expires,
        "they share a tree"
    );
    let shorter = lab.engine.renew(first.id, for_seconds(10), "you").await.unwrap();
    assert_eq!(shorter.compose.times.expires, longer.compose.times.expires);
    // No longer than is allowed.
    let longest = lab
        .engine
        .renew(first.id, for_seconds(1_000_000_000), "you")
        .await
        .unwrap();
    let kept = longest
        .compose
        .times
        .expires
        .since(longest.compose.times.done.unwrap());
    assert!(kept.as_secs() < 259_200 + 60, "{kept:?}");
}

#[tokio::test]
async fn what_has_not_ended_cannot_be_renewed() {
    let lab = Lab::new().await;
    let id = lab.submit(&["ed"]).await;
    for id in [id, ComposeId::new(99)] {
        let error = lab.engine.renew(id, Renewal::default(), "me").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains(&id.to_string()), "{error}");
    }
}

/// All files of a tree but the logs, with the id of the compose taken out of names and texts.
fn published(lab: &Lab, compose: &Compose) -> BTreeMap<String, Vec<u8>> {
    let top = lab.target(compose.id, "compose");
    let name = compose.id.name();
    test_support::contents(&top)
        .into_iter()
        .map(|(path, bytes)| {
            let is_named = !path.ends_with(".rpm") && !path.contains("/repodata/");
            let bytes = match String::from_utf8(bytes) {
                Ok(text) if is_named => text.replace(&name, "odcs-N").into_bytes(),
                Ok(text) => text.into_bytes(),
                Err(error) => error.into_bytes(),
            };
            (path.replace(&name, "odcs-N"), bytes)
        })
        .collect()
}

#[tokio::test]
async fn one_that_is_gone_is_made_once_more_byte_for_byte() {
    for with_repodata in [true, false] {
        let lab = Lab::new().await;
        if !with_repodata {
            std::fs::remove_dir_all(lab.repository.join("repodata")).unwrap();
        }
        let old = done(&lab).await;
        let before = published(&lab, &old);
        remove(&lab, old.id).await;
        // The repository goes on: a fresh compose would take this in, the replay must not.
        let package = lab.repository.join("Packages/ed-1.20-1.x86_64.rpm");
        std::fs::copy(&package, lab.repository.join("Packages/a-copy.rpm")).unwrap();
        std::fs::remove_dir_all(lab.repository.join("repodata")).ok();
        let renewed = lab.engine.renew(old.id, Renewal::default(), "you").await.unwrap();
        assert!(renewed.compose.id > old.id);
        assert_eq!(renewed.compose.owner, "you");
        assert_eq!(renewed.compose.requested.respin_of, old.pungi_compose_id);
        assert_eq!(renewed.compose.requested.koji_event, old.requested.koji_event);
        let new = lab.run_one().await;
        assert_eq!(new.state, ComposeState::Done, "{new:?}");
        assert_eq!(published(&lab, &new), before);
        let manifests = [old.id, new.id].map(|id| lab.store.manifest(id));
        let [first, second] = manifests;
        assert_eq!(first.await.unwrap(), second.await.unwrap());
    }
}

#[tokio::test]
async fn what_cannot_be_replayed_says_what_is_gone() {
    let lab = Lab::new().await;
    let old = done(&lab).await;
    remove(&lab, old.id).await;
    let package = lab.repository.join("Packages/ed-1.20-1.x86_64.rpm");
    let mut bytes = std::fs::read(&package).unwrap();
    // Of the same name and size, but not the same.
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::remove_file(&package).unwrap();
    std::fs::write(&package, &bytes).unwrap();
    std::fs::remove_file(
        lab.repository
            .join("Packages/line-editor-common-2.1-3.noarch.rpm"),
    )
    .unwrap();
    lab.engine.renew(old.id, Renewal::default(), "me").await.unwrap();
    let new = lab.run_one().await;
    assert_eq!(new.state, ComposeState::Failed);
    let reason = new.state_reason.unwrap();
    assert!(reason.contains("line-editor-common-"), "{reason}");
    std::fs::write(&package, &bytes[..bytes.len() - 1]).unwrap();
    // A failed renewal can be renewed like any other: it has no manifest, so it is made from what there is.
    let again = lab.engine.renew(new.id, Renewal::default(), "me").await.unwrap();
    assert_eq!(again.compose.renews, None);
}

#[tokio::test]
async fn another_label_replays_and_other_keys_gather_anew() {
    let lab = Lab::new().await;
    let old = done(&lab).await;
    let label = Renewal {
        label: Some("RC-1.0".parse().unwrap()),
        ..Renewal::default()
    };
    let labelled = lab.engine.renew(old.id, label, "me").await.unwrap().compose;
    assert_eq!(labelled.renews, Some(old.id));
    assert_eq!(labelled.requested.label.as_deref(), Some("RC-1.0"));
    assert_eq!(lab.run_one().await.state, ComposeState::Done);
    let key = std::fs::read_to_string(lab.repository.join("KEY-ID")).unwrap();
    let keys = Renewal {
        // Some of the packages are unsigned.
        sigkeys: Some(vec![key.trim().parse().unwrap(), "".parse().unwrap()]),
        ..Renewal::default()
    };
    let signed = lab
        .engine
        .renew(old.id, keys.clone(), "me")
        .await
        .unwrap()
        .compose;
    let asked = format!("{} ", key.trim());
    assert_eq!((signed.renews, signed.requested.sigkeys), (None, Some(asked)));
    let signed = lab.run_one().await;
    assert_eq!(signed.state, ComposeState::Done, "{signed:?}");
    // The same keys again change nothing.
    let again = lab.engine.renew(signed.id, keys, "me").await.unwrap();
    assert_eq!(again.compose.id, signed.id);
}

/// Records that were taken over from another server hold nothing but words.
#[tokio::test]
async fn records_from_elsewhere_can_be_renewed() {
    let lab = Lab::new().await;
    let mut request = lab.request(&["ed"]);
    request.flags = [Flag::NoDeps].into_iter().collect();
    lab.engine.submit(request.clone(), "me").await.unwrap();
    let made = lab.run_one().await;
    let mut foreign = made.clone();
    foreign.id = ComposeId::new(50);
    foreign.state = ComposeState::Removed;
    foreign.request = None;
    foreign.pins = None;
    lab.store.import(&foreign).await;
    let renewed = lab
        .engine
        .renew(foreign.id, Renewal::default(), "me")
        .await
        .unwrap()
        .compose;
    assert_eq!(renewed.requested.packages.as_deref(), Some("ed"));
    let made = lab.run_one().await;
    assert_eq!(
        (made.id, made.state),
        (renewed.id, ComposeState::Done),
        "{made:?}"
    );
}

/// Repodata calls every source package `src`; the file of one that leaves sources out says `nosrc`.
#[tokio::test]
async fn one_with_a_source_package_that_leaves_sources_out_is_made_once_more() {
    let lab = Lab::new().await;
    let specs = [
        PackageSpec::binary("closed", "1", "1", "x86_64").built_from("closed-1-1.nosrc.rpm"),
        PackageSpec {
            kind: PackageKind::NoSource,
            ..PackageSpec::source("closed", "1", "1", "x86_64")
        },
    ];
    std::fs::remove_dir_all(&lab.repository).unwrap();
    rpmgen::write_repository(&lab.repository, specs, Layout::Flat).unwrap();
    let made = Command::new("createrepo_c")
        .arg("--quiet")
        .arg(&lab.repository)
        .status();
    assert!(made.unwrap().success());
    let id = lab.submit(&["closed"]).await;
    let first = lab.run_one().await;
    assert_eq!(first.state, ComposeState::Done, "{first:?}");
    remove(&lab, id).await;
    let renewed = lab.engine.renew(id, Renewal::default(), "me").await.unwrap();
    let compose = lab.run_one().await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    let id = renewed.compose.id;
    assert!(
        lab.target(
            id,
            "compose/Temporary/source/tree/Packages/c/closed-1-1.nosrc.rpm"
        )
        .is_file()
    );
}
