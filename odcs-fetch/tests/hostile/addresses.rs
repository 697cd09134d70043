//! Names of the list that lead to addresses that are not.

use std::net::Ipv4Addr;

use odcs_core::ErrorKind;
use test_support::http::{Behaviour, Canary, Server};
use test_support::urls::ADDRESSES;

use super::support::Client;

const NAME: &str = "packages.example.com";

fn client(port: u16) -> Client {
    Client::new([format!("http://{NAME}:{port}/")])
}

#[tokio::test]
async fn names_of_the_list_do_not_lead_to_addresses_that_nobody_listed() {
    let canary = Canary::new();
    let port = canary.port();
    let url = format!("http://{NAME}:{port}/pub/x");
    for address in ADDRESSES {
        let client = client(port);
        client.names.answer(NAME, &[address]);
        let error = client.bytes(&url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{address}: {error}");
        for says in [NAME, *address, "allowed_networks"] {
            let says = says
                .parse::<std::net::IpAddr>()
                .map_or(says.to_owned(), |says| says.to_string());
            assert!(error.message().contains(&says), "{address}: {error}");
        }
        assert_eq!(client.names.asked(), [NAME], "{address}: it is not tried again");
        assert!(
            client.clock.waits().is_empty() && !error.is_retryable(),
            "{address}"
        );
        assert_eq!(canary.connections(), 0, "{address}");
    }
}

#[tokio::test]
async fn of_several_addresses_only_those_are_used_that_may_be() {
    let (server, canary) = Canary::beside(Ipv4Addr::new(127, 0, 0, 2));
    server.put("/x", "right");
    let port = server.address().port();
    let client = Client::with([format!("http://{NAME}:{port}/")], |settings| {
        settings.networks = vec!["127.0.0.2/32".parse().unwrap()];
    });
    client.names.answer(
        NAME,
        &[
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "169.254.169.254",
            "127.0.0.2",
        ],
    );
    let got = client.bytes(&format!("http://{NAME}:{port}/x")).await.unwrap();
    assert_eq!(got, "right");
    assert_eq!((server.connections(), canary.connections()), (1, 0));
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_the_second_time_is_refused_then() {
    let (server, canary) = Canary::beside(Ipv4Addr::new(127, 0, 0, 2));
    let port = server.address().port();
    let url = |path: &str| format!("http://{NAME}:{port}{path}");
    server.put("/x", "right");
    for (behaviour, path) in [
        (Behaviour::CutAfter(2), "/x"),
        (Behaviour::CutAtOnce, "/x"),
        (Behaviour::CutInHead, "/x"),
        (Behaviour::Redirect(302, url("/y")), "/x"),
    ] {
        server.behave();
        // Kept connections would need no address.
        server.on(
            path,
            behaviour
                .clone()
                .and(Behaviour::Header("Connection", "close".to_owned())),
        );
        let client = Client::with([url("/")], |settings| {
            settings.networks = vec!["127.0.0.2/32".parse().unwrap()];
        });
        client.names.answer(NAME, &["127.0.0.2"]);
        client.names.answer(NAME, &["127.0.0.1"]);
        let before = server.connections();
        let error = client.bytes(&url(path)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{behaviour:?}: {error}");
        assert_eq!(
            (server.connections() - before, canary.connections()),
            (1, 0),
            "{behaviour:?}"
        );
        assert_eq!(client.names.asked(), [NAME, NAME], "{behaviour:?}");
    }
}

#[tokio::test]
async fn what_was_checked_is_what_is_connected_to() {
    let (server, canary) = Canary::beside(Ipv4Addr::new(127, 0, 0, 2));
    let port = server.address().port();
    server.put("/x", "right");
    let client = Client::with([format!("http://{NAME}:{port}/")], |settings| {
        settings.networks = vec!["127.0.0.2/32".parse().unwrap()];
    });
    // Were it asked once to check and once more to connect, the second answer would count.
    client.names.answer(NAME, &["127.0.0.2"]);
    client.names.answer(NAME, &["127.0.0.1"]);
    let got = client.bytes(&format!("http://{NAME}:{port}/x")).await.unwrap();
    assert_eq!(got, "right");
    assert_eq!((client.names.asked().len(), canary.connections()), (1, 0));
}

#[tokio::test]
async fn listing_one_host_does_not_list_another_name_for_it() {
    let canary = Canary::new();
    let port = canary.port();
    let client = Client::new([
        format!("http://127.0.0.1:{port}/"),
        format!("http://{NAME}:{port}/"),
    ]);
    client.names.answer(NAME, &["127.0.0.1"]);
    let error = client
        .bytes(&format!("http://{NAME}:{port}/pub/x"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), canary.connections()),
        (ErrorKind::Forbidden, 0),
        "{error}"
    );
    let got = client.bytes(&format!("http://127.0.0.1:{port}/pub/x")).await;
    assert_eq!(got.unwrap(), "what nobody may see");
}

#[tokio::test]
async fn localhost_is_this_machine_and_nothing_else() {
    let server = Server::empty();
    server.put("/x", "right");
    let url = format!("http://localhost:{}/x", server.address().port());
    for (address, kind) in [
        ("10.0.0.1", Some(ErrorKind::Forbidden)),
        ("169.254.169.254", Some(ErrorKind::Forbidden)),
        ("0.0.0.0", Some(ErrorKind::Forbidden)),
        ("127.0.0.1", None),
    ] {
        let client = Client::new([&url]);
        client.names.answer("localhost", &[address]);
        let got = client.bytes(&url).await;
        assert_eq!(got.err().map(|error| error.kind()), kind, "{address}");
    }
}

#[tokio::test]
async fn a_place_that_may_not_be_fetched_does_not_hide_one_that_may() {
    let (server, canary) = (Server::empty(), Canary::new());
    server.put("/x", "right");
    let client = Client::new([server.url("/")]);
    let off = format!("http://127.0.0.1:{}/pub/x", canary.port());
    for places in [[off.clone(), server.url("/x")], [server.url("/x"), off]] {
        let got = client.get(&places, Some(b"right")).await;
        assert!(got.is_ok_and(|(_, bytes)| bytes == "right") || places[0] != server.url("/x"));
        assert_eq!(canary.connections(), 0);
    }
}
