//! What a request wants to be certain of, and the packages that multilib adds.

use odcs_core::request::Flag;
use odcs_core::why::Reason;
use odcs_core::{ComposeState, ComposeStore};
use rpmgen::{FileSpec, PackageSpec};

use crate::repositories::{Repositories, binaries, made, package, request};
use crate::support::Lab;

#[tokio::test]
async fn check_deps_fails_a_compose_that_is_not_closed_and_says_what_is_missing() {
    let lab = Lab::new().await;
    let repos = Repositories::of(&lab);
    let app = package("app", "x86_64")
        .with_requires("nowhere")
        .with_requires("/usr/bin/there");
    let there = package("there", "x86_64").with_file("/usr/bin/there", "x");
    let repo = repos.write("apps", vec![app, there]);
    let mut asked = request(&lab, &repo, &["app", "-there"], &[]);
    // Without the flag it is only said in the log.
    let compose = made(&lab, asked.clone()).await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    asked.flags = [Flag::CheckDeps].into_iter().collect();
    let compose = made(&lab, asked).await;
    assert_eq!(compose.state, ComposeState::Failed, "{compose:?}");
    let reason = compose.state_reason.clone().unwrap();
    for part in [
        "app-0:1-1.x86_64 requires nowhere, which nothing provides",
        "app-0:1-1.x86_64 requires /usr/bin/there, which there-0:1-1.x86_64 would provide",
    ] {
        assert!(reason.contains(part), "{reason}");
    }
    let log = std::fs::read_to_string(lab.target(compose.id, "pungi-stderr.log")).unwrap();
    assert!(
        log.contains("check_deps: app-0:1-1.x86_64 requires nowhere"),
        "{log}"
    );
}

#[tokio::test]
async fn check_deps_is_content_with_lookaside() {
    let lab = Lab::new().await;
    let repos = Repositories::of(&lab);
    let repo = repos.write("apps", vec![package("app", "x86_64").with_requires("lib")]);
    repos.write("base", vec![package("lib", "x86_64")]);
    let mut asked = request(&lab, &repo, &["app"], &[repos.url("base")]);
    asked.flags = [Flag::CheckDeps].into_iter().collect();
    let compose = made(&lab, asked.clone()).await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    // With no_deps nothing is added, and still everything has to be there.
    asked.lookaside_repos.clear();
    asked.flags = [Flag::CheckDeps, Flag::NoDeps].into_iter().collect();
    let compose = made(&lab, asked).await;
    assert_eq!(compose.state, ComposeState::Failed, "{compose:?}");
}

#[tokio::test]
async fn check_install_fails_a_compose_whose_packages_cannot_be_installed_and_says_why() {
    let lab = Lab::new().await;
    let repos = Repositories::of(&lab);
    let mut one = package("one", "x86_64").with_requires("shared = 1");
    one.conflicts.push("two".into());
    let repo = repos.write(
        "apps",
        vec![
            one,
            package("two", "x86_64"),
            package("both", "x86_64")
                .with_requires("one")
                .with_requires("two"),
        ],
    );
    repos.write("base", vec![package("lib", "x86_64").with_provides("shared = 1")]);
    let mut asked = request(&lab, &repo, &["one", "two"], &[repos.url("base")]);
    asked.flags = [Flag::CheckInstall].into_iter().collect();
    // Each alone can be.
    let compose = made(&lab, asked.clone()).await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    asked.packages = Some(vec!["both".parse().unwrap()]);
    let compose = made(&lab, asked.clone()).await;
    assert_eq!(compose.state, ComposeState::Failed, "{compose:?}");
    let reason = compose.state_reason.unwrap();
    for part in [
        "both-1-1.x86_64 cannot be installed",
        "one-1-1.x86_64 conflicts with two",
    ] {
        assert!(reason.contains(part), "{reason}");
    }
    // What it requires is nowhere.
    asked.packages = Some(vec!["one".parse().unwrap()]);
    asked.lookaside_repos.clear();
    let compose = made(&lab, asked).await;
    assert_eq!(compose.state, ComposeState::Failed, "{compose:?}");
    let reason = compose.state_reason.unwrap();
    assert!(reason.contains("shared = 1"), "{reason}");
}

fn library(arch: &str, lib: &str) -> Vec<PackageSpec> {
    let so = FileSpec::new(format!("/usr/{lib}/libz.so.1"), "elf");
    let header = FileSpec::new("/usr/include/z.h", "x");
    vec![
        package("z", arch).with(so),
        package("z-devel", arch).with(header).with_requires("z"),
        package("tool", arch),
    ]
}

#[tokio::test]
async fn multilib_packages_come_for_the_arches_and_by_the_methods_asked_for() {
    let lab = Lab::new().await;
    let repos = Repositories::of(&lab);
    let specs = [library("x86_64", "lib64"), library("i686", "lib")].concat();
    let repo = repos.write("libs", specs);
    let mut asked = request(&lab, &repo, &["z-devel", "tool"], &[]);
    let plain = made(&lab, asked.clone()).await;
    assert_eq!(
        binaries(&lab, &plain, "x86_64"),
        [
            "tool-1-1.x86_64.rpm",
            "z-1-1.x86_64.rpm",
            "z-devel-1-1.x86_64.rpm"
        ]
    );
    asked.multilib_arches = vec!["x86_64".parse().unwrap()];
    asked.multilib_methods.devel = true;
    let compose = made(&lab, asked.clone()).await;
    assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
    assert_eq!(
        binaries(&lab, &compose, "x86_64"),
        [
            "tool-1-1.x86_64.rpm",
            "z-1-1.i686.rpm",
            "z-1-1.x86_64.rpm",
            "z-devel-1-1.i686.rpm",
            "z-devel-1-1.x86_64.rpm"
        ]
    );
    let manifest = lab.store.manifest(compose.id).await.unwrap().unwrap();
    let devel = manifest
        .packages
        .iter()
        .find(|it| it.file.ends_with("z-devel-1-1.i686.rpm"));
    let why = devel.unwrap().why.values().next().unwrap();
    assert_eq!(why.reason, Reason::Multilib { rule: "devel".into() }, "{why}");
    // An arch that is not among them has none.
    asked.multilib_arches = vec!["ppc64".parse().unwrap()];
    let compose = made(&lab, asked).await;
    assert_eq!(binaries(&lab, &compose, "x86_64").len(), 3);
}
