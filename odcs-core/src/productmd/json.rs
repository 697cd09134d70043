//! JSON as productmd writes it: four spaces of indentation, sorted keys, ASCII only, and no newline at
//! the end. Keys come out sorted because the types list their fields in that order.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter};

use crate::{Error, ErrorKind, Result};

const VERSION: &str = "1.2";

#[derive(Serialize, Deserialize)]
struct Document<T> {
    header: Header,
    payload: T,
}

#[derive(Serialize, Deserialize)]
struct Header {
    #[serde(rename = "type")]
    kind: String,
    version: String,
}

/// Writes a document of this type.
pub(super) fn write<T: Serialize>(kind: &'static str, payload: &T) -> Result<Vec<u8>> {
    let document = Document {
        header: Header {
            kind: kind.into(),
            version: VERSION.into(),
        },
        payload,
    };
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Ascii::default());
    document.serialize(&mut serializer).map_err(|error| {
        Error::new(
            ErrorKind::Internal,
            "write metadata",
            kind,
            format!("{kind} cannot be written"),
        )
        .with_source(error)
    })?;
    Ok(bytes)
}

/// Reads a document, which must say that it is of this type, in a version 1.
pub(super) fn read<T: DeserializeOwned>(kind: &'static str, bytes: &[u8]) -> Result<T> {
    let refused = |why: String| {
        Error::new(
            ErrorKind::Invalid,
            "read metadata",
            kind,
            format!("this is no {kind} metadata: {why}"),
        )
    };
    let document: Document<serde_json::Value> =
        serde_json::from_slice(bytes).map_err(|error| refused(error.to_string()).with_source(error))?;
    if document.header.kind != kind {
        let found: String = document.header.kind.chars().take(80).collect();
        return Err(refused(format!("it calls itself {found:?}")));
    }
    if !document.header.version.starts_with("1.") {
        let found: String = document.header.version.chars().take(80).collect();
        return Err(refused(format!("version {found:?} is not known")));
    }
    serde_json::from_value(document.payload).map_err(|error| refused(error.to_string()).with_source(error))
}

/// What stands for itself. DEL does not: Python leaves alone what prints, serde_json what JSON allows.
fn is_plain(character: char) -> bool {
    matches!(character, ' '..='~')
}

/// Pretty, four spaces, and everything beyond ASCII as `\uXXXX`.
struct Ascii(PrettyFormatter<'static>);

impl Default for Ascii {
    fn default() -> Self {
        Self(PrettyFormatter::with_indent(b"    "))
    }
}

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Nearly all is.
        if fragment.bytes().all(|byte| is_plain(byte.into())) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut units = [0; 2];
        for part in fragment.split_inclusive(|character| !is_plain(character)) {
            let plain = part.trim_end_matches(|character| !is_plain(character));
            writer.write_all(plain.as_bytes())?;
            for character in part.chars().skip(plain.len()) {
                for unit in character.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.0.write_char_escape(writer, escape)
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_form_is_that_of_python() {
        let payload = BTreeMap::from([("b", vec!["é\u{1f600}\"\n"]), ("a", vec![])]);
        let text = String::from_utf8(write("productmd.test", &payload).unwrap()).unwrap();
        let expected = "{\n    \"header\": {\n        \"type\": \"productmd.test\",\n        \"version\": \
                        \"1.2\"\n    },\n    \"payload\": {\n        \"a\": [],\n        \"b\": [\n            \
                        \"\\u00e9\\ud83d\\ude00\\\"\\n\"\n        ]\n    }\n}";
        assert_eq!(text, expected);
    }

    #[test]
    fn other_documents_are_refused() {
        for (text, why) in [
            ("[]", "invalid"),
            (
                r#"{"header": {"type": "productmd.rpms", "version": "1.2"}, "payload": {}}"#,
                "calls itself",
            ),
            (
                r#"{"header": {"type": "productmd.test", "version": "2.0"}, "payload": {}}"#,
                "not known",
            ),
            (
                r#"{"header": {"type": "productmd.test", "version": "1.0"}, "payload": 5}"#,
                "invalid type",
            ),
        ] {
            let error = read::<BTreeMap<String, String>>("productmd.test", text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let bytes = write("productmd.test", &text).unwrap();
            prop_assert!(bytes.is_ascii());
            prop_assert_eq!(read::<String>("productmd.test", &bytes).unwrap(), text);
        }
    }
}
