//! A source type from outside, in a service: the one of the example, over REST and by the client commands.

#[path = "../../examples/plugin_source.rs"]
#[allow(dead_code, reason = "its main is the example's")]
mod inbox;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A service with the `inbox` source, and packages in the inbox.
struct Service {
    _dir: TempDir,
    job: PathBuf,
    url: String,
    http: Client,
}

impl Service {
    async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let inbox = dir.path().join("inbox");
        let job = inbox.join("build-7");
        std::fs::create_dir_all(&job).unwrap();
        let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repo/Packages");
        for name in ["ed-1.20-1.x86_64.rpm", "line-editor-common-2.1-3.noarch.rpm"] {
            std::fs::copy(packages.join(name), job.join(name)).unwrap();
        }
        // As jobs do it: the name says that it is not whole yet.
        std::fs::write(job.join("half.rpm.part"), b"half").unwrap();
        let source = inbox::Inbox::open(&inbox).unwrap();
        let url = inbox::serve(source, &dir.path().join("composes")).await.unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::new();
        Self {
            _dir: dir,
            job,
            url,
            http,
        }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.request(method, format!("{}/api/1/{path}", self.url));
        let answer = request.json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, &Value::Null).await.1
    }

    async fn post(&self, source: Value) -> (u16, Value) {
        self.ask(Method::POST, "composes/", &json!({"source": source}))
            .await
    }

    async fn ended(&self, id: &Value) -> Value {
        for _ in 0..600 {
            let compose = self.get(&format!("composes/{id}")).await;
            if !matches!(compose["state_name"].as_str(), Some("wait" | "generating")) {
                return compose;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("compose {id} does not end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_of_ones_own_is_a_type_like_any_other() {
    let service = Service::start().await;
    assert_eq!(service.get("about/").await["source_types"], json!(["inbox"]));

    let (status, compose) = service
        .post(json!({"type": "inbox", "source": "build-7", "packages": ["ed"]}))
        .await;
    assert_eq!(status, 200, "{compose}");
    let compose = service.ended(&compose["id"]).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    assert_eq!(
        (&compose["source_type"], &compose["source"]),
        (&json!(100), &json!("build-7"))
    );
    let repo = compose["result_repo"].as_str().unwrap();
    let package = format!("{repo}/x86_64/os/Packages/e/ed-1.20-1.x86_64.rpm");
    let published = service
        .http
        .get(package)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert_eq!(
        published,
        std::fs::read(service.job.join("ed-1.20-1.x86_64.rpm")).unwrap()
    );

    for (filter, total) in [("inbox", 1), ("100", 1), ("101", 0), ("repo", 0), ("in", 0)] {
        let list = service.get(&format!("composes/?source_type={filter}")).await;
        assert_eq!(list["meta"]["total"], total, "{filter}: {list}");
        let first = list["meta"]["first"].as_str().unwrap();
        assert!(first.contains(&format!("source_type={filter}")), "{first}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_cannot_make_is_refused_or_fails_with_a_sentence() {
    let service = Service::start().await;
    for (source, expected) in [
        (
            json!({"type": "inbox", "source": "../inbox/build-7"}),
            "../inbox/build-7",
        ),
        (json!({"type": "inbox", "source": "/etc"}), "/etc"),
        (json!({"type": "inbox"}), "is not a path"),
        (
            json!({"type": "inbox", "source": "build-7", "builds": ["ed-1-1"]}),
            "builds",
        ),
        (json!({"type": "outbox", "source": "build-7"}), "inbox"),
        (json!({"type": "repo", "source": "/etc"}), "it has inbox"),
    ] {
        let (status, answer) = service.post(source.clone()).await;
        assert_eq!(status, 400, "{source}: {answer}");
        assert!(
            answer["message"].as_str().unwrap().contains(expected),
            "{source}: {answer}"
        );
    }
    let (_, compose) = service.post(json!({"type": "inbox", "source": "build-8"})).await;
    let compose = service.ended(&compose["id"]).await;
    assert_eq!(compose["state_name"], "failed", "{compose}");
    let reason = compose["state_reason"].as_str().unwrap();
    assert!(reason.contains("/inbox/build-8 is not there"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_commands_take_it_by_name() {
    let service = Service::start().await;
    let odcs = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_odcs"));
        let output = command
            .arg("--server")
            .arg(&service.url)
            .args(arguments)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    };
    let compose: Value =
        serde_json::from_str(&odcs(&["--json", "create", "inbox", "build-7", "ed"])).unwrap();
    assert_eq!(compose["state_name"], "done", "{compose}");
    assert!(odcs(&["--json", "about"]).contains("\"inbox\""));
    let list: Value = serde_json::from_str(&odcs(&["--json", "list", "--source-type", "100"])).unwrap();
    assert!(list.to_string().contains("build-7"), "{list}");
}
