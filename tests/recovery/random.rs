//! The real program, killed at moments that nobody chose.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use reqwest::Client;
use rpmgen::Random;
use serde_json::{Value, json};

use crate::proof;
use crate::support::{Server, Start};

/// Kills in CI; more with the variable `ODCS_TEST_KILLS`.
const KILLS: usize = 30;
/// Where the random choices begin; elsewhere with the variable `ODCS_TEST_SEED`.
const SEED: u64 = 0x5eed_0dc5;

fn start(start: Start) -> Server {
    start
        .args(["--data-dir", ".", "--sweep", "1"])
        .variable("ODCS_LEASE", "1")
        .variable("ODCS_CONCURRENCY", "2")
        .variable("ODCS_ATTEMPTS", "1000")
        .variable("ODCS_LOG", "warn")
        .start()
}

/// The id that a request is given; `None` if there was nobody to give it any more.
async fn post(client: &Client, url: &str, body: &Value) -> Option<i64> {
    let request = client.post(url).body(body.to_string());
    let response = request.send().await.ok()?;
    let answer: Value = serde_json::from_slice(&response.bytes().await.ok()?).ok()?;
    Some(answer["id"].as_i64().unwrap_or_else(|| panic!("{answer}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random() {
    let kills = std::env::var("ODCS_TEST_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let seed = std::env::var("ODCS_TEST_SEED").map_or(SEED, |seed| seed.parse().unwrap());
    println!("ODCS_TEST_SEED={seed}");
    let mut random = Random::new(seed);
    let mut place = Start::within(proof::place());
    let repository = place.dir().join("repo");
    let client = {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Client::builder().no_proxy().build().unwrap()
    };
    let mut acknowledged = Vec::new();
    let packages = ["ed", "ed-doc", "line-editor-common", "*"];
    let mut killed = 0;
    // On a busy machine some are killed before they could answer anything: then it takes more of them.
    while killed < kills || (acknowledged.len() < kills && killed < 4 * kills) {
        let server = start(place);
        let delay = Duration::from_millis(random.below(150) as u64);
        let package = packages[random.below(packages.len())];
        let flags: &[&str] = if random.below(3) == 0 { &[] } else { &["no_reuse"] };
        let lifetime = if random.below(4) == 0 { 1 } else { 86_400 };
        let body = json!({
            "source": {"type": "repo", "source": repository, "packages": [package]},
            "flags": flags,
            "seconds-to-live": lifetime,
        });
        let (pid, url) = (server.pid(), server.url("/api/1/composes/"));
        let killer = tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            kill(pid, Signal::SIGKILL).unwrap();
        });
        // Whatever was answered counts, also what was answered just before the kill.
        while let Some(id) = post(&client, &url, &body).await {
            acknowledged.push(id);
            if acknowledged.len() > (killed + 1) * 3 {
                break;
            }
        }
        killer.await.unwrap();
        place = server.wait().1;
        killed += 1;
        proof::nothing_is_half_visible(place.dir());
    }
    let server = start(place);
    let begun = Instant::now();
    let patience =
        Duration::from_secs(30) + Duration::from_millis(200) * u32::try_from(acknowledged.len()).unwrap();
    for id in &acknowledged {
        let left = patience.saturating_sub(begun.elapsed());
        let compose = server.ended_within(*id, left).await;
        let state = compose["state_name"].as_str().unwrap();
        assert!(matches!(state, "done" | "removed"), "{compose}");
    }
    let recovered = begun.elapsed();
    // What has expired is swept within a second or two.
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.signal(Signal::SIGKILL);
    let place = server.wait().1;
    proof::nothing_is_half_visible(place.dir());
    proof::everything_ended_well(place.dir(), &acknowledged).await;
    let composes = acknowledged.len();
    assert!(composes >= kills, "{composes} composes");
    println!("{killed} kills, {composes} composes, the last of them ended {recovered:?} after the last kill");
}
