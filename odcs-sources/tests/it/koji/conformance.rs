//! The sources do what every source must do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kojihub::Hub;
use odcs_core::request::{Flags, SourceSpec};
use odcs_core::testing::MemoryCache;
use odcs_core::testing::source::{Cases, conformance};
use odcs_sources::koji::{BuildSource, Koji, KojiSettings, TagSource};

use super::{builds, hub_settings, tags};

/// Sources without a cache, with caches that work, and with caches that do not: all must say the same.
fn opened(hub: &Hub) -> impl Fn() -> Koji {
    let caches = [
        None,
        Some(MemoryCache::default()),
        Some(MemoryCache::losing(3)),
        Some(MemoryCache::cutting()),
    ];
    let caches = caches.map(|cache| cache.map(Arc::new));
    let settings = KojiSettings::new(hub_settings(hub)).with_topdir(hub.topdir());
    let number = AtomicUsize::new(0);
    move || {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let settings = match &caches[number % caches.len()] {
            Some(cache) => settings.clone().with_cache(cache.clone()),
            None => settings.clone(),
        };
        Koji::new(settings).unwrap()
    }
}

#[tokio::test]
async fn of_tags() {
    let hub = Hub::start();
    let open = opened(&hub);
    let mut works = tags(&["lab-build"], &["x86_64"]);
    works.flags = Flags::default();
    let mut other = works.clone();
    other.source = SourceSpec::Repo("/srv/repo".parse().unwrap());
    let cases = Cases::new(works)
        .refused(other)
        .not_found(tags(&["lab-nope"], &["x86_64"]))
        .changing("a build is tagged", async || {
            hub.tag("lab-updates", "lab-epoch-2.0-5");
        })
        .changing("a build is untagged", async || {
            hub.untag("lab-updates", "lab-hello-1.1-1.el9");
        })
        .changing("a build is moved", async || {
            hub.move_build("lab-tools-1.0-1", "labvol");
        })
        .changing("a build is deleted", async || {
            hub.delete_build("lab-extra-1.0-1");
        });
    conformance(async || Ok::<_, odcs_core::Error>(TagSource::new(open())), cases).await;
}

#[tokio::test]
async fn of_builds() {
    let hub = Hub::start();
    let open = opened(&hub);
    let mut works = builds(&["lab-hello-1.0-1", "lab-volume-1.0-1"], &["x86_64"]);
    works.flags = Flags::default();
    let cases = Cases::new(works)
        .refused(builds(&[], &["x86_64"]))
        .not_found(builds(&["lab-nope-1-1"], &["x86_64"]))
        .changing("a build is moved", async || {
            hub.move_build("lab-hello-1.0-1", "labvol");
        })
        .changing("a build is deleted", async || {
            hub.delete_build("lab-volume-1.0-1");
        });
    conformance(
        async || Ok::<_, odcs_core::Error>(BuildSource::new(open())),
        cases,
    )
    .await;
}
