//! Texts in every encoding and in none.

use rpmgen::{PackageSpec, TagChange, TagValue};

use super::{changelog, package, tag, texts, translated};

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

pub(super) fn encodings(all: &mut Vec<PackageSpec>) {
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
        TagChange::main(tag::FILE_DIGESTS, texts([&b""[..], b""])),
        TagChange::main(tag::FILE_FLAGS, TagValue::Int32(vec![0, 0])),
        TagChange::main(tag::FILE_MODES, TagValue::Int16(vec![0o100_644; 2])),
    ];
    spec
}
