//! What is taken of builds and tasks.

use kojihub::Hub;
use odcs_core::ErrorKind;
use odcs_sources::koji::BuildSource;

use super::{builds, mounted, offered, refused};

#[tokio::test]
async fn exactly_the_builds_that_are_asked_for() {
    let hub = Hub::start();
    let source = BuildSource::new(mounted(&hub));
    let request = builds(
        &["lab-noarch-2.0-1", "lab-volume-1.0-1", "lab-epoch-2.0-5"],
        &["x86_64"],
    );
    assert_eq!(
        offered(&source, &request).await,
        [
            "lab-epoch-2.0-5.src",
            "lab-epoch-2.0-5.x86_64",
            "lab-noarch-2.0-1.noarch",
            "lab-noarch-2.0-1.src",
            "lab-volume-1.0-1.src",
            "lab-volume-1.0-1.x86_64",
        ]
    );
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let hub = Hub::start();
    let source = BuildSource::new(mounted(&hub));
    let wrong = [
        "lab-hello-7-7",
        "lab-hello-9.9-2",
        "lab-hello-9.9-1",
        "lab-hello-9.9-3",
        "lab-xdel-1.0-1",
    ];
    let error = refused(
        &source,
        &builds(&[&["lab-hello-1.0-1"], &wrong[..]].concat(), &["x86_64"]),
    )
    .await;
    assert_eq!(
        error.message(),
        "\"builds\": the build lab-hello-7-7 is not known to Koji, lab-hello-9.9-2 is still being built, \
         lab-hello-9.9-1 has failed, lab-hello-9.9-3 was cancelled, lab-xdel-1.0-1 was deleted"
    );
    assert_eq!(
        refused(&source, &builds(&["a-7-7"], &["x86_64"])).await.kind(),
        ErrorKind::NotFound
    );
    let error = refused(&source, &builds(&[], &["x86_64"])).await;
    assert!(error.message().contains("needs some"), "{error}");
}

#[tokio::test]
async fn builds_that_go_meanwhile_are_gone() {
    use odcs_core::ComposeSource;
    let hub = Hub::start();
    let source = BuildSource::new(mounted(&hub));
    let pins = source
        .resolve(&builds(&["lab-extra-1.0-1"], &["x86_64"]))
        .await
        .unwrap()
        .pins;
    hub.delete_build("lab-extra-1.0-1");
    // As another process, which has listed nothing.
    let error = BuildSource::new(mounted(&hub)).content(&pins).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone);
    assert!(
        error.message().contains("lab-extra-1.0-1 is not there any more"),
        "{error}"
    );
}

#[tokio::test]
async fn scratch_builds_are_what_their_tasks_have_made() {
    let hub = Hub::start();
    let source = BuildSource::new(mounted(&hub));
    let with = |tasks: &[&str]| {
        let mut request = builds(&[], &["x86_64"]);
        request.scratch_build_tasks = Some(tasks.iter().map(|id| id.parse().unwrap()).collect());
        request
    };
    let made = ["lab-scratch-9.0-1.src", "lab-scratch-9.0-1.x86_64"];
    // The task of the build, and the one of an arch.
    for task in ["3", "1"] {
        assert_eq!(offered(&source, &with(&[task])).await, made, "task {task}");
    }
    assert_eq!(offered(&source, &with(&["3", "1"])).await, made);
    for (task, said) in [
        ("2", "has not made any packages"),
        ("4", "has no result (it failed)"),
        ("5", "is not finished (it is running)"),
        ("999999", "does not exist"),
    ] {
        let error = refused(&source, &with(&[task])).await;
        assert!(
            error.message().contains(&format!("the Koji task {task} {said}")),
            "{error}"
        );
    }
}
