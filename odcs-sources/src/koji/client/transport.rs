//! One call over HTTP, once.

use std::io::{self, BufRead, Read};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION,
};
use reqwest::{Client, Response, redirect, retry};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::body::{self, Body, BodyError, Pieces};
use super::error::{Problem, cause, one_line};
use super::settings::HubSettings;
use super::tls;
use super::xmlrpc::{ReadError, Reader};

/// How long a connection is kept that nothing is asked through.
const IDLE: Duration = Duration::from_secs(14);
/// Pieces of an answer that are kept ahead of reading it.
const AHEAD: usize = 16;
/// Bytes of an error page that are looked at.
const PAGE: usize = 4 << 10;

/// What reads an answer: given as far as the beginning of the document.
pub(super) type AnswerReader = Reader<Body>;

/// The client of one hub.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    client: Client,
}

impl Transport {
    pub(super) fn new(settings: &HubSettings) -> Result<Self, Problem> {
        let unusable = |reason: Box<str>| Problem::Settings {
            key: "server",
            reason,
        };
        if !matches!(settings.server.scheme(), "http" | "https") {
            return Err(unusable("a hub has an http or https URL".into()));
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/xml"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        let client = Client::builder()
            .tls_backend_preconfigured(tls::config(settings)?)
            .user_agent(concat!("odcs/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .http1_only()
            .connect_timeout(settings.connect_timeout)
            .pool_max_idle_per_host(settings.connections.max(1))
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| unusable(cause(&error)))?;
        Ok(Self { client })
    }

    /// Sends a call, and gives its answer to `read`, off the threads that tasks run on, while it comes in. When this
    /// future is dropped, `read` is told that the answer ends.
    pub(super) async fn post<T: Send + 'static>(
        &self,
        settings: &HubSettings,
        call: Bytes,
        read: impl FnOnce(&mut AnswerReader) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Problem> {
        let limit = settings.call_timeout;
        let done = timeout(limit, self.post_untimed(settings, call, read));
        done.await.unwrap_or(Err(Problem::Timeout {
            what: "the call was not done",
            after: limit,
        }))
    }

    async fn post_untimed<T: Send + 'static>(
        &self,
        settings: &HubSettings,
        call: Bytes,
        read: impl FnOnce(&mut AnswerReader) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Problem> {
        // A body of known length is sent with it, and not in chunks, which hubs refuse.
        let sent = self.client.post(settings.server.clone()).body(call).send();
        let mut response = match timeout(settings.read_timeout, sent).await {
            Ok(sent) => sent.map_err(|error| transfer(&error, settings))?,
            Err(_) => return Err(silence(settings)),
        };
        let kind = check_status(&mut response, settings).await?;
        let is_gzip = encoding(&response)?;
        let (sender, receiver) = mpsc::channel(AHEAD);
        let (limits, ratio) = (settings.limits, settings.ratio);
        let parsing = tokio::task::spawn_blocking(move || {
            let mut body = body::reader(Pieces::new(receiver), is_gzip, limits.bytes, ratio);
            let mut start = [0; 64];
            // What it begins with says what it is where it is not what it should be.
            let peeked = match body.fill_buf() {
                Ok(bytes) => {
                    let length = bytes.len().min(start.len());
                    if let (Some(to), Some(from)) = (start.get_mut(..length), bytes.get(..length)) {
                        to.copy_from_slice(from);
                    }
                    length
                }
                Err(error) => return Err((ReadError::Io(error), String::new())),
            };
            let shown = String::from_utf8_lossy(start.get(..peeked).unwrap_or_default()).into_owned();
            let mut reader = Reader::new(body, limits);
            read(&mut reader).map_err(|error| (error, shown))
        });
        let mut cut = None;
        loop {
            match timeout(settings.read_timeout, response.chunk()).await {
                Ok(Ok(Some(piece))) => {
                    // Nobody listens any more where the answer was refused.
                    if sender.send(piece).await.is_err() {
                        break;
                    }
                }
                Ok(Ok(None)) => break,
                Ok(Err(error)) => {
                    cut = Some(transfer(&error, settings));
                    break;
                }
                Err(_) => {
                    cut = Some(silence(settings));
                    break;
                }
            }
        }
        drop(sender);
        let parsed = parsing.await.map_err(|error| Problem::Internal {
            reason: format!("reading an answer failed: {error}").into(),
        })?;
        match (parsed, cut) {
            (Ok(value), None) => Ok(value),
            // What was refused before it was cut off is refused, what ended where it was cut off was cut off.
            (Err((error, shown)), None) => Err(refused(error, &kind, &shown)),
            (
                Err((error @ (ReadError::Fault(_) | ReadError::Limit { .. } | ReadError::Row { .. }), shown)),
                Some(_),
            ) => Err(refused(error, &kind, &shown)),
            (_, Some(cut)) => Err(cut),
        }
    }
}

fn silence(settings: &HubSettings) -> Problem {
    Problem::Timeout {
        what: "nothing came",
        after: settings.read_timeout,
    }
}

fn transfer(error: &reqwest::Error, settings: &HubSettings) -> Problem {
    if let Some(reason) = tls::problem(error) {
        return Problem::Tls { reason };
    }
    let reason = cause(error);
    match error {
        error if error.is_connect() && error.is_timeout() => Problem::Timeout {
            what: "there was no connection",
            after: settings.connect_timeout,
        },
        error if error.is_connect() => Problem::Connect { reason },
        error if error.is_builder() => Problem::Request { reason },
        _ => Problem::Cut { reason },
    }
}

/// Refuses all but an answer of a hub, and says of what type it is.
async fn check_status(response: &mut Response, settings: &HubSettings) -> Result<Box<str>, Problem> {
    let status = response.status();
    if status.is_redirection() {
        let to = response.headers().get(LOCATION).map(HeaderValue::as_bytes);
        let to = String::from_utf8_lossy(to.unwrap_or_default());
        return Err(Problem::Redirect {
            to: one_line(&to, 200),
        });
    }
    if status.as_u16() != 200 {
        let shown = page(response, settings).await;
        return Err(Problem::Status {
            status: status.as_u16(),
            shown,
        });
    }
    let kind = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    Ok(one_line(&String::from_utf8_lossy(kind.unwrap_or_default()), 80))
}

/// Whether the answer is compressed.
fn encoding(response: &Response) -> Result<bool, Problem> {
    let encoding = response
        .headers()
        .get(CONTENT_ENCODING)
        .map(HeaderValue::as_bytes);
    match encoding.map(<[u8]>::to_ascii_lowercase).as_deref() {
        None | Some(b"" | b"identity") => Ok(false),
        Some(b"gzip" | b"x-gzip") => Ok(true),
        Some(other) => Err(Problem::Malformed {
            reason: format!(
                "it is encoded as {:?}",
                one_line(&String::from_utf8_lossy(other), 40)
            )
            .into(),
        }),
    }
}

/// The beginning of a page, as far as it comes; of HTML its title.
async fn page(response: &mut Response, settings: &HubSettings) -> Box<str> {
    let mut bytes = Vec::new();
    while bytes.len() < PAGE {
        match timeout(settings.read_timeout, response.chunk()).await {
            Ok(Ok(Some(piece))) => bytes.extend(piece.iter().take(PAGE - bytes.len())),
            _ => break,
        }
    }
    let is_gzip = encoding(response).unwrap_or_default();
    if is_gzip {
        let mut plain = Vec::new();
        let decoder = flate2::read::GzDecoder::new(&*bytes);
        // As far as it goes: it is for people.
        let _ = decoder.take(PAGE as u64).read_to_end(&mut plain);
        bytes = plain;
    }
    summary(&String::from_utf8_lossy(&bytes))
}

/// What a page says, in a line.
fn summary(text: &str) -> Box<str> {
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|start| {
        let start = start + "<title>".len();
        let length = lower.get(start..)?.find("</title>")?;
        text.get(start..start + length)
    });
    match title {
        Some(title) => one_line(title, 100),
        None if lower.trim_start().starts_with('<') => "a page without a title".into(),
        None => one_line(text, 100),
    }
}

/// Why an answer was refused that came whole.
fn refused(error: ReadError, kind: &str, shown: &str) -> Problem {
    match error {
        ReadError::Fault(fault) => Problem::Fault(fault),
        ReadError::CutOff(_) if shown.is_empty() => Problem::Foreign {
            what: "nothing".into(),
        },
        ReadError::Foreign => {
            let kind = if kind.is_empty() {
                "something without a type"
            } else {
                kind
            };
            Problem::Foreign {
                what: format!("{kind} that begins with {:?}", one_line(shown, 60)).into(),
            }
        }
        ReadError::CutOff(bytes) => Problem::Cut {
            reason: format!("the answer ends after {bytes} bytes, in the middle").into(),
        },
        ReadError::Limit { what, limit } => Problem::Limit {
            what: what.into(),
            limit,
        },
        ReadError::Row { row, mismatch } => Problem::Record {
            row,
            reason: mismatch,
        },
        ReadError::Malformed { .. } => Problem::Malformed {
            reason: error.to_string().into(),
        },
        ReadError::Io(error) => match error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<BodyError>())
        {
            Some(BodyError::TooLarge(limit)) => Problem::Limit {
                what: "bytes".into(),
                limit: *limit,
            },
            Some(BodyError::Bomb(limit)) => Problem::Limit {
                what: "times the bytes that came".into(),
                limit: *limit,
            },
            None if error.kind() == io::ErrorKind::UnexpectedEof => Problem::Cut {
                reason: "the compressed answer ends in the middle".into(),
            },
            None => Problem::Malformed {
                reason: format!("it cannot be decompressed: {}", cause(&error)).into(),
            },
        },
    }
}
