//! What is taken of tags.

use kojihub::Hub;
use odcs_core::ErrorKind;
use odcs_core::request::{Embargo, Flag, KojiEvent};
use odcs_sources::koji::TagSource;

use super::{content, mounted, of_arch, offered, refused, tags};

fn hellos(offered: &[String]) -> Vec<&str> {
    let all = of_arch(offered, "x86_64").into_iter();
    all.filter(|nvra| nvra.starts_with("lab-hello-1")).collect()
}

#[tokio::test]
async fn the_first_tag_that_has_a_package_decides() {
    let hub = Hub::start();
    let source = TagSource::new(mounted(&hub));
    for (names, hello, tools) in [
        (
            &["lab-base", "lab-updates"][..],
            "lab-hello-1.0-1.x86_64",
            "lab-tools-1.0~rc1-1.x86_64",
        ),
        (
            &["lab-updates", "lab-base"],
            "lab-hello-1.1-1.el9.x86_64",
            "lab-tools-1.0~rc1-1.x86_64",
        ),
        (
            &["lab-extras", "lab-base"],
            "lab-hello-1.0-1.x86_64",
            "lab-tools-1.0-1.x86_64",
        ),
    ] {
        let mut request = tags(names, &["x86_64"]);
        request.flags = [Flag::NoDeps, Flag::NoInheritance].into_iter().collect();
        let offered = offered(&source, &request).await;
        assert_eq!(hellos(&offered), [hello], "{names:?}");
        assert!(offered.iter().any(|nvra| nvra == tools), "{names:?}: {offered:?}");
    }
}

#[tokio::test]
async fn builds_that_are_asked_for_replace_those_of_the_tag() {
    let hub = Hub::start();
    let source = TagSource::new(mounted(&hub));
    let mut request = tags(&["lab-updates"], &["x86_64"]);
    request.builds = Some(vec![
        "lab-hello-1.0-2".parse().unwrap(),
        "lab-extra-1.0-1".parse().unwrap(),
    ]);
    let offered = offered(&source, &request).await;
    assert_eq!(hellos(&offered), ["lab-hello-1.0-2.x86_64"]);
    assert!(offered.contains(&"lab-extra-1.0-1.x86_64".to_owned()));
    assert!(offered.contains(&"lab-epoch-3.0-1.x86_64".to_owned()));
}

#[tokio::test]
async fn builds_under_embargo_give_way_to_those_before_them() {
    let hub = Hub::start();
    let source = TagSource::new(mounted(&hub));
    let with = async |embargo: Embargo| {
        let mut request = tags(&["lab-updates"], &["x86_64"]);
        request.embargo = Some(embargo);
        let offered = offered(&source, &request).await;
        hellos(&offered).join(" ")
    };
    let nvrs = |list: &[&str]| Embargo::Builds(list.iter().map(|nvr| nvr.parse().unwrap()).collect());
    let (new, old) = ("lab-hello-1.1-1.el9", "lab-hello-1.0-2");
    assert_eq!(with(nvrs(&[new])).await, "lab-hello-1.0-2.x86_64");
    // The tag itself has no other one: the first that it inherits from has, and there it is the one tagged last.
    assert_eq!(with(nvrs(&[new, old])).await, "lab-hello-1.0-1.x86_64");
    assert_eq!(with(nvrs(&[new, old, "lab-hello-1.0-1"])).await, "");
    // The tag has 1.1-1.el9, among others.
    assert_eq!(
        with(Embargo::Tag("lab-signed".parse().unwrap())).await,
        "lab-hello-1.0-2.x86_64"
    );

    let mut request = tags(&["lab-updates"], &["x86_64"]);
    request.embargo = Some(nvrs(&["lab-hello-7-7"]));
    let error = refused(&source, &request).await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error
            .message()
            .starts_with("\"embargo\": the build lab-hello-7-7 is not known"),
        "{error}"
    );
    request.embargo = Some(nvrs(&[new]));
    request.builds = Some(vec![new.parse().unwrap()]);
    let error = refused(&source, &request).await;
    assert!(
        error
            .message()
            .contains("cannot be both asked for and under embargo"),
        "{error}"
    );
}

#[tokio::test]
async fn tags_are_looked_at_as_they_were() {
    let hub = Hub::start();
    let source = TagSource::new(mounted(&hub));
    let mut request = tags(&["lab-updates"], &["x86_64"]);
    for (event, hello) in [(106, "1.1-1.el9"), (105, "1.0-2"), (101, "1.0-2"), (100, "1.0-1")] {
        request.koji_event = Some(KojiEvent::try_from(event).unwrap());
        let offered = offered(&source, &request).await;
        assert_eq!(
            hellos(&offered),
            [format!("lab-hello-{hello}.x86_64")],
            "at event {event}"
        );
    }
    request.koji_event = Some(KojiEvent::try_from(4).unwrap());
    let error = refused(&source, &request).await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.message().contains("lab-updates did not exist at event 4"),
        "{error}"
    );
    let last = hub.last_event();
    request.koji_event = Some(KojiEvent::try_from(last + 1).unwrap());
    let error = refused(&source, &request).await;
    assert!(
        error.message().contains(&format!(
            "has not happened yet on {}, the last one is {last}",
            hub.url()
        )),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_tagged_later_belongs_to_the_next_compose() {
    let hub = Hub::start();
    let source = TagSource::new(mounted(&hub));
    let request = tags(&["lab-base"], &["x86_64"]);
    use odcs_core::ComposeSource;
    let pins = source.resolve(&request).await.unwrap();
    assert_eq!(pins.fields.koji_event, Some(hub.last_event()));
    let before = offered(&source, &request).await;
    hub.tag("lab-base", "lab-hello-1.1-1.el9");
    let odcs_core::source::Content::Packages(pinned) = source.content(&pins.pins).await.unwrap() else {
        panic!("packages are expected");
    };
    let mut pinned: Vec<_> = pinned.candidates.iter().map(super::shown).collect();
    pinned.sort();
    assert_eq!(pinned, before);
    assert_eq!(
        hellos(&offered(&source, &request).await),
        ["lab-hello-1.1-1.el9.x86_64"]
    );
}

#[tokio::test]
async fn what_cannot_be_is_said_before_anything_is_read() {
    let hub = Hub::start();
    let source = TagSource::new(mounted(&hub));
    let error = refused(&source, &tags(&["lab-base", "lab-nope"], &["x86_64"])).await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error
            .message()
            .contains("no Koji tag lab-nope on http://127.0.0.1"),
        "{error}"
    );
    let mut request = tags(&["lab-updates"], &["x86_64"]);
    request.packages = Some(vec!["lab-blocked".parse().unwrap(), "lab-hello".parse().unwrap()]);
    let error = refused(&source, &request).await;
    assert!(
        error
            .message()
            .contains("lab-blocked is blocked in the Koji tag lab-updates"),
        "{error}"
    );
    request.koji_event = Some(KojiEvent::try_from(109).unwrap());
    assert!(
        offered(&source, &request)
            .await
            .contains(&"lab-blocked-1.0-1.x86_64".to_owned())
    );
}

#[tokio::test]
async fn only_what_can_stand_in_the_trees_is_asked_for() {
    let hub = Hub::start();
    let source = TagSource::new(mounted(&hub));
    let both = offered(&source, &tags(&["lab-updates"], &["x86_64", "aarch64"])).await;
    assert!(of_arch(&both, "i686").contains(&"lab-hello-1.1-1.el9.i686"));
    assert!(!of_arch(&both, "aarch64").is_empty() && of_arch(&both, "s390x").is_empty());
    // Nothing for the arch: what there is instead is there to be told.
    let none = offered(&source, &tags(&["lab-extras-parent", "lab-base"], &["riscv64"])).await;
    assert!(!of_arch(&none, "x86_64").is_empty());
    // Packages for every arch serve every arch.
    let noarch = offered(&source, &tags(&["lab-extras-parent"], &["riscv64"])).await;
    assert_eq!(noarch, ["lab-deep-1.0-1.noarch", "lab-deep-1.0-1.src"]);
}

#[tokio::test]
async fn what_the_hub_says_is_enough_without_dependencies() {
    let hub = Hub::start();
    let source = TagSource::new(mounted(&hub));
    std::fs::rename(
        hub.topdir().join("packages/lab-hello"),
        hub.topdir().join("packages/elsewhere"),
    )
    .unwrap();
    let request = tags(&["lab-updates"], &["x86_64"]);
    let found = content(&source, &request).await.unwrap();
    let libs = found
        .candidates
        .iter()
        .find(|it| it.package.nevra.name().as_str() == "lab-hello-libs");
    let libs = &libs.unwrap().package;
    assert_eq!(libs.source_rpm.as_deref(), Some("lab-hello-1.1-1.el9.src.rpm"));
    assert!(libs.build_time > 1_700_000_000 && libs.sizes.package > 0 && libs.requires.is_empty());
    // With dependencies, headers are read, and the missing ones are named.
    let mut request = request;
    request.flags = odcs_core::request::Flags::default();
    let error = refused(&source, &request).await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.message().contains("packages/lab-hello/1.1/1.el9/"),
        "{error}"
    );
    assert!(error.message().contains("are not there"), "{error}");
}

#[tokio::test]
async fn an_embargo_is_that_of_today() {
    let hub = Hub::start();
    let source = TagSource::new(mounted(&hub));
    let mut request = tags(&["lab-updates"], &["x86_64"]);
    request.koji_event = Some(KojiEvent::try_from(hub.last_event()).unwrap());
    // It inherits from nothing that is under embargo, and did not have the build at that event.
    request.embargo = Some(Embargo::Tag("lab-intrans-top".parse().unwrap()));
    assert_eq!(
        hellos(&offered(&source, &request).await),
        ["lab-hello-1.1-1.el9.x86_64"]
    );
    hub.list_package("lab-intrans-top", "lab-hello", false);
    hub.tag("lab-intrans-top", "lab-hello-1.1-1.el9");
    assert_eq!(
        hellos(&offered(&source, &request).await),
        ["lab-hello-1.0-2.x86_64"]
    );
}
