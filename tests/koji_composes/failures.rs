//! What goes wrong outside is said in a sentence that somebody can act on.

use serde_json::{Value, json};
use test_support::http::Behaviour;

use kojihub::Wrong;

use crate::lab::{Files, Lab, builds, tag, with};
use crate::support::Server;

/// A compose that should come about as soon as nothing is wrong.
fn sound() -> Value {
    with(tag("lab-locked"), "packages", vec!["lab-hello"])
}

async fn goes_on(lab: &Lab) {
    lab.hub.behave();
    let made = lab.done(&sound()).await;
    assert!(made.trees["x86_64"].contains_key("lab-hello-0:1.0-1.x86_64"));
}

fn twice(start: crate::support::Start) -> crate::support::Start {
    start.variable("ODCS_KOJI_ATTEMPTS", "2")
}

#[tokio::test]
async fn a_hub_that_is_offline() {
    let lab = Lab::start_with(Files::Topdir, twice);
    for text in ["server is offline", "scheduled outage: database upgrade"] {
        lab.hub.behave();
        lab.hub.on(Wrong::Fault(1014, text.to_owned()));
        lab.hub.forget();
        lab.fails(&sound(), &[&lab.hub.url(), "offline", text]).await;
        assert_eq!(lab.hub.calls().len(), 2, "it is asked again");
    }
    goes_on(&lab).await;
}

#[tokio::test]
async fn a_hub_that_nobody_answers_for() {
    let nobody = format!("http://{}/kojihub", test_support::http::nobody());
    let lab = Lab::start_with(Files::Topdir, |start| {
        twice(start).variable("ODCS_KOJI_SERVER", nobody.clone())
    });
    lab.fails(&sound(), &[&nobody, "refused"]).await;
    // A host that there is none of.
    let lab = Lab::start_with(Files::Topdir, |start| {
        twice(start).variable("ODCS_KOJI_SERVER", "http://koji.invalid/kojihub")
    });
    lab.fails(&sound(), &["http://koji.invalid/kojihub"]).await;
}

#[tokio::test]
async fn what_is_no_hub() {
    let lab = Lab::start_with(Files::Topdir, twice);
    let url = lab.hub.url();
    for (wrong, says) in [
        (Wrong::Html(200), &["text/html"][..]),
        (Wrong::Html(403), &["403"]),
        (Wrong::Html(404), &["404"]),
        (Wrong::Html(503), &["503"]),
        (
            Wrong::Redirect("https://login.example.com/".to_owned()),
            &["login.example.com"],
        ),
        (Wrong::Body(b"{\"json\": true}".to_vec()), &["XML"]),
    ] {
        lab.hub.behave();
        lab.hub.on(wrong);
        let reason = lab.fails(&sound(), &[&url]).await;
        for word in says {
            assert!(reason.contains(word), "{word:?} is not in: {reason}");
        }
    }
    goes_on(&lab).await;
}

#[tokio::test]
async fn a_fault_with_a_traceback() {
    let lab = Lab::start_with(Files::Topdir, twice);
    let mut traceback = "Traceback (most recent call last):\n".to_owned();
    for line in 0..40 {
        traceback +=
            &format!("  File \"/srv/koji/kojihub/db.py\", line {line}, in execute\n    ret = run()\n");
    }
    traceback += "psycopg2.errors.DeadlockDetected: deadlock detected\n";
    lab.hub
        .on(Wrong::Fault(1, traceback.clone()).of("listTaggedRPMS"));
    let reason = lab.fails(&sound(), &["deadlock detected"]).await;
    assert!(!reason.contains("db.py") && reason.len() < 400, "{reason}");
    let log = lab.server.log();
    assert!(log.contains("line 39"), "the whole of it is in the log: {log}");
    goes_on(&lab).await;
}

/// One that does not know about drafts, and says so in one of its ways.
#[tokio::test]
async fn an_older_hub() {
    for code in [1, 1000, 1019] {
        let lab = Lab::start(Files::Topdir);
        let text = "listTaggedRPMS() got an unexpected keyword argument 'draft'";
        let fault = Wrong::Fault(code, text.to_owned());
        lab.hub.on(fault.of("listTaggedRPMS").times(1));
        // Nor does it say of anything whether it is one.
        lab.hub.on(Wrong::NoField("draft").of("listTaggedRPMS"));
        let made = lab.done(&with(sound(), "packages", vec!["lab-hello-libs"])).await;
        assert!(made.trees["x86_64"].contains_key("lab-hello-libs-0:1.0-1.x86_64"));
        let calls = lab.hub.calls();
        let mut listings = calls.iter().filter(|call| call.method == "listTaggedRPMS");
        assert!(listings.next().unwrap().named("draft").is_some());
        assert!(listings.all(|call| call.named("draft").is_none()), "{code}");
    }
}

#[tokio::test]
async fn a_volume_that_is_not_mounted() {
    let lab = Lab::start_with(Files::Topdir, |start| {
        let nowhere = start.dir().join("mnt");
        start.variable("ODCS_KOJI_TOPDIR", nowhere.to_str().unwrap())
    });
    let nowhere = lab.server.dir.path().join("mnt");
    let nowhere = nowhere.to_str().unwrap();
    lab.fails(&sound(), &[nowhere, "mounted"]).await;
    // A mount point without the mount.
    std::fs::create_dir(nowhere).unwrap();
    lab.fails(&sound(), &[nowhere, "mounted"]).await;
}

/// All that is missing is named, and nothing else.
#[tokio::test]
async fn files_that_are_missing() {
    let lab = Lab::start(Files::Topdir);
    let lost = ["lab-hello-1.0-1.x86_64", "lab-hello-libs-1.0-1.x86_64"];
    for nvra in lost {
        std::fs::remove_file(lab.hub.rpm_path(nvra, "")).unwrap();
    }
    let mut everything = tag("lab-locked");
    lab.fails(
        &everything,
        &["lab-hello-1.0-1.x86_64.rpm", "lab-hello-libs-1.0-1.x86_64.rpm"],
    )
    .await;
    everything["flags"] = json!(["no_deps"]);
    let reason = lab.fails(&everything, &["lab-hello-1.0-1.x86_64.rpm"]).await;
    assert!(!reason.contains("lab-hello-devel"), "{reason}");
    // What does not belong is not missed.
    let mut others = with(tag("lab-locked"), "packages", vec!["lab-hello-devel"]);
    others["flags"] = json!(["no_deps"]);
    lab.done(&others).await;
}

#[tokio::test]
async fn files_that_are_not_served() {
    let lab = Lab::start(Files::Topurl);
    let path = lab.hub.rpm_path("lab-hello-1.0-1.x86_64", "");
    let below = path
        .strip_prefix(lab.hub.topdir())
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let url = format!("{}/{below}", lab.hub.topurl());
    std::fs::remove_file(&path).unwrap();
    lab.fails(&sound(), &[&url]).await;
    let mut alone = sound();
    alone["flags"] = json!(["no_deps"]);
    lab.fails(&alone, &[&url]).await;
    // A login page instead of a package.
    lab.hub.files().on(
        &format!(
            "/{}",
            below.replace("lab-hello-1.0-1.x86_64", "lab-hello-devel-1.0-1.x86_64")
        ),
        Behaviour::Html(200),
    );
    let devel = with(alone, "packages", vec!["lab-hello-devel"]);
    lab.fails(&devel, &["lab-hello-devel-1.0-1.x86_64.rpm"]).await;
}

#[tokio::test]
async fn files_that_are_not_what_koji_has() {
    for files in [Files::Topdir, Files::Topurl] {
        let lab = Lab::start(files);
        let request = |package: &str, flags: &[&str]| {
            let mut body = with(tag("lab-locked"), "packages", vec![package]);
            body["flags"] = json!(flags);
            body
        };
        let ways = [vec![], vec!["no_deps"]];
        let wrong = |bytes: &[u8], nvra: &str| {
            // A file of its own: others may have been linked.
            let path = lab.hub.rpm_path(nvra, "");
            let sound = std::fs::read(&path).unwrap();
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, bytes).unwrap();
            (path, sound)
        };
        let hello = "lab-hello-1.0-1.x86_64";
        let bytes = std::fs::read(lab.hub.rpm_path(hello, "")).unwrap();
        // Cut off.
        let (path, sound) = wrong(&bytes[..bytes.len() - 100], hello);
        for flags in &ways {
            lab.fails(&request("lab-hello", flags), &["lab-hello-1.0-1.x86_64.rpm"])
                .await;
        }
        std::fs::write(path, sound).unwrap();
        // Changed in its payload, where only a digest tells.
        let mut changed = bytes.clone();
        let last = changed.len() - 20;
        changed[last] ^= 1;
        let (path, sound) = wrong(&changed, hello);
        for flags in &ways {
            lab.fails(&request("lab-hello", flags), &["lab-hello-1.0-1.x86_64.rpm"])
                .await;
        }
        std::fs::write(path, sound).unwrap();
        // Another package.
        let other = std::fs::read(lab.hub.rpm_path("lab-hello-1.0-2.x86_64", "")).unwrap();
        let (path, sound) = wrong(&other, hello);
        for flags in &ways {
            lab.fails(&request("lab-hello", flags), &["lab-hello"]).await;
        }
        std::fs::write(path, sound).unwrap();
        lab.done(&request("lab-hello", &[])).await;
    }
}

/// Administrators may have a volume elsewhere; nothing else leads out of the directory.
#[tokio::test]
async fn links_that_lead_out() {
    let lab = Lab::start(Files::Topdir);
    lab.hub.move_build("lab-hello-1.0-1", "fast");
    let (inside, outside) = (
        lab.hub.topdir().join("vol/fast"),
        lab.server.dir.path().join("fast"),
    );
    std::fs::rename(&inside, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &inside).unwrap();
    let made = lab.done(&sound()).await;
    lab.check_files(&made);

    let path = lab.hub.rpm_path("lab-hello-devel-1.0-1.x86_64", "");
    let elsewhere = lab.server.dir.path().join("lab-hello-devel-1.0-1.x86_64.rpm");
    std::fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    let mut devel = with(tag("lab-locked"), "packages", vec!["lab-hello-devel"]);
    for flags in [json!([]), json!(["no_deps"])] {
        devel["flags"] = flags;
        lab.fails(&devel, &["lab-hello-devel-1.0-1.x86_64.rpm"]).await;
    }
}

/// A copy that is not signed as its place says is none.
#[tokio::test]
async fn signed_copies_that_are_not() {
    for is_known in [true, false] {
        for files in [Files::Topdir, Files::Topurl] {
            let lab = Lab::start(files);
            if !is_known {
                lab.hub.forget_digests();
            }
            let request = |package: &str| {
                let mut body = with(tag("lab-locked"), "packages", vec![package]);
                body["flags"] = json!(["no_deps"]);
                with(body, "sigkeys", vec!["f1290335"])
            };
            // The unsigned one, and one of another key.
            for (nvra, key) in [
                ("lab-hello-devel-1.0-1.x86_64", ""),
                ("lab-hello-libs-1.0-1.x86_64", "94d22493"),
            ] {
                let other = std::fs::read(lab.hub.rpm_path(nvra, key)).unwrap();
                std::fs::write(lab.hub.rpm_path(nvra, "f1290335"), other).unwrap();
            }
            lab.fails(&request("lab-hello-devel"), &["lab-hello-devel", "f1290335"])
                .await;
            lab.fails(&request("lab-hello-libs"), &["lab-hello-libs", "f1290335"])
                .await;
            lab.done(&request("lab-hello-doc")).await;
        }
    }
}

/// Every package with what is missing, not the first one only.
#[tokio::test]
async fn all_that_is_not_signed_is_named() {
    let lab = Lab::start(Files::Topdir);
    let body = with(
        with(tag("lab-base"), "sigkeys", vec!["94d22493"]),
        "koji_event",
        174,
    );
    let reason = lab.fails(&body, &["94d22493", "f1290335"]).await;
    for package in [
        "lab-epoch",
        "lab-nosrc",
        "lab-c++",
        "lab-excl",
        "lab-tools",
        "lab-blocked",
    ] {
        assert!(reason.contains(package), "{package}: {reason}");
    }
    assert!(
        !reason.contains("lab-hello") && !reason.contains("lab-noarch"),
        "these are: {reason}"
    );
    let noarch = with(builds(&["lab-noarch-2.0-2"]), "sigkeys", vec!["f1290335"]);
    let reason = lab
        .fails(&noarch, &["lab-noarch-0:2.0-2.noarch", "lab-noarch-0:2.0-2.src"])
        .await;
    assert!(reason.contains("94d22493"), "the key that it has: {reason}");
}

#[tokio::test]
async fn without_a_hub_there_are_no_such_composes() {
    let start = crate::support::Start::new();
    let server: Server = start.start();
    for body in [tag("lab-base"), builds(&["lab-hello-1.0-1"])] {
        let answer = server.post(&body).await;
        assert!(answer.status.is_client_error(), "{}", answer.text());
    }
}
