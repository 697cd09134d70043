//! Packages that hold everything odd that a header can say, a name for each.

use rpmgen::{
    ChangelogSpec, FileSpec, PackageKind, PackageSpec, Relation, RelationFlags, TagChange, TagValue,
};

/// Numbers of tags that the generator has no field for, as `rpmtag.h` has them.
pub(crate) mod tag {
    pub(crate) const LONG_ARCHIVE_SIZE: u32 = 271;
    pub(crate) const SIGNATURE_SIZE: u32 = 1000;
    pub(crate) const SIGNATURE_LONG_SIZE: u32 = 270;
    pub(crate) const SIGNATURE_PAYLOAD_SIZE: u32 = 1007;
    pub(crate) const SUMMARY: u32 = 1004;
    pub(crate) const DESCRIPTION: u32 = 1005;
    pub(crate) const BUILD_TIME: u32 = 1006;
    pub(crate) const BUILD_HOST: u32 = 1007;
    pub(crate) const SIZE: u32 = 1009;
    pub(crate) const VENDOR: u32 = 1011;
    pub(crate) const LICENSE: u32 = 1014;
    pub(crate) const PACKAGER: u32 = 1015;
    pub(crate) const GROUP: u32 = 1016;
    pub(crate) const URL: u32 = 1020;
    pub(crate) const OLD_FILE_NAMES: u32 = 1027;
    pub(crate) const FILE_SIZES: u32 = 1028;
    pub(crate) const FILE_MODES: u32 = 1030;
    pub(crate) const FILE_DIGESTS: u32 = 1035;
    pub(crate) const FILE_FLAGS: u32 = 1037;
    pub(crate) const SOURCE_RPM: u32 = 1044;
    pub(crate) const ARCHIVE_SIZE: u32 = 1046;
    pub(crate) const PROVIDE_NAME: u32 = 1047;
    pub(crate) const PROVIDE_FLAGS: u32 = 1112;
    pub(crate) const PROVIDE_VERSION: u32 = 1113;
    pub(crate) const CHANGELOG_TIME: u32 = 1080;
    pub(crate) const CHANGELOG_NAME: u32 = 1081;
    pub(crate) const CHANGELOG_TEXT: u32 = 1082;
    pub(crate) const DIR_INDEXES: u32 = 1116;
    pub(crate) const BASE_NAMES: u32 = 1117;
    pub(crate) const DIR_NAMES: u32 = 1118;
    pub(crate) const OLD_SUGGESTS: [u32; 3] = [1156, 1157, 1158];
    pub(crate) const OLD_ENHANCES: [u32; 3] = [1159, 1160, 1161];
    pub(crate) const LONG_FILE_SIZES: u32 = 5008;
    pub(crate) const LONG_SIZE: u32 = 5009;
    pub(crate) const FILE_DIGEST_ALGORITHM: u32 = 5011;
    pub(crate) const ENCODING: u32 = 5062;
}

pub(crate) fn texts<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> TagValue {
    TagValue::Texts(texts.into_iter().map(<[u8]>::to_vec).collect())
}

pub(crate) fn translated<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> TagValue {
    TagValue::Translated(texts.into_iter().map(<[u8]>::to_vec).collect())
}

fn package(name: &str) -> PackageSpec {
    let mut spec =
        PackageSpec::binary(name, "1.0", "1", "x86_64").built_from(format!("{name}-1.0-1.src.rpm"));
    spec.build_time = 1_700_000_000;
    spec
}

fn changelog(time: u32, author: &str, text: &str) -> ChangelogSpec {
    ChangelogSpec {
        time,
        author: author.into(),
        text: text.into(),
    }
}

fn flagged(name: &str, bits: RelationFlags, evr: &str) -> Relation {
    Relation::new(name, bits, evr)
}

/// Bits that the generator has no name for.
fn bits(bits: u32) -> RelationFlags {
    (0..32)
        .filter(|bit| bits & 1 << bit != 0)
        .fold(RelationFlags::ANY, |flags, bit| flags | RelationFlags::bit(bit))
}

/// All of them.
pub(crate) fn packages() -> Vec<PackageSpec> {
    let mut all = Vec::new();
    versions(&mut all);
    dependencies(&mut all);
    files(&mut all);
    encodings(&mut all);
    sizes(&mut all);
    missing(&mut all);
    changelogs(&mut all);
    sources(&mut all);
    all
}

fn versions(all: &mut Vec<PackageSpec>) {
    all.push(package("epoch-of-zero").with_epoch(0));
    all.push(package("epoch").with_epoch(7));
    all.push(package("epoch-as-large-as-can-be").with_epoch(u32::MAX));
    let mut odd = PackageSpec::binary("C++.tilde_caret", "1.0~rc1^20230101git", "1~2^3.el9+4", "noarch");
    odd.source_rpm = Some("C++.tilde_caret-1.0~rc1^20230101git-1~2^3.el9+4.src.rpm".into());
    all.push(odd);
    all.push(PackageSpec::binary("x", "0", "0", "i686").built_from("2:x-0-0.src.rpm"));
    all.push(PackageSpec::binary("y", "00", "0a", "riscv64").built_from("y-2:00-0a.src.rpm"));
}

fn dependencies(all: &mut Vec<PackageSpec>) {
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

fn files(all: &mut Vec<PackageSpec>) {
    let mut spec = package("every-kind-of-file");
    spec.files = vec![
        FileSpec::new("/usr/bin/x", "x"),
        FileSpec::new("/usr/share/x", "x"),
        FileSpec::directory("/usr/share/x.d"),
        FileSpec::directory("/etc/x.d"),
        FileSpec::symlink("/usr/bin/y", "x"),
        FileSpec::symlink("/usr/lib/y", "nowhere"),
        FileSpec::ghost("/var/log/x"),
        FileSpec::ghost("/etc/x.conf"),
        FileSpec {
            ghost: true,
            ..FileSpec::directory("/var/cache/x")
        },
        FileSpec {
            ghost: true,
            ..FileSpec::symlink("/var/link", "x")
        },
        FileSpec::new("/top", "x"),
    ];
    all.push(spec);

    let mut spec = package("in-primary-or-not");
    spec.files = [
        "/etc/x",
        "/etcx",
        "/usr/etc/x",
        "/bin/x",
        "/sbin/x",
        "/usr/libexec/bin/x/y",
        "/opt/xbin/y",
        "/usr/lib/sendmail",
        "/usr/lib/sendmail2",
        "/usr/lib64/sendmail",
        "/usr/bin",
        "/binx/y",
        "/usr/share/doc/bin",
    ]
    .map(|path| FileSpec::new(path, "x"))
    .into();
    spec.requires = [
        "/etc/x",
        "/bin/x",
        "/etcx",
        "/usr/lib/sendmail",
        "/usr/lib/sendmail2",
        "/etc/y",
        "/usr/bin",
    ]
    .map(Relation::from)
    .into();
    spec.requires
        .push(flagged("/sbin/x", RelationFlags::SCRIPT_PRE, ""));
    spec.provides.push("/etc/y".into());
    all.push(spec);

    let mut spec = package("odd-paths");
    spec.files = [
        "/a b",
        "/a&b",
        "/<a>",
        "/\"a\"",
        "/'a'",
        "/ä",
        "/\u{1f600}",
        "/a\tb",
        "/a\nb",
        "/a\rb",
        "/ a ",
        "/etc/a&b",
        "/-",
        "/a;b",
        "/a\\b",
        "/etc/a\u{85}b\u{2028}",
    ]
    .map(|path| FileSpec::new(path, "x"))
    .into();
    all.push(spec);

    let mut spec = package("thousands-of-files");
    for number in 0..3_000 {
        let directory = if number % 7 == 0 {
            "/usr/bin"
        } else {
            "/usr/share/d"
        };
        spec.files
            .push(FileSpec::new(format!("{directory}{}/{number}", number % 50), ""));
    }
    all.push(spec);

    let three = |number| TagValue::Int32(vec![number; 3]);
    all.push(
        package("file-names-as-in-rpm-3")
            .with_tag(TagChange::main(
                tag::OLD_FILE_NAMES,
                texts([&b"/usr/bin/a"[..], b"/usr/share/b", b"/c"]),
            ))
            .with_tag(TagChange::main(tag::FILE_SIZES, three(1)))
            .with_tag(TagChange::main(
                tag::FILE_MODES,
                TagValue::Int16(vec![0o100_755, 0o040_755, 0o100_644]),
            ))
            .with_tag(TagChange::main(tag::FILE_FLAGS, TagValue::Int32(vec![0, 0, 64]))),
    );
    let mut spec = package("directories-out-of-order");
    spec.tags = vec![
        TagChange::main(tag::BASE_NAMES, texts([&b"b"[..], b"a", b"", b"b"])),
        TagChange::main(tag::DIR_NAMES, texts([&b"/z/"[..], b"/usr/bin/", b""])),
        TagChange::main(tag::DIR_INDEXES, TagValue::Int32(vec![1, 0, 1, 2])),
        TagChange::main(tag::FILE_FLAGS, TagValue::Int32(vec![0; 4])),
        TagChange::main(tag::FILE_MODES, TagValue::Int16(vec![0o100_644; 4])),
    ];
    all.push(spec);
    for (name, number) in [
        ("no-file-flags", tag::FILE_FLAGS),
        ("no-file-modes", tag::FILE_MODES),
    ] {
        all.push(
            package(name)
                .with(FileSpec::new("/usr/bin/x", ""))
                .with_tag(TagChange::missing(number)),
        );
    }

    let with_files = |name: &str| {
        package(name)
            .with(FileSpec::new("/usr/bin/x", "x"))
            .with(FileSpec::directory("/usr/share/x"))
            .with(FileSpec::ghost("/var/x"))
            .with(FileSpec::symlink("/usr/bin/z", "x"))
    };
    let md5 = b"9dd4e461268c8034f5c8564e155c67a6";
    all.push(
        with_files("digests-of-old")
            .with_tag(TagChange::missing(tag::FILE_DIGEST_ALGORITHM))
            .with_tag(TagChange::main(
                tag::FILE_DIGESTS,
                texts([&md5[..], b"", b"", b""]),
            )),
    );
    for (algorithm, digits) in [(1, 32), (2, 40), (8, 64), (9, 96), (10, 128), (11, 56), (77, 64)] {
        let digest = vec![b'7'; digits];
        all.push(
            with_files(&format!("digests-of-kind-{algorithm}"))
                .with_tag(TagChange::main(
                    tag::FILE_DIGEST_ALGORITHM,
                    TagValue::Int32(vec![algorithm]),
                ))
                .with_tag(TagChange::main(
                    tag::FILE_DIGESTS,
                    texts([&digest[..], b"", b"", b""]),
                )),
        );
    }
    all.push(with_files("no-digests").with_tag(TagChange::missing(tag::FILE_DIGESTS)));
}

/// Bytes that somebody took for text.
pub(crate) const ENCODINGS: [&[u8]; 14] = [
    "ünïcode ☃ \u{1f600}".as_bytes(),
    b"latin-1 \xe9\xff\xa4",
    b"windows \x80\x93quoted\x94",
    b"cut off \xe2\x98",
    b"overlong \xc0\xaf",
    b"surrogate \xed\xa0\x80",
    b"beyond unicode \xf5\x80\x80\x80",
    b"stray \xbf\x80",
    b"<&>\"' ]]> -- <![CDATA[x]]>",
    b" space around \t",
    b"\n\nlines\n around\n\n",
    b"tab\tcr\rcrlf\r\nend",
    b"delete \x7f c1 \xc2\x85\xc2\x9f separators \xe2\x80\xa8\xe2\x80\xa9 bom \xef\xbb\xbf",
    b"",
];

/// Characters that XML 1.0 cannot hold.
pub(crate) const CONTROLS: [&[u8]; 5] = [
    b"bell \x07",
    b"escape \x1b[1mbold\x1b[0m",
    b"first \x01 last \x1f",
    b"not characters \xef\xbf\xbe \xef\xbf\xbf",
    b"latin-1 with \x0c \xe9",
];

fn encodings(all: &mut Vec<PackageSpec>) {
    for (number, text) in ENCODINGS.into_iter().enumerate() {
        all.push(texts_of(&format!("encoding-{number}"), text));
        all.push(
            texts_of(&format!("encoding-{number}-said-to-be-utf8"), text)
                .with_tag(TagChange::main(tag::ENCODING, TagValue::Text(b"utf-8".to_vec()))),
        );
    }
    for (number, text) in CONTROLS.into_iter().enumerate() {
        all.push(texts_of(&format!("control-{number}"), text));
    }
    let long = "A line of a description that goes on and on.\n".repeat(30_000);
    let mut spec = package("very-long-texts");
    spec.summary = long.replace('\n', " ");
    spec.description = long.clone();
    spec.changelogs = vec![changelog(1_600_000_000, &"x".repeat(100_000), &long)];
    all.push(spec);
    all.push(
        package("translated")
            .with_tag(TagChange::main(
                TagChange::LANGUAGES,
                texts([&b"C"[..], b"de", b"fr"]),
            ))
            .with_tag(TagChange::main(
                tag::SUMMARY,
                translated([&b"Editor"[..], b"Texteditor", b"\xc3\xa9diteur"]),
            ))
            .with_tag(TagChange::main(
                tag::DESCRIPTION,
                translated([&b""[..], b"Deutsch", b"fran\xe7ais"]),
            ))
            .with_tag(TagChange::main(
                tag::GROUP,
                translated([&b"Applications/Editors"[..], b"Anwendungen"]),
            )),
    );
}

/// A package that says it everywhere.
pub(crate) fn texts_of(name: &str, text: &[u8]) -> PackageSpec {
    let mut spec = package(name);
    let one = |number| TagChange::main(number, TagValue::Text(text.to_vec()));
    let path = [b"/usr/bin/", text].concat();
    spec.tags = vec![
        TagChange::missing(tag::ENCODING),
        TagChange::main(tag::SUMMARY, translated([text])),
        TagChange::main(tag::DESCRIPTION, translated([text])),
        TagChange::main(tag::GROUP, translated([text])),
        one(tag::BUILD_HOST),
        one(tag::VENDOR),
        one(tag::LICENSE),
        one(tag::PACKAGER),
        one(tag::URL),
        TagChange::main(tag::CHANGELOG_TIME, TagValue::Int32(vec![2_000, 1_000])),
        TagChange::main(tag::CHANGELOG_NAME, texts([text, b"J. Doe"])),
        TagChange::main(tag::CHANGELOG_TEXT, texts([b"- x", text])),
        TagChange::main(tag::PROVIDE_NAME, texts([text, b"x"])),
        TagChange::main(tag::PROVIDE_FLAGS, TagValue::Int32(vec![8, 8])),
        TagChange::main(tag::PROVIDE_VERSION, texts([b"1-1", text])),
        TagChange::main(tag::BASE_NAMES, texts([text, b"x"])),
        TagChange::main(
            tag::DIR_NAMES,
            texts([&b"/usr/bin/"[..], &[&path[..], b"/"].concat()]),
        ),
        TagChange::main(tag::DIR_INDEXES, TagValue::Int32(vec![0, 1])),
        TagChange::main(tag::FILE_FLAGS, TagValue::Int32(vec![0, 0])),
        TagChange::main(tag::FILE_MODES, TagValue::Int16(vec![0o100_644; 2])),
    ];
    spec
}

fn sizes(all: &mut Vec<PackageSpec>) {
    const HUGE: u64 = 5 << 32;
    let signature = |number, value| TagChange::signature(number, value);
    let file = |name| package(name).with(FileSpec::new("/srv/disk.img", "not really that large"));
    let large = file("larger-than-4-gib")
        .with_tag(TagChange::missing(tag::SIZE))
        .with_tag(TagChange::missing(tag::FILE_SIZES))
        .with_tag(TagChange::main(tag::LONG_SIZE, TagValue::Int64(vec![HUGE])))
        .with_tag(TagChange::main(tag::LONG_FILE_SIZES, TagValue::Int64(vec![HUGE])))
        .with_tag(signature(tag::SIGNATURE_PAYLOAD_SIZE, TagValue::Missing))
        .with_tag(signature(tag::LONG_ARCHIVE_SIZE, TagValue::Int64(vec![HUGE + 9])));
    all.push(large.clone());
    let mut spec = large;
    spec.name = "long-size-of-a-small-file".into();
    let small = TagValue::Int64(vec![1_000]);
    all.push(
        spec.with_tag(signature(tag::SIGNATURE_SIZE, TagValue::Missing))
            .with_tag(signature(tag::SIGNATURE_LONG_SIZE, small)),
    );
    all.push(file("both-sizes").with_tag(TagChange::main(tag::LONG_SIZE, TagValue::Int64(vec![HUGE]))));
    all.push(
        file("size-of-zero-and-a-long-one")
            .with_tag(TagChange::main(tag::SIZE, TagValue::Int32(vec![0])))
            .with_tag(TagChange::main(tag::LONG_SIZE, TagValue::Int64(vec![HUGE]))),
    );
    all.push(
        file("both-archive-sizes").with_tag(signature(tag::LONG_ARCHIVE_SIZE, TagValue::Int64(vec![HUGE]))),
    );
    all.push(
        file("archive-size-in-the-header")
            .with_tag(signature(tag::SIGNATURE_PAYLOAD_SIZE, TagValue::Missing))
            .with_tag(TagChange::main(tag::ARCHIVE_SIZE, TagValue::Int32(vec![77]))),
    );
    all.push(
        file("no-sizes")
            .with_tag(TagChange::missing(tag::SIZE))
            .with_tag(TagChange::missing(tag::FILE_SIZES))
            .with_tag(signature(tag::SIGNATURE_PAYLOAD_SIZE, TagValue::Missing))
            .with_tag(signature(tag::SIGNATURE_SIZE, TagValue::Missing)),
    );
}

fn missing(all: &mut Vec<PackageSpec>) {
    let tags = [
        ("summary", tag::SUMMARY),
        ("description", tag::DESCRIPTION),
        ("build-time", tag::BUILD_TIME),
        ("build-host", tag::BUILD_HOST),
        ("license", tag::LICENSE),
        ("group", tag::GROUP),
        ("changelog-times", tag::CHANGELOG_TIME),
        ("changelog-names", tag::CHANGELOG_NAME),
        ("changelog-texts", tag::CHANGELOG_TEXT),
    ];
    for (name, number) in tags {
        all.push(package(&format!("no-{name}")).with_tag(TagChange::missing(number)));
    }
    let mut spec = package("nothing-but-a-name");
    spec.tags = tags.map(|(_, number)| TagChange::missing(number)).into();
    spec.tags
        .extend([tag::SIZE, TagChange::LANGUAGES, tag::ENCODING].map(TagChange::missing));
    all.push(spec);
    let mut spec = package("everything-there");
    spec.url = Some("https://example.org/?a=1&b=2#\u{e4}".into());
    spec.vendor = Some("Ven <d> or & sons".into());
    spec.packager = Some("\"P\" <p@example.org>".into());
    spec.group = "Applications/Text".into();
    all.push(spec);
    all.push(
        package("build-time-in-the-next-century")
            .with_tag(TagChange::main(tag::BUILD_TIME, TagValue::Int32(vec![u32::MAX]))),
    );
}

fn changelogs(all: &mut Vec<PackageSpec>) {
    let of = |name: &str, times: &[u32]| {
        let mut spec = package(name);
        let numbered = times.iter().enumerate();
        spec.changelogs = numbered
            .map(|(number, time)| {
                changelog(
                    *time,
                    &format!("A B <a@b> - {number}"),
                    &format!("- entry {number}"),
                )
            })
            .collect();
        spec
    };
    all.push(of("one-entry", &[1]));
    all.push(of("ten-entries", &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]));
    all.push(of("eleven-entries", &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]));
    all.push(of("fifty-entries", &(0..50).rev().collect::<Vec<_>>()));
    all.push(of("all-of-one-second", &[5; 15]));
    all.push(of("runs-of-one-second", &[9, 9, 9, 8, 8, 5, 5, 5, 5, 1, 1, 1]));
    all.push(of(
        "seconds-that-run-into-each-other",
        &[7, 6, 6, 6, 6, 5, 5, 4, 3, 3],
    ));
    all.push(of("oldest-first", &[1, 2, 3, 3, 4]));
    all.push(of("no-order", &[5, 1, 5, 5, 9, 5, 1, 1]));
    all.push(of("seconds-of-zero", &[0, 0, 0]));
    all.push(of(
        "seconds-as-large-as-can-be",
        &[u32::MAX, u32::MAX, 1 << 31, (1 << 31) - 1, (1 << 31) - 1],
    ));
    let mut spec = package("odd-authors");
    spec.changelogs = vec![
        changelog(9, "", "- none"),
        changelog(8, "spaces after   ", ""),
        changelog(7, "   spaces before", "\n- lines\n\n- around \n"),
        changelog(6, "   ", "   "),
        changelog(5, " ", "-\ttab"),
        changelog(4, "tab after\t", "- x"),
        changelog(3, "a\nb ", "- CVE-2026-0001 <x> & \"y\""),
        changelog(2, "A  -  1-1", "- ü"),
    ];
    all.push(spec);
}

fn sources(all: &mut Vec<PackageSpec>) {
    let mut spec = PackageSpec::source("a-source", "1", "1", "x86_64");
    spec.requires = ["make", "gcc >= 4", "(a or b)", "/usr/bin/x"]
        .map(Relation::from)
        .into();
    spec.files = vec![
        FileSpec::new("a-source.spec", "x"),
        FileSpec::new("a source & more.tar.gz", "x"),
    ];
    all.push(spec.clone());
    spec.kind = PackageKind::NoSource;
    spec.name = "a-source-without-sources".into();
    all.push(spec);
    let source = PackageSpec::source("a-source-of-noarch", "2", "2", "noarch").with_epoch(3);
    all.push(source);
    let of_a_source = TagValue::Text(b"another-1-1.src.rpm".to_vec());
    all.push(
        PackageSpec::source("a-source-with-a-source", "1", "1", "x86_64")
            .with_tag(TagChange::main(tag::SOURCE_RPM, of_a_source)),
    );
}
