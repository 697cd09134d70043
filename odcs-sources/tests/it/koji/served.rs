//! Files that are not mounted, but served: headers first, and nothing that need not be.

use std::sync::Arc;

use kojihub::Hub;
use odcs_core::ErrorKind;
use odcs_core::request::Flags;
use odcs_core::testing::MemoryCache;
use odcs_sources::koji::{Koji, KojiSettings, TagSource};

use super::{content, hub_settings, mounted, offered, refused, tags};
use crate::support::web::Web;

/// A hub whose files are at `http://koji.lab/files/`.
fn served(hub: &Hub, cache: Option<Arc<MemoryCache>>) -> (Koji, Arc<Web>) {
    let web = Web::new(&["http://koji.lab/files/"]);
    web.serve("http://koji.lab/files/", hub.topdir());
    let mut settings = KojiSettings::new(hub_settings(hub))
        .with_topurl("http://koji.lab/files".parse().unwrap(), web.clone());
    if let Some(cache) = cache {
        settings = settings.with_cache(cache);
    }
    (Koji::new(settings).unwrap(), web)
}

#[tokio::test]
async fn it_is_the_same_as_on_the_volume() {
    let hub = Hub::start();
    let (koji, web) = served(&hub, None);
    let (there, here) = (TagSource::new(koji), TagSource::new(mounted(&hub)));
    let mut request = tags(&["lab-build"], &["x86_64"]);
    assert_eq!(offered(&there, &request).await, offered(&here, &request).await);
    assert_eq!(web.requests(), Vec::<String>::new());
    request.flags = Flags::default();
    request.sigkeys = Some(vec!["f1290335".parse().unwrap(), "".parse().unwrap()]);
    let (found, mounted) = (
        content(&there, &request).await.unwrap(),
        content(&here, &request).await.unwrap(),
    );
    let texts = |content: &odcs_core::source::PackageContent| -> Vec<String> {
        content.candidates.iter().map(super::shown).collect()
    };
    assert_eq!(texts(&found), texts(&mounted));
    assert!(found.set.is_some());
}

#[tokio::test]
async fn headers_are_asked_for_once() {
    let hub = Hub::start();
    let (koji, web) = served(&hub, Some(Arc::default()));
    let source = TagSource::new(koji);
    let mut request = tags(&["lab-base"], &["x86_64"]);
    request.flags = Flags::default();
    let first = offered(&source, &request).await;
    assert!(web.requests().len() >= first.len());
    assert_eq!(offered(&source, &request).await, first);
    assert_eq!(web.requests(), Vec::<String>::new());
    // Of a build that is new, and of nothing else.
    hub.tag("lab-base", "lab-hello-1.1-1.el9");
    offered(&source, &request).await;
    let asked = web.requests();
    assert!(
        !asked.is_empty() && asked.iter().all(|url| url.contains("/lab-hello/1.1/1.el9/")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_is_not_served_is_named() {
    let hub = Hub::start();
    let (koji, web) = served(&hub, None);
    let source = TagSource::new(koji);
    let mut request = tags(&["lab-base"], &["x86_64"]);
    request.flags = Flags::default();
    let url = "http://koji.lab/files/packages/lab-tools/1.0~rc1/1/x86_64/lab-tools-1.0~rc1-1.x86_64.rpm";
    web.answer(url, Err(ErrorKind::NotFound));
    let error = refused(&source, &request).await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains(url), "{error}");
    web.answer(url, Ok(b"<!DOCTYPE html><html><title>Log in</title></html>"));
    let error = refused(&source, &request).await;
    assert!(error.message().contains("a web page"), "{error}");
}

#[tokio::test]
async fn a_volume_that_is_not_mounted_is_stood_in_for() {
    let hub = Hub::start();
    let web = Web::new(&["http://koji.lab/files/"]);
    web.serve("http://koji.lab/files/", hub.topdir());
    let nowhere = hub.topdir().join("nowhere");
    let settings = KojiSettings::new(hub_settings(&hub)).with_topdir(&nowhere);
    let alone = TagSource::new(Koji::new(settings.clone()).unwrap());
    let request = tags(&["lab-base"], &["x86_64"]);
    let error = refused(&alone, &request).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("is not mounted at"), "{error}");
    let settings = settings.with_topurl("http://koji.lab/files".parse().unwrap(), web);
    let both = TagSource::new(Koji::new(settings).unwrap());
    let found = content(&both, &request).await.unwrap();
    assert!(found.candidates.iter().all(|it| it.file.remote().is_some()));
}
