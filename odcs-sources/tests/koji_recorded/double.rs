//! Every call, to a hub that has a history.

use kojihub::Hub;
use odcs_sources::koji::client::{
    BuildId, BuildRef, BuildState, Fault, HubSettings, KojiHub, PackageStatus, RpmId, TaggedBuilds,
    TaggedRpms, TaskId, TaskState,
};

fn ask(hub: &Hub) -> KojiHub {
    let mut settings = HubSettings::new(hub.url().parse().unwrap());
    settings.attempts = 1;
    KojiHub::new(settings).unwrap()
}

#[tokio::test]
async fn every_call_is_answered() {
    let double = Hub::start();
    let hub = ask(&double);
    let now = hub.last_event().await.unwrap();
    assert_eq!(hub.event(now.id).await.unwrap(), now);
    let tag = hub.tag("lab-build", Some(now.id)).await.unwrap().unwrap();
    assert_eq!((&*tag.name, tag.arches.len()), ("lab-build", 5));
    assert_eq!(hub.tag(tag.id, None).await.unwrap(), Some(tag.clone()));
    assert_eq!(hub.tag("5", None).await.unwrap(), None, "digits are a name");
    let inherited = hub.full_inheritance("lab-build", None).await.unwrap();
    let names: Vec<_> = inherited.iter().map(|tag| &*tag.name).collect();
    assert_eq!(
        names,
        ["lab-updates", "lab-base", "lab-extras", "lab-extras-parent"]
    );
    let mut ids: Vec<_> = inherited.iter().map(|tag| tag.id).collect();
    ids.push(tag.id);
    assert!(!hub.tag_changed_since(now.id, &ids).await.unwrap());

    let mut query = TaggedBuilds::new("lab-build");
    (query.inherit, query.latest) = (true, true);
    let builds = hub.tagged_builds(&query).await.unwrap();
    let mut query = TaggedRpms::new("lab-build");
    (query.inherit, query.latest, query.event) = (true, true, Some(now.id));
    let listing = hub.tagged_rpms(&query).await.unwrap();
    let mut listed: Vec<_> = builds.iter().map(|tagged| tagged.build.id).collect();
    listed.sort();
    let of_rpms: Vec<_> = listing.builds.iter().map(|tagged| tagged.build.id).collect();
    assert_eq!(listed, of_rpms);

    // What is asked for one by one is what the listing has.
    let ids: Vec<_> = listing.rpms.iter().map(|rpm| rpm.id).collect();
    let one_by_one = hub.rpms_by_id(&ids).await.unwrap();
    let signatures = hub.rpm_signatures(&ids).await.unwrap();
    for ((rpm, listed), signatures) in one_by_one.into_iter().zip(&listing.rpms).zip(signatures) {
        let mut rpm = rpm.unwrap().unwrap();
        rpm.signatures = signatures.unwrap();
        assert_eq!(rpm, *listed);
    }
    let of_builds = hub.build_rpms(&listed).await.unwrap();
    let mut all: Vec<_> = of_builds
        .into_iter()
        .flat_map(Result::unwrap)
        .map(|rpm| rpm.id)
        .collect();
    let mut ids = ids;
    all.sort();
    ids.sort();
    assert_eq!(all, ids);
    query.arches = vec!["x86_64".parse().unwrap(), "noarch".parse().unwrap()];
    let narrow = hub.tagged_rpms(&query).await.unwrap();
    assert!(
        narrow.rpms.len() < listing.rpms.len() && narrow.rpms.iter().all(|rpm| !rpm.nevra.arch().is_source())
    );
    let checksums = hub.rpm_checksums(&[RpmId(4)]).await.unwrap().remove(0).unwrap();
    assert!(checksums.of(None).is_some() && checksums.of(Some(&"f1290335".parse().unwrap())).is_some());

    let build = hub.build("lab-volume-1.0-1").await.unwrap().unwrap();
    assert_eq!(
        (build.volume.as_str(), build.state),
        ("labvol", BuildState::Complete)
    );
    let asked = [
        BuildRef::from(&build.nvr),
        BuildRef::from("nodashes"),
        BuildId(999_999).into(),
    ];
    let mut builds = hub.builds(&asked).await.unwrap();
    assert_eq!(builds.pop().unwrap().unwrap(), None);
    assert!(builds.pop().unwrap().unwrap_err().is_fault(Fault::GENERIC));
    assert_eq!(builds.pop().unwrap().unwrap(), Some(build));
    let found = hub.search_builds("lab-hello-*").await.unwrap();
    assert!(found.len() > 2 && found.iter().all(|build| build.nvr.name().as_str() == "lab-hello"));

    for (package, status) in [
        ("lab-hello", PackageStatus::Listed),
        ("lab-blocked", PackageStatus::Blocked),
        ("no-such-package", PackageStatus::Absent),
    ] {
        assert_eq!(
            hub.package_in_tag("lab-updates", package, Some(now.id))
                .await
                .unwrap(),
            status,
            "{package}"
        );
    }
    assert!(
        hub.package_in_tag("no-such-tag", "lab-hello", None)
            .await
            .unwrap_err()
            .is_fault(Fault::GENERIC)
    );

    let task = hub.task_info(TaskId(1)).await.unwrap().unwrap();
    let children = hub.task_children(task.id).await.unwrap();
    let done = children
        .iter()
        .find(|task| task.state == TaskState::Closed && task.method.contains("Arch"))
        .unwrap();
    let result = hub.task_result(done.id).await.unwrap();
    assert_eq!(result.rpms[0].as_str(), "tasks/3/3/lab-scratch-9.0-1.x86_64.rpm");
    assert!(result.fault.is_none());
    let failed = children
        .iter()
        .find(|task| task.state == TaskState::Failed)
        .unwrap();
    assert_eq!(
        hub.task_result(failed.id).await.unwrap().fault.unwrap().code,
        Fault::BUILD
    );
    assert_eq!(hub.task_info(TaskId(999_999)).await.unwrap(), None);

    // A signature that goes makes no event, and is not listed any more; a build that leaves makes one.
    let tags: Vec<_> = inherited.iter().map(|tag| tag.id).collect();
    double.unsign("lab-hello-1.1-1.el9", "f1290335");
    assert!(!hub.tag_changed_since(now.id, &tags).await.unwrap());
    query.arches.clear();
    assert!(hub.tagged_rpms(&query).await.unwrap() != listing);
    double.untag("lab-base", "lab-hello-1.0-1");
    assert!(hub.tag_changed_since(now.id, &tags).await.unwrap());
}
