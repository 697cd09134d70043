//! Names that lead where they should not.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use odcs_core::allow::UrlAllowList;
use odcs_core::fetch::{Fetch, GitCommit};
use odcs_core::{ErrorKind, SystemClock};
use odcs_fetch::{FetchSettings, Fetcher, Resolve};

use crate::server::{Reply, Server};
use crate::whole::get;

/// Says one thing after the other; the last one over and over.
#[derive(Debug)]
struct Fickle(Mutex<VecDeque<Vec<IpAddr>>>);

#[async_trait]
impl Resolve for Fickle {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.0.lock().unwrap();
        if answers.len() > 1 {
            return Ok(answers.pop_front().unwrap());
        }
        Ok(answers[0].clone())
    }
}

fn fetcher(server: &Server, networks: &[&str], answers: &[&[&str]]) -> (Fetcher, url::Url) {
    let mut url = server.url("ed.rpm");
    url.set_host(Some("repo.example.com")).unwrap();
    let mut settings = FetchSettings::new(UrlAllowList::parse([url.as_str()]).unwrap());
    settings.networks = networks.iter().map(|network| network.parse().unwrap()).collect();
    settings.attempts = 1;
    let answers = answers
        .iter()
        .map(|answer| answer.iter().map(|a| a.parse().unwrap()).collect());
    let resolver = Fickle(Mutex::new(answers.collect()));
    (
        Fetcher::with_parts(settings, Arc::new(resolver), Arc::new(SystemClock)).unwrap(),
        url,
    )
}

#[tokio::test]
async fn private_addresses_are_connected_to_only_if_they_are_listed() {
    let server = Server::start(|_, _| Reply::new("200 OK", &[], b"an editor")).await;
    for (address, what) in [
        ("127.0.0.1", "a loopback address"),
        ("::ffff:127.0.0.1", "a loopback address"),
        ("::1", "a loopback address"),
        ("0.0.0.0", "an address of this network"),
        ("169.254.169.254", "a link-local address"),
    ] {
        let (fetcher, url) = fetcher(&server, &["10.0.0.0/8"], &[&[address]]);
        let error = get(&fetcher, url).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::Forbidden, false),
            "{error}"
        );
        let says = format!("repo.example.com leads to {address}, {what}; administrators can list such");
        assert!(error.message().contains(&says), "{error}");
    }
    assert_eq!(server.asked().len(), 0);

    let (listed, url) = fetcher(&server, &["127.0.0.0/8"], &[&["10.0.0.1", "127.0.0.1"]]);
    assert_eq!(get(&listed, url).await.unwrap().1, "an editor");
    assert_eq!(
        server.asked()[0].header("host").unwrap().split(':').next(),
        Some("repo.example.com")
    );

    let (unknown, url) = fetcher(&server, &[], &[&[]]);
    let error = get(&unknown, url).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true)
    );
    assert!(
        error
            .message()
            .contains("the address of repo.example.com cannot be found"),
        "{error}"
    );
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_checked_each_time() {
    // Each answer ends the connection, so that the next request needs another one.
    let server = Server::start(|_, _| {
        let mut reply = Reply::new("200 OK", &["Connection: close"], b"an editor");
        reply.close = true;
        reply
    })
    .await;
    let (fetcher, url) = fetcher(&server, &["127.0.0.1/32"], &[&["127.0.0.1"], &["127.0.0.2"]]);
    get(&fetcher, url.clone()).await.unwrap();
    let error = get(&fetcher, url).await.unwrap_err();
    assert!(error.message().contains("leads to 127.0.0.2"), "{error}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn localhost_is_this_machine() {
    let server = Server::start(|_, _| Reply::new("200 OK", &[], b"an editor")).await;
    let mut url = server.url("ed.rpm");
    url.set_host(Some("localhost")).unwrap();
    let settings = FetchSettings::new(UrlAllowList::parse([url.as_str()]).unwrap());
    assert_eq!(
        get(&Fetcher::new(settings).unwrap(), url).await.unwrap().1,
        "an editor"
    );
}

/// Is asked, and says nothing.
#[derive(Debug)]
struct Mute;

#[async_trait]
impl Resolve for Mute {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn names_are_not_looked_up_for_ever() {
    let url: url::Url = "https://repo.example.com/ed.git".parse().unwrap();
    let mut settings = FetchSettings::new(UrlAllowList::parse([url.as_str()]).unwrap());
    settings.connect_timeout = Duration::from_millis(100);
    settings.backoff = Duration::from_millis(1);
    settings.attempts = 2;
    let fetcher = Fetcher::with_parts(settings, Arc::new(Mute), Arc::new(SystemClock)).unwrap();
    let begun = Instant::now();
    let commit = "8f14e45fceea167a5a36dedd4bea2543c1d0b7b8".parse().unwrap();
    let directory = std::env::temp_dir();
    let commit = GitCommit::new(url.clone(), commit, 1_000);
    let of_git = fetcher.commit(&commit, &directory);
    let (of_git, of_file) = tokio::join!(of_git, get(&fetcher, url.clone()));
    for error in [of_git.unwrap_err(), of_file.unwrap_err()] {
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::Unavailable, true)
        );
        assert!(error.message().contains("within 0.1 seconds"), "{error}");
    }
    assert!(begun.elapsed() < Duration::from_secs(10));
}
