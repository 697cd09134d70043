//! Files, their digests and their sizes.

use rpmgen::{FileSpec, PackageSpec, Relation, RelationFlags, TagChange, TagValue};

use super::{flagged, package, tag, texts};

pub(super) fn files(all: &mut Vec<PackageSpec>) {
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

pub(super) fn sizes(all: &mut Vec<PackageSpec>) {
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
