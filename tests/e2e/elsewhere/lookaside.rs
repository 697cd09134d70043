//! Lookaside repositories on HTTP servers.

use serde_json::json;

use super::{Lab, package, repository};
use crate::client_python;
use crate::support::has;

/// `app` for two arches needs `lib` and `tool`; for x86_64 a lookaside repository has the one, another has the other
/// for both.
fn lab() -> Option<Lab> {
    if !has("createrepo_c") {
        return None;
    }
    let app = |arch| package("app", arch).with_requires("lib").with_requires("tool");
    Some(Lab::with("", |www| {
        let mut all = Vec::new();
        for arch in ["x86_64", "aarch64"] {
            all.extend([app(arch), package("lib", arch), package("tool", arch)]);
        }
        repository(&www.join("apps"), all);
        repository(&www.join("base/x86_64/os"), vec![package("lib", "x86_64")]);
        repository(&www.join("base/aarch64/os"), vec![package("unlike", "aarch64")]);
        repository(
            &www.join("tools"),
            vec![package("tool", "x86_64"), package("tool", "aarch64")],
        );
    }))
}

#[tokio::test]
async fn what_they_have_stays_out_and_is_not_fetched() {
    let Some(lab) = lab() else { return };
    let mut request = lab.request("/apps", &["app"]);
    request["arches"] = json!(["x86_64", "aarch64"]);
    request["lookaside_repos"] = json!([lab.www.url("/base/$basearch/os"), lab.www.url("/tools")]);
    let compose = lab.service.compose(&request).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    assert_eq!(
        compose["lookaside_repos"],
        format!("{} {}", lab.www.url("/base/$basearch/os"), lab.www.url("/tools"))
    );
    assert_eq!(lab.tree(1, "x86_64"), ["app-1-1.x86_64.rpm"]);
    assert_eq!(
        lab.tree(1, "aarch64"),
        ["app-1-1.aarch64.rpm", "lib-1-1.aarch64.rpm"]
    );
    assert_eq!(
        lab.fetched(),
        ["app-1-1.aarch64.rpm", "app-1-1.x86_64.rpm", "lib-1-1.aarch64.rpm"]
    );
    let strays: Vec<_> = lab
        .www
        .requests()
        .into_iter()
        .map(|request| request.target)
        .filter(|target| !target.starts_with("/apps/") && !target.contains("/repodata/"))
        .collect();
    assert_eq!(
        strays,
        Vec::<String>::new(),
        "of the others, only metadata is read"
    );
}

#[tokio::test]
async fn one_that_has_moved_on_makes_another_compose() {
    let Some(lab) = lab() else { return };
    let mut request = lab.request("/apps", &["app"]);
    request["lookaside_repos"] = json!([lab.www.url("/base/$basearch/os/"), lab.www.url("/tools/")]);
    let first = lab.service.compose(&request).await;
    assert_eq!(first["state_name"], "done", "{first}");
    let tools = lab.service.dir.path().join("www/tools");
    std::fs::remove_dir_all(&tools).unwrap();
    repository(&tools, vec![package("unlike", "x86_64")]);
    let second = lab.service.compose(&request).await;
    assert_eq!(second["state_name"], "done", "{second}");
    assert_eq!(lab.tree(1, "x86_64"), ["app-1-1.x86_64.rpm"]);
    assert_eq!(
        lab.tree(2, "x86_64"),
        ["app-1-1.x86_64.rpm", "tool-1-1.x86_64.rpm"]
    );
}

#[tokio::test]
async fn one_that_is_not_there_fails_the_compose() {
    let Some(lab) = lab() else { return };
    let mut request = lab.request("/apps", &["app"]);
    request["lookaside_repos"] = json!([lab.www.url("/bases")]);
    let compose = lab.service.compose(&request).await;
    assert_eq!(compose["state_name"], "failed", "{compose}");
    let reason = compose["state_reason"].as_str().unwrap();
    for says in ["lookaside_repos", &lab.www.url("/bases"), "repomd.xml"] {
        assert!(reason.contains(says), "{says:?} is not in: {reason}");
    }
    assert_eq!(lab.fetched(), Vec::<String>::new());
    lab.is_clean();
}

const SCRIPT: &str = r#"
import json, sys
from odcs.client.odcs import ODCS, AuthMech, ComposeSourceGeneric

client = ODCS(sys.argv[1], auth_mech=AuthMech.Anonymous)
www = sys.argv[2]
created = client.request_compose(ComposeSourceGeneric(www + "apps", "repo", packages=["app"]),
                                 lookaside_repos=[www + "base/$basearch/os", www + "tools"])
print(json.dumps(client.wait_for_compose(created["id"], timeout=60)))
"#;

#[tokio::test]
async fn the_client_in_production_asks_for_them() {
    let Some(lab) = lab() else { return };
    let www = lab.www.url("/");
    let Some(compose) = client_python::answer(&lab.service, www.as_ref(), SCRIPT) else {
        return;
    };
    assert_eq!(compose["state_name"], "done", "{compose}");
    assert_eq!(
        compose["lookaside_repos"],
        format!("{www}base/$basearch/os {www}tools")
    );
    assert_eq!(lab.tree(1, "x86_64"), ["app-1-1.x86_64.rpm"]);
}
