//! The Python client that is in production: `odcs[client]` from PyPI.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Server, run};

/// Every other call: sources of all types (which are refused here), renewing, deleting, searching, and waiting
/// with the log on the screen.
const ALL_CALLS: &str = r#"
import contextlib, io, json, sys
from odcs.client.odcs import (ODCS, AuthMech, ComposeLog, ComposeSourceBuild, ComposeSourceGeneric,
                              ComposeSourceModule, ComposeSourcePulp, ComposeSourceRawConfig, ComposeSourceTag)
import requests

client = ODCS(sys.argv[1], auth_mech=AuthMech.Anonymous)
refused = {}
for source in [ComposeSourceTag("f36", packages=["ed"]), ComposeSourceModule(["testmodule:master"]),
               ComposeSourcePulp(["cs1"]), ComposeSourceRawConfig("pungi_cfg", "hash"),
               ComposeSourceBuild(["ed-1-1"])]:
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            client.request_compose(source)
        except requests.HTTPError as error:
            refused[type(source).__name__] = error.response.status_code
first = client.request_compose(ComposeSourceGeneric(sys.argv[2], "repo", packages=["ed"]))
log = io.StringIO()
with contextlib.redirect_stdout(log):
    done = client.wait_for_compose(first["id"], timeout=60, watch_logs=True)
same = client.wait_for_compose(client.new_compose(sys.argv[2], "repo", packages=["ed"])["id"], timeout=60)
longer = client.renew_compose(first["id"], seconds_to_live=200000)
label = client.renew_compose(first["id"], label="RC-1.0")
label = client.wait_for_compose(label["id"], timeout=60)
deleted = client.delete_compose(label["id"])
with contextlib.redirect_stdout(io.StringIO()):
    try:
        client.get_compose(4711)
        missing = None
    except requests.HTTPError as error:
        missing = error.response.status_code
found = {
    "repo": client.find_composes(source_type=3),
    "done": client.find_composes(state=2, owner="unknown", source=sys.argv[2]),
    "page": client.find_composes(page=2, per_page=1, order_by="id"),
    "none": client.find_composes(owner="nobody"),
}
read = ComposeLog(done).read()
print(json.dumps({"refused": refused, "done": done, "same": same, "longer": longer, "label": label,
                  "deleted": deleted, "missing": missing, "found": found, "read": str(read)}))
"#;

const SCRIPT: &str = r#"
import json, sys
from odcs.client.odcs import ODCS, AuthMech, ComposeSourceGeneric, ComposeSourceTag
import requests

client = ODCS(sys.argv[1], auth_mech=AuthMech.Anonymous)
created = client.request_compose(ComposeSourceGeneric(sys.argv[2], "repo", packages=["ed"], sigkeys=["9f8d0467", ""]),
                                 seconds_to_live=1200, flags=["no_deps"], arches=["x86_64", "aarch64"])
done = client.wait_for_compose(created["id"], timeout=60)
old = client.new_compose(sys.argv[2], "repo", packages=["ed"])
old = client.wait_for_compose(old["id"], timeout=60)
try:
    client.request_compose(ComposeSourceTag("f36"))
    refused = None
except requests.HTTPError as error:
    refused = error.response.json()
print(json.dumps({"created": created, "done": done, "old": old, "got": client.get_compose(created["id"]),
                  "found": client.find_composes(), "about": client.about(), "refused": refused}))
"#;

/// What a script with the client prints in its last line; nothing if there is no client.
pub(crate) fn answer(server: &Server, repository: &Path, script: &str) -> Option<Value> {
    let Some(python) = std::env::var_os("ODCS_TEST_PYTHON") else {
        assert!(
            !test_support::is_ci(),
            "ODCS_TEST_PYTHON should name a Python with odcs[client]"
        );
        println!("skipped: ODCS_TEST_PYTHON does not name a Python with odcs[client]");
        return None;
    };
    let output = run(Command::new(python)
        .args(["-c", script, &server.base])
        .arg(repository));
    // The client prints what it is refused with before it raises an error.
    let answer = output.lines().next_back().unwrap();
    Some(serde_json::from_str(answer).unwrap())
}

#[tokio::test]
async fn creates_waits_and_gets() {
    let (server, repository) = Server::with_test_repository();
    let Some(answer) = answer(&server, &repository, SCRIPT) else {
        return;
    };
    assert_eq!(answer["created"]["state_name"], "wait");
    assert_eq!(answer["created"]["sigkeys"], "9f8d0467 ");
    assert_eq!(answer["done"]["state_name"], "done", "{answer}");
    assert_eq!(answer["done"]["arches"], "x86_64 aarch64");
    assert_eq!(answer["done"], answer["got"]);
    assert_eq!(answer["old"]["state_name"], "done");
    assert_eq!(answer["found"]["meta"]["total"], 2);
    assert_eq!(answer["refused"]["status"], 400);
    assert_eq!(answer["about"]["auth_backend"], "noauth");
}

#[tokio::test]
async fn every_call() {
    let (server, repository) = Server::with_test_repository();
    let Some(answer) = answer(&server, &repository, ALL_CALLS) else {
        return;
    };
    let refused = answer["refused"].as_object().unwrap();
    assert_eq!(refused.len(), 5);
    assert!(refused.values().all(|status| *status == 400), "{refused:?}");
    let id = |name: &str| answer[name]["id"].as_i64().unwrap();
    assert_eq!(answer["done"]["state_name"], "done");
    assert_ne!(id("same"), id("done"));
    assert_eq!(
        answer["same"]["result_repofile"],
        answer["done"]["result_repofile"]
    );
    assert_eq!(id("longer"), id("done"));
    let time = |name: &str| answer[name]["time_to_expire"].as_str().unwrap();
    assert!(time("longer") > time("done"));
    assert!(id("label") > id("same"));
    assert_eq!(
        (&answer["label"]["state_name"], &answer["label"]["label"]),
        (&"done".into(), &"RC-1.0".into())
    );
    assert_eq!(answer["deleted"]["status"], 202);
    assert_eq!(answer["missing"], 404);
    let total = |name: &str| answer["found"][name]["meta"]["total"].as_i64().unwrap();
    assert_eq!(total("repo"), 3);
    assert!(total("done") >= 2);
    assert_eq!((total("page"), total("none")), (3, 0));
    assert_eq!(answer["found"]["page"]["items"][0]["id"], id("same"));
    assert!(
        answer["read"].as_str().unwrap().contains("resolv"),
        "{}",
        answer["read"]
    );
}
