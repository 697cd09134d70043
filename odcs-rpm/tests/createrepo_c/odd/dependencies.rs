//! Versions and dependencies.

use rpmgen::{PackageSpec, Relation, RelationFlags, TagChange, TagValue};

use super::{bits, flagged, package, tag, texts};

pub(super) fn versions(all: &mut Vec<PackageSpec>) {
    all.push(package("epoch-of-zero").with_epoch(0));
    all.push(package("epoch").with_epoch(7));
    all.push(package("epoch-as-large-as-can-be").with_epoch(u32::MAX));
    let mut odd = PackageSpec::binary("C++.tilde_caret", "1.0~rc1^20230101git", "1~2^3.el9+4", "noarch");
    odd.source_rpm = Some("C++.tilde_caret-1.0~rc1^20230101git-1~2^3.el9+4.src.rpm".into());
    all.push(odd);
    all.push(PackageSpec::binary("x", "0", "0", "i686").built_from("2:x-0-0.src.rpm"));
    all.push(PackageSpec::binary("y", "00", "0a", "riscv64").built_from("y-2:00-0a.src.rpm"));
}

pub(super) fn dependencies(all: &mut Vec<PackageSpec>) {
    let mut spec = package("every-kind-of-dependency");
    spec.requires = [
        "a",
        "b < 1",
        "c <= 1:2",
        "d = 1-2",
        "e >= 3:1-2",
        "f > 0",
        "/bin/sh",
        "g(x)(64bit)",
    ]
    .map(Relation::from)
    .into();
    spec.provides
        .extend(["p", "p = 1", "p = 1", "/usr/bin/p", "rpmlib(Provided) = 1"].map(Relation::from));
    spec.conflicts = ["c", "c", "c > 1", "rpmlib(Conflicting)"]
        .map(Relation::from)
        .into();
    spec.obsoletes = ["o < 2", "o < 2", "o"].map(Relation::from).into();
    spec.recommends = ["r", "r", "r >= 2:0-1"].map(Relation::from).into();
    spec.suggests = ["s > 1"].map(Relation::from).into();
    spec.supplements = ["(t and u)", "v = 3"].map(Relation::from).into();
    spec.enhances = ["w", "rpmlib(Enhanced)"].map(Relation::from).into();
    all.push(spec);

    let mut spec = package("rich");
    spec.requires = [
        "(a if b)",
        "(a if b else c)",
        "((a >= 1 and b < 2:3-4) or (c unless d))",
        "(e with e < 3)",
        "(f without g)",
        "(langpacks-de if locale(\"de\"))",
    ]
    .map(Relation::from)
    .into();
    spec.recommends = vec!["(x if y)".into()];
    spec.conflicts = vec!["(k or l)".into()];
    all.push(spec);

    let mut spec = package("scriptlets");
    for bit in 0..32 {
        if !(1..=3).contains(&bit) {
            let name = format!("bit-{bit}");
            spec.requires.push(flagged(&name, RelationFlags::bit(bit), ""));
            let flags = RelationFlags::bit(bit) | RelationFlags::EQUAL;
            spec.requires.push(flagged(&name, flags, "1:2-3"));
        }
    }
    spec.requires
        .push(flagged("libc.so.6(GLIBC_2.3)", RelationFlags::SCRIPT_PRE, ""));
    all.push(spec);

    let mut spec = package("repeated");
    let pre = RelationFlags::SCRIPT_PRE;
    let post = RelationFlags::SCRIPT_POST;
    spec.requires = vec![
        "a".into(),
        flagged("a", pre, ""),
        flagged("a", post, ""),
        "a".into(),
        "a = 1".into(),
        "a".into(),
        "a = 1".into(),
        "a = 1".into(),
        flagged("b", pre | RelationFlags::EQUAL, "1"),
        flagged("b", post | RelationFlags::EQUAL, "1"),
        "b = 1".into(),
        "c = 0:1".into(),
        "c = 1".into(),
        "d = 1".into(),
        "d = 1-1".into(),
    ];
    all.push(spec);

    let mut spec = package("provided-by-itself");
    spec.provides
        .extend(["p", "q = 1", "r = 0:1", "/usr/bin/s"].map(Relation::from));
    spec.requires = [
        "p",
        "p = 1",
        "q",
        "q = 1",
        "q = 0:1",
        "q >= 1",
        "r = 1",
        "r = 0:1",
        "/usr/bin/s",
    ]
    .map(Relation::from)
    .into();
    spec.requires.push(flagged("p", pre, ""));
    spec.requires.push(flagged("q", pre | RelationFlags::EQUAL, "1"));
    all.push(spec);

    let mut spec = package("requires-rpmlib");
    spec.requires = ["rpmlib(X)", "rpmlib(Y) <= 1", "rpmlibx", "rpmlib"]
        .map(Relation::from)
        .into();
    all.push(spec);

    for (name, requires) in [
        ("libc-plain", &["libc.so.6", "libc.so.6()(64bit)"][..]),
        ("libc-order", &["libc.so.6()(64bit)", "libc.so.6", "zzz"]),
        (
            "libc-versions",
            &[
                "libc.so.6(GLIBC_2.10)(64bit)",
                "libc.so.6(GLIBC_2.9)(64bit)",
                "libc.so.6(GLIBC_2.4)",
            ],
        ),
        (
            "libc-private",
            &[
                "libc.so.6(GLIBC_2.3.4)(64bit)",
                "libc.so.6(GLIBC_PRIVATE)(64bit)",
                "libc.so.6()(64bit)",
            ],
        ),
        (
            "libc-abi",
            &[
                "libc.so.6(GLIBC_ABI_DT_RELR)(64bit)",
                "libc.so.6(GLIBC_2.34)(64bit)",
            ],
        ),
        (
            "libc-same",
            &[
                "libc.so.6(GLIBC_2.4)",
                "libc.so.6(GLIBC_2.4)(64bit)",
                "libc.so.6(GLIBC_2.4)",
            ],
        ),
        (
            "libc-like",
            &[
                "libc.so.60",
                "libc.so.6.1",
                "libc.so.6x",
                "libcrypt.so.1",
                "libc.so.6(GLIBC_2.2)",
            ],
        ),
        (
            "libc-broken",
            &[
                "libc.so.6(",
                "libc.so.6()",
                "libc.so.6(GLIBC_2.2",
                "libc.so.6(GLIBC_2.1)",
            ],
        ),
        ("libc-broken-too", &["libc.so.6.1", "libc.so.6(GLIBC_2.2)"]),
    ] {
        let mut spec = package(name);
        spec.requires = requires.iter().map(|name| Relation::from(*name)).collect();
        all.push(spec);
    }
    let mut spec = package("libc-with-versions");
    spec.requires = ["libc.so.6 = 1", "libc.so.6 = 2", "libc.so.6 < 3"]
        .map(Relation::from)
        .into();
    all.push(spec);

    let equal = RelationFlags::EQUAL;
    let mut spec = package("odd-versions");
    for version in [
        "",
        ":1-2",
        "0:1-2",
        "007:1-2",
        "1:",
        "1:-2",
        "1-",
        "-",
        "-2",
        "1-2-3",
        "2:1-2-3",
        "a:1-2",
        "1:2:3-4",
        "4294967296:1",
        "1.0~rc1^git-3",
        " 1 - 2 ",
        "${version}",
        "1:a:b",
        "-1:2",
        "+1:2",
        "1 :2",
    ] {
        spec.provides.push(flagged("odd", equal, version));
        spec.conflicts
            .push(flagged("odd", RelationFlags::GREATER, version));
        spec.requires.push(flagged("odd-too", equal, version));
    }
    all.push(spec);

    let mut spec = package("odd-flags");
    for flags in 0..16 {
        spec.provides.push(flagged("odd", bits(flags), "1:2-3"));
        spec.requires.push(flagged("odd-too", bits(flags), "1:2-3"));
        spec.obsoletes.push(flagged("odd", bits(flags), ""));
    }
    all.push(spec);

    let mut spec = package("weak-as-before-rpm-4.12");
    for [names, versions, flags] in [tag::OLD_SUGGESTS, tag::OLD_ENHANCES] {
        let names = TagChange::main(
            names,
            texts([&b"strong"[..], b"weak", b"strong-too", b"weak-too"]),
        );
        let versions = TagChange::main(versions, texts([&b"1:2-3"[..], b"", b"", b"4"]));
        let flags = TagChange::main(flags, TagValue::Int32(vec![1 << 27 | 12, 0, 1 << 27, 8]));
        spec = spec.with_tag(names).with_tag(versions).with_tag(flags);
    }
    spec.recommends = vec!["new".into()];
    spec.suggests = vec!["new".into()];
    spec.supplements = vec!["new".into()];
    spec.enhances = vec!["new".into()];
    all.push(spec);

    let missing = [tag::PROVIDE_FLAGS, tag::PROVIDE_VERSION].map(TagChange::missing);
    let mut spec = package("provides-as-in-rpm-3");
    spec.tags = missing.into();
    all.push(spec);
    let mut spec = package("nothing-provided");
    spec.tags = [tag::PROVIDE_NAME, tag::PROVIDE_FLAGS, tag::PROVIDE_VERSION]
        .map(TagChange::missing)
        .into();
    all.push(spec);

    let mut spec = package("odd-names");
    for name in [
        "a&b",
        "<a>",
        "\"a\"",
        "'a'",
        "a b",
        " a ",
        "a\tb",
        "a\nb",
        "a\rb",
        "ä",
        "\u{1f600}",
        "",
        "a\u{7f}b\u{85}c",
    ] {
        spec.requires.push(name.into());
        spec.provides.push(Relation::equal(name, "1 & \"2\"-<3>"));
    }
    all.push(spec);
}
