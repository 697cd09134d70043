//! Reading XML of unknown origin piece by piece, within limits.

use std::io::{self, BufRead, Read};

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesEnd, BytesStart, Event};
use quick_xml::reader::Reader;

use super::Limits;
use crate::{Error, Result};

/// Elements inside each other; repodata needs five.
const MAX_DEPTH: usize = 32;

/// Lets a reader give so many bytes and no more before the count is set back, so that one endless
/// tag or text cannot fill the memory.
struct Budget<R> {
    reader: R,
    left: usize,
    limit: usize,
    file: &'static str,
}

impl<R: BufRead> Read for Budget<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl<R: BufRead> BufRead for Budget<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::other(text_too_large(self.file, self.limit)));
        }
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.reader.consume(amount);
    }
}

fn text_too_large(file: &str, limit: usize) -> Error {
    Error::TooLarge {
        what: format!("one text or tag in {file} (in bytes)"),
        limit: limit as u64,
    }
}

/// A pull parser over one XML file. Elements are known by their names without prefix: the prefix is
/// the choice of the file's author, and no two elements of repodata need it to differ.
pub(crate) struct Pull<R> {
    reader: Reader<Budget<R>>,
    buffer: Vec<u8>,
    text: String,
    text_is_done: bool,
    limits: Limits,
    file: &'static str,
    depth: usize,
    elements: u64,
}

/// What comes next in a file.
pub(crate) enum Token<'a> {
    /// An element begins. An empty one ends right after.
    Start(Element<'a>),
    /// An element ends.
    End(Ended<'a>),
    /// Nothing of interest: a comment, or text that is not complete yet.
    Nothing,
    /// The file ends.
    Eof,
}

/// The beginning of an element.
pub(crate) struct Element<'a> {
    start: BytesStart<'a>,
    /// How many elements are open now, itself included: 1 is the root.
    pub(crate) depth: usize,
    file: &'static str,
}

/// The end of an element.
pub(crate) struct Ended<'a> {
    end: BytesEnd<'a>,
    /// How many elements were open before, itself included: 1 is the root.
    pub(crate) depth: usize,
    /// Its text: all of it in an element that has only text, else what came last.
    pub(crate) text: &'a str,
}

impl Ended<'_> {
    /// Its name without prefix.
    pub(crate) fn name(&self) -> &str {
        local(self.end.name().into_inner())
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

impl Element<'_> {
    /// Its name without prefix.
    pub(crate) fn name(&self) -> &str {
        local(self.start.name().into_inner())
    }

    /// Gives every attribute to `take`: the name without prefix, the value with references resolved.
    pub(crate) fn attributes(&self, mut take: impl FnMut(&str, &str) -> Result<()>) -> Result<()> {
        for attribute in self.start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| Error::repodata(self.file, error))?;
            let value = attribute
                .normalized_value(XmlVersion::Explicit1_0)
                .map_err(|error| Error::repodata(self.file, error))?;
            take(local(attribute.key.into_inner()), &value)?;
        }
        Ok(())
    }

    /// One attribute; an empty one counts as missing.
    pub(crate) fn attribute(&self, name: &str) -> Result<Option<String>> {
        let mut found = None;
        self.attributes(|key, value| {
            if key == name && !value.is_empty() {
                found = Some(value.to_owned());
            }
            Ok(())
        })?;
        Ok(found)
    }
}

impl<R: BufRead> Pull<R> {
    /// Begins to read; `file` names the kind of file in errors.
    pub(crate) fn new(reader: R, limits: Limits, file: &'static str) -> Self {
        let mut reader = Reader::from_reader(Budget {
            reader,
            left: limits.text_bytes,
            limit: limits.text_bytes,
            file,
        });
        reader.config_mut().expand_empty_elements = true;
        Self {
            reader,
            buffer: Vec::new(),
            text: String::new(),
            text_is_done: false,
            limits,
            file,
            depth: 0,
            elements: 0,
        }
    }

    /// Reads up to the root element.
    ///
    /// # Errors
    /// [`Error::Repodata`] if it has another name: an error page of a web server, mostly.
    pub(crate) fn expect_root(&mut self, name: &str) -> Result<()> {
        let file = self.file;
        loop {
            match self.next()? {
                Token::Start(element) if element.name() == name => return Ok(()),
                Token::Start(element) => {
                    let found = Error::value(element.name(), "the root element");
                    return Err(Error::repodata(file, format!("{found}, <{name}> is")));
                }
                Token::Eof => return Err(Error::repodata(file, "the file is empty")),
                Token::End(_) | Token::Nothing => {}
            }
        }
    }

    /// The next token.
    ///
    /// # Errors
    /// [`Error::Repodata`] if the XML is broken or ends early, [`Error::TooLarge`] past a limit,
    /// [`Error::Io`] if reading fails.
    pub(crate) fn next(&mut self) -> Result<Token<'_>> {
        if self.text_is_done {
            self.text.clear();
            self.text_is_done = false;
        }
        self.buffer.clear();
        self.reader.get_mut().left = self.limits.text_bytes;
        let file = self.file;
        let position = self.reader.buffer_position();
        let broken = |reason: &dyn std::fmt::Display| {
            Error::repodata(file, format!("{reason} (near byte {position})"))
        };
        let event = match self.reader.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(quick_xml::Error::Io(error)) => return Err(from_shared(file, position, &error)),
            Err(error) => return Err(broken(&error)),
        };
        match event {
            Event::Start(start) | Event::Empty(start) => {
                self.text.clear();
                self.depth += 1;
                self.elements += 1;
                if self.depth > MAX_DEPTH {
                    return Err(broken(&"too many elements inside each other"));
                }
                if self.elements > self.limits.elements {
                    return Err(Error::TooLarge {
                        what: format!("{file} (in elements)"),
                        limit: self.limits.elements,
                    });
                }
                Ok(Token::Start(Element {
                    start,
                    depth: self.depth,
                    file,
                }))
            }
            Event::End(end) => {
                let depth = self.depth;
                self.depth = depth.saturating_sub(1);
                self.text_is_done = true;
                Ok(Token::End(Ended {
                    end,
                    depth,
                    text: &self.text,
                }))
            }
            Event::Text(text) => add(&mut self.text, &text.xml10_content(), self.limits, file),
            Event::CData(text) => add(&mut self.text, &text.xml10_content(), self.limits, file),
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref() {
                    Ok(resolved) => resolved,
                    Err(error) => return Err(broken(&error)),
                };
                match (resolved, resolve_predefined_entity(&reference)) {
                    (Some(character), _) => add(
                        &mut self.text,
                        character.encode_utf8(&mut [0; 4]),
                        self.limits,
                        file,
                    ),
                    (None, Some(text)) => add(&mut self.text, text, self.limits, file),
                    (None, None) => Err(broken(&format_args!("unknown entity &{};", &*reference))),
                }
            }
            Event::Eof if self.depth > 0 => Err(broken(&"the file ends in the middle of an element")),
            Event::Eof => Ok(Token::Eof),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => Ok(Token::Nothing),
        }
    }
}

fn add<'a>(text: &mut String, piece: &str, limits: Limits, file: &'static str) -> Result<Token<'a>> {
    if text.len() + piece.len() > limits.text_bytes {
        return Err(text_too_large(file, limits.text_bytes));
    }
    text.push_str(piece);
    Ok(Token::Nothing)
}

/// An error of the reader below, which the parser hands out shared: what it carries has to be copied.
fn from_shared(file: &'static str, position: u64, error: &io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::TooLarge { what, limit }) => Error::TooLarge {
            what: what.clone(),
            limit: *limit,
        },
        Some(Error::Bomb { what, ratio }) => Error::Bomb {
            what: what.clone(),
            ratio: *ratio,
        },
        Some(other) => Error::repodata(file, other),
        None => match error.kind() {
            // Decompressors say this of damaged and of cut data.
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                Error::repodata(file, format!("{error} (after {position} bytes)"))
            }
            kind => match error.raw_os_error() {
                Some(code) => Error::Io(io::Error::from_raw_os_error(code)),
                None => Error::Io(io::Error::new(kind, error.to_string())),
            },
        },
    }
}
