//! A directory that changes while a compose is made of it: between its pins and its content, where it is not listed
//! again.

use std::path::{Path, PathBuf};

use odcs_core::request::Flag;
use odcs_core::{Compose, ComposeState};
use rpmgen::{PackageSpec, write};

use crate::support::{Lab, packages};

const ED: &str = "Packages/ed-1.20-1.x86_64.rpm";

/// A lab whose repository is a directory without metadata, of which a compose was made before.
async fn lab() -> Lab {
    let lab = Lab::caching().await;
    std::fs::remove_dir_all(lab.repository.join("repodata")).unwrap();
    let compose = made(&lab).await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    lab
}

async fn made(lab: &Lab) -> Compose {
    let mut request = lab.request(&["ed"]);
    request.flags = [Flag::NoReuse].into_iter().collect();
    lab.engine.submit(request, "me").await.unwrap();
    lab.run_one().await
}

/// A compose of what is changed after it was pinned.
async fn made_while(lab: &Lab, change: impl Fn(&Path) + Send + Sync + 'static) -> Compose {
    let repository = lab.repository.clone();
    lab.source.before_content(move || {
        change(&repository);
        Box::pin(async {})
    });
    let compose = made(lab).await;
    lab.source.before_content(|| Box::pin(async {}));
    compose
}

fn ed(version: &str, file: &[u8]) -> Vec<u8> {
    let spec = PackageSpec::binary("ed", version, "1", "x86_64");
    write(&spec.with_file("/usr/share/ed/new", file.to_vec())).unwrap()
}

/// Puts a file in the place of another one, as whoever publishes does.
fn replace(path: &Path, bytes: &[u8]) {
    let new: PathBuf = path.with_extension("new");
    std::fs::write(&new, bytes).unwrap();
    std::fs::rename(new, path).unwrap();
}

fn tree(lab: &Lab, compose: &Compose) -> PathBuf {
    lab.target(compose.id, "compose/Temporary/x86_64/os/Packages")
}

fn reason(compose: &Compose) -> &str {
    assert_eq!(compose.state, ComposeState::Failed, "{compose:?}");
    compose.state_reason.as_deref().unwrap()
}

#[tokio::test]
async fn another_package_in_its_place_is_refused() {
    let lab = lab().await;
    let compose = made_while(&lab, |repository| {
        let other = std::fs::read(repository.join("Packages/line-editor-common-2.1-3.noarch.rpm")).unwrap();
        replace(&repository.join(ED), &other);
    })
    .await;
    let reason = reason(&compose);
    assert!(
        reason.contains(ED) && reason.contains("line-editor-common"),
        "{reason}"
    );
}

#[tokio::test]
async fn what_is_gone_is_missed() {
    let lab = lab().await;
    let compose = made_while(&lab, |repository| {
        std::fs::remove_file(repository.join(ED)).unwrap();
    })
    .await;
    let reason = reason(&compose);
    assert!(reason.contains(ED), "{reason}");
}

#[tokio::test]
async fn what_is_added_belongs_to_the_next_compose() {
    let lab = lab().await;
    let compose = made_while(&lab, |repository| {
        std::fs::write(repository.join("Packages/newer.rpm"), ed("2", b"newer")).unwrap();
    })
    .await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    let has = |compose: &Compose, name: &str| packages(&tree(&lab, compose)).iter().any(|own| own == name);
    assert!(has(&compose, "ed-1.20-1.x86_64.rpm") && !has(&compose, "ed-2-1.x86_64.rpm"));
    let next = made(&lab).await;
    assert!(has(&next, "ed-2-1.x86_64.rpm") && !has(&next, "ed-1.20-1.x86_64.rpm"));
}

#[tokio::test]
async fn the_same_package_built_anew_belongs_to_the_next_compose() {
    let lab = lab().await;
    let compose = made_while(&lab, |repository| {
        replace(&repository.join(ED), &ed("1.20", b"built anew"));
    })
    .await;
    // What it requires may be something else: it was gathered by what it said before.
    let reason = reason(&compose);
    assert!(
        reason.contains(ED) && reason.contains("changed while it was put"),
        "{reason}"
    );
    let next = made(&lab).await;
    assert_eq!(next.state, ComposeState::Done, "{next:?}");
    let published = tree(&lab, &next).join("e/ed-1.20-1.x86_64.rpm");
    assert_eq!(std::fs::read(published).unwrap(), ed("1.20", b"built anew"));
}
