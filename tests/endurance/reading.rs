//! dnf reads composes while they are published and expire.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Repository, Server, Start};

/// dnf is a program of the system's Python, whichever Python else there may be.
const PYTHON: &str = "/usr/bin/python3";
/// Composes that exist at a time, and are chosen from by those who read.
const ALIVE: usize = 24;
/// Seconds that a compose lives: short enough to end while it is read, long enough to be read at all.
const LIFETIME: u64 = 3;
/// What a cycle may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Reader {
    child: Child,
    output: std::path::PathBuf,
}

impl Reader {
    fn start(server: &Server, number: usize) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/endurance/reader.py");
        let output = server.dir.path().join(format!("reader-{number}.log"));
        let child = Command::new(PYTHON)
            .arg(script)
            .args([server.base.as_str(), &number.to_string()])
            .stdin(Stdio::piped())
            .stdout(std::fs::File::create(&output).unwrap())
            .stderr(std::fs::File::create(output.with_extension("err")).unwrap())
            .spawn()
            .unwrap();
        Self { child, output }
    }

    fn so_far(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap()
    }

    /// Ends it after what it is reading now.
    fn stop(mut self) -> String {
        drop(self.child.stdin.take());
        let status = self.child.wait().unwrap();
        let mut errors = String::new();
        let mut file = std::fs::File::open(self.output.with_extension("err")).unwrap();
        file.read_to_string(&mut errors).unwrap();
        assert!(status.success(), "{status}: {errors}");
        self.so_far()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn has_dnf_for_python() -> bool {
    let found = Command::new(PYTHON)
        .args(["-c", "import dnf"])
        .output()
        .is_ok_and(|output| output.status.success());
    assert!(
        found || !test_support::is_ci() || Path::new("/usr/bin/dnf5").exists(),
        "python3-dnf is not installed"
    );
    if !found {
        println!("skipped: {PYTHON} has no module dnf");
    }
    found
}

/// Renews a compose, and returns the record that comes of it: itself with a longer life or, if its tree has gone
/// meanwhile, a new compose with the same content.
async fn renew(server: &Server, compose: &Value) -> Value {
    let path = format!("/api/1/composes/{}", compose["id"]);
    let body = json!({"seconds_to_live": LIFETIME}).to_string();
    let headers = [("Content-Type", "application/json")];
    let answer = server.ask(Method::PATCH, &path, &headers, body.as_bytes()).await;
    assert_eq!(answer.status, 200, "{compose}: {}", answer.text());
    let renewed = answer.json();
    let expires = |record: &Value| record["time_to_expire"].as_str().unwrap().to_owned();
    assert!(expires(&renewed) >= expires(compose), "{compose}\n{renewed}");
    renewed
}

/// Waits until a reader has said something that begins so.
async fn until_it_says(reader: &Reader, word: &str) -> String {
    let begun = Instant::now();
    loop {
        if let Some(line) = reader.so_far().lines().find(|line| line.starts_with(word)) {
            return line.to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "never {word:?}: {}", reader.so_far());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_reader_notices_what_is_wrong_or_gone_too_early() {
    if !has_dnf_for_python() {
        return;
    }
    let (server, repository) = Server::with_test_repository();
    let compose = server.compose_of(&repository, &["ed"]).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    let tree = server.target().join("odcs-1/compose/Temporary/x86_64/os");
    let reader = Reader::start(&server, 1);
    until_it_says(&reader, "read 1").await;
    // Nobody is to be in the middle of it: dnf says no more than that no mirror was of use.
    reader.stop();
    let repodata = tree.join("repodata");
    let entries = std::fs::read_dir(&repodata)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let primary = entries
        .into_iter()
        .find(|path| path.to_string_lossy().ends_with("primary.xml.gz"))
        .unwrap();
    let sound = std::fs::read(&primary).unwrap();
    let package = tree.join("Packages/e/ed-1.20-1.x86_64.rpm");
    for (number, spoiled) in [(2, &primary), (3, &package)] {
        // Not the file of the repository, which the package is a link to.
        std::fs::remove_file(spoiled).unwrap();
        std::fs::write(spoiled, "something else").unwrap();
        let reader = Reader::start(&server, number);
        let line = until_it_says(&reader, "FAULT 1 done").await;
        assert!(line.contains("wrong checksum"), "{line}");
        reader.stop();
        std::fs::write(&primary, &sound).unwrap();
    }
    std::fs::remove_dir_all(repodata).unwrap();
    let reader = Reader::start(&server, 4);
    until_it_says(&reader, "FAULT 1 done").await;
}

#[tokio::test]
async fn dnf_never_reads_half_a_compose_nor_misses_one_too_early() {
    if !has_dnf_for_python() {
        return;
    }
    let cycles = crate::times("ODCS_TEST_CYCLES", 500);
    let memory = crate::in_memory();
    let repository = Repository::copy_below(memory.path());
    let data = memory.path().join("data");
    let (top, data) = (memory.path().to_str().unwrap(), data.to_str().unwrap());
    let start = Start::new().args(["--sweep", "1", "--data-dir", data, "--repo-root", top]);
    let server = start.start();
    let readers = [1, 2].map(|number| Reader::start(&server, number));
    let begun = Instant::now();
    // Most are published anew, though they are all the same; some share a tree.
    let body = |number: usize| {
        let flags: &[&str] = if number.is_multiple_of(4) {
            &[]
        } else {
            &["no_reuse"]
        };
        json!({
            "source": {"type": "repo", "source": repository.path, "packages": ["ed"]}, "flags": flags,
            "seconds_to_live": LIFETIME,
        })
    };
    let (mut ended, mut extended, mut replayed, mut published) = (0, 0, 0, 0);
    let (mut submitted, mut waiting) = (0, std::collections::VecDeque::new());
    while submitted < cycles || !waiting.is_empty() {
        while submitted < cycles && waiting.len() < ALIVE {
            waiting.push_back(server.submit(&body(submitted)).await["id"].as_i64().unwrap());
            submitted += 1;
        }
        let compose = server.ended_within(waiting.pop_front().unwrap(), PATIENCE).await;
        assert!(
            matches!(compose["state_name"].as_str(), Some("done" | "removed")),
            "{compose}"
        );
        ended += 1;
        let own = format!("/odcs-{}", compose["id"]);
        published += usize::from(compose["toplevel_url"].as_str().unwrap().ends_with(&own));
        // Some live on, and are read all the longer.
        if ended % 3 == 0 {
            let renewed = renew(&server, &compose).await;
            if renewed["id"] == compose["id"] {
                extended += 1;
            } else {
                replayed += 1;
                waiting.push_back(renewed["id"].as_i64().unwrap());
            }
        }
    }
    assert!(extended > 0, "no compose was renewed while it was there");
    assert!(
        published >= cycles / 2,
        "{published} of {cycles} were published anew"
    );
    let took = begun.elapsed();
    // All of them expire, and their trees go.
    let begun = Instant::now();
    loop {
        let left = server.get("/api/1/composes/?state=2&per_page=1").await.json()["meta"]["total"].clone();
        if left == 0 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{left} composes do not expire");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let outputs = readers.map(Reader::stop);
    let (mut read, mut gone, mut different) = (0, 0, BTreeSet::new());
    for line in outputs.iter().flat_map(|output| output.lines()) {
        let mut words = line.split(' ');
        match words.next() {
            Some("read") => {
                read += 1;
                different.insert(words.next().unwrap().to_owned());
            }
            Some("gone") => gone += 1,
            _ => panic!("{line}\n{}", server.log()),
        }
    }
    println!(
        "{cycles} composes in {took:?}, {published} trees published; {extended} of them kept longer, {replayed} made again; dnf read {read} times from {} composes, {gone} expired while they were read",
        different.len()
    );
    let expected = cycles / 20;
    assert!(read >= expected, "dnf read only {read} times");
    until_trees_are_gone(&memory.path().join("data/composes")).await;
}

async fn until_trees_are_gone(target: &Path) {
    let begun = Instant::now();
    let is_compose = |name: &std::ffi::OsStr| name.to_string_lossy().contains("odcs-");
    loop {
        let entries = std::fs::read_dir(target).unwrap();
        let left: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| is_compose(name))
            .collect();
        if left.is_empty() {
            return;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "trees of expired composes are left: {left:?}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
