//! A hub: calls, tried again where that helps.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use url::Url;

use super::error::{KojiError, Problem};
use super::fault::Fault;
use super::settings::HubSettings;
use super::transport::{AnswerReader, Transport};
use super::xmlrpc::{Call, ReadError, Value, encode_call, read_answer};

/// A Koji hub. Cheap to clone; clones share connections, and how many calls are made at a time.
///
/// A call that could not be made is made again, after a pause that doubles each time, where that may help
/// ([`Problem::is_retryable`]). A future of a call that is dropped ends the call, and the reading of its answer.
#[derive(Clone)]
pub struct KojiHub(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) settings: HubSettings,
    transport: Transport,
    permits: Semaphore,
    /// The address as it is shown, without a password.
    pub(super) name: Box<str>,
    /// Whether it turned out not to know about drafts.
    without_drafts: AtomicBool,
}

impl fmt::Debug for KojiHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KojiHub")
            .field("server", &self.0.name)
            .finish_non_exhaustive()
    }
}

fn shown(url: &Url) -> Box<str> {
    let mut url = url.clone();
    // These fail for what cannot have them, and so has none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.as_str().trim_end_matches('/').into()
}

impl KojiHub {
    /// Gets ready to ask a hub. Nothing is asked yet.
    ///
    /// # Errors
    /// [`Problem::Settings`] if a certificate cannot be read, or the address is none of a web server.
    pub fn new(settings: HubSettings) -> Result<Self, KojiError> {
        let name = shown(&settings.server);
        let transport =
            Transport::new(&settings).map_err(|problem| KojiError::new(&name, "set up", "", problem))?;
        Ok(Self(Arc::new(Shared {
            transport,
            permits: Semaphore::new(settings.connections.clamp(1, Semaphore::MAX_PERMITS)),
            name,
            settings,
            without_drafts: AtomicBool::new(false),
        })))
    }

    /// The settings.
    pub fn settings(&self) -> &HubSettings {
        &self.0.settings
    }

    /// The address of the hub, without a password.
    pub fn server(&self) -> &str {
        &self.0.name
    }

    pub(super) fn error(&self, call: &'static str, subject: &str, problem: Problem) -> KojiError {
        KojiError::new(&self.0.name, call, subject, problem)
    }

    /// Whether the hub can be asked to leave drafts out, as far as is known.
    pub(super) fn knows_drafts(&self) -> bool {
        !self.0.without_drafts.load(Ordering::Relaxed)
    }

    pub(super) fn forget_drafts(&self) {
        tracing::info!(hub = %self.0.name, "the hub does not know about drafts");
        self.0.without_drafts.store(true, Ordering::Relaxed);
    }

    pub(super) fn remember_drafts(&self) {
        tracing::info!(hub = %self.0.name, "the hub knows about drafts now");
        self.0.without_drafts.store(false, Ordering::Relaxed);
    }

    /// Makes a call, and reads its answer into a value. For calls that have no method of their own; it must be one that
    /// only reads, as it may be made several times.
    ///
    /// # Errors
    /// See [`Problem`].
    pub async fn call(&self, call: &Call) -> Result<Value, KojiError> {
        self.ask(call, "", read_answer).await
    }

    /// Makes a call about something, and gives its answer to `read`.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        call: &Call,
        subject: &str,
        read: impl FnOnce(&mut AnswerReader) -> Result<T, ReadError> + Clone + Send + 'static,
    ) -> Result<T, KojiError> {
        let encoded = encode_call(call).map_err(|error| {
            let reason = error.to_string().into();
            self.error(call.method, subject, Problem::Request { reason })
        })?;
        self.send(call.method, subject, encoded.into(), read).await
    }

    /// Sends an encoded call, again and again where that may help.
    pub(super) async fn send<T: Send + 'static>(
        &self,
        method: &'static str,
        subject: &str,
        encoded: Bytes,
        read: impl FnOnce(&mut AnswerReader) -> Result<T, ReadError> + Clone + Send + 'static,
    ) -> Result<T, KojiError> {
        let shared = &*self.0;
        let settings = &shared.settings;
        if encoded.len() > settings.request_bytes {
            let reason = format!("it has more than {} bytes", settings.request_bytes).into();
            return Err(self.error(method, subject, Problem::Request { reason }));
        }
        let mut pause = settings.backoff;
        let mut attempt = 1;
        loop {
            let problem = {
                let _permit = shared.permits.acquire().await;
                match shared
                    .transport
                    .post(settings, encoded.clone(), read.clone())
                    .await
                {
                    Ok(value) => return Ok(value),
                    Err(problem) => problem,
                }
            };
            let may_help = match &problem {
                Problem::Fault(fault) if fault.is_offline() => settings.retry_offline,
                problem => problem.is_retryable(),
            };
            if !may_help || attempt >= settings.attempts {
                if let Problem::Fault(fault) = &problem {
                    log(&shared.name, method, subject, fault);
                }
                return Err(self.error(method, subject, problem).after(attempt));
            }
            tracing::debug!(hub = %shared.name, method, subject, attempt, %problem, "asking the hub again");
            settings.clock.sleep(pause).await;
            pause = longer(pause, settings.longest_backoff);
            attempt += 1;
        }
    }
}

fn longer(pause: Duration, longest: Duration) -> Duration {
    pause.saturating_mul(2).min(longest.max(pause))
}

/// All that a fault says, once, for those who look after the service.
pub(super) fn log(hub: &str, method: &str, subject: &str, fault: &Fault) {
    let text: &str = &fault.text;
    if fault.code == Fault::UNCAUGHT {
        tracing::warn!(hub, method, subject, code = fault.code, text, "the hub failed");
    } else {
        tracing::debug!(
            hub,
            method,
            subject,
            code = fault.code,
            text,
            "the hub answered with a fault"
        );
    }
}
