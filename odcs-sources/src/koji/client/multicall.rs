//! Many small calls at once.

use std::sync::Arc;

use futures_util::future::try_join_all;

use super::error::{KojiError, Problem};
use super::fault::Fault;
use super::hub::{KojiHub, log};
use super::transport::AnswerReader;
use super::xmlrpc::{Call, EncodeError, Item, ReadError, encode_entry, encode_multicall, read_fault};

/// What is asked of one thing, and what that is.
pub(super) struct Entry {
    pub(super) call: Call,
    pub(super) subject: Box<str>,
}

/// What reads the answer of one entry: its value, all of it and nothing else.
pub(super) type ReadEntry<T> = fn(&mut AnswerReader) -> Result<T, ReadError>;

impl KojiHub {
    /// Makes calls of one kind, as many at once as the hub takes, and gives their answers in the same order. A fault of
    /// one of them is that one's alone; but that the hub is offline is a fault of all that were asked with it, which are
    /// asked again as a single call would be.
    pub(super) async fn multi<T: Send + 'static>(
        &self,
        entries: Vec<Entry>,
        read: ReadEntry<T>,
    ) -> Result<Vec<Result<T, KojiError>>, KojiError> {
        let mut batches = Vec::new();
        let mut batch = Batch::default();
        let settings = self.settings();
        for Entry { call, subject } in entries {
            let encoded = encode_entry(&call).map_err(|error: EncodeError| {
                let reason = error.to_string().into();
                self.error(call.method, &subject, Problem::Request { reason })
            })?;
            let is_full = batch.subjects.len() >= settings.calls_at_once.max(1)
                || batch.bytes + encoded.len() + ENVELOPE > settings.request_bytes;
            if is_full && !batch.subjects.is_empty() {
                batches.push(std::mem::take(&mut batch));
            }
            batch.method = call.method;
            batch.bytes += encoded.len();
            batch.entries.push(encoded);
            batch.subjects.push(subject);
        }
        if !batch.subjects.is_empty() {
            batches.push(batch);
        }
        let answers = try_join_all(batches.into_iter().map(|batch| self.batch(batch, read))).await?;
        Ok(answers.into_iter().flatten().collect())
    }

    async fn batch<T: Send + 'static>(
        &self,
        batch: Batch,
        read: ReadEntry<T>,
    ) -> Result<Vec<Result<T, KojiError>>, KojiError> {
        let subjects: Arc<[Box<str>]> = batch.subjects.into();
        let about = match &*subjects {
            [] => return Ok(Vec::new()),
            [one] => one.clone(),
            [first, others @ ..] => format!("{first} and {} more", others.len()).into(),
        };
        let encoded = encode_multicall(&batch.entries).into();
        let listed = Arc::clone(&subjects);
        let answers = self
            .send(batch.method, &about, encoded, move |reader| {
                read_all(reader, &listed, read)
            })
            .await?;
        let answers = answers.into_iter().zip(&*subjects).map(|(answer, subject)| {
            answer.map_err(|fault| {
                log(&self.0.name, batch.method, subject, &fault);
                self.error(batch.method, subject, Problem::Fault(fault))
            })
        });
        Ok(answers.collect())
    }
}

/// Bytes around the entries.
const ENVELOPE: usize = 512;

#[derive(Default)]
struct Batch {
    method: &'static str,
    entries: Vec<String>,
    subjects: Vec<Box<str>>,
    bytes: usize,
}

fn read_all<T>(
    reader: &mut AnswerReader,
    subjects: &[Box<str>],
    read: ReadEntry<T>,
) -> Result<Vec<Result<T, Fault>>, ReadError> {
    reader.begin_answer()?;
    if reader.value()? != Item::Array {
        return Err(ReadError::row("the answer", "it is not an array"));
    }
    let mut answers = Vec::with_capacity(subjects.len());
    for subject in subjects {
        if !reader.next_element()? {
            let reason = format!("it has {} of {} answers", answers.len(), subjects.len());
            return Err(ReadError::row("the answer", reason));
        }
        answers.push(match reader.value()? {
            Item::Array if reader.next_element()? => {
                let answer = read(reader).map_err(|error| of(error, subject))?;
                if reader.next_element()? {
                    return Err(ReadError::row(&**subject, "it has more than one answer"));
                }
                Ok(answer)
            }
            Item::Struct => match read_fault(reader)? {
                fault if fault.is_offline() => return Err(ReadError::Fault(fault)),
                fault => Err(fault),
            },
            _ => return Err(ReadError::row(&**subject, "it has neither an answer nor a fault")),
        });
    }
    if reader.next_element()? {
        return Err(ReadError::row(
            "the answer",
            "it has more answers than there were calls",
        ));
    }
    reader.end_answer()?;
    Ok(answers)
}

/// Says which of the calls an error is about.
fn of(error: ReadError, subject: &str) -> ReadError {
    match error {
        ReadError::Row { row, mismatch } => ReadError::row(format!("{row} of {subject}"), mismatch),
        error => error,
    }
}
