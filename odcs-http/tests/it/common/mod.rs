//! What the tests share: a service in memory, files in a temporary directory, and requests.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use odcs_auth::{AllowAll, NoAuth};
use odcs_core::compose::{Compose, ComposeId, ComposeState, Links, Requested, Times};
use odcs_core::files::{ComposeFiles, DirectoryEntry, OpenedFile, OpenedPath, RelativePath, Root};
use odcs_core::manifest::Manifest;
use odcs_core::request::parse::{self, Parsed};
use odcs_core::request::{ComposeRequest, ComposeResults, Flags, Lifetime, Renewal, SourceKind};
use odcs_core::service::{About, ComposeService, Outlook, Preview, Readiness, Submitted};
use odcs_core::store::{Page, Query};
use odcs_core::{Error, ErrorKind, Result, Timestamp};
use odcs_http::{ApiState, HttpOptions, router};
use serde_json::Value;
use tower::ServiceExt;

/// A service in memory that can be told how to fail.
#[derive(Debug, Default)]
pub struct MemoryService {
    pub composes: Mutex<Vec<Compose>>,
    /// What lists claim to be there; the number of composes without it.
    pub total: Option<u64>,
    /// The last query of a list.
    pub query: Mutex<Option<Query>>,
    /// What was asked for last, and by whom.
    pub submitted: Mutex<Option<(ComposeRequest, String)>>,
    /// The last renewal, and who asked for it.
    pub renewed: Mutex<Option<(Renewal, String)>>,
    /// What went into composes, by their ids.
    pub manifests: BTreeMap<i64, Manifest>,
    /// What dry runs find; without it, that the compose would fail.
    pub outlook: Option<Outlook>,
    /// Whether there are too many dry runs already.
    pub previews_fail: bool,
    pub warnings: Vec<String>,
    pub counts: Vec<(i64, ComposeState, u64)>,
    pub failure: Option<ErrorKind>,
    pub panics: bool,
}

impl MemoryService {
    fn fail(&self) -> Result<()> {
        assert!(!self.panics, "told to panic");
        match self.failure {
            Some(kind) => Err(Error::new(kind, "test", "/srv/secret", "as it was told to")),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl ComposeService for MemoryService {
    fn read_request(&self, body: &[u8]) -> Result<Parsed<ComposeRequest>> {
        self.fail()?;
        let body = parse::body_from_bytes(body, 16)?;
        let mut parsed = parse::compose_request(&body, &[])?;
        parsed.warnings.extend(self.warnings.clone());
        Ok(parsed)
    }

    async fn submit(&self, request: Parsed<ComposeRequest>, owner: &str) -> Result<Submitted> {
        self.fail()?;
        *self.submitted.lock().unwrap() = Some((request.request.clone(), owner.to_owned()));
        let mut composes = self.composes.lock().unwrap();
        let mut compose = compose(i64::try_from(composes.len()).unwrap() + 1);
        compose.owner = owner.to_owned();
        compose.request = Some(request.request);
        composes.push(compose.clone());
        Ok(Submitted {
            compose,
            warnings: request.warnings,
        })
    }

    fn read_renewal(&self, body: &[u8]) -> Result<Parsed<Renewal>> {
        self.fail()?;
        if body.is_empty() {
            return Ok(Parsed {
                request: Renewal::default(),
                warnings: Vec::new(),
            });
        }
        parse::renewal_request(&parse::body_from_bytes(body, 16)?)
    }

    fn renewed_request(&self, compose: &Compose, _: &Renewal) -> Option<ComposeRequest> {
        compose.request.clone()
    }

    async fn renew(&self, id: ComposeId, renewal: Parsed<Renewal>, by: &str) -> Result<Submitted> {
        self.fail()?;
        let composes = self.composes.lock().unwrap();
        let compose = composes.iter().find(|compose| compose.id == id);
        let absent = || Error::new(ErrorKind::NotFound, "renew", id.to_string(), "there is none");
        let mut compose = compose.cloned().ok_or_else(absent)?;
        drop(composes);
        *self.renewed.lock().unwrap() = Some((renewal.request, by.to_owned()));
        compose.state = ComposeState::Done;
        Ok(Submitted {
            compose,
            warnings: renewal.warnings,
        })
    }

    async fn preview(&self, request: Parsed<ComposeRequest>) -> Result<Preview> {
        self.fail()?;
        if self.previews_fail {
            let error = Error::new(ErrorKind::Unavailable, "dry run", "", "too many at once");
            return Err(error);
        }
        let outlook = self.outlook.clone().unwrap_or(Outlook::Failed {
            reason: "Error while generating compose: there is nothing".to_owned(),
        });
        Ok(Preview {
            outlook,
            log: vec!["gather: x86_64: 1 packages".to_owned()],
            warnings: request.warnings,
        })
    }

    async fn manifest(&self, id: ComposeId) -> Result<Option<Manifest>> {
        self.fail()?;
        Ok(self.manifests.get(&id.number()).cloned())
    }

    async fn get(&self, id: ComposeId) -> Result<Option<Compose>> {
        self.fail()?;
        let composes = self.composes.lock().unwrap();
        Ok(composes.iter().find(|compose| compose.id == id).cloned())
    }

    async fn find(&self, query: &Query) -> Result<Page> {
        self.fail()?;
        *self.query.lock().unwrap() = Some(query.clone());
        let composes = self.composes.lock().unwrap();
        let skipped = usize::try_from((query.page - 1) * query.per_page).unwrap();
        let items = composes.iter().rev().skip(skipped);
        let items: Vec<_> = items
            .take(usize::try_from(query.per_page).unwrap())
            .cloned()
            .collect();
        let total = self.total.unwrap_or(composes.len() as u64);
        Ok(Page { items, total })
    }

    async fn delete(&self, id: ComposeId, by: &str) -> Result<Compose> {
        self.fail()?;
        let mut composes = self.composes.lock().unwrap();
        let compose = composes
            .iter_mut()
            .find(|compose| compose.id == id)
            .expect("it was looked up");
        if compose.state == ComposeState::Removed {
            return Err(Error::invalid("id", "it is removed already"));
        }
        compose.removed_by = Some(by.to_owned());
        Ok(compose.clone())
    }

    fn about(&self) -> About {
        assert!(!self.panics, "told to panic");
        About {
            version: "0.1.0".to_owned(),
            source_types: vec![SourceKind::REPO],
            flags: Flags::from(1),
            results: ComposeResults::default(),
            arches: vec!["x86_64".parse().unwrap(), "aarch64".parse().unwrap()],
        }
    }

    async fn ready(&self) -> Readiness {
        assert!(!self.panics, "told to panic");
        let mut readiness = Readiness::default();
        let problem = |kind: ErrorKind| Err(format!("{kind:?}"));
        readiness.add("store", self.failure.map_or(Ok(()), problem));
        readiness
    }

    async fn counts(&self) -> Result<Vec<(i64, ComposeState, u64)>> {
        self.fail()?;
        Ok(self.counts.clone())
    }
}

/// A compose that waits.
pub fn compose(id: i64) -> Compose {
    let submitted = Timestamp::from_seconds(1_795_262_400);
    Compose {
        id: ComposeId::new(id),
        owner: "unknown".to_owned(),
        state: ComposeState::Wait,
        state_reason: None,
        times: Times {
            submitted,
            started: None,
            done: None,
            removed: None,
            expires: submitted.plus(Lifetime::DEFAULT.duration()),
        },
        lifetime: Lifetime::DEFAULT,
        removed_by: None,
        reused_id: None,
        koji_task_id: None,
        pungi_compose_id: None,
        requested: Requested {
            source_type: 3,
            source: "/srv/repo".to_owned(),
            arches: "x86_64".to_owned(),
            compose_type: Some("test".to_owned()),
            target_dir: "default".to_owned(),
            ..Requested::default()
        },
        pungi_config_dump: None,
        request: None,
        pins: None,
        renews: None,
    }
}

/// Files of a directory.
#[derive(Debug)]
pub struct TestFiles(pub Root);

impl TestFiles {
    pub fn at(path: &Path) -> Self {
        Self(Root::open(path).unwrap())
    }
}

impl ComposeFiles for TestFiles {
    fn open(&self, path: Option<&RelativePath>) -> Result<OpenedPath> {
        let absent = |_| Error::new(ErrorKind::NotFound, "open", "file", "not there");
        let Some(path) = path else {
            return Ok(OpenedPath::Directory(list(self.0.path())));
        };
        let file = self.0.open_file(path).map_err(absent)?;
        let metadata = file.metadata().map_err(absent)?;
        if metadata.is_dir() {
            return Ok(OpenedPath::Directory(list(&self.0.path().join(path))));
        }
        Ok(OpenedPath::File(OpenedFile {
            file,
            size: metadata.len(),
            modified: (metadata.mtime(), u32::try_from(metadata.mtime_nsec()).unwrap()),
            identity: (metadata.dev(), metadata.ino()),
        }))
    }
}

fn list(path: &Path) -> Vec<DirectoryEntry> {
    let entries = fs::read_dir(path).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let metadata = fs::metadata(entry.path()).or_else(|_| entry.metadata()).unwrap();
        DirectoryEntry {
            name: entry.file_name().into_string().unwrap(),
            is_directory: metadata.is_dir(),
            size: if metadata.is_dir() { 0 } else { metadata.len() },
            modified: metadata.mtime(),
        }
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort();
    entries
}

pub const PUBLIC_URL: &str = "http://127.0.0.1:5000/composes";

/// A state without authentication.
pub fn state_of(
    service: Arc<MemoryService>,
    files: &Path,
    public_url: &str,
    options: HttpOptions,
) -> ApiState {
    ApiState::new(
        service,
        Arc::new(TestFiles::at(files)),
        Links::new(&public_url.parse().unwrap()),
        Arc::new(NoAuth),
        Arc::new(AllowAll),
        options,
    )
}

/// A router over a service, without files.
pub fn app(service: MemoryService) -> (Router, Arc<MemoryService>) {
    let service = Arc::new(service);
    let state = state_of(
        Arc::clone(&service),
        Path::new("/proc/self/fdinfo"),
        PUBLIC_URL,
        HttpOptions::default(),
    );
    (router(state), service)
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.body.last(), Some(&b'\n'), "a newline at the end");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Checks that this is an error in the API's shape.
    pub fn assert_error(&self, status: u16) -> String {
        let json = self.json();
        assert_eq!(self.status, status, "{json}");
        assert_eq!(json["status"], status);
        assert_eq!(json["error"], self.status.canonical_reason().unwrap());
        assert_eq!(json.as_object().unwrap().len(), 3);
        let message = json["message"].as_str().unwrap();
        assert!(!message.is_empty());
        message.to_owned()
    }
}

/// Sends a request; `Host` is `localhost` unless it is among the headers.
pub async fn send(
    app: &Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "localhost");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.into()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(parts.headers["x-content-type-options"], "nosniff");
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

pub async fn get(app: &Router, path: &str) -> Answer {
    send(app, "GET", path, &[], Body::empty()).await
}

/// The lines of a fixture.
pub fn fixture(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    let text = fs::read_to_string(path).unwrap();
    assert!(!text.is_empty(), "{name} holds nothing");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
