//! What a hub can be told to do wrong.

use std::time::Duration;

use crate::Value;

/// What becomes of an answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Wrong {
    /// It is late by so much.
    Late(Duration),
    /// It comes in pieces of so many bytes, with a pause before each.
    Trickle(usize, Duration),
    /// It ends after so many bytes of the body, and the connection with it.
    CutAfter(usize),
    /// It ends so many bytes before its end.
    CutBeforeEnd(usize),
    /// The connection ends before there is any answer.
    Hangup,
    /// These bytes instead of the document.
    Body(Vec<u8>),
    /// A web page with this status; with 200, what a proxy would send that asks for a login.
    Html(u16),
    /// Elsewhere: a login page.
    Redirect(String),
    /// This fault instead of the answer.
    Fault(i64, String),
    /// This fault for one of the calls in a `multiCall`, counted from 0. The others are answered.
    FaultInside(usize, i64, String),
    /// Each member of this name has this value, wherever it stands in the answer.
    Field(&'static str, Value),
    /// No struct has a member of this name.
    NoField(&'static str),
    /// Compressed.
    Gzip,
    /// Compressed, and cut after so many bytes.
    GzipCut(usize),
    /// Said to be compressed, and is not.
    GzipLie,
    /// In chunks, without a length.
    Chunked,
    /// In chunks, of which the last is not sent.
    ChunkedCut,
}

/// Something wrong, and the calls that it is for.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) wrong: Wrong,
    method: Option<String>,
    skip: usize,
    left: usize,
}

impl Wrong {
    /// For calls of this method. Those inside a `multiCall` are calls of that.
    #[must_use]
    pub fn of(self, method: &str) -> Rule {
        Rule {
            method: Some(method.to_owned()),
            ..Rule::from(self)
        }
    }

    /// For so many calls, of any method.
    #[must_use]
    pub fn times(self, count: usize) -> Rule {
        Rule::from(self).times(count)
    }
}

impl From<Wrong> for Rule {
    fn from(wrong: Wrong) -> Self {
        Self {
            wrong,
            method: None,
            skip: 0,
            left: usize::MAX,
        }
    }
}

impl Rule {
    /// For so many calls.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.left = count;
        self
    }

    /// For calls that come after so many others that it would have been for.
    #[must_use]
    pub fn after(mut self, others: usize) -> Self {
        self.skip = others;
        self
    }

    /// Whether it is for this call, which then counts as one that it was for.
    pub(crate) fn takes(&mut self, method: &str) -> bool {
        if self.left == 0 || self.method.as_ref().is_some_and(|only| only != method) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.left -= 1;
        true
    }
}

/// An answer whose members of a name are changed, or left out.
pub(crate) fn with_field(value: Value, name: &str, field: Option<&Value>) -> Value {
    match value {
        Value::Array(elements) => Value::Array(
            elements
                .into_iter()
                .map(|element| with_field(element, name, field))
                .collect(),
        ),
        Value::Struct(members) => Value::Struct(
            members
                .into_iter()
                .filter_map(|(member, value)| match member == name {
                    true => field.map(|field| (member, field.clone())),
                    false => Some((member, with_field(value, name, field))),
                })
                .collect(),
        ),
        other => other,
    }
}
