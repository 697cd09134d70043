//! Makes the bombs: pieces of 1 MiB, compressed once and put one after the other.

use std::io::{Read, Write};

use odcs_rpm::compression::{Compression, gzip};

/// What is compressed.
pub(crate) const ALL: [Compression; 4] = [
    Compression::Gzip,
    Compression::Xz,
    Compression::Zstd,
    Compression::Bzip2,
];

const PIECE: usize = 1 << 20;
/// A file holds half a GiB.
const PIECES: usize = 512;

/// A document that begins like this and goes on like that.
pub(crate) struct Bomb {
    pub(crate) kind: &'static str,
    pub(crate) name: &'static str,
    pub(crate) begins: &'static str,
    pub(crate) repeats: &'static str,
    /// Part of what is said of it.
    pub(crate) says: &'static str,
}

const RATIO: &str = "decompresses to more than 100 times its size";

pub(crate) fn files() -> Bomb {
    Bomb {
        kind: "filelists",
        name: "files",
        begins: "<filelists><package pkgid=\"a\" name=\"a\" arch=\"noarch\"><version ver=\"1\" rel=\"1\"/>",
        repeats: "<file/>",
        says: RATIO,
    }
}

pub(crate) fn bombs() -> Vec<Bomb> {
    const PACKAGE: &str = "<package><name>a</name><arch>x</arch><version ver='1' rel='1'/><checksum type='sha1'>\
        0000000000000000000000000000000000000000</checksum><location href='a'/></package>";
    let mut bombs = vec![files()];
    let mut add = |kind, name, begins, repeats, says| {
        bombs.push(Bomb {
            kind,
            name,
            begins,
            repeats,
            says,
        });
    };
    let roots = [
        ("primary", "<metadata>", "<metadata a=\""),
        ("filelists", "<filelists>", "<filelists a=\""),
        ("other", "<otherdata>", "<otherdata a=\""),
        ("updateinfo", "<updates>", "<updates a=\""),
        ("comps", "<comps>", "<comps a=\""),
        ("repomd", "<repomd>", "<repomd a=\""),
    ];
    for (kind, root, attribute) in roots {
        add(kind, "blanks", root, " ", "");
        add(kind, "empty elements", root, "<a/>", RATIO);
        add(kind, "a long attribute", attribute, "a", "");
        add(kind, "comments", root, "<!-- a -->", RATIO);
        add(kind, "references", root, "&amp;", "");
        add(kind, "open elements", root, "<a>", "");
    }
    add("primary", "packages", "<metadata>", PACKAGE, RATIO);
    add(
        "primary",
        "provides",
        "<metadata><package><format><provides>",
        "<entry name='a'/>",
        RATIO,
    );
    add(
        "primary",
        "versions",
        "<metadata><package><format><provides>",
        "<entry name='a' flags='EQ' ver='1'/>",
        RATIO,
    );
    add(
        "primary",
        "files",
        "<metadata><package><format>",
        "<file/>",
        RATIO,
    );
    add("primary", "a long name", "<metadata><package><name>", "a", "");
    add("primary", "one long comment", "<metadata><!--", "-a", "");
    add(
        "primary",
        "a document type",
        "<!DOCTYPE m [",
        "<!ENTITY a 'aaaaaaaaaaaaaaaa'>",
        "",
    );
    add(
        "filelists",
        "packages",
        "<filelists>",
        "<package name='a' arch='x'><version ver='1' rel='1'/></package>",
        RATIO,
    );
    add(
        "other",
        "changelogs",
        "<otherdata><package pkgid='a' name='a' arch='x'><version ver='1' rel='1'/>",
        "<changelog/>",
        RATIO,
    );
    add("updateinfo", "updates", "<updates>", "<update/>", RATIO);
    add(
        "comps",
        "packages",
        "<comps><group><id>a</id><packagelist>",
        "<packagereq>a</packagereq>",
        RATIO,
    );
    add("comps", "groups", "<comps>", "<group><id>a</id></group>", RATIO);
    add("repomd", "files", "<repomd>", "<data type='a'/>", "");
    bombs
}

pub(crate) fn suffix(compression: Compression) -> &'static str {
    match compression {
        Compression::Gzip => "gz",
        Compression::Xz => "xz",
        Compression::Zstd => "zst",
        _ => "bz2",
    }
}

pub(crate) fn compress(bytes: &[u8], compression: Compression) -> Vec<u8> {
    let mut out = Vec::new();
    match compression {
        Compression::Gzip => out = gzip(bytes).unwrap(),
        Compression::Xz => {
            liblzma::read::XzEncoder::new(bytes, 6)
                .read_to_end(&mut out)
                .unwrap();
        }
        Compression::Zstd => out = zstd::encode_all(bytes, 3).unwrap(),
        _ => {
            let mut encoder = bzip2::write::BzEncoder::new(&mut out, bzip2::Compression::best());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap();
        }
    }
    out
}

/// A file that ends in the middle of its document, half a GiB from its beginning.
pub(crate) fn compressed(bomb: &Bomb, compression: Compression) -> Vec<u8> {
    let piece = bomb.repeats.repeat(PIECE / bomb.repeats.len());
    let mut file = compress(bomb.begins.as_bytes(), compression);
    let piece = compress(piece.as_bytes(), compression);
    for _ in 0..PIECES {
        file.extend_from_slice(&piece);
    }
    file
}

/// Says that it needs a dictionary of 4 GiB.
pub(crate) fn xz_with_huge_dictionary() -> Vec<u8> {
    let mut bytes = compress(b"<filelists/>", Compression::Xz);
    // The block header: size, flags, filter, size of its properties, size of the dictionary, padding, checksum.
    let end = 12 + (usize::from(bytes[12]) + 1) * 4;
    let at = bytes[12..end]
        .windows(2)
        .position(|pair| pair == [0x21, 1])
        .unwrap()
        + 14;
    bytes[at] = 40;
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..end - 4]);
    bytes[end - 4..end].copy_from_slice(&crc.sum().to_le_bytes());
    bytes
}

/// Says that it needs a window of 2 GiB, as `zstd --ultra --long=31` makes it.
pub(crate) fn zstd_with_huge_window() -> Vec<u8> {
    let text = b"<filelists/>";
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3];
    let length = u32::try_from(text.len()).unwrap();
    // The last block, as it is.
    bytes.extend_from_slice(&(length << 3 | 1).to_le_bytes()[..3]);
    bytes.extend_from_slice(text);
    bytes
}

/// Packages whose headers say more than they hold.
pub(crate) fn packages() -> Vec<(Bomb, Vec<u8>)> {
    let bomb = |name, says| Bomb {
        kind: "rpm",
        name,
        begins: "",
        repeats: "",
        says,
    };
    let mut lead = [0; 96];
    lead[..6].copy_from_slice(&[0xed, 0xab, 0xee, 0xdb, 3, 0]);
    let intro = |entries: u32, store: u32| {
        [
            &[0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0][..],
            &entries.to_be_bytes(),
            &store.to_be_bytes(),
        ]
        .concat()
    };
    // Basenames of one byte each, and one directory name of 4,000 bytes for all of them.
    let names = (64 << 10_usize, b"f\0".repeat(64 << 10));
    let directory = [&b"/"[..], &b"d".repeat(4_000), b"/\0"].concat();
    let indexes = vec![0; names.0 * 4];
    let mut index = Vec::new();
    let mut store = Vec::new();
    let count = u32::try_from(names.0).unwrap();
    for (tag, kind, count, value) in [
        (1116_u32, 4_u32, count, indexes),
        (1117, 8, count, names.1),
        (1118, 8, 1, directory),
        (1000, 6, 1, b"ed\0".to_vec()),
        (1001, 6, 1, b"1\0".to_vec()),
        (1002, 6, 1, b"1\0".to_vec()),
        (1022, 6, 1, b"noarch\0".to_vec()),
        (1044, 6, 1, b"ed-1-1.src.rpm\0".to_vec()),
    ] {
        for number in [tag, kind, u32::try_from(store.len()).unwrap(), count] {
            index.extend_from_slice(&number.to_be_bytes());
        }
        store.extend_from_slice(&value);
    }
    let signature = [intro(1, 0), vec![0, 0, 0, 62, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
    let main = [intro(8, u32::try_from(store.len()).unwrap()), index, store].concat();
    vec![
        (
            bomb("a claim", "the file ends in the signature header"),
            [&lead[..], &intro(0xffff, 256 << 20)].concat(),
        ),
        (
            bomb("more than rpm allows", "not possible"),
            [&lead[..], &intro(u32::MAX, u32::MAX)].concat(),
        ),
        (
            bomb("many paths", "the paths in its header have"),
            [&lead[..], &signature, &main].concat(),
        ),
        (bomb("many texts", "more texts than packages have"), {
            let count: u32 = (1 << 22) + 1;
            let entry = [1047_u32, 8, 0, count].map(u32::to_be_bytes).concat();
            [
                &lead[..],
                &signature,
                &intro(1, count),
                &entry,
                &vec![0; (1 << 22) + 1],
            ]
            .concat()
        }),
    ]
}
