//! One try to fetch a file from one place.

use bytes::Buf;
use odcs_core::Clock;
use odcs_core::fetch::{Get, Head, Sink, SinkError};
use reqwest::header::{HeaderMap, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Method, Request, Response, StatusCode};
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use crate::answer::{self, Part, Version};
use crate::client::Clients;
use crate::error::{Problem, Shown, cause, find_cause};
use crate::guard::{Guard, LookupError};
use crate::hosts::Hosts;
use crate::pace::{Pace, Trouble};
use crate::redirect::Redirects;
use crate::settings::FetchSettings;
use crate::tls;

/// How many bytes before the part that is wanted are read and thrown away if a server sends whole files only.
const SKIPPED: u64 = 1 << 20;

/// How many bytes have to come for the tries to be counted anew. Fewer are not worth a connection each, and a server
/// that sends a few bytes to each is given up soon.
const PROGRESS: u64 = 1 << 20;

/// What is known of a file from one try to the next.
#[derive(Debug)]
pub(crate) struct Known {
    /// The version of what the sink has, and its size.
    version: Version,
    total: Option<u64>,
    /// Whether the sink can tell by itself that what it has belongs to another version: it knows a checksum, or brought
    /// something along.
    is_sure: bool,
    /// How many bytes the sink has had at most when what came was last counted as progress.
    farthest: u64,
    /// Whether what the sink has is to be thrown away.
    from_start: bool,
    /// Whether this place sends other parts than those asked for, so that none is asked for.
    no_parts: bool,
}

impl Known {
    pub(crate) fn new(sink: &dyn Sink) -> Self {
        Self {
            version: Version::default(),
            total: None,
            is_sure: sink.verifies() || sink.received() > 0,
            farthest: sink.received(),
            from_start: false,
            no_parts: false,
        }
    }

    /// What the sink has is not what it should be.
    pub(crate) fn start_over(&mut self) {
        self.from_start = true;
        self.version = Version::default();
        self.total = None;
    }

    /// What is known of it at another place.
    pub(crate) fn elsewhere(mut self) -> Self {
        self.version = self.version.elsewhere();
        self.no_parts = false;
        self
    }

    /// Whether so much came since this was last so that a connection that is cut again and again is worth going on
    /// with. Bytes that were there before, and were thrown away, are none that came: so this ends with the file, or
    /// where it is too large.
    pub(crate) fn is_ahead(&mut self, received: u64) -> bool {
        let is_ahead = received.saturating_sub(self.farthest) >= PROGRESS;
        if is_ahead {
            self.farthest = received;
        }
        is_ahead
    }

    /// How many of the bytes that the sink has can be kept. Parts of which nothing says that they are of one version
    /// are not put together, unless their checksum is going to tell.
    fn kept(&self, received: u64) -> u64 {
        let is_known = self.is_sure || self.version.condition().is_some();
        if self.from_start || self.no_parts || !is_known {
            0
        } else {
            received
        }
    }
}

/// Why a try failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) problem: Problem,
    /// Where the place led to, if elsewhere.
    pub(crate) redirected: Option<Url>,
    /// Whether it went on after bytes of an earlier one.
    pub(crate) resumed: bool,
}

/// What came of a try so far.
struct Way {
    redirected: Option<Url>,
    resumed: bool,
}

/// Everything that a try needs.
pub(crate) struct Network {
    pub(crate) settings: FetchSettings,
    pub(crate) clients: Clients,
    pub(crate) guard: Guard,
    pub(crate) hosts: Hosts,
    pub(crate) clock: std::sync::Arc<dyn Clock>,
}

/// An answer that may be of use, and the connection that it comes through.
struct Answer {
    response: Response,
    connection: Option<OwnedSemaphorePermit>,
}

/// What of an answer's body is wanted. Positions are counted as the sink counts.
struct Body {
    /// These many bytes come first, and are not wanted.
    skip: u64,
    /// Where the rest begins.
    at: u64,
    /// Where it ends, if that is known: what comes after is not read.
    end: Option<u64>,
    /// Whether it is cut if it ends before.
    is_exact: bool,
    /// Whether nothing that is wanted comes after that.
    is_all: bool,
    total: Option<u64>,
}

impl Network {
    /// Fetches what the sink does not have yet.
    pub(crate) async fn fetch(
        &self,
        get: &Get,
        place: &Url,
        known: &mut Known,
        sink: &mut dyn Sink,
    ) -> Result<Head, Failure> {
        let mut at = known.kept(sink.received());
        if wanted(get).is_some_and(|wanted| at > wanted) {
            at = 0;
        }
        let mut way = Way {
            redirected: None,
            resumed: at > 0,
        };
        let result = self.attempt(get, place, known, sink, at, &mut way).await;
        result.map_err(|problem| Failure {
            problem,
            redirected: way.redirected,
            resumed: way.resumed,
        })
    }

    async fn attempt(
        &self,
        get: &Get,
        place: &Url,
        known: &mut Known,
        sink: &mut dyn Sink,
        at: u64,
        way: &mut Way,
    ) -> Result<Head, Problem> {
        let mut head = Head::new(place.clone());
        if at > 0 && wanted(get) == Some(at) {
            head.size = known.total;
            finish(sink, false).await?;
            return Ok(head);
        }
        let mut pace = Pace::new(&*self.clock, &self.settings);
        let ask = ask(get, known, at);
        let answer = self.ask(place, &ask, &mut pace, &mut way.redirected).await?;
        let Answer {
            mut response,
            connection,
        } = answer;
        let headers = response.headers();
        let html = answer::is_html(headers);
        head.modified = answer::modified(headers);
        if let Some(url) = &way.redirected {
            head.url = url.clone();
        }
        let body = match response.status() {
            StatusCode::OK => whole(get, known, headers)?,
            StatusCode::PARTIAL_CONTENT if ask.contains_key(RANGE) => part(get, known, headers, at)?,
            StatusCode::RANGE_NOT_SATISFIABLE if ask.contains_key(RANGE) => {
                head.size = nothing_left(get, known, headers, at)?;
                if at == 0 {
                    sink.restart().await.map_err(|error| sunk(error, false))?;
                }
                finish(sink, false).await?;
                return Ok(head);
            }
            status => return Err(self.refused(status, headers)),
        };
        head.size = body.total;
        if body.at == 0 {
            sink.restart().await.map_err(|error| sunk(error, html))?;
            known.from_start = false;
            way.resumed = false;
        }
        let is_all = body.is_all;
        let at = receive(get, body, &mut response, &mut pace, sink, html).await?;
        // It may be used by others while the sink makes sure that everything is on the disk.
        drop((response, connection));
        if !is_all {
            return Err(Problem::Cut {
                received: at,
                reason: "the server sends no more at once".into(),
            });
        }
        finish(sink, html).await?;
        Ok(head)
    }

    /// Asks, and follows redirects.
    async fn ask(
        &self,
        place: &Url,
        ask: &HeaderMap,
        pace: &mut Pace<'_>,
        redirected: &mut Option<Url>,
    ) -> Result<Answer, Problem> {
        let mut redirects = Redirects::new(self.settings.redirects);
        loop {
            let url = redirected.as_ref().unwrap_or(place);
            let host = url.host_str().unwrap_or_default();
            let connection = self.hosts.connection(host).await;
            let mut request = Request::new(Method::GET, url.clone());
            request
                .headers_mut()
                .extend(ask.iter().map(|(name, value)| (name.clone(), value.clone())));
            let response = pace.ask(self.clients.of(url), request).await;
            let response = response.map_err(|trouble| self.no_answer(trouble, host))?;
            let status = response.status();
            tracing::debug!(url = %Shown(url), status = status.as_u16(), range = ?ask.get(RANGE), "an answer");
            if !Redirects::is_redirect(status) {
                return Ok(Answer { response, connection });
            }
            *redirected = Some(redirects.follow(url, response.headers(), &self.guard)?);
        }
    }

    fn no_answer(&self, trouble: Trouble, host: &str) -> Problem {
        let error = match trouble {
            Trouble::Time(problem) => return problem,
            Trouble::Http(error) => error,
        };
        if let Some(lookup) = find_cause::<LookupError>(&error) {
            return lookup.clone().into();
        }
        let host = host.to_owned();
        if let Some(reason) = tls::problem(&error) {
            return Problem::Tls { host, reason };
        }
        if error.is_connect() {
            let reason = if error.is_timeout() {
                let seconds = self.settings.connect_timeout.as_secs_f32();
                format!("it was not there within {seconds} seconds")
            } else {
                cause(&error)
            };
            return Problem::Connect { host, reason };
        }
        Problem::Cut {
            received: 0,
            reason: cause(&error),
        }
    }

    fn refused(&self, status: StatusCode, headers: &HeaderMap) -> Problem {
        match status.as_u16() {
            404 | 410 => Problem::Missing { status },
            200..=299 => Problem::Nonsense(format!("{status} is not what was asked for")),
            _ => Problem::Status {
                status,
                retry_after: answer::retry_after(headers, self.clock.now()),
            },
        }
    }
}

/// How many bytes are wanted, if not all; ranges have been checked to have some.
fn wanted(get: &Get) -> Option<u64> {
    get.range
        .map(|(first, last)| last.saturating_sub(first).saturating_add(1))
}

/// Where the bytes that are wanted begin in the file.
fn offset(get: &Get) -> u64 {
    get.range.map_or(0, |(first, _)| first)
}

/// What is asked for, as headers.
fn ask(get: &Get, known: &Known, at: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let from = offset(get).saturating_add(at);
    let range = match get.range {
        _ if known.no_parts => return headers,
        Some((_, last)) => format!("bytes={from}-{last}"),
        None if at > 0 => format!("bytes={from}-"),
        None => return headers,
    };
    // Digits are fit for a header.
    if let Ok(range) = HeaderValue::try_from(range) {
        headers.insert(RANGE, range);
    }
    if let Some(condition) = known.version.condition().filter(|_| at > 0) {
        headers.insert(IF_RANGE, condition.clone());
    }
    headers
}

/// The answer is the whole file, from its beginning.
fn whole(get: &Get, known: &mut Known, headers: &HeaderMap) -> Result<Body, Problem> {
    let (total, skip) = (answer::length(headers), offset(get));
    if skip > SKIPPED {
        return Err(Problem::NoRanges { first: skip });
    }
    if total.is_some_and(|total| skip > 0 && skip >= total) {
        return Err(Problem::TooShort {
            first: skip,
            size: total,
        });
    }
    let wanted = wanted(get);
    let size = wanted.or(total);
    let coming = total.map(|total| total - skip.min(total));
    let least = size.and_then(|size| coming.map(|coming| coming.min(size)));
    if least.is_some_and(|least| least > get.limit) {
        return Err(Problem::TooLarge {
            size: total,
            limit: get.limit,
        });
    }
    known.version = Version::of(headers);
    known.total = total;
    Ok(Body {
        skip,
        at: 0,
        end: wanted,
        is_exact: false,
        is_all: true,
        total,
    })
}

/// The answer is a part of the file.
fn part(get: &Get, known: &mut Known, headers: &HeaderMap, at: u64) -> Result<Body, Problem> {
    let offset = offset(get);
    let fits = |part: &Part| {
        let is_long = answer::length(headers).is_none_or(|length| length == part.len());
        let is_wanted = get.range.is_none_or(|(_, last)| part.last <= last);
        part.first == offset.saturating_add(at) && is_long && is_wanted
    };
    let Some(part) = Part::of(headers).filter(fits) else {
        known.start_over();
        known.no_parts = true;
        return Err(Problem::OtherPart);
    };
    let version = Version::of(headers);
    if at > 0 {
        let other_size = matches!((known.total, part.total), (Some(was), Some(is)) if was != is);
        if other_size || !known.version.agrees(&version) {
            known.start_over();
            return Err(Problem::OtherPart);
        }
    }
    if at == 0 || known.version == Version::default() {
        known.version = version;
    }
    known.total = part.total.or(known.total);
    let end = part.last.saturating_add(1);
    let is_too_large = end - offset > get.limit
        || (get.range.is_none() && part.total.is_some_and(|total| total > get.limit));
    if is_too_large {
        return Err(Problem::TooLarge {
            size: part.total,
            limit: get.limit,
        });
    }
    let reaches_end = part.total.is_none_or(|total| end == total);
    let reaches_wanted = get.range.is_some_and(|(_, last)| part.last == last);
    Ok(Body {
        skip: 0,
        at,
        end: Some(end - offset),
        is_exact: true,
        is_all: reaches_wanted || (reaches_end && (get.range.is_none() || part.total.is_some())),
        total: part.total,
    })
}

/// There is nothing from there on: is that because everything is here?
fn nothing_left(get: &Get, known: &mut Known, headers: &HeaderMap, at: u64) -> Result<Option<u64>, Problem> {
    let (size, offset) = (answer::size_of_refused(headers), offset(get));
    if size == Some(offset.saturating_add(at)) && (at > 0 || offset == 0) {
        return Ok(size);
    }
    if at > 0 {
        known.start_over();
        return Err(Problem::OtherPart);
    }
    Err(Problem::TooShort { first: offset, size })
}

/// Passes the body on, and says how much the sink has then.
async fn receive(
    get: &Get,
    mut body: Body,
    response: &mut Response,
    pace: &mut Pace<'_>,
    sink: &mut dyn Sink,
    html: bool,
) -> Result<u64, Problem> {
    loop {
        let received = body.at;
        let piece = pace.next(response).await.map_err(|trouble| match trouble {
            Trouble::Time(problem) => problem,
            Trouble::Http(error) => Problem::Cut {
                received,
                reason: cause(&error),
            },
        })?;
        let Some(mut piece) = piece else { break };
        let skipped = piece.len().min(usize::try_from(body.skip).unwrap_or(usize::MAX));
        piece.advance(skipped);
        body.skip -= skipped as u64;
        let left = body.end.map_or(u64::MAX, |end| end.saturating_sub(body.at));
        let is_over = piece.len() as u64 > left;
        piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        body.at = body.at.saturating_add(piece.len() as u64);
        if body.at > get.limit {
            return Err(Problem::TooLarge {
                size: body.total.filter(|_| get.range.is_none()),
                limit: get.limit,
            });
        }
        if !piece.is_empty() {
            sink.write(piece).await.map_err(|error| sunk(error, html))?;
            pace.resume();
        }
        // The end of an exact answer is waited for, so that the connection can be used again.
        if is_over || (!body.is_exact && body.end == Some(body.at)) {
            break;
        }
    }
    if body.skip > 0 {
        return Err(Problem::TooShort {
            first: offset(get),
            size: body.total,
        });
    }
    if body.is_exact && body.end.is_some_and(|end| body.at < end) {
        return Err(Problem::Cut {
            received: body.at,
            reason: "it is shorter than the server said".into(),
        });
    }
    Ok(body.at)
}

async fn finish(sink: &mut dyn Sink, html: bool) -> Result<(), Problem> {
    sink.finish().await.map_err(|error| sunk(error, html))
}

fn sunk(error: SinkError, html: bool) -> Problem {
    match error {
        SinkError::Wrong(error) => Problem::Wrong { error, html },
        SinkError::Failed(error) => Problem::Sink(error),
    }
}
