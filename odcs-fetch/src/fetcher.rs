//! The [`Fetch`] of the service.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use odcs_core::fetch::{Fetch, Get, GitCommit, Head, Sink};
use odcs_core::{Clock, SystemClock};
use url::Url;

use crate::client::Clients;
use crate::error::{Error, Problem, Shown, shown, shown_redirect};
use crate::git::{self, Route};
use crate::guard::Guard;
use crate::hosts::Hosts;
use crate::resolver::{Resolve, SystemResolver};
use crate::retry::Backoff;
use crate::settings::FetchSettings;
use crate::transfer::{Failure, Known, Network};

/// Fetches over HTTP, and from git repositories. Clones share their connections and the caps on them.
#[derive(Clone)]
pub struct Fetcher {
    network: Arc<Network>,
}

impl Fetcher {
    /// As the settings say.
    ///
    /// # Errors
    /// If certificates or a key cannot be read or used, or the proxy is none.
    pub fn new(settings: FetchSettings) -> Result<Self, Error> {
        Self::with_parts(settings, Arc::new(SystemResolver), Arc::new(SystemClock))
    }

    /// With another way to look hosts up, and a clock by which it waits and measures. Only how long connecting may take
    /// is left to the machine's own clock.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_parts(
        settings: FetchSettings,
        resolver: Arc<dyn Resolve>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let guard = Guard::new(settings.allowed.clone(), &settings.networks, resolver);
        let network = Network {
            clients: Clients::new(&settings, &guard)?,
            hosts: Hosts::new(settings.connections_per_host),
            guard,
            clock,
            settings,
        };
        Ok(Self {
            network: Arc::new(network),
        })
    }

    fn backoff(&self) -> Backoff {
        Backoff {
            first: self.network.settings.backoff,
            longest: self.network.settings.longest_backoff,
        }
    }

    /// Fetches a commit, wherever its repository is just now.
    async fn commit_once(&self, commit: &GitCommit, directory: &Path) -> Result<(), Error> {
        let network = &*self.network;
        let (settings, url) = (&network.settings, &commit.repository);
        let proxy = settings
            .proxy
            .as_ref()
            .filter(|_| network.clients.is_proxied(url));
        let route = match proxy {
            Some(proxy) => Route::Proxy(proxy.clone()),
            None => {
                let addresses = network.guard.addresses_of(url).await;
                Route::Direct(addresses.map_err(|problem| error(Some(url), problem.into()))?)
            }
        };
        Ok(git::fetch_commit(settings, &route, commit, directory).await?)
    }

    /// Fetches from one place, as often as it takes: tries that bring the file forward are not counted.
    async fn get_from(
        &self,
        get: &Get,
        place: &Url,
        known: &mut Known,
        sink: &mut dyn Sink,
    ) -> Result<Head, Failure> {
        let network = &*self.network;
        let (settings, backoff) = (&network.settings, self.backoff());
        let (mut failed, mut started_over) = (0_u32, false);
        loop {
            let failure = match network.fetch(get, place, known, sink).await {
                Ok(head) => return Ok(head),
                Err(failure) => failure,
            };
            let url = Shown(place);
            match &failure.problem {
                // It asks for no parts again, or has none that could be of another version.
                Problem::OtherPart => {
                    tracing::info!(%url, "fetching from the beginning: {}", failure.problem);
                }
                Problem::Wrong { .. } if failure.resumed && !started_over => {
                    tracing::info!(%url, "fetching from the beginning: {}", failure.problem);
                    started_over = true;
                    known.start_over();
                }
                Problem::Sink(_) => return Err(failure),
                problem => {
                    if known.is_ahead(sink.received()) {
                        failed = 0;
                    }
                    failed = failed.saturating_add(1);
                    if !problem.is_retryable() || failed >= settings.attempts {
                        return Err(failure);
                    }
                    let asked = match problem {
                        Problem::Status { retry_after, .. } => *retry_after,
                        _ => None,
                    };
                    let wait = backoff.wait(failed, asked);
                    tracing::info!(%url, failed, ?wait, "fetching again: {problem}");
                    network.clock.sleep(wait).await;
                }
            }
        }
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher")
            .field("settings", &self.network.settings)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Fetch for Fetcher {
    /// Hosts that are names are looked up, and what they lead to is checked, when they are connected to.
    fn check(&self, url: &Url) -> odcs_core::Result<()> {
        if self.network.guard.allows(url) {
            return Ok(());
        }
        let error = Error::Transfer {
            url: shown(url),
            redirected: None,
            places: 1,
            problem: Problem::NotAllowed,
        };
        Err(error.into())
    }

    /// Of a range, the limit counts what is read of the range; up to a megabyte before it is read, too, from servers
    /// that send whole files only.
    async fn get(&self, get: &Get, sink: &mut dyn Sink) -> odcs_core::Result<Head> {
        let mut known = Known::new(sink);
        let (mut places, mut last) = (0, None);
        if let Some((first, last)) = get.range.filter(|(first, last)| first > last) {
            return Err(error(get.places.first(), Problem::EmptyRange { first, last }).into());
        }
        for place in &get.places {
            places += 1;
            let result = if self.network.guard.allows(place) {
                self.get_from(get, place, &mut known, sink).await
            } else {
                Err(Failure {
                    problem: Problem::NotAllowed,
                    redirected: None,
                    resumed: false,
                })
            };
            let failure = match result {
                Ok(head) => return Ok(head),
                Err(failure) => failure,
            };
            let is_over = matches!(failure.problem, Problem::Sink(_));
            if matches!(failure.problem, Problem::Wrong { .. } | Problem::TooLarge { .. }) {
                known.start_over();
            }
            if places < get.places.len() && !is_over {
                tracing::info!(url = %Shown(place), "trying the next place: {}", failure.problem);
            }
            known = known.elsewhere();
            last = Some((place, failure));
            if is_over {
                break;
            }
        }
        let Some((place, failure)) = last else {
            return Err(error(None, Problem::NoPlace).into());
        };
        let error = Error::Transfer {
            url: shown(place),
            redirected: failure.redirected.as_ref().map(shown_redirect),
            places,
            problem: failure.problem,
        };
        Err(error.into())
    }

    /// Addresses are looked up and checked here, and git connects to those alone. What is in the directory after a
    /// failure is for the caller to remove.
    async fn commit(&self, commit: &GitCommit, directory: &Path) -> odcs_core::Result<()> {
        let network = &*self.network;
        let url = Shown(&commit.repository);
        // Before anybody is asked where that is.
        git::check(&network.settings, &commit.repository).map_err(Error::from)?;
        let mut failed = 0_u32;
        loop {
            let error = match self.commit_once(commit, directory).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            failed = failed.saturating_add(1);
            if !error.is_retryable() || failed >= network.settings.attempts {
                return Err(error.into());
            }
            let wait = self.backoff().wait(failed, None);
            tracing::info!(%url, failed, ?wait, "fetching again: {error}");
            network.clock.sleep(wait).await;
        }
    }
}

/// About a place, before anything is asked there.
fn error(place: Option<&Url>, problem: Problem) -> Error {
    Error::Transfer {
        url: place.map(shown).unwrap_or_else(|| "the file".into()),
        redirected: None,
        places: 1,
        problem,
    }
}
