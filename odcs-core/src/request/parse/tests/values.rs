//! What fields say.

use serde_json::json;

use super::*;
use crate::request::{ComposeResult, Embargo, Flag, KeyOrUnsigned};

#[test]
fn lifetimes() {
    let seconds = |fields: Value| {
        accept(&beside(fields))
            .lifetime
            .map(|lifetime| lifetime.seconds())
    };
    assert_eq!(seconds(json!({})), None);
    for name in ["seconds_to_live", "seconds-to-live"] {
        assert_eq!(seconds(json!({name: 60})), Some(60));
        assert_eq!(seconds(json!({name: "60"})), Some(60));
        for wrong in [
            json!(0),
            json!(-1),
            json!("0"),
            json!("abc"),
            json!(""),
            json!(60.5),
            json!([]),
            json!(true),
        ] {
            assert_eq!(refuse(&beside(json!({name: wrong}))).0, name, "{wrong}");
        }
        for wrong in [
            json!(null),
            json!(u64::MAX),
            json!(1e300),
            json!("99999999999999999999"),
        ] {
            assert_eq!(refuse(&beside(json!({name: wrong}))).0, name, "{wrong}");
        }
    }
    let both = beside(json!({"seconds_to_live": 100, "seconds-to-live": 200}));
    assert_eq!(accept(&both).lifetime.unwrap().seconds(), 100);
    assert!(warnings(&both)[0].contains("seconds-to-live"));
}

#[test]
fn flags_results_and_multilib() {
    let request = accept(&beside(json!({
        "flags": ["no_flags", "no_deps", "no_deps"], "results": ["iso"],
        "multilib_method": ["none", "devel", "all"], "multilib_arches": ["x86_64", "x86_64"],
    })));
    assert_eq!(request.flags.iter().collect::<Vec<_>>(), [Flag::NoDeps]);
    assert_eq!(
        request.results.iter().collect::<Vec<_>>(),
        [ComposeResult::Repository, ComposeResult::Iso]
    );
    assert_eq!(request.multilib_methods.bits(), 6);
    assert_eq!(request.multilib_arches.len(), 1);
    for (name, wrong) in [
        ("flags", "nope"),
        ("results", "nope"),
        ("multilib_method", "nope"),
        ("arches", "vax"),
    ] {
        let (field, message) = refuse(&beside(json!({name: [wrong]})));
        assert_eq!(field, name);
        assert!(message.contains(wrong), "{message}");
    }
}

#[test]
fn flags_of_other_types_warn() {
    let all: Vec<&str> = Flag::ALL.iter().map(|flag| flag.as_str()).collect();
    let count = |kind: &str, source: &str| {
        warnings(&json!({"source": {"type": kind, "source": source}, "flags": all})).len()
    };
    assert_eq!(count("tag", "f36"), 5);
    assert_eq!(count("module", "a:1"), 5);
    assert_eq!(count("pulp", "a"), 3);
    assert_eq!(count("raw_config", "a#b"), 5);
    assert_eq!(count("repo", "/a"), 6);
}

#[test]
fn texts_with_types() {
    let cases = [
        ("builds", json!(["ed"])),
        ("builds", json!(["a/b-1-1"])),
        ("sigkeys", json!(["xyz"])),
        ("modules", json!(["a:b"])),
        ("scratch_modules", json!(["a:b:c"])),
        ("scratch_build_tasks", json!(["12a"])),
        ("modular_koji_tags", json!(["a b"])),
        ("packages", json!([""])),
        ("packages", json!(["../x"])),
        ("packages", json!(["a\nb"])),
        ("base_module_br_name", json!("a b")),
        ("base_module_br_stream", json!("a(b")),
    ];
    for (name, wrong) in cases {
        assert_eq!(refuse(&within(json!({name: wrong}))).0, name, "{wrong}");
    }
    let cases = [
        ("label", json!(" -/")),
        ("label", json!("a(b")),
        ("compose_type", json!("a b")),
        ("target_dir", json!("../x")),
        ("respin_of", json!("a/b")),
        ("parent_pungi_compose_ids", json!([""])),
        ("lookaside_repos", json!(["http://a b"])),
        ("lookaside_repos", json!(["--x"])),
    ];
    for (name, wrong) in cases {
        assert_eq!(refuse(&beside(json!({name: wrong}))).0, name, "{wrong}");
    }
    let (field, message) = refuse(&beside(json!({"lookaside_repos": ["/srv/repo"]})));
    assert_eq!(field, "lookaside_repos");
    assert!(message.contains("begins with file:///"), "{message}");
    let request = accept(&within(
        json!({"sigkeys": ["", "123"], "packages": ["gcc-c++", "ed*", "a(b)", "é"]}),
    ));
    assert_eq!(request.sigkeys()[0], KeyOrUnsigned::Unsigned);
    assert_eq!(request.packages().len(), 4);
    let urls = json!({"lookaside_repos": ["https://example.com/a%20b/?x=1&y=$basearch"]});
    assert_eq!(
        accept(&beside(urls.clone())).lookaside_repos[0].as_str(),
        urls["lookaside_repos"][0]
    );
}

#[test]
fn keys_by_arch() {
    let keys = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| text.parse().unwrap())
            .collect::<Vec<KeyOrUnsigned>>()
    };
    let arch = |name: &str| name.parse::<odcs_rpm::TreeArch>().unwrap();
    let request = accept(&within(
        json!({"sigkeys": {"*": ["123", ""], "s390x": ["ABC"], "aarch64": []}}),
    ));
    assert_eq!(request.sigkeys.as_deref(), Some(&*keys(&["123", ""])));
    for (name, expected) in [
        ("x86_64", &["123", ""][..]),
        ("s390x", &["ABC"]),
        ("aarch64", &[]),
    ] {
        assert_eq!(request.sigkeys_for(&arch(name)), keys(expected), "{name}");
    }
    let bare = accept(&within(json!({"sigkeys": {"s390x": ["abc"]}})));
    assert_eq!(
        (bare.sigkeys.as_deref(), bare.arch_sigkeys.len()),
        (Some(&[][..]), 1)
    );
    let flat = json!({"source_type": "tag", "source": "f36", "sigkeys": {"s390x": ["abc"]}});
    assert_eq!(accept(&flat), bare);
    assert_eq!(accept(&within(json!({"sigkeys": {}}))).sigkeys, Some(Vec::new()));
    for wrong in [
        json!({"s390x": "abc"}),
        json!({"s390x": {"a": []}}),
        json!({"s390x": [1]}),
        json!({"s390x": ["xyz"]}),
        json!({"vax": ["abc"]}),
        json!({"": ["abc"]}),
        json!({"s390x": ["a(b"]}),
        json!(5),
    ] {
        assert_eq!(refuse(&within(json!({"sigkeys": wrong}))).0, "sigkeys", "{wrong}");
    }
    // Nowhere else are there such objects.
    assert_eq!(refuse(&within(json!({"builds": {"s390x": []}}))).0, "builds");

    let renewal = renewal_request(&json!({"sigkeys": {"s390x": ["abc"], "*": ["123"]}})).unwrap();
    assert_eq!(renewal.request.sigkeys, Some(keys(&["123"])));
    assert_eq!(renewal.request.arch_sigkeys[&arch("s390x")], keys(&["abc"]));
}

#[test]
fn embargoes() {
    let embargo = |value: Value| accept(&within(json!({"embargo": value}))).embargo;
    let builds = ["ed-1-1", "a-b-2-1"].map(|nvr| nvr.parse().unwrap());
    assert_eq!(
        embargo(json!(["ed-1-1", "a-b-2-1", "ed-1-1"])),
        Some(Embargo::Builds(builds.to_vec()))
    );
    assert_eq!(
        embargo(json!("secret-f36")),
        Some(Embargo::Tag("secret-f36".parse().unwrap()))
    );
    assert_eq!(embargo(json!([])), None);
    for wrong in [
        json!("a b"),
        json!(""),
        json!(["ed"]),
        json!([1]),
        json!(1),
        json!({"a": []}),
        json!("-x"),
    ] {
        assert_eq!(refuse(&within(json!({"embargo": wrong}))).0, "embargo", "{wrong}");
    }
}

#[test]
fn module_defaults_go_together() {
    let defaults = |url: Value, commit: Value| {
        within(json!({"module_defaults_url": url, "module_defaults_commit": commit}))
    };
    let request = accept(&defaults(json!("HTTPS://example.com"), json!("main")));
    assert_eq!(
        request.module_defaults.unwrap().url.as_str(),
        "HTTPS://example.com"
    );
    assert_eq!(accept(&defaults(json!(""), json!(""))).module_defaults, None);
    assert_eq!(
        refuse(&defaults(json!("git://x"), json!(""))).0,
        "module_defaults_commit"
    );
    assert_eq!(
        refuse(&within(json!({"module_defaults_commit": "abc"}))).0,
        "module_defaults_url"
    );
    assert_eq!(
        refuse(&defaults(json!("git://x"), json!("--abc"))).0,
        "module_defaults_commit"
    );
    assert_eq!(
        refuse(&defaults(json!("ext::sh"), json!("abc"))).0,
        "module_defaults_url"
    );
    assert_eq!(refuse(&defaults(json!(1), json!(2))).0, "module_defaults_commit");
}
