//! Servers that take their time.

use std::time::Duration;

use bytes::Bytes;
use odcs_core::{Error, ErrorKind};
use test_support::http::{Behaviour, Gate, Rule, Server};

use super::support::{Client, pattern};

/// Fetches, and moves the clock on whenever everybody waits.
async fn wait_for(client: Client, url: &str) -> (Result<Bytes, Error>, Client) {
    let time = client.clock.time.clone();
    let url = url.to_owned();
    let task = tokio::spawn(async move { (client.bytes(&url).await, client) });
    while !task.is_finished() {
        if time.sleepers() > 0 {
            time.advance(Duration::from_secs(61));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    task.await.unwrap()
}

fn stage(rule: impl Into<Rule>) -> (Server, Client) {
    let server = Server::empty();
    server.put("/x", pattern(5_000));
    server.on("/x", rule);
    let client = Client::with([server.url("/")], |settings| {
        settings.connections_per_host = 4;
    });
    (server, client)
}

#[tokio::test]
async fn silence_ends_and_is_tried_again() {
    let never = Duration::from_secs(3_600);
    for rule in [
        Rule::from(Behaviour::Delay(never)),
        Behaviour::HoldAfter(0, Gate::default()).into(),
    ] {
        let name = format!("{:?}", rule.behaviours());
        let (server, client) = stage(rule);
        let (got, client) = wait_for(client, &server.url("/x")).await;
        let error = got.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{name}: {error}");
        assert!(error.is_retryable(), "{name}: {error}");
        assert_eq!(
            (server.requests().len(), client.clock.waits().len()),
            (3, 2),
            "{name}: {error}"
        );
    }
}

#[tokio::test]
async fn what_comes_too_slowly_is_cut_and_taken_up_again() {
    // 1,000 bytes and no more for a minute is less than 60,000 bytes a minute.
    let (server, client) = stage(Behaviour::HoldAfter(1_000, Gate::default()));
    let (got, _) = wait_for(client, &server.url("/x")).await;
    let error = got.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("too slow"), "{error}");
    let ranges: Vec<_> = server
        .requests()
        .iter()
        .map(|r| r.range().map(str::to_owned))
        .collect();
    assert_eq!(
        ranges,
        [
            None,
            Some("bytes=1000-".to_owned()),
            Some("bytes=2000-".to_owned())
        ]
    );
}

#[tokio::test]
async fn slow_servers_do_not_keep_places_from_others() {
    let gate = Gate::default();
    let (server, client) = stage(Behaviour::HoldAfter(10, gate.clone()).times(20));
    let client = std::sync::Arc::new(client);
    let url = server.url("/x");
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (client, url) = (client.clone(), url.clone());
            tokio::spawn(async move { client.bytes(&url).await })
        })
        .collect();
    let waiting = gate.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for(4))
        .await
        .unwrap();
    assert_eq!(
        (gate.seen(), server.requests().len(), server.connections()),
        (4, 4, 4)
    );
    gate.open();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), pattern(5_000));
    }
    assert_eq!((server.requests().len(), server.connections()), (20, 4));
}

/// Interim answers are none: the answer has to come in the time that there is for it. Reading them keeps a thread busy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_only_says_that_it_is_working_on_it_is_given_up() {
    let (server, _) = stage(Behaviour::EndlessInformational);
    let client = Client::with([server.url("/")], |settings| {
        settings.read_timeout = Duration::from_secs(50);
    });
    let begun = std::time::Instant::now();
    let (got, client) = wait_for(client, &server.url("/x")).await;
    let error = got.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("nothing came for 60 seconds"), "{error}");
    assert_eq!((server.connections(), client.clock.waits().len()), (3, 2));
    // The connections are closed, not left to be read on: then nothing more is sent through them.
    let sent = || server.requests().iter().map(|request| request.sent).sum::<u64>();
    let mut before = sent();
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = sent();
        if now == before {
            break;
        }
        before = now;
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// Whoever is no longer interested hangs up.
#[tokio::test]
async fn what_is_given_up_frees_its_connection() {
    let gate = Gate::default();
    let (server, client) = stage(Behaviour::HoldAfter(10, gate.clone()).times(4));
    let client = std::sync::Arc::new(client);
    let url = server.url("/x");
    for count in 1..=4 {
        let task = {
            let (client, url) = (client.clone(), url.clone());
            tokio::spawn(async move { client.bytes(&url).await })
        };
        let waiting = gate.clone();
        tokio::task::spawn_blocking(move || waiting.wait_for(count))
            .await
            .unwrap();
        task.abort();
        let _ = task.await;
    }
    assert_eq!(client.bytes(&url).await.unwrap(), pattern(5_000));
}
