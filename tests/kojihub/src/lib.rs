//! A Koji hub for tests.
//!
//! It is a hub over real HTTP, with a database that has a history and a volume of RPMs. What it answers is worked out from
//! the tables by Koji's own rules, at any event there ever was; it shares no code with what asks it, neither for XML-RPC nor
//! for inheritance. Time can go on while it runs ([`Hub::tag`], [`Hub::sign`], [`Hub::move_build`], ...), and it
//! can be told to misbehave ([`Hub::on`]). The volume is a directory ([`Hub::topdir`]), and served over HTTP
//! ([`Hub::topurl`]).
//!
//! ```
//! use kojihub::{Hub, Value};
//!
//! let hub = Hub::start();
//! let build = hub.call("getBuild", &["lab-volume-1.0-1".into()]).unwrap();
//! assert_eq!(build.get("volume_name"), Some(&Value::from("labvol")));
//!
//! let before = hub.last_event();
//! let event = hub.untag("lab-locked", "lab-hello-1.0-1");
//! assert_eq!(event, before + 1);
//! ```
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a test that cannot go on has failed"
)]

mod calls;
mod fault;
mod generate;
mod play;
mod server;
mod signature;
mod state;
mod value;
mod volume;
pub mod xml;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;
use test_support::http;

pub use fault::{Rule, Wrong};
pub use generate::TAG as GENERATED_TAG;
pub use value::Value;

use calls::{Answer, Calls, Digests};
use state::State;
use volume::Volume;

/// A running hub. It is gone when it is dropped, with its volume.
#[derive(Debug)]
pub struct Hub {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: Option<JoinHandle<()>>,
    volume: Volume,
    files: http::Server,
    _dir: TempDir,
}

/// A call that came in.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its method; calls inside of a `multiCall` are not told apart here.
    pub method: String,
    /// Its arguments as they were sent: those by name are the last one.
    pub params: Vec<Value>,
    /// The headers of the request, with names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Call {
    /// An argument that was given by name.
    pub fn named(&self, name: &str) -> Option<&Value> {
        self.params.last().and_then(|last| last.get(name))
    }
}

/// Where the state and the volume of a laboratory hub are: in the folder that `ODCS_KOJI_STATE` names, or among the
/// recordings, or a copy in this crate.
pub fn laboratory() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    test_support::recordings("ODCS_KOJI_STATE", "koji").unwrap_or(own)
}

impl Hub {
    /// A hub with the state and the volume of the laboratory.
    pub fn start() -> Self {
        Self::start_in(&std::env::temp_dir())
    }

    /// The same, with its volume in a directory of its own below this one: what is to be linked has to be on one file system.
    pub fn start_in(place: &Path) -> Self {
        let laboratory = laboratory();
        let dir = tempfile::Builder::new().prefix("koji").tempdir_in(place).unwrap();
        let volume = Volume::unpack(&laboratory.join("topdir.tar.zst"), dir.path());
        Self::with(State::read(&laboratory.join("hub-state.json")), volume, dir)
    }

    fn with(state: State, volume: Volume, dir: TempDir) -> Self {
        let digests = volume.digests(&state);
        let shared = Arc::new(Shared {
            base: Mutex::new(Base { state, digests }),
            ..Shared::default()
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.accept(&listener))
        };
        Self {
            files: http::Server::of_directory(&volume.topdir),
            shared,
            address,
            accepting: Some(accepting),
            volume,
            _dir: dir,
        }
    }

    /// Its URL, as clients have it in their configuration.
    pub fn url(&self) -> String {
        format!("http://{}/kojihub", self.address)
    }

    /// The directory with its volume.
    pub fn topdir(&self) -> &Path {
        &self.volume.topdir
    }

    /// The URL of its volume.
    pub fn topurl(&self) -> String {
        self.files.url("")
    }

    /// The server of its volume, which can be told to misbehave, too, and keeps a record.
    pub fn files(&self) -> &http::Server {
        &self.files
    }

    /// What it answers to a call that nobody sends, without counting it; or the code and text of its fault.
    pub fn call(&self, method: &str, params: &[Value]) -> Result<Value, (i64, String)> {
        self.shared
            .answer(method, params)
            .map_err(|fault| (fault.code, fault.text))
    }

    /// Whether it has a method.
    pub fn has(method: &str) -> bool {
        calls::has(method)
    }

    /// Misbehaves. Each call is taken by the first rule that it is for.
    pub fn on(&self, rule: impl Into<Rule>) {
        self.shared.rules.lock().unwrap().push(rule.into());
    }

    /// Behaves again.
    pub fn behave(&self) {
        self.shared.rules.lock().unwrap().clear();
    }

    /// The calls since it was started, or since [`forget`](Self::forget).
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// How many calls there were of each method. Those inside of a `multiCall` count as themselves, too.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.calls() {
            let inside = call.params.first().and_then(Value::as_array);
            let inside = inside.filter(|_| calls::is_multicall(&call.method));
            for one in inside.into_iter().flatten() {
                if let Some(method) = one.get("methodName").and_then(Value::as_str) {
                    *counts.entry(method.to_owned()).or_default() += 1;
                }
            }
            *counts.entry(call.method).or_default() += 1;
        }
        counts
    }

    /// Forgets which calls there were, and what was asked of the volume.
    pub fn forget(&self) {
        self.shared.calls.lock().unwrap().clear();
        self.files.forget();
    }

    /// Knows no digests of files: a hub where nobody asked for them yet.
    pub fn forget_digests(&self) {
        self.shared.base.lock().unwrap().digests.clear();
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::SeqCst);
        self.shared.stopping.notify_all();
        // So that there is something to accept.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// The database.
#[derive(Debug, Default)]
struct Base {
    state: State,
    digests: Digests,
}

/// What the threads of a hub share.
#[derive(Debug, Default)]
struct Shared {
    base: Mutex<Base>,
    rules: Mutex<Vec<Rule>>,
    calls: Mutex<Vec<Call>>,
    open: Mutex<Vec<TcpStream>>,
    is_stopped: AtomicBool,
    stopping: Condvar,
    waiting: Mutex<()>,
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        while let Ok((stream, _)) = listener.accept() {
            if self.is_stopped.load(Ordering::SeqCst) {
                return;
            }
            if let Ok(open) = stream.try_clone() {
                self.open.lock().unwrap().push(open);
            }
            let shared = Arc::clone(self);
            std::thread::spawn(move || server::serve(&shared, stream));
        }
    }

    fn answer(&self, method: &str, params: &[Value]) -> Answer {
        let base = self.base.lock().unwrap();
        let calls = Calls {
            state: &base.state,
            digests: &base.digests,
        };
        calls.answer(method, params)
    }

    /// Keeps a record of a call. What is to be done wrong with its answer.
    fn record(&self, call: Call) -> Option<Wrong> {
        let mut rules = self.rules.lock().unwrap();
        let wrong = rules
            .iter_mut()
            .find_map(|rule| rule.takes(&call.method).then(|| rule.wrong.clone()));
        self.calls.lock().unwrap().push(call);
        wrong
    }

    /// Waits, unless the hub is stopped meanwhile.
    fn pause(&self, pause: Duration) {
        let waiting = self.waiting.lock().unwrap();
        let _ = self
            .stopping
            .wait_timeout_while(waiting, pause, |()| !self.is_stopped.load(Ordering::SeqCst));
    }
}
