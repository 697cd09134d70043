//! Connections that break, servers that are slow or not trusted: what is tried again, and what is said in the end.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use kojihub::{Hub, Wrong};
use odcs_core::{Clock, Error, ErrorKind, Timestamp};
use odcs_sources::koji::client::{BuildRef, EventId, Fault, HubSettings, KojiHub, Problem, TaskId};
use test_support::http::Tls;

use crate::faults::{EVENT, refused};
use crate::server::{Answer, Server, fault};

/// A clock that is never waited for, and remembers how long it was to be.
#[derive(Debug, Default)]
struct Hasty(Mutex<Vec<Duration>>);

#[async_trait]
impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(0)
    }

    async fn sleep(&self, duration: Duration) {
        self.0.lock().unwrap().push(duration);
    }
}

fn patient(server: &Server) -> (HubSettings, Arc<Hasty>) {
    let clock = Arc::new(Hasty::default());
    let mut settings = server.settings();
    settings.attempts = 4;
    settings.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    (settings, clock)
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::with(Answer::value(EVENT));
    let to = elsewhere.settings().server;
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let error = refused(Answer::http(status, &[("Location", to.as_str())], b"")).await;
        assert!(
            matches!(error.problem(), Problem::Redirect { to: found } if **found == *to.as_str()),
            "{error:?}"
        );
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Internal, false));
    }
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn what_is_retryable_is_tried_again_and_nothing_else() {
    let page = b"<html><head><title>Service\n Unavailable</title></head></html>";
    let http = |status: &str| Answer::http(status, &[("Content-Type", "text/html")], page);
    let passing = [
        http("502 Bad Gateway"),
        http("503 Service Unavailable"),
        http("504 Gateway Timeout"),
        fault(1014, "database outage"),
        Answer::raw(""),
        Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<?xml"),
        Answer::raw("HTTP/1.1 200 OK\r\n").reset(),
    ];
    for answer in passing {
        let server = Server::new();
        server.answer([answer.clone(), answer.clone(), Answer::value(EVENT)]);
        let (settings, clock) = patient(&server);
        let hub = KojiHub::new(settings).unwrap();
        assert_eq!(hub.last_event().await.unwrap().id, EventId(174), "{answer:?}");
        assert_eq!(
            *clock.0.lock().unwrap(),
            [Duration::from_secs(1), Duration::from_secs(2)]
        );
        assert_eq!(server.asked().len(), 3);
        // And in the end it is said.
        server.answer([answer]);
        let error = hub.last_event().await.unwrap_err();
        assert!(
            error.is_retryable() && error.to_string().contains("can be asked for again later"),
            "{error}"
        );
        assert_eq!(server.asked().len(), 4);
        let error = Error::from(error);
        assert!(error.is_retryable());
        assert_eq!(
            (error.kind(), error.operation()),
            (ErrorKind::Unavailable, "getLastEvent")
        );
    }
    let lasting = [
        http("400 Bad Request"),
        http("401 Unauthorized"),
        http("403 Forbidden"),
        http("404 Not Found"),
        http("411 Length Required"),
        http("500 Internal Server Error"),
        fault(1, "&lt;class 'KeyError'&gt;: 'x'"),
        fault(1000, "No such tagInfo: 'x'"),
        fault(1019, "get_tag() got an unexpected keyword argument"),
        Answer::value("<value><nil/></value>"),
        Answer::xml("garbage"),
    ];
    for answer in lasting {
        let server = Server::with(answer.clone());
        let (settings, clock) = patient(&server);
        let error = KojiHub::new(settings).unwrap().last_event().await.unwrap_err();
        assert!(!error.is_retryable(), "{error}");
        assert_eq!(server.asked().len(), 1, "{answer:?}");
        assert!(clock.0.lock().unwrap().is_empty());
        if let Problem::Status { shown, .. } = error.problem() {
            assert_eq!(&**shown, "Service Unavailable");
        }
    }
}

#[tokio::test]
async fn nobody_listens() {
    let mut settings = HubSettings::new(
        format!("http://{}/kojihub", test_support::http::nobody())
            .parse()
            .unwrap(),
    );
    let clock = Arc::new(Hasty::default());
    settings.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    let error = KojiHub::new(settings).unwrap().last_event().await.unwrap_err();
    assert!(matches!(error.problem(), Problem::Connect { .. }), "{error:?}");
    assert!(
        error.is_retryable() && error.to_string().contains("5 times"),
        "{error}"
    );
    let seconds: Vec<_> = clock.0.lock().unwrap().iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [1, 2, 4, 8]);
}

#[tokio::test]
async fn an_offline_hub_is_said_to_be() {
    let error = refused(fault(1014, "database outage")).await;
    let text = error.to_string();
    assert!(text.starts_with("the Koji hub http://127.0.0.1:"), "{text}");
    assert!(
        text.ends_with("/kojihub is offline: database outage; the compose can be asked for again later"),
        "{text}"
    );
}

/// A hub that goes offline while it answers many calls at once has answered none of them.
#[tokio::test]
async fn a_hub_that_is_offline_for_one_of_many_calls_is_asked_again() {
    let double = Hub::start();
    let asked = [
        BuildRef::from("lab-volume-1.0-1"),
        "nodashes".into(),
        "lab-hello-1.0-1".into(),
    ];
    let hub = |change: fn(&mut HubSettings)| {
        let clock = Arc::new(Hasty::default());
        let mut settings = HubSettings::new(double.url().parse().unwrap());
        settings.attempts = 4;
        settings.clock = Arc::clone(&clock) as Arc<dyn Clock>;
        change(&mut settings);
        (KojiHub::new(settings).unwrap(), clock)
    };
    let offline = || Wrong::FaultInside(2, Fault::OFFLINE, "database outage".into());
    double.on(offline().of("multiCall").times(2));
    let (patient, clock) = hub(|_| {});
    let builds = patient.builds(&asked).await.unwrap();
    let ids: Vec<_> = builds.iter().flatten().flatten().map(|build| build.id).collect();
    assert_eq!(ids.len(), 2);
    // Other faults are of their call, as ever.
    assert!(builds[1].as_ref().unwrap_err().is_fault(Fault::GENERIC));
    assert_eq!(
        *clock.0.lock().unwrap(),
        [Duration::from_secs(1), Duration::from_secs(2)]
    );
    assert_eq!(double.calls().len(), 3);

    // In the end it is an error of all.
    double.behave();
    double.on(offline());
    for (change, times) in [
        ((|_| {}) as fn(&mut HubSettings), 4),
        (|settings| settings.retry_offline = false, 1),
    ] {
        double.forget();
        let error = hub(change).0.builds(&asked).await.unwrap_err();
        assert_eq!(double.calls().len(), times);
        assert!(
            error.is_fault(Fault::OFFLINE) && error.is_retryable(),
            "{error:?}"
        );
        assert!(
            error.to_string().contains("is offline: database outage"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_takes_too_long_is_given_up() {
    let slow = Answer::value(EVENT).slowly(Duration::from_millis(40));
    let server = Server::with(slow);
    let mut settings = server.settings();
    settings.call_timeout = Duration::from_millis(300);
    let started = Instant::now();
    let error = KojiHub::new(settings).unwrap().last_event().await.unwrap_err();
    assert!(
        matches!(error.problem(), Problem::Timeout { .. }) && error.is_retryable(),
        "{error:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(5));
    // Nothing at all, and nothing any more.
    let head =
        Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<?xml").slowly(Duration::from_secs(30));
    for answer in [head, Answer::raw("x").slowly(Duration::from_secs(30))] {
        let server = Server::with(answer);
        let mut settings = server.settings();
        settings.read_timeout = Duration::from_millis(100);
        let error = KojiHub::new(settings).unwrap().last_event().await.unwrap_err();
        assert!(
            matches!(
                error.problem(),
                Problem::Timeout {
                    what: "nothing came",
                    ..
                }
            ),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn so_many_calls_are_made_at_a_time_and_no_more() {
    let server = Server::with(Answer::value(EVENT).slowly(Duration::from_millis(1)));
    let mut settings = server.settings();
    settings.connections = 1;
    let hub = KojiHub::new(settings).unwrap();
    // The one that is dropped gives its place to the next.
    let dropped = tokio::time::timeout(Duration::from_millis(50), hub.last_event()).await;
    assert!(dropped.is_err());
    let (one, other) = tokio::join!(hub.last_event(), hub.last_event());
    assert_eq!(one.unwrap(), other.unwrap());
}

#[tokio::test]
async fn passwords_in_an_address_are_not_shown() {
    let server = Server::with(fault(1000, "x"));
    let mut settings = server.settings();
    settings.server.set_username("me").unwrap();
    settings.server.set_password(Some("secret")).unwrap();
    let hub = KojiHub::new(settings).unwrap();
    let error = hub.task_info(TaskId(1)).await.unwrap_err();
    assert!(
        !format!("{error} {error:?} {hub:?}").contains("secret"),
        "{error}"
    );
}

#[tokio::test]
async fn hubs_are_trusted_by_certificates() {
    let tls = Tls::new();
    let server = test_support::http::Server::empty_with_tls(&tls);
    let url = || server.url("/kojihub").parse().unwrap();
    let error = KojiHub::new(HubSettings::new(url()))
        .unwrap()
        .last_event()
        .await
        .unwrap_err();
    assert!(matches!(error.problem(), Problem::Tls { .. }), "{error:?}");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Internal, false));
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, tls.authority_pem()).unwrap();
    let mut settings = HubSettings::new(url());
    settings.ca_file = Some(authority.clone());
    let error = KojiHub::new(settings).unwrap().last_event().await.unwrap_err();
    // It is no hub: but it was asked.
    assert!(matches!(error.problem(), Problem::Status { .. }), "{error:?}");
    for (ca_file, server) in [
        (Some(folder.path().join("none.pem")), "https://localhost/"),
        (None, "file:///kojihub"),
    ] {
        let mut settings = HubSettings::new(server.parse().unwrap());
        settings.ca_file = ca_file;
        let error = KojiHub::new(settings).unwrap_err();
        assert!(matches!(error.problem(), Problem::Settings { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn certificates_are_shown() {
    let tls = Tls::with_client_certificates();
    let server = test_support::http::Server::empty_with_tls(&tls);
    let folder = tempfile::tempdir().unwrap();
    let (authority, both) = (folder.path().join("ca.pem"), folder.path().join("client.pem"));
    std::fs::write(&authority, tls.authority_pem()).unwrap();
    let (certificate, key) = tls.client_pem();
    // Koji keeps both in one file.
    std::fs::write(&both, format!("{key}{certificate}")).unwrap();
    let mut settings = HubSettings::new(server.url("/kojihub").parse().unwrap());
    settings.attempts = 1;
    settings.ca_file = Some(authority);
    let error = KojiHub::new(settings.clone())
        .unwrap()
        .last_event()
        .await
        .unwrap_err();
    assert!(!matches!(error.problem(), Problem::Status { .. }), "{error:?}");
    settings.client_certificate = Some((both.clone(), both));
    let error = KojiHub::new(settings).unwrap().last_event().await.unwrap_err();
    assert!(matches!(error.problem(), Problem::Status { .. }), "{error:?}");
}
