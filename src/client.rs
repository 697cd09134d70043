//! Talking to a server.

use std::time::Duration;

use reqwest::header::LOCATION;
use reqwest::{Method, RequestBuilder, Response, StatusCode, redirect};
use serde_json::Value;
use url::Url;

use crate::cli::ClientOptions;
use crate::commands::Failure;
use crate::output;

/// Bytes of an answer that are read; a page of a hundred records with every field full stays below.
const MAX_ANSWER: usize = 256 << 20;

/// How long a dry run is waited for; servers give up within the hour.
const DRY_RUN: Duration = Duration::from_secs(3700);

/// A connection to one server.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// For the API. Redirects are not followed: a POST would become a GET on the way.
    api: reqwest::Client,
    /// For published files, which may be elsewhere.
    files: reqwest::Client,
    server: Url,
    verbose: bool,
}

impl Client {
    pub(crate) fn new(options: &ClientOptions) -> Result<Self, Failure> {
        Self::connecting_to(&options.server, options.verbose)
    }

    fn connecting_to(server: &Url, verbose: bool) -> Result<Self, Failure> {
        // A second call finds the provider installed, which is just as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = |redirects| {
            reqwest::Client::builder()
                .user_agent(concat!("odcs/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(Duration::from_secs(10))
                .timeout(Duration::from_secs(60))
                .redirect(redirects)
                .build()
                .map_err(|error| Failure::Unreachable(format!("no connection can be set up: {error}")))
        };
        Ok(Self {
            api: client(redirect::Policy::none())?,
            files: client(redirect::Policy::default())?,
            server: server.clone(),
            verbose,
        })
    }

    /// A client that says nothing.
    #[cfg(test)]
    pub(crate) fn of(server: &Url) -> Self {
        Self::connecting_to(server, false).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Has the server say what would be in a compose. It may think about it for longer than about anything else, and
    /// has a limit of its own.
    pub(crate) async fn dry_run(&self, body: &Value) -> Result<Value, Failure> {
        let request = self.request(Method::POST, "/api/1/composes/?dry_run=1");
        self.answer(request.json(body).timeout(DRY_RUN)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        self.call(Method::PATCH, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::DELETE, path, None).await
    }

    /// Bytes of a published file from an offset on; nothing if there is nothing yet.
    pub(crate) async fn tail(&self, url: &str, from: u64) -> Vec<u8> {
        let request = self.files.get(url).header("Range", format!("bytes={from}-"));
        match request.send().await {
            Ok(response) if response.status() == StatusCode::PARTIAL_CONTENT => {
                read(response).await.unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// The log of a compose from an offset on; nothing if it goes no further.
    pub(crate) async fn log(&self, id: i64, from: u64) -> Result<Vec<u8>, Failure> {
        let path = format!("/api/1/composes/{id}/log");
        let request = self.request(Method::GET, &path);
        let response = self
            .send(request.header("Range", format!("bytes={from}-")))
            .await?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => read(response).await,
            StatusCode::RANGE_NOT_SATISFIABLE => Ok(Vec::new()),
            // A server that knows no ranges sends all of it.
            status if status.is_success() => {
                let mut bytes = read(response).await?;
                let known = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.split_off(known))
            }
            status => {
                let body = String::from_utf8_lossy(&read(response).await?).into_owned();
                Err(refused(status, body))
            }
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.server.as_str().trim_end_matches('/'));
        self.api.request(method, url)
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.answer(request).await
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let response = self.send(request).await?;
        let status = response.status();
        let body = String::from_utf8_lossy(&read(response).await?).into_owned();
        match serde_json::from_str(&body) {
            Ok(value) if status.is_success() => Ok(value),
            _ => Err(refused(status, body)),
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let request = request.build().map_err(|error| self.unreachable(&error))?;
        let asked = self
            .verbose
            .then(|| format!("{} {}", request.method(), request.url()));
        let response = self.api.execute(request).await;
        let response = response.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if let Some(asked) = asked {
            output::remark(&format!("{asked}: {status}"));
        }
        match response.headers().get(LOCATION).map(|location| location.to_str()) {
            Some(location) if status.is_redirection() => {
                let location = location.unwrap_or("another place");
                Err(Failure::Unreachable(format!(
                    "the server {} sends its clients on to {location}; --server should name that server",
                    self.server
                )))
            }
            _ => Ok(response),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let mut causes = vec![error.to_string()];
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            causes.push(error.to_string());
            source = error.source();
        }
        let server = &self.server;
        let hint = "is it running (odcs serve), and is --server right?";
        Failure::Unreachable(format!(
            "the server {server} cannot be reached ({}): {hint}",
            causes.last().cloned().unwrap_or_default()
        ))
    }
}

/// The body of an answer, if it is not without end.
async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let broke_off = |error| Failure::Unreachable(format!("the answer broke off: {error}"));
    while let Some(chunk) = response.chunk().await.map_err(broke_off)? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            let message = format!("the answer has more than {} MiB", MAX_ANSWER >> 20);
            return Err(Failure::Unreachable(message));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn refused(status: StatusCode, body: String) -> Failure {
    let value: Option<Value> = serde_json::from_str(&body).ok();
    let message = value
        .as_ref()
        .and_then(|value| output::text(value, "message"))
        .unwrap_or("the answer is not one of an ODCS server");
    Failure::Refused {
        status: status.as_u16(),
        message: format!("the server refused ({status}): {message}"),
        body,
    }
}
