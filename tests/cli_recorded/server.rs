//! A server that answers what it is told to, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// What the server answers.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// What it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Without a slash at the end.
    pub(crate) path: String,
    /// The part of a file that is wanted.
    pub(crate) range: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    /// The body, which is an object or nothing.
    pub(crate) fn json(&self) -> Option<Value> {
        if self.body.is_empty() {
            return Some(Value::Null);
        }
        serde_json::from_slice(&self.body).ok().filter(Value::is_object)
    }

    /// Changes a field of the body.
    pub(crate) fn set(&mut self, pointer: &str, value: &str) {
        let mut body = self.json().unwrap();
        let (object, field) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(object).unwrap()[field] = value.into();
        self.body = body.to_string().into_bytes();
    }
}

#[derive(Debug, Default)]
struct Talk {
    answers: VecDeque<Answer>,
    asked: Vec<Asked>,
}

type Shared = Arc<Mutex<Talk>>;

/// A running server; it ends with its runtime.
#[derive(Debug)]
pub(crate) struct Server {
    url: String,
    talk: Shared,
    _runtime: Runtime,
}

impl Server {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let talk = Shared::default();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&talk));
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            talk,
            _runtime: runtime,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The answers from here on, one a request; the last one goes on.
    pub(crate) fn will_answer(&self, answers: Vec<Answer>) {
        let mut talk = self.talk.lock().unwrap();
        *talk = Talk {
            answers: answers.into(),
            asked: Vec::new(),
        };
    }

    /// What it was asked since then.
    pub(crate) fn was_asked(&self) -> Vec<Asked> {
        self.talk.lock().unwrap().asked.clone()
    }
}

async fn answer(
    State(talk): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut talk = talk.lock().unwrap();
    talk.asked.push(Asked {
        method: method.to_string(),
        path: uri.path().trim_end_matches('/').to_owned(),
        range: headers
            .get(header::RANGE)
            .map(|range| range.to_str().unwrap().to_owned()),
        body: body.to_vec(),
    });
    let answer = match talk.answers.len() {
        0 | 1 => talk.answers.front().cloned(),
        _ => talk.answers.pop_front(),
    };
    let Answer { status, body } = answer.unwrap();
    let json = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::from_u16(status).unwrap(), json, body).into_response()
}
