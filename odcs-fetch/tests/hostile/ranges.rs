//! Parts of files: the part that was asked for, or an error.

use odcs_core::fetch::{Expected, FetchExt, Get};
use odcs_core::{Error, ErrorKind};
use test_support::http::{Behaviour, Rule, Server};

use super::support::{Client, pattern};

const SIZE: usize = 1_000;

/// Bytes `first` to `last`, and the size of the whole file, with this rule for all requests.
async fn part(
    rule: impl Into<Rule>,
    first: u64,
    last: u64,
) -> (Result<(Option<u64>, Vec<u8>), Error>, Server) {
    let server = Server::empty();
    server.put("/x", pattern(SIZE));
    server.on("/x", rule);
    let client = Client::new([server.url("/")]);
    let url = server.url("/x");
    let get = Get::new(url.parse().unwrap(), 1 << 20).with_range(first, last);
    let got = client.fetcher.bytes(&get, Expected::at_most(1 << 20, url)).await;
    (got.map(|(head, bytes)| (head.size, bytes.to_vec())), server)
}

#[tokio::test]
async fn parts_are_those_asked_for_whatever_the_server_does() {
    let file = pattern(SIZE);
    for behaviour in [
        Behaviour::Proper,
        Behaviour::IgnoreRange,
        Behaviour::NoValidators,
        Behaviour::ChangingEtag,
        Behaviour::Chunked,
        Behaviour::NoLength,
        Behaviour::RangeOff(-1),
        Behaviour::RangeOff(1),
        Behaviour::RangeMisnamed(-1),
        Behaviour::RangeMisnamed(1),
        Behaviour::RangeUnnamed,
    ] {
        for (first, last) in [
            (0, 0),
            (0, 95),
            (1, 1),
            (100, 299),
            (500, 999),
            (999, 999),
            (0, 999),
        ] {
            let name = format!("{behaviour:?} {first}-{last}");
            let (got, server) = part(behaviour.clone(), first, last).await;
            let wanted = &file[usize::try_from(first).unwrap()..=usize::try_from(last).unwrap()];
            match got {
                Ok((size, bytes)) => {
                    assert_eq!(bytes, wanted, "{name}");
                    // What sends no length does not say it.
                    let is_known = !matches!(behaviour, Behaviour::Chunked | Behaviour::NoLength);
                    assert!(
                        size == Some(1_000) || (!is_known && size.is_none()),
                        "{name}: {size:?}"
                    );
                }
                Err(error) => panic!("{name}: {error} after {:?}", server.requests()),
            }
        }
    }
}

/// Of a total that is a lie only the bytes are wanted.
#[tokio::test]
async fn a_total_that_cannot_be_checked_is_told_on() {
    let (got, _) = part(Behaviour::RangeTotal(5_000), 100, 299).await;
    assert_eq!(got.unwrap().0, Some(5_000));
}

#[tokio::test]
async fn parts_that_are_cut_are_taken_up_again() {
    let (got, server) = part(Behaviour::CutAfter(70), 100, 299).await;
    assert_eq!(got.unwrap().1, &pattern(SIZE)[100..300]);
    let requests = server.requests();
    let ranges: Vec<_> = requests.iter().filter_map(|request| request.range()).collect();
    assert_eq!(ranges, ["bytes=100-299", "bytes=170-299", "bytes=240-299"]);
    assert_eq!(requests.iter().map(|request| request.sent).sum::<u64>(), 200);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    for (behaviour, first, last) in [
        (Behaviour::Proper, 1_000, 1_100),
        (Behaviour::Proper, 5_000, 5_100),
        (Behaviour::IgnoreRange, 1_000, 1_100),
        (Behaviour::Proper, u64::MAX - 1, u64::MAX),
        (Behaviour::Proper, 5, 4),
    ] {
        let (got, _) = part(behaviour, first, last).await;
        let error = got.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unavailable),
            "{error}"
        );
    }
    // A part that ends behind the end of the file is what is there of it.
    let (got, _) = part(Behaviour::Proper, 900, 2_000).await;
    assert_eq!(got.unwrap().1, &pattern(SIZE)[900..]);
}

#[tokio::test]
async fn a_whole_file_is_not_read_for_the_sake_of_its_beginning() {
    let (got, server) = part(Behaviour::EndlessBody, 0, 95).await;
    assert_eq!(got.unwrap().1, vec![b'x'; 96]);
    assert!(server.requests()[0].sent < 32 << 20);
    let (got, server) = part(Behaviour::EndlessBody, 10 << 20, (10 << 20) + 5).await;
    let error = got.unwrap_err();
    assert!(error.message().contains("parts of files"), "{error}");
    assert_eq!(server.requests().len(), 1);
}
