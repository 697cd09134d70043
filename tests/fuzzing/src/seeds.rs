//! Inputs to begin with: such as are accepted, with something of everything that is read.

use std::fmt::Write as _;
use std::io::Read;

use odcs_rpm::header::{FileFacts, read_file};
use odcs_rpm::repodata::{Entry, RepoPackage, RepodataOptions, write_repodata};
use rpmgen::{FileSpec, PackageSpec, Relation, RelationFlags, ed_repository};

use crate::same::write;

/// An input to begin with.
#[derive(Clone, Debug)]
pub struct Seed {
    /// The target that it is for.
    pub target: &'static str,
    /// The input.
    pub bytes: Vec<u8>,
}

/// The key of the test repository.
pub(crate) const KEY: &[u8] = include_bytes!("../../repo/RPM-GPG-KEY-odcs-test");

/// All seeds. They are the same each time.
pub fn all() -> Vec<Seed> {
    let packages = packages();
    let [primary, filelists, other] = write(&packages);
    let listed = [("primary", primary), ("filelists", filelists), ("other", other)];
    let seeds = listed
        .into_iter()
        .chain(headers().map(|bytes| ("rpm_header", bytes)));
    let seeds = seeds.chain(signatures().map(|bytes| ("rpm_signature", bytes)));
    let seeds = seeds.chain(facts(&packages).map(|bytes| ("facts", bytes)));
    let seeds = seeds.chain(repomds(&packages).map(|bytes| ("repomd", bytes)));
    let seeds = seeds.chain(compressed().map(|bytes| ("compression", bytes)));
    let texts = TEXTS
        .iter()
        .map(|(target, text)| (*target, text.as_bytes().to_vec()));
    seeds
        .chain(texts)
        .chain([
            ("keyring", KEY.to_vec()),
            ("package_set", crate::gather::written(SET)),
        ])
        .map(|(target, bytes)| Seed { target, bytes })
        .collect()
}

/// The packages of a set that was written down, as lines for `gather`.
const SET: &str = "=a 1 x86_64 a-1-1.src.rpm\n>libb >= 2\n>(c if d else /etc/x)\n<a = 1\n=b 2 i686 a-1-1.src.rpm\n<libb = 2\n\
    /etc/x\n=c 1 noarch\n<d\n=a-debuginfo 1 x86_64 a-1-1.src.rpm\n=a 1 src\n>b\n@\n=c 1 noarch\n";

/// What has no generator.
const TEXTS: &[(&str, &str)] = &[
    (
        "primary",
        "<?xml version='1.0'?>\n<!-- <x> --><c:metadata xmlns:c='common' xmlns:rpm='rpm'><c:package type='rpm'>\
         <c:name>a&amp;b</c:name><c:arch>noarch</c:arch><c:version epoch='(none)' ver='1&#126;rc' rel='1'/>\
         <c:checksum type='sha'>da39a3ee5e6b4b0d3255bfef95601890afd80709</c:checksum><c:location xml:base='media://x' href='x'/>\
         <c:description><![CDATA[<raw> & \r\n]]>&#x41;</c:description><c:size/><c:format><rpm:provides/>\
         <rpm:requires><rpm:entry name='(a if b)' pre='1'/><rpm:entry name='c' flags='LE' epoch='' ver='1'/></rpm:requires>\
         <c:file type='dir'>/etc</c:file></c:format></c:package><other/></c:metadata>",
    ),
    (
        "updateinfo",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<updates>\n<update from=\"a@b\" status=\"final\" type=\"security\" version=\"1\">\
         <id>ED-2026:1</id><title>ed &lt;1&gt;</title><issued date=\"2026-11-21\"/><references><reference href=\"https://x/\" id=\"1\"/>\
         </references><pkglist><collection short=\"x\"><package name=\"ed\" version=\"1\" release=\"2\" epoch=\"0\" arch=\"noarch\">\
         <filename>ed.rpm</filename><sum type=\"sha256\">00</sum></package></collection></pkglist></update></updates>",
    ),
    (
        "updateinfo",
        "\u{feff}<updates><!--x--><?p q?><update><![CDATA[]]>&#228;</update></updates>\n",
    ),
    (
        "comps",
        "<?xml version='1.0'?><!DOCTYPE comps PUBLIC '-//Red Hat, Inc.//DTD Comps info//EN' 'comps.dtd'><comps><group arch='x86_64, i686'>\
         <id>core</id><name>Core</name><name xml:lang='cs'>J\u{e1}dro</name><description>&lt;x&gt;</description><default>true</default>\
         <uservisible>false</uservisible><biarchonly>true</biarchonly><display_order>7</display_order><langonly>cs</langonly><packagelist>\
         <packagereq type='conditional' requires='gtk3' arch='x86_64' variant='A B' basearchonly='true'>a</packagereq>\
         <packagereq type='optional'>b</packagereq><packagereq>c*</packagereq></packagelist></group>\
         <category><id>k</id><name>k</name><description/><grouplist><groupid>core</groupid></grouplist></category>\
         <environment><id>e</id><name>e</name><grouplist><groupid arch='s390x'>core</groupid></grouplist>\
         <optionlist><groupid default='true'>x</groupid></optionlist></environment>\
         <langpacks><match install='a-%s' name='a'/></langpacks><blacklist/></comps>",
    ),
    ("dependency", "1:2.0-3.el9\n2.0"),
    ("dependency", "1.0~rc1^git-1\n0:1.0"),
    ("dependency", "99999999999:1\n:1-"),
    ("names", "ed\n1.0~rc1\n1.0^git1\ne*[a-d]?\nx86_64\nfd431d51"),
    ("names", "gcc-c++\n1.14.1\nlib*[!a]*.so\n[[[]*\n001\n1.a"),
    (
        "gather",
        "=ed 1 x86_64 ed-1-1.src.rpm\n<ed = 1-1\n>libc >= 2\n>/bin/sh\n>(a if b else c)\n=libc 2 x86_64 libc-2-1.src.rpm\n\
         <libc = 2-1\n=libc 2 i686 libc-2-1.src.rpm\n=a 1\n>(b with c)\n=b 1 noarch\n<c\n/bin/sh\n=ed 1 src\n\
         =ed-debuginfo 1 x86_64 ed-1-1.src.rpm\n@\n=libc 3\n<libc = 3\n?ed*\n?-x\n!\0",
    ),
    (
        "installable",
        "=ed 1\n>libc >= 2\n>(a if b else c)\n^old < 2\n~e\n=libc 2\n<libc = 2-1\n=libc 2 i686\n=a 1\n>(b with c)\n^(d and c)\n\
         =b 1 noarch\n<c = 1\n/bin/sh\n=old 1\n>/bin/sh\n=kernel 1\n=kernel 2\n@\n=d 1\n~a < 2\n>nothing\n",
    ),
    (
        "gather",
        "=a 1\n>((b or c) and (d unless e))\n>(f without g < 2)\n=b 1\n=c 1\n=d 1\n>a\n=e 1\n=f 1\n<g = 1\n=f 2\n<g = 2\n?a\n!\u{1}",
    ),
];

/// The seven packages that lists are read for: two kinds of names, all kinds of dependencies and files.
pub fn packages() -> Vec<RepoPackage> {
    specs()
        .iter()
        .map(|spec| {
            let bytes = rpmgen::write(spec).expect("it can be written");
            let facts = FileFacts {
                size: bytes.len() as u64,
                modified: 1_500_000_000,
            };
            let file = read_file(&*bytes, facts, None).expect("it can be read");
            RepoPackage {
                location: format!("Packages/{}", spec.file_name()),
                location_base: None,
                checksum: file.sha256,
                package: file.package,
            }
        })
        .collect()
}

/// Few, and small: an input that is long is changed in few places.
fn specs() -> Vec<PackageSpec> {
    let mut specs = ed_repository();
    specs.retain(|spec| spec.name == "ed");
    let mut odd = PackageSpec::binary("a<&b++", "1.0~rc1", "2^git", "noarch")
        .with_epoch(7)
        .built_from("a-1.0~rc1-2^git.nosrc.rpm")
        .with_requires(Relation::from("/bin/sh").with_flags(RelationFlags::SCRIPT_PRE))
        .with_requires("libc.so.6(GLIBC_2.4)(64bit)")
        .with_requires("(a if (b or c >= 1:2-3))")
        .with_provides("config(a) = 7:1.0")
        .with_file("/usr/bin/ä", "x")
        .with(FileSpec::directory("/etc/a"))
        .with(FileSpec::ghost("/var/log/a"));
    odd.recommends.push("r < 1".into());
    odd.suggests.push("s".into());
    odd.supplements.push("(t and u)".into());
    odd.enhances.push("v = 0:1".into());
    odd.conflicts.push("w <= 1".into());
    odd.obsoletes.push("x > 1".into());
    specs.push(odd);
    specs
}

/// RPM files, one of them with little more than a name.
fn headers() -> impl Iterator<Item = Vec<u8>> {
    let written = specs()
        .into_iter()
        .map(|spec| rpmgen::write(&spec).expect("it can be written"));
    let latin1 = [&main_tags()[..], &[(1004, 9, 1, b"\xe9t\xe9\0".to_vec())]].concat();
    written.chain([signed(0, b""), file(&[(1007, 4, 1, vec![0, 0, 0, 9])], &latin1)])
}

/// Signature packets of all versions, as they are and in base64, after a byte that chooses the tag.
fn signatures() -> impl Iterator<Item = Vec<u8>> {
    const ID: [u8; 8] = [0x19, 0x9e, 0x2f, 0x91, 0xfd, 0x43, 0x1d, 0x51];
    let bodies = [
        [&[3, 5, 0, 1, 2, 3, 4], &ID[..], &[1, 8, 0, 0]].concat(),
        [&[4, 0, 1, 8, 0, 6, 5, 2, 1, 2, 3, 4, 0, 10, 9, 16], &ID[..]].concat(),
        [&[4, 0, 1, 8, 0, 23, 22, 33, 4], &[0xaa; 12][..], &ID, &[0, 0]].concat(),
        [
            &[6, 0, 27, 8, 0, 0, 0, 35, 34, 33, 6],
            &ID[..],
            &[0xbb; 24],
            &[0, 0, 0, 0],
        ]
        .concat(),
    ];
    let packets = bodies.into_iter().enumerate().map(|(tag, body)| {
        let head = match tag {
            // The old form, with lengths of one and of two bytes, and the new one.
            0 => vec![0x88],
            1 => vec![0x89, 0],
            _ => vec![0xc2],
        };
        let length = u8::try_from(body.len()).expect("it is short");
        [
            vec![u8::try_from(tag).expect("there are four")],
            head,
            vec![length],
            body,
        ]
        .concat()
    });
    packets.chain([b"\x04whQEAAEIAAoJEBmeL5H9Qx1RAAAAAA==".to_vec()])
}

/// What is kept of the packages.
fn facts(packages: &[RepoPackage]) -> impl Iterator<Item = Vec<u8>> {
    packages.iter().map(|package| {
        let mut bytes = Vec::new();
        odcs_rpm::facts::encode(&package.package, &mut bytes);
        bytes
    })
}

/// `repomd.xml` as it is written, and with what other tools put there.
fn repomds(packages: &[RepoPackage]) -> impl Iterator<Item = Vec<u8>> {
    let entries: Vec<_> = packages
        .iter()
        .map(|package| Entry {
            package: &package.package,
            checksum: &package.checksum,
            location: &package.location,
        })
        .collect();
    let options = RepodataOptions::new(1_795_254_151).with_comps("comps.xml", b"<comps/>");
    let mut files = write_repodata(&entries, options).expect("nothing fails in memory");
    let mut others =
        String::from("<repomd><revision> x </revision><tags><distro cpeid='a'>b</distro></tags>");
    for kind in ["primary_db", "primary_zck", "modules", ""] {
        let id = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
        write!(
            others,
            "<data type=\"{kind}\"><checksum type=\"sha\">{id}</checksum><open-checksum type=\"sha1\">{id}</open-checksum>\
             <header-size>1</header-size><location href=\"repodata/{kind}.gz\"/><timestamp>1.5</timestamp>\
             <size> 7</size><open-size>x</open-size><database_version>10</database_version></data>"
        )
        .expect("a String takes everything");
    }
    others.push_str("</repomd>");
    files
        .pop()
        .map(|file| file.bytes)
        .into_iter()
        .chain([others.into_bytes()])
}

/// A small file and a bomb in each compression, after the byte that chooses it.
fn compressed() -> impl Iterator<Item = Vec<u8>> {
    let small = b"<metadata packages='0'></metadata>".to_vec();
    [small, vec![0; 128 << 10]]
        .into_iter()
        .enumerate()
        .flat_map(|(kind, plain)| {
            let mut all = vec![
                (
                    1,
                    odcs_rpm::compression::gzip(&plain).expect("nothing fails in memory"),
                ),
                (2, all_of(liblzma::read::XzEncoder::new(&*plain, 1))),
                (3, zstd::encode_all(&*plain, 3).expect("nothing fails in memory")),
                (
                    4,
                    all_of(bzip2::read::BzEncoder::new(&*plain, bzip2::Compression::fast())),
                ),
            ];
            if kind == 0 {
                let twice: Vec<_> = all
                    .iter()
                    .map(|(number, file)| (*number, file.repeat(2)))
                    .collect();
                all.extend(twice);
                all.push((0, plain));
            }
            all.into_iter()
                .map(|(number, file)| [&[number][..], &file].concat())
        })
}

fn all_of(mut reader: impl Read) -> Vec<u8> {
    let mut out = Vec::new();
    reader.read_to_end(&mut out).expect("nothing fails in memory");
    out
}

/// A tag of a header: number, type, count and value.
type Tag = (u32, u32, u32, Vec<u8>);

/// A package `ed-0:1-1.x86_64` with one value in its signature header. `which` chooses the tag: the four old
/// ones, or the list of texts in base64 that rpm 6 has.
pub(crate) fn signed(which: u8, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).expect("inputs are short");
    let tag = match which % 5 {
        // RSA, DSA, PGP, GPG.
        0 => (268, 7, length, value.to_vec()),
        1 => (267, 7, length, value.to_vec()),
        2 => (1002, 7, length, value.to_vec()),
        3 => (1005, 7, length, value.to_vec()),
        _ => {
            let texts = value.split(|byte| *byte == 0).count();
            (
                278,
                8,
                u32::try_from(texts).expect("inputs are short"),
                [value, b"\0"].concat(),
            )
        }
    };
    file(&[tag], &main_tags())
}

/// Name, version, release, arch and source.
fn main_tags() -> [Tag; 5] {
    let tag = |number, text: &str| (number, 6, 1, [text.as_bytes(), b"\0"].concat());
    [
        tag(1000, "ed"),
        tag(1001, "1"),
        tag(1002, "1"),
        tag(1022, "x86_64"),
        tag(1044, "ed-1-1.src.rpm"),
    ]
}

fn file(signature: &[Tag], main: &[Tag]) -> Vec<u8> {
    let mut bytes = vec![0xed, 0xab, 0xee, 0xdb, 3, 0];
    bytes.resize(96, 0);
    header(&mut bytes, signature);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    header(&mut bytes, main);
    bytes
}

fn header(bytes: &mut Vec<u8>, tags: &[Tag]) {
    let (mut index, mut store): (Vec<u8>, Vec<u8>) = Default::default();
    let number = |length: usize| u32::try_from(length).expect("inputs are short");
    for (tag, kind, count, value) in tags {
        store.resize(store.len().next_multiple_of(if *kind == 4 { 4 } else { 1 }), 0);
        for number in [*tag, *kind, number(store.len()), *count] {
            index.extend(number.to_be_bytes());
        }
        store.extend(value);
    }
    bytes.extend([0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0]);
    bytes.extend(number(tags.len()).to_be_bytes());
    bytes.extend(number(store.len()).to_be_bytes());
    bytes.extend(index);
    bytes.extend(store);
}
