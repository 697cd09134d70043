//! Fetching through a proxy.

use std::sync::{Arc, Mutex};

use odcs_core::ErrorKind;
use odcs_core::allow::UrlAllowList;
use odcs_fetch::{FetchSettings, Fetcher};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::server::{Reply, Server, read};
use crate::tls::{Authority, acceptor};
use crate::whole::get;

#[tokio::test]
async fn http_goes_through_the_proxy_but_for_exceptions() {
    // It is asked for whole URLs, and gives its own answer.
    let proxy = Server::start(|_, _| Reply::new("200 OK", &[], b"from the proxy")).await;
    let server = Server::start(|_, _| Reply::new("200 OK", &[], b"an editor")).await;
    let far: Url = "http://repo.example.com/ed.rpm".parse().unwrap();
    let allowed = UrlAllowList::parse([server.url.as_str(), far.as_str()]).unwrap();
    let mut settings = FetchSettings::new(allowed);
    let mut with_password = proxy.url.clone();
    with_password.set_username("me").unwrap();
    with_password.set_password(Some("secret")).unwrap();
    settings.proxy = Some(with_password);
    settings.no_proxy = vec!["127.0.0.0/8".into()];
    let fetcher = Fetcher::new(settings).unwrap();
    assert_eq!(get(&fetcher, far).await.unwrap().1, "from the proxy");
    assert_eq!(get(&fetcher, server.url("ed.rpm")).await.unwrap().1, "an editor");
    let asked = proxy.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, "GET http://repo.example.com/ed.rpm HTTP/1.1");
    assert_eq!(asked[0].header("proxy-authorization"), Some("Basic bWU6c2VjcmV0"));
    assert!(server.asked()[0].header("proxy-authorization").is_none());
    let error = get(&fetcher, "http://other.example.com/".parse().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert_eq!(proxy.asked().len(), 1);
}

/// Connects wherever it is told to, always to the same server.
async fn tunnel(to: Url) -> (Url, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (to, seen) = (to.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let line = read(&mut stream, 0).await.unwrap().line;
                let is_refused = line.contains("forbidden");
                seen.lock().unwrap().push(line);
                if is_refused {
                    stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await.unwrap();
                    return;
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let address = (to.host_str().unwrap(), to.port().unwrap());
                let mut server = TcpStream::connect(address).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
            });
        }
    });
    (url, asked)
}

#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let authority = Authority::new();
    let tls = acceptor(&authority, "repo.example.com", false);
    let server = Server::start_with(|_, _| Reply::new("200 OK", &[], b"an editor"), Some(tls)).await;
    let (proxy, asked) = tunnel(server.url.clone()).await;
    let allowed =
        UrlAllowList::parse(["https://repo.example.com/", "https://forbidden.example.com/"]).unwrap();
    let mut settings = FetchSettings::new(allowed);
    settings.proxy = Some(proxy);
    settings.ca_files = vec![authority.file()];
    settings.attempts = 1;
    let fetcher = Fetcher::new(settings).unwrap();
    let url: Url = "https://repo.example.com/ed.rpm".parse().unwrap();
    assert_eq!(get(&fetcher, url).await.unwrap().1, "an editor");
    assert_eq!(asked.lock().unwrap()[0], "CONNECT repo.example.com:443 HTTP/1.1");
    assert_eq!(server.asked()[0].line, "GET /ed.rpm HTTP/1.1");

    let error = get(&fetcher, "https://forbidden.example.com/".parse().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error.message().contains("no connection to forbidden.example.com"),
        "{error}"
    );
}

#[test]
fn a_proxy_of_another_kind_is_none() {
    let mut settings = FetchSettings::new(UrlAllowList::default());
    settings.proxy = Some("socks5://127.0.0.1/".parse().unwrap());
    let error = Fetcher::new(settings).unwrap_err().to_string();
    assert!(
        error.contains("proxy cannot be used: a proxy has an http or https URL"),
        "{error}"
    );
}
