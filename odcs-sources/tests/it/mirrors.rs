//! Repositories with mirrors.

use std::fmt::Write;

use odcs_core::{ComposeSource, ErrorKind};
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_sources::repo::{MirrorList, MirrorRule, RepoPins};

use crate::http::{Remote, URL, request};

const LIST: &str = "https://example.com/list";

const MIRROR: &str = "https://mirror.example.com/a/";

fn rule(list: impl FnOnce(url::Url) -> MirrorList) -> MirrorRule {
    MirrorRule {
        repository: URL.parse().unwrap(),
        list: list(LIST.parse().unwrap()),
    }
}

fn metalink(documents: &[&[u8]], mirrors: &[&str]) -> String {
    let mut text = "<metalink><files><file name='repomd.xml'>".to_owned();
    for (number, document) in documents.iter().enumerate() {
        let hash = Digest::of_bytes(DigestAlgorithm::Sha256, document);
        let hash = format!(
            "<verification><hash type='sha256'>{}</hash></verification>",
            hash.hex()
        );
        match number {
            0 => text.push_str(&hash),
            _ => write!(text, "<alternates><alternate>{hash}</alternate></alternates>").unwrap(),
        }
    }
    text.push_str("<resources>");
    for mirror in mirrors {
        write!(text, "<url>{mirror}repodata/repomd.xml</url>").unwrap();
    }
    text + "</resources></file></files></metalink>"
}

async fn pinned(remote: &Remote) -> (Vec<String>, Digest) {
    let RepoPins::Remote {
        url, mirrors, repomd, ..
    } = remote.resolve().await.unwrap().pins.read().unwrap()
    else {
        panic!("it is a repository on a server")
    };
    assert_eq!(url.as_str(), URL, "the one that was asked for");
    (mirrors.into_iter().map(String::from).collect(), repomd)
}

#[tokio::test]
async fn mirrors_come_first_and_are_pinned() {
    let remote = Remote::with_mirrors([rule(MirrorList::Mirrorlist)]);
    remote.web.serve(MIRROR, &remote.repository);
    remote.web.answer(
        LIST,
        Ok(format!("# mirrors\nhttps://evil.example.org/\n{MIRROR}\n").as_bytes()),
    );
    // What requests name need not have anything.
    remote.web.close(URL);
    let resolved = remote.resolve().await.unwrap();
    assert_eq!(pinned(&remote).await.0, [MIRROR]);
    let requests = remote.web.requests();
    assert!(
        requests.iter().all(|url| url == LIST || url.starts_with(MIRROR)),
        "{requests:?}"
    );
    // No list is needed any more.
    remote.web.answer(LIST, Err(ErrorKind::Unavailable));
    remote.kept.clear();
    let content = remote.content(&resolved).await.unwrap();
    let file = &content.candidates[0].file;
    assert!(
        file.to_string().starts_with(URL),
        "{file}: known by the repository's own URL"
    );
    let places: Vec<_> = file
        .remote()
        .unwrap()
        .places()
        .unwrap()
        .into_iter()
        .map(String::from)
        .collect();
    assert!(
        places[0].starts_with(MIRROR) && places[1].starts_with(URL),
        "{places:?}"
    );
    let error = remote.resolve().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn mirrors_without_the_repository_are_passed_over() {
    let remote = Remote::with_mirrors([rule(MirrorList::Mirrorlist)]);
    let empty = "https://mirror.example.com/empty/";
    remote
        .web
        .answer(LIST, Ok(format!("{empty}\n{MIRROR}\n").as_bytes()));
    remote.web.serve(MIRROR, &remote.repository);
    assert_eq!(
        pinned(&remote).await.0,
        [MIRROR, URL, empty],
        "it is the last that is asked from now on"
    );
    // Nobody has it.
    remote.web.close(MIRROR);
    remote.web.close(URL);
    let error = remote.resolve().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.message().contains("no repodata/repomd.xml"), "{error}");
    // One of them may have it later.
    remote.web.answer(
        &format!("{MIRROR}repodata/repomd.xml"),
        Err(ErrorKind::Unavailable),
    );
    let error = remote.resolve().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_mirror_that_is_behind_is_passed_over() {
    let remote = Remote::with_mirrors([rule(MirrorList::Metalink)]);
    let (behind, path) = ("https://mirror.example.com/behind/", "repodata/repomd.xml");
    let now = std::fs::read(remote.repository.join(path)).unwrap();
    let old = String::from_utf8(now.clone())
        .unwrap()
        .replace("</repomd>", "<!-- old --></repomd>");
    remote.web.answer(&format!("{behind}{path}"), Ok(old.as_bytes()));
    remote.web.serve(behind, &remote.repository);
    remote.web.serve(MIRROR, &remote.repository);
    let mirrors = &[behind, MIRROR];
    remote.web.answer(LIST, Ok(metalink(&[&now], mirrors).as_bytes()));
    let digest = |bytes: &[u8]| Digest::of_bytes(DigestAlgorithm::Sha256, bytes);
    assert_eq!(
        pinned(&remote).await,
        ([MIRROR, URL, behind].map(str::to_owned).to_vec(), digest(&now))
    );
    // The one before is accepted, too, where the metalink still names it.
    remote
        .web
        .answer(LIST, Ok(metalink(&[&now, old.as_bytes()], mirrors).as_bytes()));
    assert_eq!(
        pinned(&remote).await,
        (
            [behind, MIRROR].map(str::to_owned).to_vec(),
            digest(old.as_bytes())
        )
    );
    // None has what the metalink names: that may be otherwise in a moment.
    remote
        .web
        .answer(LIST, Ok(metalink(&[b"tomorrow"], mirrors).as_bytes()));
    let error = remote.resolve().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        error
            .message()
            .contains("none of the versions that the metalink names"),
        "{error}"
    );
}

#[tokio::test]
async fn lists_have_limits_and_a_kind() {
    let remote = Remote::with_mirrors([rule(MirrorList::Metalink)]);
    for (list, says) in [
        (vec![b' '; (1 << 20) + 1], "limit of 1048576"),
        (b"https://mirror.example.com/a/".to_vec(), "should be a metalink"),
        (b"<html>".to_vec(), "a web page"),
    ] {
        remote.web.answer(LIST, Ok(&list));
        let error = remote.resolve().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(
            error.message().contains(says) && error.message().contains(LIST),
            "{error}"
        );
    }
    // Other repositories have none.
    remote
        .web
        .serve("https://example.com/pub/other/", &remote.repository);
    remote
        .source
        .resolve(&request("https://example.com/pub/other/"))
        .await
        .unwrap();
}

#[tokio::test]
async fn of_many_mirrors_a_few_are_asked() {
    let remote = Remote::with_mirrors([rule(MirrorList::Mirrorlist)]);
    let many: String = (0..40)
        .map(|number| format!("https://mirror.example.com/{number}/\n"))
        .collect();
    remote.web.answer(LIST, Ok(many.as_bytes()));
    // None of them has it, but the repository itself does.
    let (mirrors, _) = pinned(&remote).await;
    let requests = remote.web.requests();
    let of_repomd = requests.iter().filter(|url| url.ends_with("repomd.xml")).count();
    assert_eq!(of_repomd, 21, "{requests:?}");
    assert_eq!((mirrors.len(), mirrors[0].as_str()), (8, URL), "{mirrors:?}");
}
