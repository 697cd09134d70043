//! What becomes of composes when what is kept of fetched packages is not as it was, or cannot be kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use odcs_core::request::Flag;
use odcs_core::{ComposeRequest, ComposeState};
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_storage::ContentsSettings;
use rpmgen::{PackageSpec, Random};
use test_support::http::{Behaviour, Gate};

use crate::remote::{Service, Site, differing, package_path, published, request};
use crate::repositories::package;

fn anew(site: &Site) -> ComposeRequest {
    let mut request = request(&site.url("repo"), &["app"], &["x86_64"]);
    request.flags = [Flag::NoReuse].into_iter().collect();
    request
}

/// A package of some more than 300,000 bytes.
fn large(name: &str) -> PackageSpec {
    let mut random = Random::new(name.len() as u64);
    // Nothing that a compressed payload could be smaller than.
    let bytes: Vec<u8> = std::iter::repeat_with(|| random.next_u64().to_le_bytes()[0])
        .take(300_000)
        .collect();
    package(name, "x86_64").with_file(format!("/usr/share/{name}"), bytes)
}

/// Where a file of the server is kept.
fn kept(service: &Service, file: &Path) -> PathBuf {
    let digest = Digest::of_bytes(DigestAlgorithm::Sha256, &std::fs::read(file).unwrap());
    let (shard, rest) = digest.hex().split_at(2);
    service.target.join(".content/sha256").join(shard).join(rest)
}

/// Puts other bytes in the place of a kept file, as many, or none as after a power cut. What composes have of it stays
/// as it is.
fn damage(kept: &Path, is_emptied: bool) {
    let mut bytes = std::fs::read(kept).unwrap();
    std::fs::remove_file(kept).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    if is_emptied {
        bytes.clear();
    }
    std::fs::write(kept, bytes).unwrap();
}

#[tokio::test]
async fn what_is_damaged_is_fetched_again_and_no_compose_has_it() {
    let site = Site::new();
    let app = package("app", "x86_64").with_requires("lib");
    site.write("repo", vec![app, package("lib", "x86_64")]);
    let service = site.service("composes").await;
    let first = service.must_make(anew(&site)).await;
    let right = published(&service.tree(&first));
    let path = package_path(&site);
    let kept = kept(&service, &site.path(path.trim_start_matches('/')));
    for is_emptied in [false, true] {
        damage(&kept, is_emptied);
        site.server.forget();
        let compose = service.must_make(anew(&site)).await;
        assert_eq!(differing(&published(&service.tree(&compose)), &right), [""; 0]);
        assert_eq!(
            site.packages_asked_for(),
            [path.as_str()],
            "what is whole is not fetched again"
        );
    }

    // It is damaged, and it is not to be had any more: that is said, and nothing is published.
    damage(&kept, false);
    site.server.on(&path, Behaviour::Status(404));
    let failed = service.make(anew(&site)).await;
    assert_eq!(failed.state, ComposeState::Failed, "{failed:?}");
    let reason = failed.state_reason.clone().unwrap();
    assert!(
        reason.contains("app-0:1-1.x86_64 could not be fetched") && reason.contains(&site.server.url(&path)),
        "{reason}"
    );
    assert!(!service.tree(&failed).exists());
    assert!(service.staging().is_empty());
    assert!(!kept.exists(), "what is damaged is not kept");
    assert_eq!(differing(&published(&service.tree(&first)), &right), [""; 0]);
}

#[tokio::test]
async fn what_cannot_all_be_kept_is_not_begun() {
    let site = Site::new();
    site.write("repo", vec![large("app").with_requires("lib"), large("lib")]);
    let kept = ContentsSettings::default().with_bytes(500_000);
    let service = site.service_with("composes", kept).await;
    let failed = service.make(anew(&site)).await;
    assert_eq!(failed.state, ComposeState::Failed, "{failed:?}");
    let reason = failed.state_reason.unwrap();
    assert!(
        reason.contains("store_bytes") && reason.contains("ask for fewer packages"),
        "{reason}"
    );
    assert_eq!(site.packages_asked_for(), [""; 0]);
    // One of them fits.
    let one = request(&site.url("repo"), &["lib"], &["x86_64"]);
    service.must_make(one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compose_that_is_cancelled_while_it_fetches_hands_on_what_it_has() {
    let site = Site::new();
    site.write("repo", vec![large("app")]);
    let service = site.service("composes").await;
    let (path, gate) = (package_path(&site), Gate::default());
    site.server
        .on(&path, Behaviour::HoldAfter(290_000, gate.clone()).once());
    let mut composes = Vec::new();
    for _ in 0..2 {
        composes.push(service.engine.submit(anew(&site), "me").await.unwrap().compose.id);
    }
    let work = || {
        let worker = service.engine.worker();
        tokio::spawn(async move { worker.run_one().await.unwrap().unwrap() })
    };
    let first = work();
    let partial = service.target.join(".content/partial");
    let begun = || {
        let entries = std::fs::read_dir(&partial).unwrap();
        entries
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum::<u64>()
    };
    wait_until(|| begun() > 250_000).await;
    let second = work();
    service.engine.delete(composes[0], "me").await.unwrap();
    // The server has not come to the end of what it sends the first.
    assert_eq!(first.await.unwrap().state, ComposeState::Failed);
    let made = second.await.unwrap();
    gate.open();
    assert_eq!(
        (made.id, made.state),
        (composes[1], ComposeState::Done),
        "{made:?}"
    );
    let asked = site.server.requests_for(&path);
    let ranges: Vec<_> = asked.iter().map(|request| request.range().is_some()).collect();
    assert_eq!(ranges, [false, true], "it goes on from what is there: {asked:?}");
    assert_eq!(std::fs::read_dir(&partial).unwrap().count(), 0);
    assert!(service.staging().is_empty());
}

async fn wait_until(mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .expect("it happens");
}
