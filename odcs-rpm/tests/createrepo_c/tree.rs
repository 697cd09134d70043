//! Reading XML without any of our own code: any element, whatever it is called.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

/// An element with all that is in it. Space between elements is left out.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) children: Vec<Node>,
    pub(crate) text: String,
}

impl Node {
    fn begin(start: &BytesStart<'_>) -> Result<Self, String> {
        let mut node = Self {
            name: start.name().into_inner().to_owned(),
            ..Self::default()
        };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value = attribute
                .normalized_value(XmlVersion::Explicit1_0)
                .map_err(|error| error.to_string())?;
            check(&value)?;
            node.attributes
                .insert(attribute.key.into_inner().to_owned(), value.into_owned());
        }
        Ok(node)
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Its parts that are compared with each other, by their names: of `format` those within.
    pub(crate) fn parts(&self) -> BTreeMap<String, Vec<&Self>> {
        let mut parts: BTreeMap<String, Vec<&Self>> = BTreeMap::new();
        for child in &self.children {
            let inner = if child.name == "format" {
                &child.children
            } else {
                std::slice::from_ref(child)
            };
            for part in inner {
                parts.entry(part.name.clone()).or_default().push(part);
            }
        }
        parts
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self.text.chars().take(80).collect();
        write!(f, "{} {:?} {text:?}", self.name, self.attributes)?;
        self.children
            .iter()
            .take(40)
            .try_for_each(|child| write!(f, "\n      {child}"))
    }
}

/// Characters that no XML has, which this reader would let pass.
fn check(text: &str) -> Result<(), String> {
    let is_xml = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..) && !matches!(c, '\u{fffe}' | '\u{ffff}');
    match text.chars().find(|c| !is_xml(*c)) {
        Some(character) => Err(format!("{character:?} cannot be in XML")),
        None => Ok(()),
    }
}

/// Reads a document.
///
/// # Errors
/// What is not well-formed about it.
pub(crate) fn parse(xml: &[u8]) -> Result<Node, String> {
    let xml = std::str::from_utf8(xml).map_err(|error| error.to_string())?;
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut open = vec![Node::default()];
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        let here = open.last_mut().ok_or("too many ends")?;
        match event {
            Event::Start(start) => open.push(Node::begin(&start)?),
            Event::Empty(_) => return Err("an element that is not expanded".into()),
            Event::End(_) => {
                let mut node = open.pop().ok_or("too many ends")?;
                if !node.children.is_empty() {
                    node.text.clear();
                }
                open.last_mut().ok_or("too many ends")?.children.push(node);
            }
            Event::Text(text) => {
                check(&text)?;
                here.text.push_str(&text.xml10_content());
            }
            Event::CData(text) => here.text.push_str(&text),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|error| error.to_string())?;
                let text = match character {
                    Some(character) => character.to_string(),
                    None => resolve_predefined_entity(&reference)
                        .ok_or("an unknown entity")?
                        .to_owned(),
                };
                check(&text)?;
                here.text.push_str(&text);
            }
            Event::Eof => {
                let mut top = open.pop().ok_or("too many ends")?;
                return match (open.is_empty(), top.children.pop()) {
                    (true, Some(root)) if top.children.is_empty() => Ok(root),
                    _ => Err("there is not one root element".into()),
                };
            }
            _ => {}
        }
    }
}

/// A repository as `repomd.xml` describes it: everything in it verified.
pub(crate) struct Repository {
    /// Kind, and what is in the file.
    pub(crate) files: Vec<(String, Vec<u8>)>,
}

impl Repository {
    /// Reads `repodata` in a folder.
    pub(crate) fn read(folder: &std::path::Path) -> Self {
        let repomd = parse(&std::fs::read(folder.join("repodata/repomd.xml")).unwrap()).unwrap();
        let records = repomd.children.iter().filter(|child| child.name == "data");
        let files = records
            .map(|record| {
                let text = |name: &str| record.child(name).map(|node| node.text.clone());
                let href = &record.child("location").unwrap().attributes["href"];
                let bytes = std::fs::read(folder.join(href)).unwrap();
                assert_eq!(text("size").unwrap(), bytes.len().to_string(), "{href}");
                assert_eq!(text("checksum").unwrap(), sha256(&bytes), "{href}");
                assert!(
                    href.starts_with(&format!("repodata/{}-", sha256(&bytes))),
                    "{href}"
                );
                assert_eq!(text("timestamp").unwrap(), crate::support::REVISION.to_string());
                let content = open(href, &bytes);
                if text("open-checksum").is_some() || content != bytes {
                    assert_eq!(text("open-size").unwrap(), content.len().to_string(), "{href}");
                    assert_eq!(text("open-checksum").unwrap(), sha256(&content), "{href}");
                }
                (record.attributes["type"].clone(), content)
            })
            .collect();
        Self { files }
    }

    pub(crate) fn kinds(&self) -> Vec<&str> {
        self.files.iter().map(|(kind, _)| kind.as_str()).collect()
    }

    pub(crate) fn file(&self, kind: &str) -> &[u8] {
        let file = self.files.iter().find(|(found, _)| found == kind);
        &file.unwrap_or_else(|| panic!("there is no {kind}")).1
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn open(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    match name.rsplit_once('.').unwrap().1 {
        "gz" => {
            flate2::read::MultiGzDecoder::new(bytes)
                .read_to_end(&mut content)
                .unwrap();
        }
        "zst" => content = zstd::decode_all(bytes).unwrap(),
        "xml" => content = bytes.to_vec(),
        other => panic!("unknown compression {other}"),
    }
    content
}
