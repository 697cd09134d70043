//! `updateinfo`: which updates the packages of a repository belong to. It is handed on as it came.

use std::io::Read;

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::{Digest, DigestAlgorithm, Error, Result};

const FILE: &str = "updateinfo";

/// Elements inside each other; real documents have six.
const MAX_DEPTH: usize = 32;

/// Attributes of one element; real ones have seven.
const MAX_ATTRIBUTES: usize = 100;

/// An `updateinfo` document, checked as far as every reader of repodata relies on: XML that is well-formed,
/// in UTF-8, without a document type (and so without entities of its own), whose root is `updates`. Its
/// bytes are kept as they came, uncompressed.
///
/// ```
/// use odcs_rpm::repodata::UpdateInfo;
/// let xml = r#"<updates><update type="security"><id>ED-2026:1</id></update></updates>"#;
/// let updates = UpdateInfo::parse(xml.into())?;
/// assert_eq!((updates.updates(), updates.bytes()), (1, xml.as_bytes()));
/// assert!(UpdateInfo::parse("<html/>".into()).is_err());
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct UpdateInfo {
    xml: Box<str>,
    digest: Digest,
    updates: u64,
}

impl UpdateInfo {
    /// Bytes that a document may have, uncompressed. That of a distribution with all its updates has about
    /// 30 MiB.
    pub const LIMIT: u64 = 256 << 20;

    /// Reads and checks a document, which has at most [`Self::LIMIT`] bytes.
    ///
    /// # Errors
    /// As [`Self::parse`], and [`Error::Io`] if reading fails.
    pub fn read(reader: impl Read) -> Result<Self> {
        let mut bytes = Vec::new();
        reader.take(Self::LIMIT + 1).read_to_end(&mut bytes)?;
        Self::parse(bytes)
    }

    /// Checks a document.
    ///
    /// # Errors
    /// [`Error::Repodata`] if it is none; [`Error::TooLarge`] with more than [`Self::LIMIT`] bytes.
    pub fn parse(bytes: Vec<u8>) -> Result<Self> {
        if bytes.len() as u64 > Self::LIMIT {
            return Err(Error::TooLarge {
                what: format!("{FILE} (in bytes)"),
                limit: Self::LIMIT,
            });
        }
        let digest = Digest::of_bytes(DigestAlgorithm::Sha256, &bytes);
        let xml = String::from_utf8(bytes).map_err(|error| Error::repodata(FILE, error.utf8_error()))?;
        let updates = check(&xml)?;
        Ok(Self {
            xml: xml.into(),
            digest,
            updates,
        })
    }

    /// The document as it came.
    pub fn bytes(&self) -> &[u8] {
        self.xml.as_bytes()
    }

    /// SHA-256 of [`Self::bytes`].
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// How many updates it describes.
    pub fn updates(&self) -> u64 {
        self.updates
    }
}

/// Documents are long; their digests tell them apart.
impl std::fmt::Debug for UpdateInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpdateInfo")
            .field("updates", &self.updates)
            .field("bytes", &self.xml.len())
            .field("digest", &self.digest)
            .finish()
    }
}

/// Goes through the whole document. Returns how many updates it has.
fn check(xml: &str) -> Result<u64> {
    let broken = |position: u64, reason: &dyn std::fmt::Display| {
        Error::repodata(FILE, format!("{reason} (near byte {position})"))
    };
    if let Some((position, character)) = xml.char_indices().find(|(_, c)| !is_xml(*c)) {
        let reason = format!("XML cannot hold the character {character:?}");
        return Err(broken(position as u64, &reason));
    }
    let mut reader = Reader::from_str(xml.strip_prefix('\u{feff}').unwrap_or(xml));
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_comments = true;
    let (mut depth, mut has_root, mut updates) = (0, false, 0);
    loop {
        let position = reader.buffer_position();
        let broken = |reason: &dyn std::fmt::Display| broken(position, reason);
        match reader.read_event().map_err(|error| broken(&error))? {
            Event::Start(start) | Event::Empty(start) => {
                let name = start.name().into_inner();
                match depth {
                    0 if has_root => return Err(broken(&"something follows its root element")),
                    0 if name != "updates" => {
                        let found = Error::value(name, "the root element");
                        return Err(broken(&format_args!("{found}, <updates> is")));
                    }
                    1 if name == "update" => updates += 1,
                    MAX_DEPTH.. => return Err(broken(&"too many elements inside each other")),
                    _ => {}
                }
                check_attributes(&start).map_err(|reason| broken(&reason))?;
                (depth, has_root) = (depth + 1, true);
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) if depth == 0 && !text.trim_ascii().is_empty() => {
                return Err(broken(&"there is text outside its root element"));
            }
            Event::Text(text) if text.contains("]]>") => return Err(broken(&"]]> in a text")),
            Event::CData(_) | Event::GeneralRef(_) if depth == 0 => {
                return Err(broken(&"there is text outside its root element"));
            }
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|error| broken(&error))?;
                let is_known = match character {
                    Some(character) => is_xml(character),
                    None => resolve_predefined_entity(&reference).is_some(),
                };
                if !is_known {
                    return Err(broken(&format_args!("unknown entity &{};", &*reference)));
                }
            }
            Event::Decl(declaration) => {
                if position > 0 {
                    return Err(broken(&"its declaration does not stand at its beginning"));
                }
                let encoding = declaration
                    .encoding()
                    .transpose()
                    .map_err(|error| broken(&error))?;
                if let Some(encoding) = encoding.filter(|encoding| !is_utf8(encoding)) {
                    let found = Error::value(&encoding, "an encoding of repodata");
                    return Err(broken(&format_args!("{found}, UTF-8 is")));
                }
            }
            Event::DocType(_) => return Err(broken(&"it has a document type, which readers may act on")),
            Event::Text(_) | Event::CData(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof if depth > 0 => return Err(broken(&"the file ends in the middle of an element")),
            Event::Eof if !has_root => return Err(broken(&"the file is empty")),
            Event::Eof => return Ok(updates),
        }
    }
}

fn check_attributes(start: &BytesStart<'_>) -> Result<(), String> {
    for (number, attribute) in start.attributes().enumerate() {
        // Each is compared with all before it.
        if number >= MAX_ATTRIBUTES {
            return Err("an element with too many attributes".to_owned());
        }
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.value.contains('<') {
            return Err("an attribute has a <".to_owned());
        }
        let value = attribute
            .normalized_value(XmlVersion::Explicit1_0)
            .map_err(|error| error.to_string())?;
        if !value.chars().all(is_xml) {
            return Err("an attribute has a character that XML cannot hold".to_owned());
        }
    }
    Ok(())
}

/// Whether XML 1.0 can hold a character, written as it is or by number.
fn is_xml(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        _ => character >= ' ',
    }
}

fn is_utf8(encoding: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"]
        .iter()
        .any(|known| encoding.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<UpdateInfo> {
        UpdateInfo::parse(text.into())
    }

    #[test]
    fn documents_are_kept_as_they_are() {
        for (text, updates) in [
            ("<updates/>", 0),
            (
                "\u{feff}<?xml version='1.0' encoding='utf-8'?>\n<!-- made by hand -->\n<updates>\n <update from='a&amp;b'>\
                 <id>1</id><description>&lt;b&gt; &#228; <![CDATA[<x>]]></description></update><update/>\
                 <other><update/></other></updates>\n",
                2,
            ),
        ] {
            let document = parse(text).unwrap();
            assert_eq!(document.bytes(), text.as_bytes());
            assert_eq!(document.updates(), updates);
            assert_eq!(
                *document.digest(),
                Digest::of_bytes(DigestAlgorithm::Sha256, text.as_bytes())
            );
        }
    }

    #[test]
    fn what_readers_would_stumble_over_is_refused() {
        for (text, expected) in [
            ("", "the file is empty"),
            ("<html/>", "\"html\" is not the root element, <updates> is"),
            ("<updates>", "in the middle of an element"),
            ("<updates></update>", "near byte"),
            ("<updates/><updates/>", "something follows"),
            ("<updates/>x", "text outside"),
            ("x<updates/>", "text outside"),
            ("<updates/>&amp;", "text outside"),
            ("<updates>&x;</updates>", "unknown entity &x;"),
            ("<updates>&#0;</updates>", "near byte"),
            ("<updates>&#1;</updates>", "unknown entity"),
            ("<updates>\u{1}</updates>", "cannot hold"),
            ("<updates a='1' a='2'/>", "near byte"),
            ("<updates a='<'/>", "has a <"),
            ("<updates a='&x;'/>", "near byte"),
            ("<updates a='&#xFFFF;'/>", "XML cannot hold"),
            ("<updates>]]></updates>", "]]> in a text"),
            ("<!DOCTYPE updates [<!ENTITY x 'y'>]><updates/>", "document type"),
            ("<updates><?xml version='1.0'?></updates>", "declaration"),
            (
                "<?xml version='1.0' encoding='latin1'?><updates/>",
                "\"latin1\" is not",
            ),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with("updateinfo: "), "{text}: {error}");
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(parse(&"<updates>".repeat(40)).is_err());
        assert!(UpdateInfo::parse(b"<updates>\xff</updates>".to_vec()).is_err());
        let attributes: String = (0..200_000).map(|number| format!(" a{number}=''")).collect();
        let error = parse(&format!("<updates{attributes}/>")).unwrap_err().to_string();
        assert!(error.contains("too many attributes"), "{error}");
        let endless = std::io::repeat(b' ');
        assert!(matches!(
            UpdateInfo::read(endless),
            Err(Error::TooLarge {
                limit: UpdateInfo::LIMIT,
                ..
            })
        ));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "(<updates>|</updates>|<!|&|;|[a-z<>/='\"&!\\[\\]\\-]){0,24}") {
            if let Ok(document) = parse(&text) {
                prop_assert_eq!(document.bytes(), text.as_bytes());
            }
        }
    }
}
