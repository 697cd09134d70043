//! Headers made tag by tag: odd ones, damaged ones, hostile ones.

mod oracle;

use proptest::prelude::*;
use rpm::{IndexSignatureTag, IndexTag};

use super::*;
use crate::{Error, FileKind};

/// One tag: number, type, count and value.
#[derive(Clone)]
struct Tag(u32, u32, u32, Vec<u8>);

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap()
}

fn text(tag: IndexTag, text: &[u8]) -> Tag {
    Tag(tag.into(), 6, 1, [text, b"\0"].concat())
}

fn texts(tag: IndexTag, texts: &[&str]) -> Tag {
    let bytes = texts
        .iter()
        .flat_map(|text| [text.as_bytes(), b"\0"].concat())
        .collect();
    Tag(tag.into(), 8, count(texts), bytes)
}

fn numbers(tag: impl Into<u32>, numbers: &[u32]) -> Tag {
    let bytes = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
    Tag(tag.into(), 4, count(numbers), bytes)
}

fn shorts(tag: IndexTag, numbers: &[u16]) -> Tag {
    let bytes = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
    Tag(tag.into(), 3, count(numbers), bytes)
}

fn header(tags: &[Tag]) -> Vec<u8> {
    let (mut index, mut store): (Vec<u8>, Vec<u8>) = Default::default();
    for Tag(tag, kind, count, value) in tags {
        let alignment = match kind {
            3 => 2,
            4 => 4,
            _ => 1,
        };
        store.resize(store.len().next_multiple_of(alignment), 0);
        for number in [*tag, *kind, u32::try_from(store.len()).unwrap(), *count] {
            index.extend(number.to_be_bytes());
        }
        store.extend(value);
    }
    let mut bytes = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
    bytes.extend(count(tags).to_be_bytes());
    bytes.extend(count(&store).to_be_bytes());
    [bytes, index, store].concat()
}

/// A whole file with a payload of eight bytes.
fn file(signature: &[Tag], main: &[Tag]) -> Vec<u8> {
    let mut bytes = vec![0; 96];
    bytes[..6].copy_from_slice(&[0xed, 0xab, 0xee, 0xdb, 3, 0]);
    bytes.extend(header(signature));
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(header(main));
    bytes.extend(*b"payload!");
    bytes
}

fn unsigned() -> Vec<Tag> {
    vec![numbers(IndexSignatureTag::RPMSIGTAG_PAYLOADSIZE, &[124])]
}

/// Name, version, release, arch and source of a package `ed`.
fn ed() -> Vec<Tag> {
    vec![
        text(IndexTag::RPMTAG_NAME, b"ed"),
        text(IndexTag::RPMTAG_VERSION, b"1.14.1"),
        text(IndexTag::RPMTAG_RELEASE, b"2"),
        text(IndexTag::RPMTAG_ARCH, b"x86_64"),
        text(IndexTag::RPMTAG_SOURCERPM, b"ed-1.14.1-2.src.rpm"),
    ]
}

fn read_bytes(bytes: &[u8]) -> Result<ReadFile> {
    let facts = FileFacts {
        size: bytes.len() as u64,
        modified: 7,
    };
    read_file(bytes, facts, Some(DigestAlgorithm::Sha1))
}

fn read(main: &[Tag]) -> Result<Package> {
    read_bytes(&file(&unsigned(), main)).map(|file| file.package)
}

#[test]
fn little_is_enough() {
    let bytes = file(&unsigned(), &ed());
    let file = read_bytes(&bytes).unwrap();
    assert_eq!(file.sha256, Digest::of_bytes(DigestAlgorithm::Sha256, &bytes));
    assert_eq!(file.other, Some(Digest::of_bytes(DigestAlgorithm::Sha1, &bytes)));
    let package = file.package;
    assert_eq!(package.nevra.to_string(), "ed-0:1.14.1-2.x86_64");
    assert_eq!(package.source_rpm.as_deref(), Some("ed-1.14.1-2.src.rpm"));
    assert_eq!(
        (package.sizes.archive, package.sizes.package, package.file_time),
        (124, bytes.len() as u64, 7)
    );
    assert_eq!(package.header_range.1, bytes.len() as u64 - 8);
    assert_eq!(package.header_range.0 % 8, 0);
}

#[test]
fn source_packages_are_told_by_their_tags() {
    let mut tags = ed();
    tags.truncate(4);
    let package = read(&tags).unwrap();
    assert_eq!(
        (package.nevra.arch().as_str(), package.source_rpm),
        ("x86_64", None)
    );
    let mut old = file(&unsigned(), &tags);
    old[7] = 1;
    let package = read_bytes(&old).unwrap().package;
    assert_eq!(package.nevra.arch().as_str(), "src", "the lead says so");
    let mut binary = file(&unsigned(), &ed());
    binary[7] = 1;
    let package = read_bytes(&binary).unwrap().package;
    assert_eq!(package.nevra.arch().as_str(), "x86_64", "it has a source");
    assert_eq!(package.source_rpm.as_deref(), Some("ed-1.14.1-2.src.rpm"));
    tags.push(numbers(IndexTag::RPMTAG_SOURCEPACKAGE, &[1]));
    assert_eq!(read(&tags).unwrap().nevra.arch().as_str(), "src");
    tags.push(numbers(IndexTag::RPMTAG_NOSOURCE, &[0]));
    let package = read(&tags).unwrap();
    assert_eq!(package.nevra.arch().as_str(), "nosrc");
    assert_eq!(package.source_rpm, None);
}

#[test]
fn flags_and_modes_are_understood() {
    let mut tags = ed();
    tags.extend([
        numbers(IndexTag::RPMTAG_EPOCH, &[3]),
        texts(IndexTag::RPMTAG_REQUIRENAME, &["rpmlib(X)", "a", "b", "c"]),
        // rpmlib and <=; >= before the scriptlets; = after all; an interpreter of %post.
        numbers(
            IndexTag::RPMTAG_REQUIREFLAGS,
            &[1 << 24 | 10, 1 << 9 | 12, 1 << 6 | 8, 1 << 8 | 1 << 10],
        ),
        texts(IndexTag::RPMTAG_REQUIREVERSION, &["1", "2:1.0-3", "7", ""]),
        texts(IndexTag::RPMTAG_OLDSUGGESTSNAME, &["strong", "weak"]),
        numbers(IndexTag::RPMTAG_OLDSUGGESTSFLAGS, &[1 << 27, 0]),
        texts(IndexTag::RPMTAG_OLDSUGGESTSVERSION, &["", ""]),
        texts(IndexTag::RPMTAG_BASENAMES, &["ed", "ghost", "gd", "doc"]),
        texts(IndexTag::RPMTAG_DIRNAMES, &["/usr/bin/", "/"]),
        numbers(IndexTag::RPMTAG_DIRINDEXES, &[0, 1, 1, 1]),
        numbers(IndexTag::RPMTAG_FILEFLAGS, &[0, 64, 64, 2]),
        shorts(
            IndexTag::RPMTAG_FILEMODES,
            &[0o100_755, 0o100_644, 0o040_755, 0o100_644],
        ),
    ]);
    let package = read(&tags).unwrap();
    assert_eq!(package.nevra.evr().epoch(), 3);
    let requires: Vec<_> = package
        .requires
        .iter()
        .map(|require| (require.to_string(), require.is_pre))
        .collect();
    let expected = [("a >= 2:1.0-3", true), ("b = 7", true), ("c", true)];
    assert_eq!(requires, expected.map(|(text, is_pre)| (text.to_owned(), is_pre)));
    assert_eq!(&*package.recommends[0].name, "strong");
    assert_eq!(&*package.suggests[0].name, "weak");
    let files: Vec<_> = package
        .files
        .iter()
        .map(|file| (&*file.path, file.kind))
        .collect();
    assert_eq!(
        files,
        [
            ("/usr/bin/ed", FileKind::File),
            ("/ghost", FileKind::Ghost),
            ("/gd", FileKind::Directory),
            ("/doc", FileKind::File)
        ]
    );
}

#[test]
fn text_that_is_not_utf8_is_latin_1() {
    for encoding in [None, Some(text(IndexTag::RPMTAG_ENCODING, b"utf-8"))] {
        let mut tags = ed();
        tags.push(text(IndexTag::RPMTAG_SUMMARY, b"\xe9t\xe9"));
        tags.push(text(IndexTag::RPMTAG_VENDOR, "proper é".as_bytes()));
        tags.push(numbers(IndexTag::RPMTAG_BUILDTIME, &[1234]));
        tags.extend(encoding);
        let bytes = file(&unsigned(), &tags);
        let package = read_bytes(&bytes).unwrap().package;
        assert_eq!((&*package.summary, &*package.vendor), ("été", "proper é"));
        assert_eq!(package.build_time, 1234);
        assert_eq!(
            package.header_range.1,
            bytes.len() as u64 - 8,
            "offsets are those of the file"
        );
    }
}

#[test]
fn keys_are_found_in_the_signature_header() {
    let id = [0x19, 0x9e, 0x2f, 0x91, 0xfd, 0x43, 0x1d, 0x51];
    let packet = [&[0xc2, 20, 4, 0, 1, 8, 0, 10, 9, 16], &id[..], &[0, 0, 0, 0]].concat();
    for tag in [IndexSignatureTag::RPMSIGTAG_RSA, IndexSignatureTag::RPMSIGTAG_GPG] {
        let signature = [Tag(tag.into(), 7, count(&packet), packet.clone())];
        let package = read_bytes(&file(&signature, &ed())).unwrap().package;
        assert_eq!(package.signatures, ["199e2f91fd431d51".parse().unwrap()]);
    }
    // The same packet in base64, as rpm 6 has it, and once more as it is.
    let armoured = b"whQEAAEIAAoJEBmeL5H9Qx1RAAAAAA==\0".to_vec();
    let signature = [
        Tag(IndexSignatureTag::RPMSIGTAG_OPENPGP.into(), 8, 1, armoured),
        Tag(IndexSignatureTag::RPMSIGTAG_RSA.into(), 7, count(&packet), packet),
    ];
    let package = read_bytes(&file(&signature, &ed())).unwrap().package;
    assert_eq!(package.signatures.len(), 1);
}

/// The reason why bytes are no package.
fn reason(bytes: &[u8]) -> String {
    match read_bytes(bytes) {
        Err(Error::Package { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reasons_are_plain() {
    let with = |tag: Tag| {
        let mut tags = ed();
        tags.push(tag);
        reason(&file(&unsigned(), &tags))
    };
    assert_eq!(reason(b""), "the file ends in the lead");
    assert_eq!(reason(&[b'x'; 200]), "it does not begin like one");
    let whole = file(&unsigned(), &ed());
    assert_eq!(reason(&whole[..100]), "the file ends in the signature header");
    assert_eq!(
        reason(&whole[..whole.len() - 20]),
        "the file ends in the main header"
    );
    // 500 bytes of header and payload, says the signature header.
    let promised = [numbers(IndexSignatureTag::RPMSIGTAG_SIZE, &[500])];
    assert!(reason(&file(&promised, &ed())).starts_with("the file is cut off: it has "));
    assert_eq!(reason(&file(&unsigned(), &ed()[1..])), "its header has no name");
    assert_eq!(
        reason(&file(&unsigned(), &[&ed()[..3], &ed()[4..]].concat())),
        "its header has no architecture"
    );
    let mut bad = ed();
    bad[0] = text(IndexTag::RPMTAG_NAME, b"../ed");
    assert!(reason(&file(&unsigned(), &bad)).contains("a package name"));
    assert_eq!(
        with(numbers(IndexTag::RPMTAG_CHANGELOGTIME, &[1])),
        "the changelog in its header is incomplete"
    );
    assert_eq!(
        with(texts(IndexTag::RPMTAG_BASENAMES, &["ed"])),
        "the list of files in its header is incomplete"
    );
    assert_eq!(
        with(texts(IndexTag::RPMTAG_PROVIDEVERSION, &["1"])),
        "a list of dependencies in its header is incomplete"
    );
}

#[test]
fn small_headers_do_not_ask_for_much_memory() {
    let files = |directory: usize, count: usize| {
        let mut tags = ed();
        let directory = format!("/{}/", "d".repeat(directory - 2));
        tags.push(texts(IndexTag::RPMTAG_BASENAMES, &vec!["f"; count]));
        tags.push(texts(IndexTag::RPMTAG_DIRNAMES, &[&directory]));
        tags.push(numbers(IndexTag::RPMTAG_DIRINDEXES, &vec![0; count]));
        file(&unsigned(), &tags)
    };
    assert_eq!(read_bytes(&files(4094, 1000)).unwrap().package.files.len(), 1000);
    assert_eq!(
        reason(&files(4095, 1000)),
        "a path in its header has more than 4095 bytes"
    );
    // Half a megabyte of header for a quarter of a gigabyte of paths.
    assert_eq!(
        reason(&files(4094, 70_000)),
        "the paths in its header have 286650000 bytes together, more than 134217728"
    );
    let many = vec![0; (1 << 22) + 1];
    let tag = Tag(IndexTag::RPMTAG_PROVIDENAME.into(), 8, count(&many), many);
    assert_eq!(
        reason(&file(&unsigned(), &[&ed()[..], &[tag]].concat())),
        "damaged main header: it has more texts than packages have"
    );
}

#[test]
fn what_was_read_before_changes_nothing() {
    let (mut long, mut latin1) = (ed(), ed());
    long.push(text(IndexTag::RPMTAG_DESCRIPTION, &vec![b'x'; 3 << 20]));
    latin1.push(text(IndexTag::RPMTAG_SUMMARY, b"\xe9t\xe9"));
    let whole = [long, latin1, ed()].map(|tags| file(&unsigned(), &tags));
    let cut = whole[0][..2 << 20].to_vec();
    let mut reader = HeaderReader::new();
    for bytes in whole.iter().chain([&cut]).chain(&whole) {
        let facts = FileFacts {
            size: bytes.len() as u64,
            modified: 7,
        };
        let again = reader.read_file(&**bytes, facts, None).ok();
        assert_eq!(again, read_file(&**bytes, facts, None).ok());
        let again = reader.read_header(&**bytes, facts).ok();
        assert_eq!(again, read_header(&**bytes, facts).ok());
        assert!(reader.buffer.len() <= 1 << 20, "what one file needed is not kept");
    }
}

/// A reader that gives one byte at a time, with interruptions.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let length = buffer.len().min(1);
        self.0.read(&mut buffer[..length])
    }
}

#[test]
fn how_much_a_reader_gives_at_once_changes_nothing() {
    let bytes = file(&unsigned(), &ed());
    let facts = FileFacts {
        size: bytes.len() as u64,
        modified: 7,
    };
    let slowly = read_file(Slow(&bytes, false), facts, Some(DigestAlgorithm::Sha512)).unwrap();
    assert_eq!(
        slowly,
        read_file(&*bytes, facts, Some(DigestAlgorithm::Sha512)).unwrap()
    );
    assert_eq!(read_header(Slow(&bytes, false), facts).unwrap(), slowly.package);
}

#[test]
fn hostile_indices_are_refused() {
    let build = |kind: u32, offset: u32, count: u32| {
        let mut bytes = file(&unsigned(), &ed());
        let start = bytes.len() - 8 - header(&ed()).len();
        // The first entry of the main header, after tag number.
        let values = [kind, offset, count].map(u32::to_be_bytes).concat();
        bytes[start + 20..start + 32].copy_from_slice(&values);
        bytes
    };
    for (kind, offset, count) in [
        (6, u32::MAX, 1),
        (6, 0x8000_0000, 1),
        (4, 0, u32::MAX),
        (5, 0, 0x2000_0001),
        (7, 2, 1_000_000),
        (8, 0, 100),
        (9, 0, u32::MAX),
        (10, 0, 1),
    ] {
        assert_eq!(
            reason(&build(kind, offset, count)),
            "damaged main header: an entry leads out of it",
            "{kind} {offset} {count}"
        );
    }
    // Many entries for the same bytes would be copied many times.
    assert_eq!(
        reason(&build(7, 0, 30)),
        "damaged main header: its entries overlap"
    );
    let mut bytes = file(&unsigned(), &ed());
    bytes[96 + 8..96 + 16].copy_from_slice(&[0xff; 8]);
    assert!(reason(&bytes).contains("are not possible"));
}

proptest! {
    #[test]
    fn cut_files_are_errors(at in 0.0..1.0f64) {
        let whole = file(&unsigned(), &ed());
        let length = whole.len() - 8;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let at = (length as f64 * at) as usize;
        let read = read_bytes(&whole[..at]);
        prop_assert!(matches!(read, Err(Error::Package { .. })), "{:?}", read);
    }

    #[test]
    fn damaged_files_do_not_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut tags = ed();
        tags.push(texts(IndexTag::RPMTAG_BASENAMES, &["ed", "\u{e9}"]));
        tags.push(texts(IndexTag::RPMTAG_DIRNAMES, &["/usr/bin/"]));
        tags.push(numbers(IndexTag::RPMTAG_DIRINDEXES, &[0, 0]));
        let mut bytes = file(&unsigned(), &tags);
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        let _ = read_bytes(&bytes);
    }

    #[test]
    fn garbage_does_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_bytes(&bytes);
        let mut bytes = [&file(&unsigned(), &ed())[..96], &bytes].concat();
        let _ = read_bytes(&bytes);
        bytes.splice(96..96, [0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 64]);
        let _ = read_bytes(&bytes);
    }
}
