//! The `rpm` crate reads the same headers, from copies of all their values, and says the same.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use rpm::{IndexSignatureTag, IndexTag, PackageMetadata};
use rpmgen::{GeneratorOptions, Section as Part, TagChange, TagValue, generate, write};

use super::*;
use crate::header::raw::{RawHeaders, Rewritten};
use crate::header::relations::{PROVIDES, REQUIRES, Relation, Relations};
use crate::header::requires::list_requires;
use crate::header::tags::{Tag as ReadTag, Tags};
use crate::header::value::Section;
use crate::repodata::is_primary_file;
use crate::{Comparison, Dependency, FileEntry};

/// Lead and headers with the texts that were taken for Latin-1 as what they were taken for.
fn as_taken(file: &[u8], raw: &RawHeaders<'_>) -> Vec<u8> {
    let mut bytes = file[..96].to_vec();
    for section in [raw.signature, raw.tags.section()] {
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes.extend([0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0]);
        for length in [section.index.len(), section.store.len()] {
            bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
        }
        bytes.extend(section.index.as_flattened());
        bytes.extend(section.store);
    }
    bytes
}

/// Holds every value of every tag that is read against what the crate says of it.
fn same_tags(tags: &Tags<'_>, header: &rpm::Header<IndexTag>) {
    for tag in ReadTag::ALL {
        let index = tag.index();
        assert_eq!(tags.has(*tag), header.entry_is_present(index), "{tag:?}");
        assert_eq!(
            tags.text(*tag),
            header.get_entry_data_as_string(index).ok(),
            "{tag:?}"
        );
        let translated = header.get_entry_data_as_i18n_string(index).unwrap_or_default();
        assert_eq!(tags.translated(*tag), translated, "{tag:?}");
        let texts = header.get_entry_data_as_string_array(index).unwrap_or_default();
        assert_eq!(tags.texts(*tag).total(), texts.len(), "{tag:?}");
        assert!(tags.texts(*tag).eq(texts), "{tag:?}");
        assert_eq!(tags.number(*tag), number(header, index), "{tag:?}");
        let numbers = header.get_entry_data_as_u32_array(index).unwrap_or_default();
        let found: Vec<_> = tags
            .numbers(*tag)
            .iter()
            .map(|bytes| u32::from_be_bytes(*bytes))
            .collect();
        assert_eq!(found, numbers, "{tag:?}");
        let shorts = header.get_entry_data_as_u16_array(index).unwrap_or_default();
        let found: Vec<_> = tags
            .shorts(*tag)
            .iter()
            .map(|bytes| u16::from_be_bytes(*bytes))
            .collect();
        assert_eq!(found, shorts, "{tag:?}");
    }
}

fn number<T: rpm::Tag>(header: &rpm::Header<T>, tag: T) -> Option<u64> {
    let short = header.get_entry_data_as_u32(tag).map(u64::from);
    short.or_else(|_| header.get_entry_data_as_u64(tag)).ok()
}

fn same_signature(section: &Section<'_>, metadata: &PackageMetadata) {
    for tag in [
        IndexSignatureTag::RPMSIGTAG_LONGARCHIVESIZE,
        IndexSignatureTag::RPMSIGTAG_PAYLOADSIZE,
        IndexSignatureTag::RPMSIGTAG_LONGSIZE,
        IndexSignatureTag::RPMSIGTAG_SIZE,
        IndexSignatureTag::RPMSIGTAG_RSA,
        IndexSignatureTag::RPMSIGTAG_DSA,
        IndexSignatureTag::RPMSIGTAG_PGP,
        IndexSignatureTag::RPMSIGTAG_GPG,
        IndexSignatureTag::RPMSIGTAG_OPENPGP,
    ] {
        let value = section.find(tag as u32);
        let found = value.and_then(|value| value.number());
        assert_eq!(found, number(&metadata.signature, tag), "{tag:?}");
        let found = value.and_then(|value| value.binary());
        assert_eq!(
            found,
            metadata.signature.get_entry_data_as_binary(tag).ok(),
            "{tag:?}"
        );
        let texts = metadata
            .signature
            .get_entry_data_as_string_array(tag)
            .unwrap_or_default();
        assert!(
            value.into_iter().flat_map(|value| value.texts()).eq(texts),
            "{tag:?}"
        );
    }
}

/// The keys by the crate's own reading of armoured signatures.
fn same_issuers(package: &Package, metadata: &PackageMetadata) {
    let mut keys = Vec::new();
    for packets in metadata.raw_signatures().unwrap_or_default() {
        keys.extend(signature::issuers(&packets));
    }
    for tag in [
        IndexSignatureTag::RPMSIGTAG_RSA,
        IndexSignatureTag::RPMSIGTAG_DSA,
        IndexSignatureTag::RPMSIGTAG_PGP,
        IndexSignatureTag::RPMSIGTAG_GPG,
    ] {
        if let Ok(packets) = metadata.signature.get_entry_data_as_binary(tag) {
            keys.extend(signature::issuers(packets));
        }
    }
    let mut seen = HashSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    assert_eq!(package.signatures, keys);
}

/// The files as the crate's lists of their parts make them.
fn same_files(package: &Package, header: &rpm::Header<IndexTag>) {
    let texts = |tag| header.get_entry_data_as_string_array(tag).unwrap_or_default();
    let numbers = |tag| header.get_entry_data_as_u32_array(tag).unwrap_or_default();
    let (names, directories) = (
        texts(IndexTag::RPMTAG_BASENAMES),
        texts(IndexTag::RPMTAG_DIRNAMES),
    );
    let indices = numbers(IndexTag::RPMTAG_DIRINDEXES);
    let paths: Vec<String> = match names.is_empty() {
        true => texts(IndexTag::RPMTAG_OLDFILENAMES)
            .iter()
            .map(ToString::to_string)
            .collect(),
        false => names
            .iter()
            .zip(indices)
            .map(|(name, index)| directories[index as usize].to_owned() + name)
            .collect(),
    };
    let modes = header
        .get_entry_data_as_u16_array(IndexTag::RPMTAG_FILEMODES)
        .unwrap_or_default();
    let flags = numbers(IndexTag::RPMTAG_FILEFLAGS);
    let files: Vec<FileEntry> = paths
        .iter()
        .enumerate()
        .map(|(index, path)| FileEntry {
            path: path.as_str().into(),
            kind: match (modes.get(index), flags.get(index)) {
                (Some(mode), _) if mode & 0o170_000 == 0o040_000 => FileKind::Directory,
                (_, Some(flags)) if flags & 64 != 0 => FileKind::Ghost,
                _ => FileKind::File,
            },
        })
        .collect();
    assert_eq!(package.files, files);
}

/// The requirements of a package by tables of everything, as of a package with very many.
fn requires_by_tables(
    requires: &[Relation<'_>],
    provides: &[Relation<'_>],
    files: &[FileEntry],
) -> Vec<Dependency> {
    let words = |relation: &Relation<'_>| {
        let comparison = Comparison::from_header_flags(relation.flags);
        (relation.name.to_owned(), comparison, relation.version.to_owned())
    };
    let provided: HashSet<_> = provides.iter().map(words).collect();
    let has_paths = requires.iter().any(|require| require.name.starts_with('/'));
    let paths = files
        .iter()
        .map(|file| &*file.path)
        .filter(|path| has_paths && is_primary_file(path));
    let paths: HashSet<&str> = paths.collect();
    let mut last = HashMap::new();
    let mut kept = Vec::new();
    for require in requires {
        let same = (words(require), require.flags & (1 << 6 | 1 << 9 | 1 << 10) != 0);
        let is_known = paths.contains(require.name)
            || provided.contains(&same.0)
            || last.get(require.name) == Some(&same)
            || require.name.starts_with("rpmlib(");
        if is_known || require.flags & 1 << 19 != 0 || require.name.starts_with("libc.so.6") {
            continue;
        }
        last.insert(require.name, same.clone());
        let mut dependency = require.to_dependency();
        dependency.is_pre = same.1;
        kept.push(dependency);
    }
    kept
}

fn same_requires(tags: &Tags<'_>, package: &Package) {
    let list = |tags_of| Relations::of(tags, tags_of).unwrap().list();
    let (requires, provides) = (list(REQUIRES), list(PROVIDES));
    let is_libc = |dependency: &Dependency| dependency.name.starts_with("libc.so.6");
    let (mut listed, _) = list_requires(&requires, &provides, &package.files);
    listed.retain(|dependency| !is_libc(dependency));
    assert_eq!(listed, requires_by_tables(&requires, &provides, &package.files));
}

/// Reads a file with both. Refusing it is never wrong here; says whether it was read.
fn compare(file: &[u8]) -> bool {
    let facts = FileFacts {
        size: u64::MAX,
        modified: 7,
    };
    let package = read_header(file, facts);
    let mut rewritten = Rewritten::default();
    let Ok(raw) = RawHeaders::check(file, &mut rewritten) else {
        assert!(package.is_err());
        return false;
    };
    let bytes = as_taken(file, &raw);
    // What passes the check is never refused by the crate, and never makes it panic.
    let metadata = PackageMetadata::parse(&mut &*bytes).unwrap();
    same_tags(&raw.tags, &metadata.header);
    same_signature(&raw.signature, &metadata);
    let Ok(package) = package else {
        return false;
    };
    same_issuers(&package, &metadata);
    same_files(&package, &metadata.header);
    same_requires(&raw.tags, &package);
    true
}

/// Packages of a made-up distribution, and the odd ones that other programs are held against.
static PACKAGES: LazyLock<Vec<rpmgen::PackageSpec>> = LazyLock::new(|| {
    let options = GeneratorOptions {
        packages: 120,
        seed: 7,
    };
    let mut specs: Vec<_> = generate(options).filter(|spec| spec.files.len() < 300).collect();
    specs.extend(rpmgen::ed_repository());
    specs
});

#[test]
fn ordinary_packages_are_read_alike() {
    for spec in PACKAGES.iter() {
        assert!(compare(&write(spec).unwrap()), "{}", spec.name);
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the paths are its own")]
fn the_corpus_is_read_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/rpm_header");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        read += usize::from(compare(&std::fs::read(entry.unwrap().path()).unwrap()));
    }
    for seed in fuzzing::seeds::all() {
        read += usize::from(compare(&seed.bytes));
    }
    assert!(read > 10, "{read}");
}

fn value() -> impl Strategy<Value = TagValue> {
    let text = prop_oneof![
        "[a-z/]{0,9}".prop_map(String::into_bytes),
        prop::sample::select(vec![
            b"".to_vec(),
            b"\xe9t\xe9".to_vec(),
            b"\xff".to_vec(),
            b"\xed\xa0\x80".to_vec(),
            "\u{e9}t\u{e9} \u{1f600}".as_bytes().to_vec(),
            b"libc.so.6(GLIBC_2.4)(64bit)".to_vec(),
            b"/usr/bin/ed".to_vec(),
            b"1:2-3".to_vec(),
        ]),
    ];
    let texts = || prop::collection::vec(text.clone(), 0..6);
    prop_oneof![
        Just(TagValue::Missing),
        prop::collection::vec(any::<u16>(), 0..6).prop_map(TagValue::Int16),
        prop::collection::vec(prop_oneof![0..6_u32, any::<u32>()], 0..6).prop_map(TagValue::Int32),
        prop::collection::vec(any::<u64>(), 0..3).prop_map(TagValue::Int64),
        text.clone().prop_map(TagValue::Text),
        texts().prop_map(TagValue::Texts),
        texts().prop_map(TagValue::Translated),
    ]
}

fn change() -> impl Strategy<Value = TagChange> {
    let main = prop::sample::select(ReadTag::ALL).prop_map(|tag| (Part::Main, tag.index() as u32));
    // Sizes and signatures.
    let signature = prop::sample::select(vec![267_u32, 268, 270, 271, 278, 1000, 1002, 1005, 1007]);
    let place = prop_oneof![9 => main, 1 => signature.prop_map(|number| (Part::Signature, number))];
    (place, value()).prop_map(|((section, number), value)| TagChange {
        section,
        number,
        value,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn odd_packages_are_read_alike(
        spec in any::<prop::sample::Index>(),
        changes in prop::collection::vec(change(), 1..6),
        bytes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut spec = spec.get(&PACKAGES).clone();
        spec.tags.extend(changes);
        let mut file = write(&spec).unwrap();
        // Where entries are; behind them are their values.
        for (index, byte) in bytes {
            let index = index.index(file.len().min(3000));
            file[index] = byte;
        }
        compare(&file);
    }
}
