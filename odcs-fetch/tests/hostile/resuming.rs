//! Connections that are cut are taken up again where they were, and nothing is put together that does not belong together.

use odcs_core::ErrorKind;
use odcs_core::fetch::{Expected, Fetch, Get, MemorySink, Sink};
use proptest::prelude::*;
use test_support::http::{Behaviour, Server};

use super::support::{Client, LIMIT, digest_of, pattern};

const SIZE: usize = 64;

fn stage() -> (Server, Client, String) {
    let server = Server::empty();
    server.put("/x", pattern(SIZE));
    let client = Client::new([server.url("/")]);
    let url = server.url("/x");
    (server, client, url)
}

#[tokio::test]
async fn wherever_it_is_cut_no_byte_is_sent_twice() {
    for at in 0..=SIZE as u64 {
        let (server, client, url) = stage();
        server.on("/x", Behaviour::CutAfter(at).once());
        assert_eq!(client.bytes(&url).await.unwrap(), pattern(SIZE), "{at}");
        let requests = server.requests();
        let sent: Vec<_> = requests.iter().map(|request| request.sent).collect();
        match at {
            64 => assert_eq!(sent, [64]),
            at => {
                assert_eq!(sent, [at, 64 - at]);
                let range = (at > 0).then(|| format!("bytes={at}-"));
                assert_eq!(requests[1].range(), range.as_deref(), "{at}");
                assert_eq!(requests[1].header("if-range").is_some(), at > 0, "{at}");
            }
        }
        assert_eq!(requests[0].range(), None, "{at}");
    }
}

#[tokio::test]
async fn what_says_least_of_its_version_is_fetched_from_the_beginning() {
    for (behaviours, sent) in [
        (vec![Behaviour::NoValidators], [20, 64]),
        (vec![Behaviour::ChangingEtag], [20, 64]),
        (vec![Behaviour::IgnoreRange], [20, 64]),
        // The date is enough, if there is no tag that is strong.
        (vec![Behaviour::Header("ETag", "W/\"a\"".to_owned())], [20, 44]),
    ] {
        let (server, client, url) = stage();
        let name = format!("{behaviours:?}");
        let rule = |first| {
            behaviours
                .iter()
                .fold(first, |rule: test_support::http::Rule, b| rule.and(b.clone()))
        };
        server.on("/x", rule(Behaviour::CutAfter(20).into()).once());
        server.on("/x", rule(Behaviour::Proper.into()));
        assert_eq!(client.bytes(&url).await.unwrap(), pattern(SIZE), "{name}");
        let found: Vec<_> = server.requests().iter().map(|request| request.sent).collect();
        assert_eq!(found, sent, "{name}");
    }
}

/// A part that cannot be trusted: nothing is asked for in parts any more.
#[tokio::test]
async fn parts_that_are_not_those_asked_for_are_not_used() {
    for behaviour in [
        Behaviour::RangeOff(-5),
        Behaviour::RangeOff(5),
        Behaviour::RangeMisnamed(-5),
        Behaviour::RangeMisnamed(5),
        Behaviour::RangeTotal(99),
        Behaviour::RangeTotal(3),
        Behaviour::RangeUnnamed,
        Behaviour::Header("Content-Range", "bytes 20-63/*, 3".to_owned()),
        Behaviour::Header("Content-Range", "lines 20-63/64".to_owned()),
        Behaviour::Header("Content-Range", "bytes 63-20/64".to_owned()),
        Behaviour::Header("Content-Range", "bytes 20-99999999999999999999/64".to_owned()),
    ] {
        let name = format!("{behaviour:?}");
        let (server, client, url) = stage();
        server.on("/x", Behaviour::CutAfter(20).once());
        server.on("/x", behaviour);
        assert_eq!(client.bytes(&url).await.unwrap(), pattern(SIZE), "{name}");
        let requests = server.requests();
        assert_eq!(requests.len(), 3, "{name}: {requests:?}");
        assert_eq!((requests[2].range(), requests[2].sent), (None, 64), "{name}");
        assert_eq!(
            client.clock.waits().len(),
            1,
            "{name}: asking otherwise is not another try"
        );
    }
}

#[tokio::test]
async fn two_versions_are_never_put_together() {
    let new: Vec<u8> = pattern(SIZE).into_iter().rev().collect();
    for (behaviour, name) in [
        (Behaviour::Proper, "as it should be"),
        (Behaviour::NoValidators, "without validators"),
        (Behaviour::IgnoreRange, "without ranges"),
    ] {
        let (server, client, url) = stage();
        server.on("/x", Behaviour::CutAfter(20).and(behaviour.clone()).once());
        server.on("/x", Behaviour::Body(new.clone().into()).and(behaviour));
        assert_eq!(client.bytes(&url).await.unwrap(), new, "{name}");
        assert_eq!(server.requests().len(), 2, "{name}");
    }
}

/// A server that changes a file and does not say so is found out by the checksum.
#[tokio::test]
async fn what_was_put_together_wrongly_is_fetched_from_the_beginning() {
    let tag = || Behaviour::Header("ETag", "\"same\"".to_owned());
    let (server, client, url) = stage();
    let old: Vec<u8> = pattern(SIZE).into_iter().rev().collect();
    server.on(
        "/x",
        Behaviour::Body(old.into())
            .and(tag())
            .and(Behaviour::CutAfter(20))
            .once(),
    );
    let (_, bytes) = client.get(&[url], Some(&pattern(SIZE))).await.unwrap();
    assert_eq!(bytes, pattern(SIZE));
    assert!(server.requests().len() <= 3);
}

/// A server that says nothing of versions is gone on with if a checksum is known, and believed if it is right.
#[tokio::test]
async fn a_checksum_is_enough_to_go_on() {
    let old: Vec<u8> = pattern(SIZE).into_iter().rev().collect();
    for (first, sent) in [(pattern(SIZE), vec![20, 44]), (old, vec![20, 44, 64])] {
        let (server, client, url) = stage();
        let first = Behaviour::Body(first.into()).and(Behaviour::NoValidators);
        server.on("/x", first.and(Behaviour::CutAfter(20)).once());
        server.on("/x", Behaviour::NoValidators);
        let (_, bytes) = client.get(&[url], Some(&pattern(SIZE))).await.unwrap();
        assert_eq!(bytes, pattern(SIZE));
        let requests = server.requests();
        let found: Vec<_> = requests.iter().map(|request| request.sent).collect();
        assert_eq!(found, sent);
        assert_eq!(requests[1].range(), Some("bytes=20-"));
        assert_eq!(requests[1].header("if-range"), None);
        assert_eq!(client.clock.waits().len(), 1, "only for what was cut");
    }
}

/// A large file of which each connection brings some comes in the end; one that does not grow is given up.
#[tokio::test]
async fn tries_that_bring_the_file_forward_are_not_counted() {
    let large = 6 << 20;
    for (cut, behaviour, requests, is_fetched) in [
        (large / 8 + 1, Behaviour::Proper, 8, true),
        (large / 4 + 1, Behaviour::NoValidators, 4, true),
        // Too little for three tries.
        (300_000, Behaviour::Proper, 3, false),
        // Always the same bytes again.
        (large / 2, Behaviour::ChangingEtag, 3, false),
        (large / 2, Behaviour::IgnoreRange, 3, false),
    ] {
        let (server, client, url) = stage();
        let name = format!("{cut} {behaviour:?}");
        let file = pattern(usize::try_from(large).unwrap());
        server.put("/x", &file);
        server.on("/x", Behaviour::CutAfter(cut).and(behaviour));
        let expected = Expected::at_most(large, &url).with_digest(Some(digest_of(&file)));
        let mut sink = MemorySink::new(expected);
        let get = Get::new(url.parse().unwrap(), large);
        let result = client.fetcher.get(&get, &mut sink).await;
        assert_eq!(result.is_ok(), is_fetched, "{name}: {result:?}");
        assert!(!is_fetched || sink.into_bytes() == file, "{name}");
        assert_eq!(server.requests().len(), requests, "{name}");
        assert_eq!(client.clock.waits().len(), requests - 1, "{name}");
    }
}

/// A server that begins anew each time that some came does not go on for ever.
#[tokio::test]
async fn bytes_that_are_thrown_away_are_no_progress() {
    let large: u64 = 4 << 20;
    let (server, client, url) = stage();
    let file = pattern(usize::try_from(large).unwrap());
    server.put("/x", &file);
    // The first half, the next quarter, and then something that is not what was asked for, over and over.
    for _ in 0..40 {
        server.on("/x", Behaviour::CutAfter(large / 2).once());
        server.on("/x", Behaviour::CutAfter(large / 4).once());
        server.on("/x", Behaviour::RangeTotal(99).once());
    }
    let expected = Expected::at_most(large, &url).with_digest(Some(digest_of(&file)));
    let get = Get::new(url.parse().unwrap(), large);
    let result = client.fetcher.get(&get, &mut MemorySink::new(expected)).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(server.requests().len() < 12, "{}", server.requests().len());
}

/// A sink that has something already, as after the process was killed.
async fn continued(
    client: &Client,
    url: &str,
    has: &[u8],
) -> (Result<odcs_core::fetch::Head, odcs_core::Error>, Vec<u8>) {
    let expected = Expected::at_most(LIMIT, url).with_digest(Some(digest_of(&pattern(SIZE))));
    let mut sink = MemorySink::new(expected);
    if !has.is_empty() {
        sink.write(has.to_vec().into()).await.unwrap();
    }
    let result = client
        .fetcher
        .get(&Get::new(url.parse().unwrap(), LIMIT), &mut sink)
        .await;
    (result, sink.into_bytes().into())
}

#[tokio::test]
async fn what_a_sink_has_already_is_kept_if_it_is_right() {
    let file = pattern(SIZE);
    let zeros = [0; 100];
    for (has, sent) in [
        (&file[..0], vec![64]),
        (&file[..1], vec![63]),
        (&file[..40], vec![24]),
        (&file[..63], vec![1]),
        // Everything: there is no more, says the server.
        (&file[..], vec![0]),
        // Wrong, or too much: from the beginning.
        (&zeros[..40], vec![24, 64]),
        (&zeros[..64], vec![0, 64]),
        (&zeros[..100], vec![0, 64]),
    ] {
        let (server, client, url) = stage();
        let (result, bytes) = continued(&client, &url, has).await;
        result.unwrap_or_else(|error| panic!("{}: {error}", has.len()));
        assert_eq!(bytes, file, "{}", has.len());
        let requests = server.requests();
        let found: Vec<_> = requests
            .iter()
            .map(|r| if r.status == 416 { 0 } else { r.sent })
            .collect();
        assert_eq!(found, sent, "{}: {requests:?}", has.len());
        assert!(client.clock.waits().is_empty(), "{}", has.len());
    }
}

#[tokio::test]
async fn a_mirror_goes_on_where_the_first_place_stopped() {
    let (server, _, _) = stage();
    let (mirror, _, _) = stage();
    let client = Client::new([server.url("/"), mirror.url("/")]);
    server.on("/x", Behaviour::CutAfter(20).once());
    server.on("/x", Behaviour::Status(404));
    let places = [server.url("/x"), mirror.url("/x")];
    let (head, bytes) = client.get(&places, Some(&pattern(SIZE))).await.unwrap();
    assert_eq!(
        (bytes, head.url.as_str()),
        (pattern(SIZE).into(), places[1].as_str())
    );
    let requests = mirror.requests();
    // By its date: tags are each server's own.
    assert_eq!((requests.len(), requests[0].sent), (1, 44), "{requests:?}");
    assert!(
        requests[0].header("if-range").unwrap().ends_with(" GMT"),
        "{requests:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However often and wherever it is cut, and whatever the server does with ranges: the file, or an error.
    #[test]
    fn what_is_taken_is_the_file(
        cuts in prop::collection::vec((0..70_u64, 0..9_usize), 0..6),
        has in 0..70_usize,
        is_right in any::<bool>(),
        last in 0..9_usize,
    ) {
        let odd = |number: usize| match number {
            0 => Behaviour::IgnoreRange,
            1 => Behaviour::RangeOff(-3),
            2 => Behaviour::RangeMisnamed(2),
            3 => Behaviour::RangeTotal(70),
            4 => Behaviour::RangeUnnamed,
            5 => Behaviour::ChangingEtag,
            6 => Behaviour::NoValidators,
            7 => Behaviour::Chunked,
            _ => Behaviour::Proper,
        };
        let (server, client, url) = stage();
        for (at, number) in &cuts {
            server.on("/x", Behaviour::CutAfter(*at).and(odd(*number)).once());
        }
        server.on("/x", odd(last));
        let mut before: Vec<u8> = pattern(SIZE).into_iter().cycle().take(has).collect();
        if !is_right {
            before.iter_mut().for_each(|byte| *byte ^= 0xff);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (result, bytes) = runtime.block_on(continued(&client, &url, &before));
        match result {
            Ok(_) => prop_assert_eq!(bytes, pattern(SIZE)),
            Err(error) => prop_assert!(cuts.len() >= 3, "{} after {:?}", error, server.requests()),
        }
        prop_assert!(server.requests().len() <= 9, "{:?}", server.requests());
    }
}
