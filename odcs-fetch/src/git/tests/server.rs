//! A git server behind TLS, on a loopback address: git's own, run for each request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use test_support::http::Tls;
use url::Url;

/// What it answers.
#[derive(Clone, Debug)]
pub(super) enum Answers {
    /// What git does, of the repositories below this directory.
    Repositories(PathBuf),
    /// This, to everything: a status, with a reason, headers and a body.
    Always(String),
    /// Nothing, and waits for ever.
    Nothing,
}

/// A server; it is gone when this is dropped.
pub(super) struct GitServer {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
}

impl GitServer {
    pub(super) fn start(tls: &Tls, answers: Answers) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            requests: Arc::default(),
            ended: Arc::default(),
        };
        let (config, requests, ended) = (
            tls.config(),
            Arc::clone(&server.requests),
            Arc::clone(&server.ended),
        );
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                let (config, answers, requests) =
                    (Arc::clone(&config), answers.clone(), Arc::clone(&requests));
                std::thread::spawn(move || {
                    // A client that goes away is its own business.
                    let _ = serve(stream?, config, &answers, &requests);
                    std::io::Result::Ok(())
                });
            }
        });
        server
    }

    /// The repository that all tests have, by a name that leads nowhere else.
    pub(super) fn url(&self) -> Url {
        format!("https://example.com:{}/pub.git", self.port)
            .parse()
            .unwrap()
    }

    /// The paths that were asked for.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    answers: &Answers,
    requests: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let mut line = || {
        let mut text = String::new();
        stream.read_line(&mut text)?;
        std::io::Result::Ok(text.trim_end().to_owned())
    };
    let request = line()?;
    if request.is_empty() {
        // It has gone away once it had seen the certificate.
        return Ok(());
    }
    let mut headers = Vec::new();
    loop {
        let header = line()?;
        let Some((name, value)) = header.split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let header = |wanted: &str| {
        let found = headers.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let length: usize = header("content-length").parse().unwrap_or_default();
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    requests.lock().unwrap().push(target.to_owned());
    let answer = match answers {
        Answers::Nothing => {
            // Until the client goes away.
            let _ = stream.read(&mut [0]);
            return Ok(());
        }
        Answers::Always(answer) => answer.clone().into_bytes(),
        Answers::Repositories(root) => backend(root, method, target, &header, &body)?,
    };
    let stream = stream.get_mut();
    stream.write_all(&answer)?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// Runs `git http-backend` as web servers do.
fn backend(
    root: &Path,
    method: &str,
    target: &str,
    header: &dyn Fn(&str) -> String,
    body: &[u8],
) -> std::io::Result<Vec<u8>> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    child.stdin.take().unwrap().write_all(body)?;
    let output = child.wait_with_output()?.stdout;
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: "));
    let mut answer = format!("HTTP/1.1 {}\r\nConnection: close\r\n", status.unwrap_or("200 OK")).into_bytes();
    answer.extend_from_slice(&output);
    Ok(answer)
}
