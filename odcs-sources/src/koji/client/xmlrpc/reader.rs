//! Reading answers as they come in.

use std::io::{self, BufRead};

use quick_xml::errors::{IllFormedError, SyntaxError};
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

use super::budget::{Budget, UsedUp};
use super::error::ReadError;
use super::limits::Limits;
use super::member;
use super::tag::Tag;

/// How deep values may be nested at most: reading them takes stack.
const DEPTH: usize = 256;

/// What a plain value is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `<nil/>`.
    Nil,
    /// `<boolean>`.
    Bool,
    /// `<int>`, `<i1>` to `<i8>`.
    Int,
    /// `<double>`.
    Double,
    /// `<string>`, or no type.
    String,
    /// `<dateTime.iso8601>`.
    DateTime,
    /// `<base64>`.
    Base64,
}

impl Kind {
    /// What it is, as a noun phrase.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool => "a boolean",
            Self::Int => "an integer",
            Self::Double => "a double",
            Self::String => "a string",
            Self::DateTime => "a date",
            Self::Base64 => "base64",
        }
    }
}

/// What a value turns out to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Item {
    /// A plain value, whose [`text`](Reader::text) has been read.
    Plain(Kind),
    /// An array: its elements are next.
    Array,
    /// A struct: its members are next.
    Struct,
}

/// A member of a row: its value as it is written, references resolved.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    /// A plain value.
    Plain(Kind, &'a [u8]),
    /// An array, which was passed over.
    Array,
    /// A struct, which was passed over.
    Struct,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Token {
    Start(Tag),
    End(Tag),
    /// What is between markup; see [`Reader::text`].
    Text,
    Eof,
}

/// Reads an answer piece by piece.
///
/// ```
/// use odcs_sources::koji::client::xmlrpc::{Item, Kind, Limits, Reader};
/// let xml = "<methodResponse><params><param><value><array><data><value><int>7</int></value></data></array></value>\
///            </param></params></methodResponse>";
/// let mut reader = Reader::new(xml.as_bytes(), Limits::default());
/// reader.begin_answer().unwrap();
/// assert_eq!(reader.value().unwrap(), Item::Array);
/// assert!(reader.next_element().unwrap());
/// assert_eq!(reader.value().unwrap(), Item::Plain(Kind::Int));
/// assert_eq!(reader.text(), "7");
/// assert!(!reader.next_element().unwrap());
/// reader.end_answer().unwrap();
/// ```
pub struct Reader<R> {
    xml: quick_xml::Reader<Budget<R>>,
    buffer: Vec<u8>,
    text: String,
    limits: Limits,
    values: u64,
    depth: usize,
    /// Bytes that the XML reader has not seen.
    passed: u64,
    /// An empty element was read, whose end is next.
    pending_end: Option<Tag>,
    /// The `<value>` of an element has been read.
    opened: bool,
    /// The name of a member whose value is read.
    name: String,
}

impl<R> std::fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut f = f.debug_struct("Reader");
        f.field("values", &self.values)
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}

impl<R: BufRead> Reader<R> {
    /// Begins to read.
    pub fn new(reader: R, mut limits: Limits) -> Self {
        limits.depth = limits.depth.min(DEPTH);
        Self {
            xml: quick_xml::Reader::from_reader(Budget {
                reader,
                left: limits.text,
            }),
            buffer: Vec::new(),
            text: String::new(),
            limits,
            values: 0,
            depth: 0,
            passed: 0,
            pending_end: None,
            opened: false,
            name: String::new(),
        }
    }

    /// The text of the plain value that was read last, or the name of the member.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How far it has read, in bytes.
    pub fn position(&self) -> u64 {
        self.xml.buffer_position() + self.passed
    }

    fn malformed(&self, what: impl Into<Box<str>>) -> ReadError {
        ReadError::malformed(self.position(), what)
    }

    /// Reads up to the value of an answer.
    ///
    /// # Errors
    /// [`ReadError::Fault`] if it is a fault, [`ReadError::Foreign`] if it is something else than XML-RPC.
    pub fn begin_answer(&mut self) -> Result<(), ReadError> {
        self.root(Tag::MethodResponse)?;
        match self.markup()? {
            Token::Start(Tag::Params) => self.expect(Tag::Param),
            Token::Start(Tag::Fault) => Err(self.fault()?),
            other => Err(self.unexpected(other)),
        }
    }

    /// Reads from behind the value of an answer to its end.
    ///
    /// # Errors
    /// If there is anything else.
    pub fn end_answer(&mut self) -> Result<(), ReadError> {
        for tag in [Tag::Param, Tag::Params, Tag::MethodResponse] {
            self.expect_end(tag)?;
        }
        self.end()
    }

    pub(super) fn end(&mut self) -> Result<(), ReadError> {
        match self.markup()? {
            Token::Eof => Ok(()),
            other => Err(self.unexpected(other)),
        }
    }

    fn fault(&mut self) -> Result<ReadError, ReadError> {
        let fault = super::tree::read_value(self)?;
        for tag in [Tag::Fault, Tag::MethodResponse] {
            self.expect_end(tag)?;
        }
        self.end()?;
        Ok(match super::tree::as_fault(&fault) {
            Some(fault) => ReadError::Fault(fault),
            None => self.malformed("a fault without code and text"),
        })
    }

    /// Reads a value: all of it if it is plain, else up to its first element or member.
    ///
    /// # Errors
    /// If it is none, or beyond a limit.
    pub fn value(&mut self) -> Result<Item, ReadError> {
        if !std::mem::take(&mut self.opened) {
            self.expect(Tag::Value)?;
        }
        self.count(1)?;
        self.text.clear();
        let tag = loop {
            match self.token()? {
                Token::Text => {}
                Token::Start(tag) => break tag,
                // A value without a type is a string.
                Token::End(Tag::Value) => return Ok(Item::Plain(Kind::String)),
                other => return Err(self.unexpected(other)),
            }
        };
        if !is_blank(&self.text) {
            return Err(self.malformed("text before a value"));
        }
        match tag {
            Tag::Plain(kind) => {
                self.text.clear();
                loop {
                    match self.token()? {
                        Token::Text => {}
                        Token::End(_) => break,
                        other => return Err(self.unexpected(other)),
                    }
                }
                self.end_value()?;
                if kind == Kind::Nil && !is_blank(&self.text) {
                    return Err(self.malformed("a nil with a text"));
                }
                Ok(Item::Plain(kind))
            }
            Tag::Array => {
                self.deeper()?;
                self.expect(Tag::Data)?;
                Ok(Item::Array)
            }
            Tag::Struct => {
                self.deeper()?;
                Ok(Item::Struct)
            }
            other => Err(self.unexpected(Token::Start(other))),
        }
    }

    /// `</value>`, without touching the text.
    fn end_value(&mut self) -> Result<(), ReadError> {
        let length = self.text.len();
        loop {
            match self.token()? {
                Token::End(Tag::Value) => break,
                Token::Text => {}
                other => return Err(self.unexpected(other)),
            }
        }
        let is_clean = self.text.get(length..).is_some_and(is_blank);
        self.text.truncate(length);
        if is_clean {
            Ok(())
        } else {
            Err(self.malformed("text after a value"))
        }
    }

    fn count(&mut self, values: u64) -> Result<(), ReadError> {
        self.values += values;
        if self.values > self.limits.values {
            return Err(ReadError::Limit {
                what: "values",
                limit: self.limits.values,
            });
        }
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), ReadError> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(ReadError::Limit {
                what: "values inside each other",
                limit: self.limits.depth as u64,
            });
        }
        Ok(())
    }

    /// In an array: whether there is another element, which is then to be read with [`value`](Self::value).
    ///
    /// # Errors
    /// If there is something else.
    pub fn next_element(&mut self) -> Result<bool, ReadError> {
        match self.markup()? {
            Token::Start(Tag::Value) => {
                self.opened = true;
                Ok(true)
            }
            Token::End(Tag::Data) => {
                self.expect_end(Tag::Array)?;
                self.expect_end(Tag::Value)?;
                self.depth = self.depth.saturating_sub(1);
                Ok(false)
            }
            other => Err(self.unexpected(other)),
        }
    }

    /// In a struct: whether there is another member, whose name is then the [`text`](Self::text), and whose value is to be
    /// read with [`value`](Self::value).
    ///
    /// # Errors
    /// If there is something else.
    pub fn next_member(&mut self) -> Result<bool, ReadError> {
        loop {
            match self.markup()? {
                Token::Start(Tag::Member) => break,
                // Of the member before, whose value has been read.
                Token::End(Tag::Member) => {}
                Token::End(Tag::Struct) => {
                    self.expect_end(Tag::Value)?;
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(false);
                }
                other => return Err(self.unexpected(other)),
            }
        }
        self.expect(Tag::Name)?;
        self.content(Tag::Name)?;
        Ok(true)
    }

    /// The text of an element that has nothing else, up to its end.
    pub(super) fn content(&mut self, tag: Tag) -> Result<(), ReadError> {
        self.text.clear();
        loop {
            match self.token()? {
                Token::Text => {}
                Token::End(end) if end == tag => return Ok(()),
                other => return Err(self.unexpected(other)),
            }
        }
    }

    /// In a struct: gives all of its members to `take`, and reads up to its end.
    ///
    /// # Errors
    /// Those of `take`; or if there is something else.
    pub fn row(
        &mut self,
        mut take: impl FnMut(&[u8], Field<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        loop {
            self.plain_members(&mut take)?;
            if !self.next_member()? {
                return Ok(());
            }
            let mut name = std::mem::take(&mut self.name);
            name.clear();
            name.push_str(&self.text);
            match self.value()? {
                Item::Plain(kind) => take(name.as_bytes(), Field::Plain(kind, self.text.as_bytes()))?,
                Item::Array => {
                    self.pass(Item::Array)?;
                    take(name.as_bytes(), Field::Array)?;
                }
                Item::Struct => {
                    self.pass(Item::Struct)?;
                    take(name.as_bytes(), Field::Struct)?;
                }
            }
            self.name = name;
        }
    }

    /// The members that are in memory, and as plain as nearly all are.
    fn plain_members(
        &mut self,
        take: &mut impl FnMut(&[u8], Field<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if self.pending_end.is_some() {
            return Ok(());
        }
        let source = &mut self.xml.get_mut().reader;
        let bytes = source.fill_buf()?;
        let mut rest = bytes;
        let mut members = 0;
        while let Some(member) = member::plain(rest) {
            take(member.name, Field::Plain(member.kind, member.text))?;
            rest = rest.get(member.length..).unwrap_or_default();
            members += 1;
        }
        let passed = bytes.len() - rest.len();
        source.consume(passed);
        self.passed += passed as u64;
        self.count(members)
    }

    /// Passes over what is left of a value.
    ///
    /// # Errors
    /// If it is none, or beyond a limit.
    pub fn pass(&mut self, item: Item) -> Result<(), ReadError> {
        let inside = self.depth;
        match item {
            Item::Plain(_) => return Ok(()),
            Item::Array => {
                while self.next_element()? {
                    let item = self.value()?;
                    self.pass(item)?;
                }
            }
            Item::Struct => {
                while self.next_member()? {
                    let item = self.value()?;
                    self.pass(item)?;
                }
            }
        }
        debug_assert_eq!(self.depth + 1, inside, "all of it was read");
        Ok(())
    }

    /// The beginning of the document. Anything else than this element is no XML-RPC.
    pub(super) fn root(&mut self, tag: Tag) -> Result<(), ReadError> {
        self.text.clear();
        loop {
            match self.token() {
                Ok(Token::Text) => {}
                Ok(Token::Start(found)) if found == tag && is_blank(&self.text) => return Ok(()),
                Ok(Token::Eof) if is_blank(&self.text) => return Err(ReadError::CutOff(self.position())),
                Ok(_) | Err(ReadError::Malformed { .. }) => return Err(ReadError::Foreign),
                Err(error) => return Err(error),
            }
        }
    }

    fn expect(&mut self, tag: Tag) -> Result<(), ReadError> {
        match self.markup()? {
            Token::Start(found) if found == tag => Ok(()),
            other => Err(self.unexpected(other)),
        }
    }

    pub(super) fn expect_end(&mut self, tag: Tag) -> Result<(), ReadError> {
        match self.markup()? {
            Token::End(found) if found == tag => Ok(()),
            other => Err(self.unexpected(other)),
        }
    }

    pub(super) fn unexpected(&self, token: Token) -> ReadError {
        match token {
            Token::Eof => ReadError::CutOff(self.position()),
            Token::Text => self.malformed("text where there must be none"),
            Token::Start(tag) => self.malformed(format!("<{}> where it must not be", tag.name())),
            Token::End(tag) => self.malformed(format!("</{}> where it must not be", tag.name())),
        }
    }

    /// The next markup. There may be white space before it, and no other text.
    pub(super) fn markup(&mut self) -> Result<Token, ReadError> {
        self.text.clear();
        loop {
            match self.token()? {
                Token::Text => {}
                _ if !is_blank(&self.text) => return Err(self.unexpected(Token::Text)),
                token => return Ok(token),
            }
        }
    }

    /// The next token; what is text is added to the text.
    fn token(&mut self) -> Result<Token, ReadError> {
        if let Some(tag) = self.pending_end.take() {
            return Ok(Token::End(tag));
        }
        loop {
            self.buffer.clear();
            self.xml.get_mut().left = self.limits.text;
            let position = self.xml.buffer_position() + self.passed;
            let event = match self.xml.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Err(self.broken(error, position)),
            };
            let unknown =
                |name: &str| ReadError::malformed(position, format!("<{}> is not of XML-RPC", shown(name)));
            let piece = match &event {
                Event::Start(start) => {
                    let name = start.name().into_inner();
                    return Tag::named(name).map(Token::Start).ok_or_else(|| unknown(name));
                }
                Event::Empty(start) => {
                    let name = start.name().into_inner();
                    let tag = Tag::named(name).ok_or_else(|| unknown(name))?;
                    self.pending_end = Some(tag);
                    return Ok(Token::Start(tag));
                }
                Event::End(end) => {
                    let name = end.name().into_inner();
                    return Tag::named(name).map(Token::End).ok_or_else(|| unknown(name));
                }
                Event::Text(text) => text.xml10_content(),
                Event::CData(text) => text.xml10_content(),
                Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                    Ok(Some(character)) => character.to_string().into(),
                    Ok(None) => match resolve_predefined_entity(reference) {
                        Some(text) => text.into(),
                        None => {
                            let name = shown(reference);
                            return Err(ReadError::malformed(position, format!("unknown entity &{name};")));
                        }
                    },
                    Err(_) => {
                        let name = shown(reference);
                        return Err(ReadError::malformed(
                            position,
                            format!("&{name}; is no character"),
                        ));
                    }
                },
                // Entities of its own are the only reason to have one.
                Event::DocType(_) => return Err(ReadError::malformed(position, "a document type")),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => continue,
                Event::Eof => return Ok(Token::Eof),
            };
            if self.text.len() + piece.len() > self.limits.text {
                return Err(text_too_long(self.limits));
            }
            self.text.push_str(&piece);
            return Ok(Token::Text);
        }
    }

    fn broken(&mut self, error: quick_xml::Error, position: u64) -> ReadError {
        match error {
            quick_xml::Error::Io(error) if error.get_ref().is_some_and(|error| error.is::<UsedUp>()) => {
                text_too_long(self.limits)
            }
            quick_xml::Error::Io(error) => match std::sync::Arc::try_unwrap(error) {
                Ok(error) => ReadError::Io(error),
                Err(shared) => ReadError::Io(io::Error::new(shared.kind(), shared)),
            },
            // All others are what is said at the end of the input.
            quick_xml::Error::Syntax(error) if !matches!(error, SyntaxError::InvalidBangMarkup) => {
                ReadError::CutOff(self.position())
            }
            quick_xml::Error::IllFormed(IllFormedError::UnclosedReference)
                if self.xml.get_mut().reader.fill_buf().is_ok_and(<[u8]>::is_empty) =>
            {
                ReadError::CutOff(self.position())
            }
            error => ReadError::malformed(position, error.to_string()),
        }
    }
}

fn text_too_long(limits: Limits) -> ReadError {
    ReadError::Limit {
        what: "bytes in one text or tag",
        limit: limits.text as u64,
    }
}

fn is_blank(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// The beginning of a name that may be long.
fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}
