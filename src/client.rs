//! Talking to a server.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;
use url::Url;

use crate::commands::Failure;
use crate::output;

/// A connection to one server.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    server: Url,
}

impl Client {
    pub(crate) fn new(server: &Url) -> Result<Self, Failure> {
        // A second call finds the provider installed, which is just as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(concat!("odcs/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(60))
            .build()
            .map_err(|error| Failure::Unreachable(format!("no connection can be set up: {error}")))?;
        Ok(Self {
            http,
            server: server.clone(),
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::DELETE, path, None).await
    }

    /// Bytes of a published file from an offset on; nothing if there is nothing yet.
    pub(crate) async fn tail(&self, url: &str, from: u64) -> Vec<u8> {
        let request = self.http.get(url).header("Range", format!("bytes={from}-"));
        match request.send().await {
            Ok(response) if response.status() == 206 => response
                .bytes()
                .await
                .map(|bytes| bytes.to_vec())
                .unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let url = format!("{}{path}", self.server.as_str().trim_end_matches('/'));
        let mut request = self.http.request(method, &url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        Self::answer(response).await
    }

    async fn answer(response: Response) -> Result<Value, Failure> {
        let status = response.status();
        let body = response
            .text()
            .await
            .map_err(|error| Failure::Unreachable(format!("the answer broke off: {error}")))?;
        let value: Option<Value> = serde_json::from_str(&body).ok();
        match value {
            Some(value) if status.is_success() => Ok(value),
            value => {
                let message = value
                    .as_ref()
                    .and_then(|value| output::text(value, "message"))
                    .unwrap_or("the answer is not one of an ODCS server");
                let message = format!("the server refused ({status}): {message}");
                Err(Failure::Refused { body, message })
            }
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
