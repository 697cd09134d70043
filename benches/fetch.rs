//! Packages from an HTTP server: into the content store, beside `curl --parallel`.
//!
//! `cargo bench --bench fetch` fetches 10,000 files of 4 to 20 kB, and 1,000 of 1 MB, from a server on a loopback address,
//! with curl and with the content store in turn, each time into an empty directory. It prints the medians, and ends with
//! exit code 1 if the store takes more than 1.3 times as long as curl in either of them. Both get the same list of URLs.
//! What they do with it is not the same: curl writes what comes, under 50 connections at most; the store checks each URL
//! against the allow list, asks over 8 connections, verifies sizes and SHA-256, keeps other processes away meanwhile, and
//! puts a file in its place when it is whole. Neither forces anything to the disk.
//!
//! The server is nginx if it is installed, and else a small one of the tests, which takes more of the processors that it
//! shares with both. `ODCS_BENCH_SMALL`, `ODCS_BENCH_LARGE` and `ODCS_BENCH_ROUNDS` are numbers of files and of rounds,
//! `ODCS_BENCH_CURL` has options for curl, as `--parallel-max 8`.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a bench that cannot go on has failed; its result is what it prints"
)]

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use odcs_core::allow::UrlAllowList;
use odcs_core::content_store::{ContentStore, Wanted};
use odcs_core::engine::EngineSettings;
use odcs_fetch::{FetchSettings, Fetcher};
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_storage::{Contents, ContentsSettings, StorageSettings, Targets};
use tempfile::TempDir;
use url::Url;

/// How much longer than curl it may take.
const MOST: f64 = 1.3;

fn main() -> ExitCode {
    // As tests call it: that it runs at all.
    let is_test = std::env::args().all(|argument| argument != "--bench");
    let number = |name: &str, whole: usize, test: usize| {
        let set = std::env::var(name).ok();
        set.map_or(if is_test { test } else { whole }, |text| text.parse().unwrap())
    };
    let rounds = number("ODCS_BENCH_ROUNDS", 7, 1);
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let served = directory.path().join("served");
    let server = Server::start(directory.path(), &served);
    println!(
        "from {} on a loopback address, wall time, {} processors, files in the page cache, {rounds} rounds in turn",
        server.name(),
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    let small = Files::make(
        &served,
        "small",
        number("ODCS_BENCH_SMALL", 10_000, 20),
        |random| 4_000 + random as usize % 16_000,
    );
    let large = Files::make(&served, "large", number("ODCS_BENCH_LARGE", 1_000, 3), |_| {
        1_000_000
    });
    let mut is_ok = true;
    for files in [small, large].iter().filter(|files| !files.is_empty()) {
        is_ok &= compare(directory.path(), &server, files, rounds) || is_test;
    }
    if is_ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Files that are served, with what is known of them.
struct Files {
    directory: &'static str,
    files: Vec<(String, usize, Digest)>,
}

impl Files {
    /// So many, of sizes that depend on a random number each.
    fn make(served: &Path, directory: &'static str, count: usize, size: impl Fn(u64) -> usize) -> Self {
        std::fs::create_dir_all(served.join(directory)).unwrap();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let files = (0..count).map(|number| {
            let size = size(random());
            let bytes: Vec<u8> = std::iter::repeat_with(&mut random)
                .take(size.div_ceil(8))
                .flat_map(u64::to_le_bytes)
                .take(size)
                .collect();
            let name = format!("package-{number}-1.0-1.x86_64.rpm");
            std::fs::write(served.join(directory).join(&name), &bytes).unwrap();
            (name, size, Digest::of_bytes(DigestAlgorithm::Sha256, &bytes))
        });
        Self {
            directory,
            files: files.collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    fn bytes(&self) -> usize {
        self.files.iter().map(|(_, size, _)| size).sum()
    }
}

fn compare(directory: &Path, server: &Server, files: &Files, rounds: usize) -> bool {
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        // Neither is always the one that comes after the other.
        for which in if round.is_multiple_of(2) { [0, 1] } else { [1, 0] } {
            let target = TempDir::new_in(directory).unwrap();
            nix::unistd::sync();
            times[which].push(match which {
                0 => curl(target.path(), server, files),
                _ => store(target.path(), server, files),
            });
        }
    }
    let medians = times.map(|mut times| {
        times.sort_unstable();
        times[rounds / 2].as_secs_f64()
    });
    let ratio = medians[1] / medians[0];
    println!(
        "\n{} files, {:.0} MB",
        files.files.len(),
        files.bytes() as f64 / 1e6
    );
    for (name, median) in ["curl --parallel", "content store, verified"].iter().zip(medians) {
        let rate = files.bytes() as f64 / 1e6 / median;
        println!("  {name:<24} {:>7.0} ms  {rate:>6.0} MB/s", median * 1000.0);
    }
    let is_ok = ratio <= MOST;
    let verdict = if is_ok { "ok" } else { "short" };
    println!("  {ratio:.2} times as long, at most {MOST}: {verdict}");
    is_ok
}

/// Each file under its name.
fn curl(target: &Path, server: &Server, files: &Files) -> Duration {
    let mut config = String::new();
    for (name, ..) in &files.files {
        let url = server.url(files.directory, name);
        writeln!(
            config,
            "url = \"{url}\"\noutput = \"{}\"",
            target.join(name).display()
        )
        .unwrap();
    }
    let list = target.join("curl.conf");
    std::fs::write(&list, config).unwrap();
    let options = std::env::var("ODCS_BENCH_CURL").unwrap_or_default();
    let begun = Instant::now();
    let status = Command::new("curl")
        .args(["--disable", "--fail", "--no-progress-meter", "--parallel"])
        .args(options.split_whitespace())
        .arg("--config")
        .arg(&list)
        .status();
    let took = begun.elapsed();
    assert!(status.expect("curl is not installed").success());
    for (name, size, _) in &files.files {
        assert_eq!(std::fs::metadata(target.join(name)).unwrap().len(), *size as u64);
    }
    took
}

/// As the engine does it, with everything by default.
fn store(target: &Path, server: &Server, files: &Files) -> Duration {
    let wanted: Vec<Wanted> = files
        .files
        .iter()
        .map(|(name, size, digest)| {
            let size = *size as u64;
            let url = server.url(files.directory, name);
            // As repositories have them: with the time that metadata says.
            let wanted = Wanted::new(vec![url], Some(digest.clone()), size).with_size(Some(size));
            wanted.with_modified(Some(1_580_601_600))
        })
        .collect();
    let begun = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let allowed = UrlAllowList::parse([server.base.as_str()]).unwrap();
    let fetcher = Fetcher::new(FetchSettings::new(allowed)).unwrap();
    let targets = Targets::open(&StorageSettings::new(target)).unwrap();
    let settings = ContentsSettings::default().with_bytes(1 << 40);
    let contents = Contents::open(&targets, settings, Arc::new(fetcher)).unwrap();
    let fetches = EngineSettings::new().unwrap().fetches;
    let fetching = async move {
        let contents = &contents;
        stream::iter(wanted)
            .map(|wanted| async move { contents.obtain(&wanted).await.map(|obtained| obtained.fetched) })
            .buffer_unordered(fetches)
            .try_fold(0, |sum, fetched| async move { Ok(sum + fetched) })
            .await
    };
    // By a thread of the runtime, as composes are made.
    let fetched: u64 = runtime.block_on(runtime.spawn(fetching)).unwrap().unwrap();
    let took = begun.elapsed();
    assert_eq!(fetched, files.bytes() as u64);
    took
}

/// A server of the files below a directory.
struct Server {
    base: Url,
    running: Running,
}

enum Running {
    Nginx(Child),
    Own(#[allow(dead_code, reason = "it serves as long as it lives")] test_support::http::Server),
}

impl Server {
    fn start(directory: &Path, served: &Path) -> Self {
        std::fs::create_dir(served).unwrap();
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];
        match program.iter().map(PathBuf::from).find(|program| program.exists()) {
            Some(program) => Self::nginx(&program, directory, served),
            None => {
                let server = test_support::http::Server::of_directory(served);
                Self {
                    base: server.url("/").parse().unwrap(),
                    running: Running::Own(server),
                }
            }
        }
    }

    fn nginx(program: &Path, directory: &Path, served: &Path) -> Self {
        // Free a moment ago: what takes it meanwhile, nginx says.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let own = directory.join("nginx");
        std::fs::create_dir(&own).unwrap();
        let user = if nix::unistd::geteuid().is_root() {
            "user root;"
        } else {
            ""
        };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {}/{kind};\n", own.display()))
            .concat();
        let config = format!(
            "daemon off; worker_processes 1; pid {own}/pid; error_log {own}/error.log; {user}
             events {{ worker_connections 512; }}
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; {temporary}
               server {{ listen 127.0.0.1:{port}; root {served}; }} }}",
            own = own.display(),
            served = served.display(),
        );
        let file = own.join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let child = Command::new(program)
            .arg("-c")
            .arg(&file)
            .arg("-e")
            .arg(own.join("error.log"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self {
            base: format!("http://127.0.0.1:{port}/").parse().unwrap(),
            running: Running::Nginx(child),
        };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Running::Nginx(child) = &mut server.running {
                assert!(child.try_wait().unwrap().is_none(), "nginx has ended");
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "nginx does not answer");
            std::thread::yield_now();
        }
        server
    }

    fn name(&self) -> String {
        match &self.running {
            Running::Nginx(_) => "nginx, one process,".to_owned(),
            Running::Own(server) => format!("a server of the tests, at {},", server.address()),
        }
    }

    fn url(&self, directory: &str, name: &str) -> Url {
        self.base.join(&format!("{directory}/{name}")).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Running::Nginx(child) = &mut self.running {
            // It has a process of its own to take along.
            let pid = nix::unistd::Pid::from_raw(child.id() as i32);
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
            let _ = child.wait();
        }
    }
}
