//! Reading metalinks: the mirrors of one file, and the checksums of the versions of it that are in use.
//!
//! Those of version 3 as MirrorManager writes them, with the versions before the newest in `mm0:alternates`, and
//! those of version 4 (RFC 5854).

use odcs_core::Result;
use odcs_rpm::{Digest, DigestAlgorithm};
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use url::Url;

use super::error::{Reason, RepoError};
use super::mirrors::{Mirrors, http, is_web_page};

/// Elements inside each other; real metalinks have eight.
const DEPTH: usize = 32;

/// Elements of a document.
const ELEMENTS: usize = 20_000;

/// Versions of the file that are accepted.
const VERSIONS: usize = 100;

/// What a metalink is of here.
const FILE: &str = "repomd.xml";

/// Where that is in a repository.
const BELOW: &str = "/repodata/repomd.xml";

/// The versions of a file that are accepted: for each its SHA-256 and SHA-512, or one of them. Without any,
/// everything is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Accepted(Vec<Vec<Digest>>);

impl Accepted {
    /// Whether something is one of the versions.
    pub(super) fn accepts(&self, bytes: &[u8]) -> bool {
        let is = |digest: &Digest| Digest::of_bytes(digest.algorithm(), bytes) == *digest;
        self.0.is_empty() || self.0.iter().any(|version| version.iter().all(is))
    }
}

/// Reads the mirrors and the versions of a repository's `repomd.xml`.
pub(super) fn read(list: &Url, bytes: &[u8]) -> Result<Mirrors> {
    if is_web_page(bytes) {
        return Err(RepoError::new(Reason::WebPage, list.as_str()).into());
    }
    let read = std::str::from_utf8(bytes)
        .map_err(|_| "it is not UTF-8".to_owned())
        .and_then(parse);
    read.map_err(|why| {
        let expected = "a metalink of the file repomd.xml";
        RepoError::new(Reason::NoMirrorList(expected), list.as_str())
            .caused_by(why)
            .into()
    })
}

/// A document while it comes in.
#[derive(Default)]
struct Draft {
    /// The names of the elements that are open.
    open: Vec<String>,
    /// How many elements were open where the file begins that it is about.
    inside: Option<usize>,
    seen: bool,
    text: String,
    algorithm: Option<DigestAlgorithm>,
    /// The hashes of the version that is being read.
    version: Vec<Digest>,
    accepted: Accepted,
    rank: u32,
    /// Mirrors by how much they are preferred, the best first.
    urls: Vec<(u32, Url)>,
}

fn parse(text: &str) -> Result<Mirrors, String> {
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.config_mut().expand_empty_elements = true;
    let (mut draft, mut elements) = (Draft::default(), 0);
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) | Event::Empty(start) => {
                elements += 1;
                if elements > ELEMENTS || draft.open.len() >= DEPTH {
                    return Err("it has too many elements".to_owned());
                }
                draft.start(&start)?;
            }
            Event::End(_) => draft.end()?,
            Event::Text(text) => draft.text.push_str(&text),
            Event::CData(text) => draft.text.push_str(&text),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|error| error.to_string())?;
                match (character, resolve_predefined_entity(&reference)) {
                    (Some(character), _) => draft.text.push(character),
                    (None, Some(text)) => draft.text.push_str(text),
                    (None, None) => return Err(format!("unknown entity &{};", &*reference)),
                }
            }
            Event::DocType(_) => return Err("it has a document type".to_owned()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof if !draft.open.is_empty() => {
                return Err("it ends in the middle of an element".to_owned());
            }
            Event::Eof => return draft.finish(),
        }
    }
}

impl Draft {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        let name = local(start.name().into_inner()).to_owned();
        if self.open.is_empty() && name != "metalink" {
            let shown: String = name.chars().take(80).collect();
            return Err(format!("its root element is <{shown}>"));
        }
        self.text.clear();
        match name.as_str() {
            "file" if !self.seen && attribute(start, "name")?.as_deref() == Some(FILE) => {
                (self.inside, self.seen) = (Some(self.open.len()), true);
            }
            "hash" => self.algorithm = attribute(start, "type")?.as_deref().and_then(algorithm),
            "alternate" => self.end_of_version()?,
            "url" => {
                let number = |text: Option<String>| text.and_then(|text| text.trim().parse::<u32>().ok());
                // The one is better the larger it is, the other the smaller.
                self.rank = match (
                    number(attribute(start, "preference")?),
                    number(attribute(start, "priority")?),
                ) {
                    (Some(preference), _) => 100_u32.saturating_sub(preference),
                    (None, Some(priority)) => priority,
                    (None, None) => 100,
                };
            }
            _ => {}
        }
        self.open.push(name);
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(name) = self.open.pop() else {
            return Ok(());
        };
        if self.inside == Some(self.open.len()) {
            self.end_of_version()?;
            self.inside = None;
        } else if self.inside.is_some() {
            let text = std::mem::take(&mut self.text);
            match (name.as_str(), self.algorithm.take()) {
                ("hash", Some(algorithm)) => {
                    let digest = Digest::new(algorithm, text.trim()).map_err(|error| error.to_string())?;
                    self.version.push(digest);
                }
                ("alternate", _) => self.end_of_version()?,
                ("url", _) => {
                    let directory = text.trim().strip_suffix(BELOW).and_then(http);
                    self.urls.extend(directory.map(|url| (self.rank, url)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn end_of_version(&mut self) -> Result<(), String> {
        let version = std::mem::take(&mut self.version);
        if self.accepted.0.len() >= VERSIONS {
            return Err(format!("it names more than {VERSIONS} versions of the file"));
        }
        if !version.is_empty() {
            self.accepted.0.push(version);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Mirrors, String> {
        if !self.seen {
            return Err(format!("it names no file {FILE}"));
        }
        // Equally good ones stay in their order.
        self.urls.sort_by_key(|(rank, _)| *rank);
        Ok(Mirrors {
            urls: self.urls.into_iter().map(|(_, url)| url).collect(),
            accepted: self.accepted,
        })
    }
}

/// Those that nobody can make another file for.
fn algorithm(name: &str) -> Option<DigestAlgorithm> {
    match name {
        "sha256" | "sha-256" => Some(DigestAlgorithm::Sha256),
        "sha512" | "sha-512" => Some(DigestAlgorithm::Sha512),
        _ => None,
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.into_inner() == name {
            let value = attribute.normalized_value(XmlVersion::Explicit1_0);
            return value
                .map(|value| Some(value.into_owned()))
                .map_err(|error| error.to_string());
        }
    }
    Ok(None)
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hash(algorithm: DigestAlgorithm, bytes: &[u8]) -> String {
        Digest::of_bytes(algorithm, bytes).hex().to_owned()
    }

    fn hashes(bytes: &[u8]) -> String {
        format!(
            "<size>3</size><verification><hash type='md5'>00</hash><hash type='sha256'>{}</hash>\
             <hash type='sha512'>{}</hash></verification>",
            hash(DigestAlgorithm::Sha256, bytes),
            hash(DigestAlgorithm::Sha512, bytes)
        )
    }

    fn document() -> String {
        format!(
            "<?xml version='1.0' encoding='utf-8'?>\n<metalink version='3.0' xmlns='http://www.metalinker.org/' \
             xmlns:mm0='http://fedorahosted.org/mirrormanager'><files>\
             <file name='other'><verification><hash type='sha256'>{}</hash></verification>\
             <resources><url>https://other/repodata/repomd.xml</url></resources></file>\
             <file name='repomd.xml'><mm0:timestamp>7</mm0:timestamp>{}<mm0:alternates><mm0:alternate>{}\
             </mm0:alternate><mm0:alternate>{}</mm0:alternate></mm0:alternates><resources maxconnections='1'>\
             <url protocol='https' preference='90'>https://b/x/repodata/repomd.xml</url>\
             <url protocol='rsync' preference='100'>rsync://a/x/repodata/repomd.xml</url>\
             <url protocol='https' preference='100'>https://a/x&amp;y/repodata/repomd.xml</url>\
             <url preference='90'>http://c/x/repodata/repomd.xml</url>\
             <url preference='100'>http://c/x/repomd.xml</url></resources></file></files></metalink>",
            hash(DigestAlgorithm::Sha256, b"other"),
            hashes(b"new"),
            hashes(b"old"),
            hashes(b"older"),
        )
    }

    #[test]
    fn mirrors_by_preference_and_versions() {
        let mirrors = parse(&document()).unwrap();
        let urls: Vec<_> = mirrors.urls.iter().map(Url::as_str).collect();
        assert_eq!(urls, ["https://a/x&y", "https://b/x", "http://c/x"]);
        for known in [&b"new"[..], b"old", b"older"] {
            assert!(mirrors.accepted.accepts(known));
        }
        assert!(!mirrors.accepted.accepts(b"other"));
        assert!(!mirrors.accepted.accepts(b"oldest"));
    }

    #[test]
    fn version_four_is_read_too() {
        let text = format!(
            "<metalink xmlns='urn:ietf:params:xml:ns:metalink'><file name='repomd.xml'><hash type='sha-256'>{}</hash>\
             <url priority='2'>https://b/repodata/repomd.xml</url><url priority='1'>https://a/repodata/repomd.xml</url>\
             </file></metalink>",
            hash(DigestAlgorithm::Sha256, b"new")
        );
        let mirrors = parse(&text).unwrap();
        let urls: Vec<_> = mirrors.urls.iter().map(Url::as_str).collect();
        assert_eq!(urls, ["https://a/", "https://b/"]);
        assert!(mirrors.accepted.accepts(b"new") && !mirrors.accepted.accepts(b"old"));
    }

    #[test]
    fn without_hashes_everything_is_accepted() {
        assert!(Accepted::default().accepts(b"anything"));
    }

    #[test]
    fn what_is_no_metalink_says_why() {
        let list = "https://example.com/metalink".parse().unwrap();
        let deep = format!("<metalink>{}", "<a>".repeat(60));
        let many = format!("<metalink><file name='repomd.xml'>{}", "<a/>".repeat(30_000));
        let versions = format!(
            "<metalink><file name='repomd.xml'>{}",
            format!("<alternate>{}</alternate>", hashes(b"x")).repeat(200)
        );
        for (text, says) in [
            ("", "names no file repomd.xml"),
            ("<html><body>", "a web page"),
            ("<repomd/>", "its root element is <repomd>"),
            ("<metalink/>", "names no file repomd.xml"),
            ("<metalink><files>", "in the middle"),
            (
                "<!DOCTYPE metalink [<!ENTITY x 'y'>]><metalink/>",
                "document type",
            ),
            ("<metalink>&x;</metalink>", "unknown entity"),
            (&deep, "too many elements"),
            (&many, "too many elements"),
            (&versions, "versions of the file"),
            (
                "<metalink><file name='repomd.xml'><hash type='sha256'>xyz</hash></file></metalink>",
                "\"xyz\" is not a checksum",
            ),
        ] {
            let error = read(&list, text.as_bytes()).unwrap_err();
            assert!(error.message().contains(says), "{says}: {error}");
            assert!(
                error.message().contains("https://example.com/metalink"),
                "{error}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "(<metalink>|<file name='repomd.xml'>|</file>|<hash type='sha256'>|<url>|</url>|[a-z<>/='&;!\\[\\]-]){0,24}") {
            let _ = parse(&text);
        }

        #[test]
        fn a_cut_metalink_is_refused(cut in 1_usize..400) {
            let text = document();
            let end = text.len() - cut;
            prop_assert!(text.get(..end).is_none_or(|text| parse(text).is_err()));
        }
    }
}
