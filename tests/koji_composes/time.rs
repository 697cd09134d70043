//! What is there already is shared, what has changed is made anew, and what was removed comes back as it was.

use std::io::Read;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::lab::{Files, Lab, Made, tag, with};

fn signed(keys: &[&str]) -> Value {
    with(tag("lab-locked"), "sigkeys", keys.to_vec())
}

/// Deletes a compose, waits until its tree has gone, and has it made again.
async fn renewed(lab: &Lab, made: &Made) -> Value {
    let id = made.record["id"].as_i64().unwrap();
    delete(lab, id).await;
    let path = format!("/api/1/composes/{id}");
    let answer = lab
        .server
        .ask(
            reqwest::Method::PATCH,
            &path,
            &[("Content-Type", "application/json")],
            b"{}",
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let renewed = answer.json()["id"].as_i64().unwrap();
    assert_ne!(renewed, id);
    lab.server.ended(renewed).await
}

async fn delete(lab: &Lab, id: i64) {
    let answer = lab
        .server
        .ask(
            reqwest::Method::DELETE,
            &format!("/api/1/composes/{id}"),
            &[],
            b"",
        )
        .await;
    assert!(answer.status.is_success(), "{}", answer.text());
    let begun = Instant::now();
    while lab.server.target().join(format!("odcs-{id}")).exists() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", lab.server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_event_is_pinned_and_an_unchanged_tag_is_shared() {
    let lab = Lab::start(Files::Topdir);
    let first = lab.done(&tag("lab-updates")).await;
    assert_eq!(first.record["koji_event"], 174);
    // Something happens elsewhere.
    assert_eq!(lab.hub.tag("lab-locked", "lab-hello-1.0-2"), 175);
    let second = lab.done(&tag("lab-updates")).await;
    assert_eq!(second.record["koji_event"], 175);
    assert_ne!(first.record["id"], second.record["id"]);
    assert_eq!(first.compose, second.compose, "one tree for both");
    // And here.
    assert_eq!(lab.hub.tag("lab-updates", "lab-noarch-2.0-2"), 176);
    let third = lab.done(&tag("lab-updates")).await;
    assert_ne!(third.compose, first.compose);
    assert!(third.trees["x86_64"].contains_key("lab-noarch-0:2.0-2.noarch"));
    // As it was then, it is still there.
    let again = lab.done(&with(tag("lab-updates"), "koji_event", 174)).await;
    assert_eq!(again.compose, first.compose);
}

/// Signing makes no event.
#[tokio::test]
async fn signing_makes_another_compose() {
    for files in [Files::Topdir, Files::Topurl] {
        let lab = Lab::start(files);
        lab.hub.unsign("lab-hello-1.0-1", "94d22493");
        let keys = &["94d22493", "f1290335"];
        let before = lab.done(&signed(keys)).await;
        let plain = lab.done(&tag("lab-locked")).await;
        let key = |made: &Made| made.trees["x86_64"]["lab-hello-0:1.0-1.x86_64"].key.clone();
        assert_eq!(key(&before), "f1290335");

        // On record, and not there yet: nothing changes.
        lab.hub.import_signature("lab-hello-1.0-1", "94d22493");
        let meanwhile = lab.done(&signed(keys)).await;
        assert_eq!(meanwhile.compose, before.compose, "{files:?}");

        lab.hub.write_signed("lab-hello-1.0-1", "94d22493");
        let after = lab.done(&signed(keys)).await;
        assert_eq!(after.record["koji_event"], before.record["koji_event"]);
        assert_ne!(after.compose, before.compose, "{files:?}");
        assert_eq!(key(&after), "94d22493");
        lab.check_files(&after);
        // Who does not ask for signatures does not notice.
        assert_eq!(lab.done(&tag("lab-locked")).await.compose, plain.compose);

        // Gone again: the next best is taken, of which there is a compose.
        lab.hub.remove_signed("lab-hello-1.0-1", "94d22493");
        let back = lab.done(&signed(keys)).await;
        assert_eq!(back.compose, before.compose, "{files:?}");
        let mut anew = signed(keys);
        anew["flags"] = json!(["no_reuse"]);
        let anew = lab.done(&anew).await;
        assert_eq!(key(&anew), "f1290335", "also where the copy was fetched once");
    }
}

/// Seen once, and deleted before it was fetched: that it was there is no reason to count on it.
#[tokio::test]
async fn a_copy_that_was_seen_and_is_gone() {
    let lab = Lab::start(Files::Topurl);
    let request = |package: &str| {
        let mut body = with(signed(&["94d22493", "f1290335"]), "packages", vec![package]);
        body["flags"] = json!(["no_deps"]);
        body
    };
    // The build is looked at as a whole, and this of it is fetched.
    lab.done(&request("lab-hello-doc")).await;
    lab.hub.remove_signed("lab-hello-1.0-1", "94d22493");
    let made = lab.done(&request("lab-hello-devel")).await;
    assert_eq!(
        made.trees["x86_64"]["lab-hello-devel-0:1.0-1.x86_64"].key,
        "f1290335"
    );
}

/// A signature is removed and made again with the same key: other files under the same names.
#[tokio::test]
async fn what_was_signed_again_with_the_same_key() {
    for files in [Files::Topdir, Files::Topurl] {
        let lab = Lab::start(files);
        let mut body = with(signed(&["f1290335"]), "packages", vec!["lab-hello-libs"]);
        body["flags"] = json!(["no_deps"]);
        let before = lab.done(&body).await;
        lab.hub.sign_again("lab-hello-1.0-1", "f1290335");
        body["flags"] = json!(["no_deps", "no_reuse"]);
        let after = lab.done(&body).await;
        lab.check_files(&after);
        assert_eq!(after.keys("x86_64"), before.keys("x86_64"));
        // What the repodata says of the file is of the one that is there.
        let path = lab.hub.rpm_path("lab-hello-libs-1.0-1.x86_64", "f1290335");
        let digest =
            odcs_rpm::Digest::of_bytes(odcs_rpm::DigestAlgorithm::Sha256, &std::fs::read(path).unwrap());
        let os = after.compose.join("Temporary/x86_64/os/repodata");
        let primary = test_support::files(&os);
        let primary = primary
            .iter()
            .find(|name| name.ends_with("primary.xml.gz"))
            .unwrap();
        let mut xml = String::new();
        flate2::read::MultiGzDecoder::new(std::fs::File::open(os.join(primary)).unwrap())
            .read_to_string(&mut xml)
            .unwrap();
        assert!(xml.contains(digest.hex()), "{files:?}");
    }
}

#[tokio::test]
async fn what_was_removed_comes_back_as_it_was() {
    for files in [Files::Topdir, Files::Topurl] {
        let lab = Lab::start(files);
        let body = with(
            tag("lab-signed"),
            "sigkeys",
            vec!["94d22493", "f1290335", "dbe42ec4"],
        );
        let made = lab.done(&body).await;
        let (contents, keys) = (made.contents(), made.keys("x86_64"));
        assert_eq!(keys["lab-noarch-0:2.0-1.noarch"], "94d22493");

        // Everything moves on.
        lab.hub.untag("lab-signed", "lab-hello-1.1-1.el9");
        lab.hub.tag("lab-signed", "lab-hello-1.0-2");
        lab.hub.list_package("lab-signed", "lab-tools", true);
        let again = renewed(&lab, &made).await;
        let again = lab.made(&again);
        assert_eq!(again.contents(), contents, "{files:?}");
        assert_eq!(again.keys("x86_64"), keys);
        lab.check_files(&again);

        // Builds move, one of them back.
        lab.hub.move_build("lab-hello-1.1-1.el9", "fast");
        lab.hub.move_build("lab-volume-1.0-1", "DEFAULT");
        let moved = renewed(&lab, &again).await;
        let moved = lab.made(&moved);
        assert_eq!(moved.contents(), contents, "{files:?}");
        lab.check_files(&moved);

        // Signed copies are removed, and made anew: the same, but for their time.
        lab.hub.remove_signed("lab-noarch-2.0-1", "94d22493");
        lab.hub.write_signed("lab-noarch-2.0-1", "94d22493");
        let anew = renewed(&lab, &moved).await;
        let anew = lab.made(&anew);
        assert_eq!(anew.contents(), contents, "{files:?}");
        lab.check_files(&anew);
    }
}

#[tokio::test]
async fn what_is_gone_is_named() {
    let lab = Lab::start(Files::Topdir);
    let made = lab.done(&signed(&["94d22493"])).await;
    lab.hub.remove_signed("lab-hello-1.0-1", "94d22493");
    let failed = renewed(&lab, &made).await;
    let reason = failed["state_reason"].as_str().unwrap();
    assert_eq!(failed["state_name"], "failed", "{failed}");
    for says in ["lab-hello-libs", "lab-hello-devel", "94d22493"] {
        assert!(reason.contains(says), "{says}: {reason}");
    }
    // Another key is none.
    lab.hub.sign("lab-hello-1.0-1", "94d22493");

    let plain = lab.done(&tag("lab-updates")).await;
    lab.hub.delete_build("lab-epoch-3.0-1");
    let failed = renewed(&lab, &plain).await;
    let reason = failed["state_reason"].as_str().unwrap();
    assert_eq!(failed["state_name"], "failed", "{failed}");
    assert!(reason.contains("lab-epoch"), "{reason}");
    assert!(!reason.contains("lab-hello"), "all else is there: {reason}");
    // Asked for anew, history says something else by now: the build is gone from it.
    let now = lab
        .done(&with(
            with(tag("lab-base"), "packages", vec!["lab-epoch"]),
            "koji_event",
            174,
        ))
        .await;
    assert_eq!(
        now.keys("x86_64").into_keys().collect::<Vec<_>>(),
        ["lab-epoch-2:2.0-5.src", "lab-epoch-2:2.0-5.x86_64"]
    );
}

/// Replaced by other bytes under the same name: that is not what was there.
#[tokio::test]
async fn what_was_replaced_is_not_taken_for_what_it_was() {
    let lab = Lab::start(Files::Topdir);
    let mut body = with(tag("lab-locked"), "packages", vec!["lab-hello-libs"]);
    body["flags"] = json!(["no_deps"]);
    let made = lab.done(&body).await;
    let path = lab.hub.rpm_path("lab-hello-libs-1.0-1.x86_64", "");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    // A file of its own: the old one is linked.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let failed = renewed(&lab, &made).await;
    assert_eq!(failed["state_name"], "failed", "{failed}");
    let reason = failed["state_reason"].as_str().unwrap();
    assert!(reason.contains("lab-hello-libs"), "{reason}");
}
