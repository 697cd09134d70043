//! Redirects.

use odcs_core::ErrorKind;
use odcs_core::allow::UrlAllowList;
use odcs_fetch::{FetchSettings, Fetcher};

use crate::server::{Reply, Server};
use crate::whole::get;

fn to(location: &str) -> Reply {
    Reply::new("302 Found", &[&format!("Location: {location}")], b"moved")
}

#[tokio::test]
async fn redirects_are_followed_on_the_list() {
    let mirror = Server::start(|_, _| Reply::new("200 OK", &[], b"an editor")).await;
    let location = mirror.url("f36/ed.rpm?key=secret#x");
    let server = Server::start(move |_, asked| match asked.path() {
        "/ed.rpm" => to("other/ed.rpm"),
        _ => to(location.as_str()),
    })
    .await;
    let allowed = UrlAllowList::parse([&server.url, &mirror.url].map(|url| url.as_str())).unwrap();
    let fetcher = Fetcher::new(FetchSettings::new(allowed)).unwrap();
    let (head, bytes) = get(&fetcher, server.url("ed.rpm")).await.unwrap();
    assert_eq!(
        (bytes.as_ref(), head.url),
        (&b"an editor"[..], mirror.url("f36/ed.rpm?key=secret"))
    );
    assert!(mirror.asked()[0].header("referer").is_none());
    assert_eq!(server.asked().len(), 2);

    // The mirror is not on the list.
    let error = get(&server.fetcher(), server.url("ed.rpm")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    let message = error.message();
    assert!(
        message.starts_with(&format!("{} (redirected to {}", server.url("ed.rpm"), server.url)),
        "{message}"
    );
    assert!(
        message.contains("f36/ed.rpm, which is not at or below"),
        "{message}"
    );
    assert!(!message.contains("secret"), "{message}");
    assert_eq!(mirror.asked().len(), 1);
}

#[tokio::test]
async fn redirects_end_somewhere() {
    let server = Server::start(|number, asked| match asked.path() {
        "/circle" => to("/back"),
        "/back" => to("/circle"),
        "/self" => to("#self"),
        "/nowhere" => Reply::new("302 Found", &[], b""),
        "/user" => to(&format!("http://me:secret@{}/x", asked.header("host").unwrap())),
        "/file" => to("file:///etc/passwd"),
        _ => to(&format!("/far/{number}")),
    })
    .await;
    for (path, kind, says, asked) in [
        ("circle", ErrorKind::Invalid, "redirects in a circle", 2),
        ("self", ErrorKind::Invalid, "redirects in a circle", 1),
        ("far", ErrorKind::Invalid, "redirects more than 5 times", 6),
        (
            "nowhere",
            ErrorKind::Unavailable,
            "a redirect that leads nowhere",
            1,
        ),
        ("user", ErrorKind::Forbidden, "with a user name or password", 1),
        ("file", ErrorKind::Forbidden, "redirects to file:///etc/passwd", 1),
    ] {
        let before = server.asked().len();
        let error = get(&server.fetcher(), server.url(path)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (kind, false), "{error}");
        assert!(
            error.message().contains(says) && !error.message().contains("secret"),
            "{error}"
        );
        assert_eq!(server.asked().len() - before, asked, "{path}");
    }
}
