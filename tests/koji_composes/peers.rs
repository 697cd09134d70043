//! Who uses composes, and how they are asked for otherwise.

use std::path::Path;

use serde_json::json;

use crate::lab::{Files, Lab, tag, with};
use crate::support::{as_root, has, run};

/// dnf with an empty root and the `.repo` file of a compose, nothing else.
fn dnf(root: &Path, repos: &Path, args: &[&str]) -> String {
    let mut command = as_root("dnf");
    command.args(["--assumeyes", "--releasever=1", "--forcearch=x86_64"]);
    command
        .arg(format!("--installroot={}", root.display()))
        .arg(format!("--setopt=reposdir={}", repos.display()));
    run(command.args(args))
}

#[tokio::test]
async fn dnf_installs_from_a_tag_compose() {
    if !has("dnf") || !has("rpm") {
        return;
    }
    let lab = Lab::start(Files::Topdir);
    let body = with(tag("lab-build"), "sigkeys", vec!["f1290335", ""]);
    let made = lab.done(&with(body, "koji_event", 174)).await;
    let repofile = lab
        .server
        .get(made.record["result_repofile"].as_str().unwrap())
        .await;
    let (root, repos) = (
        lab.server.dir.path().join("root"),
        lab.server.dir.path().join("repos"),
    );
    std::fs::create_dir(&repos).unwrap();
    std::fs::write(repos.join("odcs.repo"), &repofile.body).unwrap();
    dnf(
        &root,
        &repos,
        &[
            "install",
            "--nogpgcheck",
            "lab-hello-devel",
            "lab-epoch",
            "lab-c++",
        ],
    );
    let installed = run(as_root("rpm")
        .arg("--root")
        .arg(&root)
        .args(["-qa", "--qf", "%{NEVRA}\n"]));
    let mut installed: Vec<_> = installed.lines().collect();
    installed.sort_unstable();
    assert_eq!(
        installed,
        [
            "lab-c++-4.0-1.x86_64",
            "lab-epoch-1:3.0-1.x86_64",
            "lab-hello-1.1-1.el9.x86_64",
            "lab-hello-devel-1.1-1.el9.x86_64",
        ]
    );
}

#[tokio::test]
async fn the_command_line_asks_for_the_same() {
    let lab = Lab::start(Files::Topdir);
    let of = |args: &[&str]| {
        let output = lab.server.odcs(args);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let record: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)));
        lab.made(&record)
    };
    let made = of(&[
        "create-tag",
        "lab-build",
        "lab-hello-doc",
        "--koji-event",
        "174",
        "--sigkey",
        "f1290335",
    ]);
    assert_eq!(
        made.keys("x86_64").into_iter().collect::<Vec<_>>(),
        [
            ("lab-hello-0:1.1-1.el9.src".to_owned(), "f1290335".to_owned()),
            (
                "lab-hello-doc-0:1.1-1.el9.noarch".to_owned(),
                "f1290335".to_owned()
            ),
        ]
    );
    let made = of(&["create-build", "lab-volume-1.0-1"]);
    assert_eq!(
        made.keys("x86_64").into_keys().collect::<Vec<_>>(),
        ["lab-volume-0:1.0-1.src", "lab-volume-0:1.0-1.x86_64"]
    );
}

/// The Python client that is in production.
const CLIENT: &str = r#"
import json, sys
from odcs.client.odcs import ODCS, AuthMech, ComposeSourceBuild, ComposeSourceTag

client = ODCS(sys.argv[1], auth_mech=AuthMech.Anonymous)
made = []
for source in [ComposeSourceTag("lab-build", packages=["lab-hello-doc"], sigkeys=["f1290335"], koji_event=174),
               ComposeSourceTag("lab-locked", builds=["lab-volume-1.0-1"]),
               ComposeSourceBuild(["lab-hello-1.0-2"], sigkeys=["f1290335", ""])]:
    made.append(client.wait_for_compose(client.request_compose(source)["id"], timeout=60))
print(json.dumps(made))
"#;

#[tokio::test]
async fn the_python_client_asks_for_the_same() {
    let Some(python) = std::env::var_os("ODCS_TEST_PYTHON") else {
        assert!(
            !test_support::is_ci(),
            "ODCS_TEST_PYTHON should name a Python with odcs[client]"
        );
        return;
    };
    let lab = Lab::start(Files::Topdir);
    let printed = run(std::process::Command::new(python).args(["-c", CLIENT, &lab.server.base]));
    let records: serde_json::Value = serde_json::from_str(printed.lines().next_back().unwrap()).unwrap();
    let made: Vec<_> = (0..3).map(|index| lab.made(&records[index])).collect();
    assert_eq!(
        made[0].keys("x86_64").into_values().collect::<Vec<_>>(),
        ["f1290335", "f1290335"]
    );
    assert!(made[1].keys("x86_64").contains_key("lab-volume-0:1.0-1.x86_64"));
    assert!(made[1].keys("x86_64").contains_key("lab-hello-0:1.0-1.x86_64"));
    assert_eq!(made[2].keys("x86_64")["lab-hello-0:1.0-2.x86_64"], "f1290335");
    assert_eq!(made[2].record["source_type"], 6);
}

/// What an existing compose has is taken from Koji once more: for the same arches, signed with the same keys.
#[tokio::test]
async fn the_same_as_an_existing_compose() {
    // The one is made by the other: any Pungi compose has such a document.
    let first = Lab::start(Files::Topdir);
    let mut body = with(tag("lab-signed"), "sigkeys", vec!["94d22493", "f1290335", ""]);
    body["arches"] = json!(["x86_64", "aarch64"]);
    let made = first.done(&body).await;
    let url = made.record["result_repo"].as_str().unwrap().to_owned();

    let lab = Lab::start_with(Files::Topdir, |start| {
        let allowed = format!("allowed_urls = [\"{}/\"]\n", first.server.base);
        std::fs::write(start.dir().join("odcs.toml"), allowed).unwrap();
        start
    });
    let body = json!({"source": {"type": "pungi_compose", "source": url}});
    let same = lab.done(&body).await;
    for arch in ["x86_64", "aarch64"] {
        assert_eq!(same.keys(arch), made.keys(arch), "{arch}");
        assert!(!made.keys(arch).is_empty());
    }
    lab.check_files(&same);
    let mut arches: Vec<_> = same.record["arches"].as_str().unwrap().split(' ').collect();
    arches.sort_unstable();
    assert_eq!(arches, ["aarch64", "x86_64"]);
}
