//! The real program, killed at moments that nobody chose.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::proof;

/// Kills in CI; more with the variable `ODCS_TEST_KILLS`.
const KILLS: u64 = 30;

/// Starts it in a directory; what it can be asked by comes with it.
fn start(dir: &Path) -> (Child, Api) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_odcs"))
        .current_dir(dir)
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
            ".",
            "--sweep",
            "1",
        ])
        .env("ODCS_LEASE", "1")
        .env("ODCS_CONCURRENCY", "2")
        .env("ODCS_ATTEMPTS", "1000")
        .env("ODCS_LOG", "warn")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let out = child.stdout.take().unwrap();
    BufReader::new(out).read_line(&mut line).unwrap();
    let url = line.split_whitespace().find_map(|word| word.strip_suffix(','));
    let url = url.unwrap_or_else(|| panic!("{line:?}")).to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    (child, Api { url, client })
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

struct Api {
    url: String,
    client: reqwest::Client,
}

impl Api {
    async fn post(&self, body: &Value) -> Option<i64> {
        let response = self
            .client
            .post(format!("{}/api/1/composes/", self.url))
            .body(body.to_string())
            .send()
            .await
            .ok()?;
        let answer: Value = serde_json::from_slice(&response.bytes().await.ok()?).ok()?;
        Some(answer["id"].as_i64().unwrap_or_else(|| panic!("{answer}")))
    }

    async fn get(&self, id: i64) -> Value {
        let url = format!("{}/api/1/composes/{id}", self.url);
        let answer = self.client.get(url).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }
}

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let kills = std::env::var("ODCS_TEST_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let seed = std::env::var("ODCS_TEST_SEED").map_or(0x5eed_0dc5, |seed| seed.parse().unwrap());
    let mut random = Random(seed);
    let dir = proof::place();
    let mut acknowledged = Vec::new();
    let packages = ["ed", "ed-doc", "line-editor-common", "*"];
    for round in 0..kills {
        let (child, api) = start(dir.path());
        let delay = Duration::from_millis(random.below(150));
        let package = packages[usize::try_from(random.below(4)).unwrap()];
        let flags: &[&str] = if random.below(3) == 0 { &[] } else { &["no_reuse"] };
        let lifetime = if random.below(4) == 0 { 1 } else { 86_400 };
        let body = json!({
            "source": {"type": "repo", "source": dir.path().join("repo"), "packages": [package]},
            "flags": flags,
            "seconds-to-live": lifetime,
        });
        let killer = tokio::task::spawn_blocking(move || {
            std::thread::sleep(delay);
            kill(child);
        });
        // Whatever was answered counts, also what was answered just before the kill.
        while let Some(id) = api.post(&body).await {
            acknowledged.push(id);
            if acknowledged.len() as u64 > (round + 1) * 3 {
                break;
            }
        }
        killer.await.unwrap();
        proof::nothing_is_half_visible(dir.path());
    }
    let (child, api) = start(dir.path());
    let begun = Instant::now();
    let patience =
        Duration::from_secs(30) + Duration::from_millis(200) * u32::try_from(acknowledged.len()).unwrap();
    for id in &acknowledged {
        loop {
            let compose = api.get(*id).await;
            match compose["state_name"].as_str().unwrap() {
                "done" | "removed" => break,
                "wait" | "generating" => assert!(begun.elapsed() < patience, "{compose}"),
                _ => panic!("{compose}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    // What has expired is swept within a second or two.
    tokio::time::sleep(Duration::from_secs(3)).await;
    kill(child);
    proof::nothing_is_half_visible(dir.path());
    proof::everything_ended_well(dir.path(), &acknowledged).await;
    assert!(
        acknowledged.len() as u64 >= kills,
        "{} composes",
        acknowledged.len()
    );
}
