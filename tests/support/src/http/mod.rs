//! An HTTP server on a loopback address, which can be told to misbehave.
//!
//! It serves a directory, or bytes from memory, as a good server does: `GET`, `HEAD`, ranges, validators, connections
//! that are kept. For any path it can be told to do something wrong instead, down to single bytes, and it keeps a
//! record of what it was asked and of what it sent, so that tests can count. It is a thread for each connection
//! and nothing else: starting one takes microseconds.
//!
//! ```
//! use std::io::{Read, Write};
//! use test_support::http::{Behaviour, Server};
//!
//! let server = Server::empty();
//! server.put("/ed.rpm", "an editor");
//! server.on("/ed.rpm", Behaviour::CutAfter(2).once());
//!
//! let fetch = || {
//!     let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
//!     stream.write_all(b"GET /ed.rpm HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
//!     let mut answer = String::new();
//!     stream.read_to_string(&mut answer).unwrap();
//!     answer.split_once("\r\n\r\n").unwrap().1.to_owned()
//! };
//! assert_eq!((fetch(), fetch()), ("an".to_owned(), "an editor".to_owned()));
//! assert_eq!(server.requests().iter().map(|request| request.sent).collect::<Vec<_>>(), [2, 9]);
//! assert_eq!(server.connections(), 2);
//! ```

mod answer;
mod behaviour;
mod canary;
mod request;
mod serve;
#[cfg(feature = "tls")]
mod tls;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

pub use behaviour::{Behaviour, Broken, Gate, Rule};
pub use canary::Canary;
pub use request::Request;
#[cfg(feature = "tls")]
pub use tls::Tls;

use answer::{Answer, Content};

/// A server. It is gone when it is dropped, with all its connections.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    scheme: &'static str,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves the files of a directory, on a loopback address of IPv4.
    pub fn of_directory(path: impl Into<PathBuf>) -> Self {
        Self::start((Ipv4Addr::LOCALHOST, 0).into(), Some(path.into()))
    }

    /// Serves what it is going to be given.
    pub fn empty() -> Self {
        Self::empty_at((Ipv4Addr::LOCALHOST, 0).into())
    }

    /// The same, at this address; port 0 is one that the system picks.
    pub fn empty_at(address: SocketAddr) -> Self {
        Self::start(address, None)
    }

    fn start(address: SocketAddr, directory: Option<PathBuf>) -> Self {
        Self::start_with(address, directory, "http", |shared, mut stream| {
            serve::serve(shared, &mut stream);
        })
    }

    fn start_with(
        address: SocketAddr,
        directory: Option<PathBuf>,
        scheme: &'static str,
        serve: impl Fn(&Shared, TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            directory,
            ..Shared::default()
        });
        let accepting = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.accept(&listener, &Arc::new(serve)))
        };
        Self {
            shared,
            address,
            scheme,
            accepting: Some(accepting),
        }
    }

    /// Has these bytes at this path, whatever the directory has there.
    pub fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let content = Content::of_bytes(bytes.as_ref().into());
        self.shared
            .state
            .lock()
            .unwrap()
            .files
            .insert(path.to_owned(), content);
    }

    /// Behaves like this when it is asked for a path, or for any path below one that ends in `*`. Of several rules for a
    /// path, each request is taken by the first that has not had as many as it is for.
    pub fn on(&self, path: &str, rule: impl Into<Rule>) {
        let rule = (path.to_owned(), rule.into());
        self.shared.state.lock().unwrap().rules.push(rule);
    }

    /// Behaves properly again.
    pub fn behave(&self) {
        self.shared.state.lock().unwrap().rules.clear();
    }

    /// The URL of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has been asked since it was started, or since [`forget`](Self::forget), in that order.
    pub fn requests(&self) -> Vec<Request> {
        self.shared
            .state
            .lock()
            .unwrap()
            .requests
            .values()
            .cloned()
            .collect()
    }

    /// What it has been asked about this path, without what follows its `?`.
    pub fn requests_for(&self, path: &str) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.path() == path);
        requests
    }

    /// Forgets what it has been asked.
    pub fn forget(&self) {
        self.shared.state.lock().unwrap().requests.clear();
    }

    /// How many connections have been made to it, used or not. None is missed that was made before this was called.
    pub fn connections(&self) -> usize {
        // Connections are accepted in the order in which they are made: when this one has been, so have all before it.
        let probe = TcpStream::connect(self.address).unwrap();
        let probe = probe.local_addr().unwrap();
        let accepted = self.shared.accepted.lock().unwrap();
        let (mut accepted, waited) = self
            .shared
            .changed
            .wait_timeout_while(accepted, Duration::from_secs(60), |accepted| {
                !accepted.peers.contains(&probe)
            })
            .unwrap();
        assert!(!waited.timed_out(), "nobody accepts connections");
        accepted.peers.remove(&probe);
        accepted.probes += 1;
        accepted.count - accepted.probes
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::SeqCst);
        // So that there is something to accept.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        for stream in self.shared.accepted.lock().unwrap().open.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// An address of this machine at which nobody listens.
pub fn nobody() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// What the threads of a server share.
#[derive(Debug, Default)]
struct Shared {
    directory: Option<PathBuf>,
    state: Mutex<State>,
    accepted: Mutex<Accepted>,
    changed: Condvar,
    is_stopped: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    files: HashMap<String, Content>,
    rules: Vec<(String, Rule)>,
    /// By number.
    requests: BTreeMap<usize, Request>,
    serial: usize,
}

#[derive(Debug, Default)]
struct Accepted {
    count: usize,
    /// How many of them were made to find out how many there are.
    probes: usize,
    peers: HashSet<SocketAddr>,
    open: HashMap<usize, TcpStream>,
}

type Serve = dyn Fn(&Shared, TcpStream) + Send + Sync;

impl Shared {
    fn accept<F: Fn(&Self, TcpStream) + Send + Sync + 'static>(
        self: &Arc<Self>,
        listener: &TcpListener,
        serve: &Arc<F>,
    ) {
        while let Ok((stream, peer)) = listener.accept() {
            if self.is_stopped() {
                return;
            }
            let Ok(open) = stream.try_clone() else {
                continue;
            };
            let mut accepted = self.accepted.lock().unwrap();
            let number = accepted.count;
            accepted.count += 1;
            accepted.peers.insert(peer);
            accepted.open.insert(number, open);
            drop(accepted);
            self.changed.notify_all();

            let _ = stream.set_nodelay(true);
            let (shared, serve): (_, Arc<Serve>) = (Arc::clone(self), serve.clone());
            std::thread::spawn(move || {
                serve(&shared, stream);
                let open = shared.accepted.lock().unwrap().open.remove(&number);
                let _ = open.map(|stream| stream.shutdown(Shutdown::Both));
            });
        }
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }

    fn record(&self, request: Request) -> usize {
        let mut state = self.state.lock().unwrap();
        let serial = state.serial;
        state.serial += 1;
        state.requests.insert(serial, request);
        serial
    }

    fn note(&self, serial: usize, what: impl FnOnce(&mut Request)) {
        let mut state = self.state.lock().unwrap();
        state.requests.get_mut(&serial).map(what);
    }

    fn answer(&self, request: &Request, serial: usize) -> Answer {
        let path = request::decoded(request.path());
        let mut state = self.state.lock().unwrap();
        let behaviours = state
            .rules
            .iter_mut()
            .filter(|(pattern, _)| match pattern.strip_suffix('*') {
                Some(start) => path.starts_with(start),
                None => path == *pattern,
            })
            .find_map(|(_, rule)| rule.takes(&request.method).then(|| rule.behaviours().to_vec()))
            .unwrap_or_default();
        let content = state.files.get(&path).cloned();
        drop(state);
        let content = content.or_else(|| Content::of_file(&self.file(&path)?));
        Answer::to(request, content, &behaviours, serial)
    }

    /// The file of a path that does not leave the directory.
    fn file(&self, path: &str) -> Option<PathBuf> {
        let path = Path::new(path.trim_start_matches('/'));
        let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
        self.directory
            .as_ref()
            .filter(|_| is_below)
            .map(|directory| directory.join(path))
    }
}

#[cfg(test)]
mod tests;
