//! Which copies are taken: unsigned ones, or signed ones.

use kojihub::Hub;
use odcs_core::request::{ComposeRequest, KeyOrUnsigned};
use odcs_sources::koji::{BuildSource, Koji, KojiSettings, TagSource};

use super::{builds, content, hub_settings, mounted, offered, tags};

fn keys(texts: &[&str]) -> Vec<KeyOrUnsigned> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn signed(mut request: ComposeRequest, texts: &[&str]) -> ComposeRequest {
    request.sigkeys = Some(keys(texts));
    request
}

const OLD: &str = "94d22493";
const NEW: &str = "f1290335";

#[tokio::test]
async fn keys_are_tried_in_the_order_asked_for() {
    let hub = Hub::start();
    let source = BuildSource::new(mounted(&hub));
    let request = builds(&["lab-noarch-2.0-1", "lab-tools-1.0-1"], &["x86_64"]);
    let (noarch, tools) = ("lab-noarch-2.0-1.noarch", "lab-tools-1.0-1.x86_64");
    for (asked, expected) in [
        (&[OLD, NEW][..], [format!("{noarch} {OLD}"), tools.to_owned()]),
        (&[NEW, OLD], [format!("{noarch} {NEW}"), tools.to_owned()]),
        // Wherever it stands, unsigned comes last.
        (&["", NEW], [format!("{noarch} {NEW}"), tools.to_owned()]),
        (&[], [noarch.to_owned(), tools.to_owned()]),
        (
            &["dbe42ec4", ""],
            [noarch.to_owned(), format!("{tools} dbe42ec4")],
        ),
    ] {
        let offered = offered(&source, &signed(request.clone(), asked)).await;
        for one in expected {
            assert!(offered.contains(&one), "{asked:?}: {one} in {offered:?}");
        }
    }
}

#[tokio::test]
async fn a_signature_on_record_is_no_signed_copy() {
    let hub = Hub::start();
    let source = BuildSource::new(mounted(&hub));
    let request = signed(builds(&["lab-noarch-2.0-2"], &["x86_64"]), &[NEW, ""]);
    let found = content(&source, &request).await.unwrap();
    assert_eq!(found.candidates.len(), 2);
    for candidate in &found.candidates {
        let record = candidate.record.as_ref().unwrap();
        assert_eq!(record.sigkey, None);
        assert_eq!(record.missing, [NEW.parse().unwrap()]);
        assert_eq!(record.keys, [OLD.parse().unwrap(), NEW.parse().unwrap()]);
    }
    hub.write_signed("lab-noarch-2.0-2", NEW);
    let expected = [NEW, NEW].map(str::to_owned);
    let found = offered(&source, &request).await;
    let keys: Vec<_> = found
        .iter()
        .map(|one| one.split(' ').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn arches_have_copies_of_their_own() {
    let hub = Hub::start();
    let source = TagSource::new(mounted(&hub));
    let mut request = signed(tags(&["lab-signed"], &["x86_64", "aarch64"]), &[NEW, ""]);
    request
        .arch_sigkeys
        .insert("aarch64".parse().unwrap(), keys(&[OLD, ""]));
    let offered = offered(&source, &request).await;
    for one in [
        format!("lab-noarch-2.0-1.noarch {OLD}"),
        format!("lab-noarch-2.0-1.noarch {NEW}"),
        format!("lab-epoch-3.0-1.aarch64 {NEW}"),
        "lab-epoch-3.0-1.aarch64".to_owned(),
    ] {
        assert!(offered.contains(&one), "{one} in {offered:?}");
    }
}

#[tokio::test]
async fn digests_are_those_of_the_copies() {
    use odcs_core::ComposeSource;
    use odcs_rpm::{Digest, DigestAlgorithm};
    use std::sync::Arc;

    let hub = Hub::start();
    let source = BuildSource::new(mounted(&hub));
    for asked in [&[OLD][..], &[]] {
        let request = signed(builds(&["lab-hello-1.0-1"], &["x86_64"]), asked);
        let found = content(&source, &request).await.unwrap();
        let chosen: Vec<_> = found.candidates.into_iter().map(Arc::new).collect();
        let digests = source.checksums(&chosen).await.unwrap();
        let known = digests.iter().flatten().count();
        assert!(known > 0, "{asked:?}: the hub knows none");
        for (candidate, digest) in chosen.iter().zip(digests) {
            let mut bytes = Vec::new();
            std::io::copy(&mut candidate.file.open().unwrap(), &mut bytes).unwrap();
            let digest = digest.unwrap();
            assert_eq!(
                digest,
                Digest::of_bytes(DigestAlgorithm::Sha256, &bytes),
                "{}",
                candidate.file
            );
        }
    }
    hub.forget_digests();
    let request = builds(&["lab-hello-1.0-1"], &["x86_64"]);
    let found = content(&source, &request).await.unwrap();
    let chosen: Vec<_> = found.candidates.into_iter().map(Arc::new).collect();
    assert!(
        source
            .checksums(&chosen)
            .await
            .unwrap()
            .iter()
            .all(Option::is_none)
    );
}

#[tokio::test]
async fn what_is_signed_once_more_is_another_file() {
    let hub = Hub::start();
    let source = BuildSource::new(mounted(&hub));
    let request = signed(builds(&["lab-noarch-2.0-1"], &["x86_64"]), &[NEW]);
    let names = async || {
        let found = content(&source, &request).await.unwrap();
        let names = found
            .candidates
            .iter()
            .map(|it| it.record.as_ref().unwrap().name.clone());
        names.collect::<Vec<_>>()
    };
    let before = names().await;
    assert_eq!(names().await, before);
    hub.sign_again("lab-noarch-2.0-1", NEW);
    let after = names().await;
    assert!(
        before.iter().zip(&after).all(|(before, after)| before != after),
        "{after:?}"
    );
}

#[tokio::test]
async fn where_all_must_be_signed_signed_copies_are_taken() {
    let hub = Hub::start();
    let mut settings = KojiSettings::new(hub_settings(&hub)).with_topdir(hub.topdir());
    settings.keys = keys(&[OLD]);
    let source = BuildSource::new(Koji::new(settings).unwrap());
    let request = builds(&["lab-noarch-2.0-1"], &["x86_64"]);
    assert!(
        offered(&source, &request)
            .await
            .iter()
            .all(|one| one.ends_with(OLD))
    );
    let asked = signed(request, &[NEW]);
    assert!(
        offered(&source, &asked)
            .await
            .iter()
            .all(|one| one.ends_with(NEW))
    );
}

#[tokio::test]
async fn a_digest_that_the_hub_cannot_tell_now_is_not_done_without() {
    use kojihub::Wrong;
    use odcs_core::ComposeSource;
    use std::sync::Arc;

    let hub = Hub::start();
    let source = BuildSource::new(mounted(&hub));
    let request = builds(&["lab-noarch-2.0-1"], &["x86_64"]);
    let found = content(&source, &request).await.unwrap();
    let chosen: Vec<_> = found.candidates.into_iter().map(Arc::new).collect();
    hub.on(Wrong::FaultInside(0, 1, "deadlock detected".to_owned()).of("multiCall"));
    let error = source.checksums(&chosen).await.unwrap_err();
    assert!(error.message().contains("deadlock detected"), "{error}");
}
