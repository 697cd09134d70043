//! The Python client that is in production: `odcs[client]` from PyPI.

use std::process::Command;

use crate::support::{Server, run};

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

#[tokio::test]
async fn creates_waits_and_gets() {
    let Some(python) = std::env::var_os("ODCS_TEST_PYTHON") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "ODCS_TEST_PYTHON should name a Python with odcs[client]"
        );
        println!("skipped: ODCS_TEST_PYTHON does not name a Python with odcs[client]");
        return;
    };
    let (server, repository) = Server::with_test_repository();
    let output = run(Command::new(python)
        .args(["-c", SCRIPT, &server.base])
        .arg(&repository));
    // The client prints what it is refused with before it raises an error.
    let answer = output.lines().next_back().unwrap();
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
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
