//! A server of one's own for each test, and what to ask it with.

mod repository;

pub(crate) use repository::Repository;
pub(crate) use test_support::{copy_tree, has, project_root, test_repository};

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The program under test.
pub(crate) const ODCS: &str = env!("CARGO_BIN_EXE_odcs");

/// Nobody, on every system that tests run on.
pub(crate) const NOBODY: u32 = 65_534;

/// Whether files can be kept from a server by giving it another user id.
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// How long a compose of a few packages may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server with a directory of its own, which is where it was started.
pub(crate) struct Server {
    child: Child,
    pub(crate) base: String,
    pub(crate) dir: TempDir,
    http: reqwest::Client,
}

/// How a server is started.
pub(crate) struct Start {
    dir: TempDir,
    args: Vec<String>,
    variables: Vec<(&'static str, String)>,
    uid: Option<u32>,
    disk: Option<u32>,
}

impl Start {
    pub(crate) fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
            args: Vec::new(),
            variables: Vec::new(),
            uid: None,
            disk: None,
        }
    }

    /// In a directory that is there.
    pub(crate) fn within(dir: TempDir) -> Self {
        Self { dir, ..Self::new() }
    }

    /// The directory it is going to run in.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// A variable of its environment.
    pub(crate) fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Another user, who owns the directory but nothing that is put there later.
    pub(crate) fn run_by(mut self, uid: u32) -> Self {
        std::os::unix::fs::chown(self.dir.path(), Some(uid), Some(uid)).unwrap();
        self.uid = Some(uid);
        self
    }

    /// Composes are kept on a disk of their own with this many kilobytes, in a mount namespace that
    /// only the server sees.
    pub(crate) fn on_a_disk_of(mut self, kilobytes: u32) -> Self {
        std::fs::create_dir_all(self.dir.path().join("odcs-data/composes")).unwrap();
        self.disk = Some(kilobytes);
        self
    }

    fn command(&self) -> Command {
        let Some(kilobytes) = self.disk else {
            return Command::new(ODCS);
        };
        let mut command = Command::new("unshare");
        let mount =
            format!("mount -t tmpfs -o size={kilobytes}k tmpfs odcs-data/composes && exec \"$0\" \"$@\"");
        command.args(["--map-root-user", "--mount", "sh", "-c", &mount, ODCS]);
        command
    }

    pub(crate) fn start(self) -> Server {
        let mut command = self.command();
        command
            .current_dir(self.dir.path())
            .arg("serve")
            .env("ODCS_LISTEN", "127.0.0.1:0")
            .args(&self.args);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(std::fs::File::create(self.dir.path().join("server.log")).unwrap());
        command
            .env_remove("ODCS_LOG")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(uid) = self.uid {
            command.uid(uid).gid(uid);
        }
        // A second test of this process finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::new();
        // From here on it is stopped, whatever happens to the test.
        let mut server = Server {
            child: command.spawn().unwrap(),
            base: String::new(),
            dir: self.dir,
            http,
        };
        let mut line = String::new();
        BufReader::new(server.child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let base = line.split_whitespace().find(|word| word.starts_with("http://"));
        let base = base.unwrap_or_else(|| panic!("the server did not start: {line:?}\n{}", server.log()));
        base.trim_end_matches(',').clone_into(&mut server.base);
        server
    }
}

/// An answer of a server.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }
}

impl Server {
    /// A server with its defaults, in a directory with a copy of the project's own test repository.
    pub(crate) fn with_test_repository() -> (Self, PathBuf) {
        let start = Start::new();
        let repository = start.dir().join("repo");
        copy_tree(&test_repository(), &repository);
        (start.start(), repository)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            self.url(path)
        };
        let mut request = self.http.request(method, url).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer {
            status,
            headers,
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], b"").await
    }

    pub(crate) async fn post(&self, body: &Value) -> Answer {
        self.ask(
            Method::POST,
            "/api/1/composes/",
            &[("Content-Type", "application/json")],
            body.to_string().as_bytes(),
        )
        .await
    }

    /// Submits a request that must be accepted, and returns its record.
    pub(crate) async fn submit(&self, body: &Value) -> Value {
        let answer = self.post(body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Submits a request and waits until the compose has ended.
    pub(crate) async fn compose(&self, body: &Value) -> Value {
        let id = self.submit(body).await["id"].as_i64().unwrap();
        self.ended(id).await
    }

    /// A compose of packages of a repository, everything else as it is by default.
    pub(crate) async fn compose_of(&self, repository: &Path, packages: &[&str]) -> Value {
        self.compose(&json!({"source": {"type": "repo", "source": repository, "packages": packages}}))
            .await
    }

    /// Waits until a compose has ended, and returns its record.
    pub(crate) async fn ended(&self, id: i64) -> Value {
        self.ended_within(id, PATIENCE).await
    }

    /// The same with more patience or less.
    pub(crate) async fn ended_within(&self, id: i64, patience: Duration) -> Value {
        let begun = Instant::now();
        loop {
            let compose = self.get(&format!("/api/1/composes/{id}")).await.json();
            if !matches!(compose["state_name"].as_str(), Some("wait" | "generating")) {
                return compose;
            }
            assert!(
                begun.elapsed() < patience,
                "compose {id} does not end: {}\n{}",
                compose,
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the server wrote to its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default()
    }

    /// Where the composes are.
    pub(crate) fn target(&self) -> PathBuf {
        self.dir.path().join("odcs-data/composes")
    }

    /// Runs the program as a client of this server.
    pub(crate) fn odcs<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        let mut command = Command::new(ODCS);
        command
            .current_dir(self.dir.path())
            .env("ODCS_SERVER", &self.base)
            .args(args)
            .output()
            .unwrap()
    }

    /// The process of the server.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits until the server has ended by itself; what is needed to start it again is returned.
    pub(crate) fn wait(mut self) -> (ExitStatus, Start) {
        let status = self.child.wait().unwrap();
        let dir = std::mem::replace(&mut self.dir, TempDir::new().unwrap());
        (status, Start::within(dir))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a peer and returns its output; it must succeed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// A peer that has to be root to do its work: without being it, in a user namespace where one is.
pub(crate) fn as_root(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", program]);
    command
}
