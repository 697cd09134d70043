//! Packages made up by chance, from what real ones have in all combinations.

use rpmgen::{
    ChangelogSpec, FileSpec, PackageKind, PackageSpec, Random, Relation, RelationFlags, TagChange, TagValue,
};

use crate::odd::{ENCODINGS, tag, texts, translated};

/// Those of [`ENCODINGS`] that everybody reads alike.
const TEXTS: [usize; 7] = [0, 8, 9, 10, 11, 12, 13];

const NAMES: [&str; 12] = [
    "a",
    "b",
    "libfoo.so.1()(64bit)",
    "libc.so.6(GLIBC_2.2.5)(64bit)",
    "libc.so.6()(64bit)",
    "libc.so.6(GLIBC_2.34)(64bit)",
    "/usr/bin/a",
    "/etc/b",
    "/usr/share/c",
    "rpmlib(Odd)",
    "(a if b)",
    "perl(X::Y) & <z>",
];

const VERSIONS: [&str; 12] = [
    "1",
    "1-1",
    "0:1",
    "0:1-1",
    "2:1-1",
    "1.0~rc1-1",
    "1.0^git1-1.el9",
    "1-2-3",
    "1:",
    "-1",
    "10000000000",
    "1.0:2",
];

const PATHS: [&str; 10] = [
    "/usr/bin/a",
    "/usr/bin/b & <c>",
    "/etc/b",
    "/etc/c.d/d",
    "/usr/lib/sendmail",
    "/usr/share/c",
    "/usr/share/d/ü",
    "/opt/bin/x/y",
    "/var/log/x",
    "/top",
];

fn text(random: &mut Random) -> &'static [u8] {
    random.pick(&TEXTS).map_or(b"", |index| ENCODINGS[*index])
}

fn relations(random: &mut Random) -> Vec<Relation> {
    let count = random.low_below(9);
    let mut all = Vec::new();
    for _ in 0..count {
        let name = *random.pick(&NAMES).unwrap();
        let mut flags = RelationFlags::ANY;
        let mut evr = "";
        if random.percent(50) {
            let comparison = [2, 4, 6, 8, 10, 12, 14][random.below(7)];
            for bit in 1..4 {
                if comparison & 1 << bit != 0 {
                    flags = flags | RelationFlags::bit(bit);
                }
            }
            // "1.0:2" has no epoch that would be one.
            evr = VERSIONS[random.below(VERSIONS.len() - 1)];
        } else if random.percent(10) {
            evr = "1-1";
        }
        while random.percent(30) {
            // Scriptlets, and what nobody looks at; not those of weak dependencies before rpm 4.12.
            flags = flags
                | RelationFlags::bit(*random.pick(&[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 19, 24]).unwrap());
        }
        all.push(Relation::new(name, flags, evr));
        if random.percent(20) {
            all.push(all[random.below(all.len())].clone());
        }
    }
    all
}

fn files(random: &mut Random, is_source: bool) -> Vec<FileSpec> {
    let mut files = Vec::new();
    for path in PATHS {
        if random.percent(60) {
            continue;
        }
        let path = if is_source {
            path.trim_start_matches('/').replace('/', "-")
        } else {
            path.to_owned()
        };
        let file = match random.below(4) {
            0 => FileSpec::directory(path),
            1 => FileSpec::symlink(path, "somewhere"),
            2 => FileSpec::filled(path, 100),
            _ => FileSpec::new(path, "content"),
        };
        files.push(FileSpec {
            ghost: random.percent(20),
            ..file
        });
    }
    files
}

fn changelogs(random: &mut Random) -> Vec<ChangelogSpec> {
    let mut time = 1_700_000_000;
    (0..random.low_below(25))
        .map(|number| {
            time -= [0, 0, 1, 2, 86_400][random.below(5)];
            let spaces = " ".repeat(random.low_below(3));
            ChangelogSpec {
                time,
                author: format!("A <a@b> & ü - {number}{spaces}"),
                text: String::from_utf8_lossy(text(random)).into_owned(),
            }
        })
        .collect()
}

/// A package, told from the others by its number.
pub(crate) fn package(number: usize, random: &mut Random) -> PackageSpec {
    let name = format!("p{number}");
    let arch = *random.pick(&["x86_64", "noarch", "i686", "aarch64"]).unwrap();
    let version = *random.pick(&["1", "1.0~rc1", "2.0^git.1", "0"]).unwrap();
    let mut spec = if random.percent(15) {
        PackageSpec::source(name, version, "1.el9", arch)
    } else {
        let source = format!("{name}-{version}-1.el9.src.rpm");
        PackageSpec::binary(name, version, "1.el9", arch).built_from(source)
    };
    let is_source = spec.is_source();
    if is_source && random.percent(30) {
        spec.kind = PackageKind::NoSource;
    }
    if random.percent(30) {
        spec = spec.with_epoch([0, 1, 7, u32::MAX][random.below(4)]);
    }
    spec.build_time = [0, 1_500_000_000, u32::MAX][random.below(3)];
    spec.files = files(random, is_source);
    spec.provides.extend(relations(random));
    spec.requires = relations(random);
    spec.conflicts = relations(random);
    spec.obsoletes = relations(random);
    spec.recommends = relations(random);
    spec.suggests = relations(random);
    spec.supplements = relations(random);
    spec.enhances = relations(random);
    spec.changelogs = changelogs(random);
    for number in [tag::SUMMARY, tag::DESCRIPTION, tag::GROUP] {
        match random.below(4) {
            0 => spec.tags.push(TagChange::missing(number)),
            1 => spec
                .tags
                .push(TagChange::main(number, translated([text(random)]))),
            _ => {}
        }
    }
    for number in [
        tag::URL,
        tag::VENDOR,
        tag::PACKAGER,
        tag::LICENSE,
        tag::BUILD_HOST,
    ] {
        match random.below(4) {
            0 => spec.tags.push(TagChange::missing(number)),
            1 => spec
                .tags
                .push(TagChange::main(number, TagValue::Text(text(random).to_vec()))),
            _ => {}
        }
    }
    if random.percent(20) {
        spec.tags.push(TagChange::main(
            tag::LONG_SIZE,
            TagValue::Int64(vec![random.next_u64() >> 20]),
        ));
    }
    if random.percent(20) {
        let size = TagValue::Int64(vec![random.next_u64() >> 20]);
        spec.tags.push(TagChange::signature(tag::LONG_ARCHIVE_SIZE, size));
    }
    if random.percent(10) {
        for list in [tag::OLD_SUGGESTS, tag::OLD_ENHANCES] {
            let [names, versions, flags] = list;
            spec.tags
                .push(TagChange::main(names, texts([&b"strong"[..], b"weak"])));
            spec.tags
                .push(TagChange::main(versions, texts([&b"1"[..], b"2:3-4"])));
            spec.tags
                .push(TagChange::main(flags, TagValue::Int32(vec![1 << 27 | 8, 12])));
        }
    }
    spec
}
