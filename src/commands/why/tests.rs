//! What is said about packages.

use super::*;

fn manifest() -> Manifest {
    let package = |kind: &str, nevra: &str, why: Value| {
        let arches: Vec<_> = why.as_object().unwrap().keys().cloned().collect();
        json!({
            "kind": kind, "nevra": nevra, "arches": arches, "file": format!("/srv/repo/Copy-of-{nevra}.rpm"), "size": 7,
            "digest": {"algorithm": "sha256", "hex": "ab".repeat(32)}, "sigkey": null, "why": why,
        })
    };
    let (asked, everywhere) = (
        json!({"reason": "asked", "pattern": "tools"}),
        |why: Value| json!({"aarch64": why, "x86_64": why}),
    );
    let bash = json!({
        "aarch64": {"reason": "asked", "pattern": "bas*"},
        "x86_64": {"reason": "requires", "requirement": "/bin/sh", "by": "glibc-0:2-1.x86_64"},
    });
    let mut old = package("binary", "old-0:1-1.noarch", json!({"x86_64": {}}));
    old.as_object_mut().unwrap().remove("why");
    let manifest = json!({
        "source_type": "repo", "description": "the repository /srv/repo", "timestamp": 1,
        "packages": [
            package("binary", "bash-1:5.2-1.noarch", bash),
            old,
            package("binary", "tools-0:1-1.noarch", everywhere(asked)),
            package("source", "tools-0:1-1.src", everywhere(json!({"reason": "source_of", "by": "tools-0:1-1.noarch"}))),
        ],
        "lookaside": [{
            "nevra": "glibc-0:2-1.x86_64",
            "why": {"x86_64": {"reason": "requires", "requirement": "libc.so.6", "by": "tools-0:1-1.noarch"}},
        }],
    });
    serde_json::from_value(manifest).unwrap()
}

fn options(package: &str, arch: Option<&str>) -> Options {
    Options {
        id: 12,
        package: package.to_owned(),
        arch: arch.map(|arch| arch.parse().unwrap()),
    }
}

/// What is printed, and what is said to be wrong.
fn said(package: &str, arch: Option<&str>) -> (String, Option<String>) {
    let manifest = manifest();
    let answer = Answer::of(&manifest, &options(package, arch));
    (answer.lines(12).join("\n"), answer.problem)
}

#[test]
fn the_way_from_the_request_is_told() {
    let expected = "\
bash-5.2-1.noarch is in compose 12 (aarch64) because
  bash-5.2-1.noarch was asked for by bas*

bash-5.2-1.noarch is in compose 12 (x86_64) because
  tools was asked for
  tools-1-1.noarch requires libc.so.6
  glibc-2-1.x86_64 (of a lookaside repository) requires /bin/sh";
    assert_eq!(said("bash", None), (expected.to_owned(), None));
    let expected = "\
tools-1-1.noarch is in compose 12 (aarch64, x86_64) because
  tools was asked for

tools-1-1.src is in compose 12 (aarch64, x86_64, sources) because
  tools was asked for
  tools-1-1.src is the source of tools-1-1.noarch";
    assert_eq!(said("tools", None).0, expected);
    let (said, problem) = said("tools.src", Some("x86_64"));
    assert!(
        said.starts_with("tools-1-1.src is in compose 12 (x86_64, sources)"),
        "{said}"
    );
    assert!(!said.contains("aarch64") && problem.is_none(), "{said}");
}

#[test]
fn packages_have_many_names() {
    let nevra: Nevra = "a-b-1:5.2-1.noarch".parse().unwrap();
    for text in [
        "a-b",
        "a-b.noarch",
        "a-b-5.2-1",
        "a-b-1:5.2-1",
        "a-b-5.2-1.noarch",
        "a-b-1:5.2-1.noarch",
        "a-b-5.2-1.noarch.rpm",
    ] {
        assert!(is_named(&nevra, text), "{text}");
    }
    for text in [
        "",
        "a",
        "a-b-",
        "a-b-5.2",
        "a-b-0:5.2-1",
        "a-b.x86_64",
        "a-b-5.2-1.x86_64",
        "a-bc",
    ] {
        assert!(!is_named(&nevra, text), "{text}");
    }
    let manifest = manifest();
    let answer = Answer::of(&manifest, &options("Copy-of-bash-1:5.2-1.noarch.rpm", None));
    assert_eq!(answer.found.len(), 2);
}

#[test]
fn what_is_not_in_it_is_said() {
    let (said_of, problem) = said("glibc", None);
    assert_eq!(
        problem.unwrap(),
        "glibc is not in compose 12, but in a lookaside repository"
    );
    assert!(
        said_of
            .starts_with("glibc-2-1.x86_64 was met in a lookaside repository (x86_64) because\n  tools was"),
        "{said_of}"
    );
    let problem = |package, arch| said(package, arch).1.unwrap();
    assert_eq!(
        problem("bsah", None),
        "there is no package bsah in compose 12; what is there: bash"
    );
    assert_eq!(
        problem("glib", None),
        "there is no package glib in compose 12; what is there: glibc"
    );
    assert_eq!(
        problem("firefox", None),
        "there is no package firefox in compose 12"
    );
    assert_eq!(
        problem("old", Some("aarch64")),
        "old is not in compose 12 for aarch64, only for x86_64"
    );
}

#[test]
fn what_was_not_recorded_is_said() {
    let (said, problem) = said("old", None);
    assert_eq!(
        said,
        "old-1-1.noarch is in compose 12 (x86_64); why was not recorded, for it was made before reasons were kept"
    );
    assert_eq!(problem, None);
}

#[test]
fn programs_get_all_of_it() {
    let manifest = manifest();
    let options = options("bash", Some("x86_64"));
    let answer = Answer::of(&manifest, &options).json(&options);
    let chain = answer["items"][0]["chain"].as_array().unwrap();
    let nevras: Vec<_> = chain.iter().map(|step| step["nevra"].as_str().unwrap()).collect();
    assert_eq!(
        nevras,
        ["tools-0:1-1.noarch", "glibc-0:2-1.x86_64", "bash-1:5.2-1.noarch"]
    );
    assert_eq!(
        (&chain[1]["lookaside"], &chain[0]["reason"]),
        (&json!(true), &json!("asked"))
    );
    assert_eq!(answer["items"][0]["complete"], true);
}
