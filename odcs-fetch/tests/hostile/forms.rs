//! URLs as they come in: each is asked for by everything that takes URLs, and by a redirect.

use odcs_core::ErrorKind;
use odcs_core::fetch::{CommitId, Fetch, GitCommit};
use test_support::http::{Behaviour, Canary, Server};
use test_support::urls::{ALLOWED, FORMS, Is, RELATIVE, filled};
use url::Url;

use super::support::Client;

/// A server of which `/pub/` is allowed, another one that is not, and a client that could well reach both: loopback
/// addresses are allowed to it, so that nothing but the list is in the way.
struct Stage {
    server: Server,
    canary: Canary,
    client: Client,
}

impl Stage {
    fn new() -> Self {
        let (server, canary) = (Server::empty(), Canary::new());
        server.on("/pub/*", Behaviour::Body(b"allowed"[..].into()));
        server.on("/*", Behaviour::Body(b"secret"[..].into()));
        let mut stage = Self {
            client: Client::new([""; 0]),
            server,
            canary,
        };
        stage.client = Client::with(ALLOWED.map(|text| stage.fill(text)), |settings| {
            settings.networks = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        });
        stage.client.names.answer("packages.example.com", &["127.0.0.1"]);
        stage
    }

    fn fill(&self, text: &str) -> String {
        filled(text, self.server.address().port(), self.canary.port())
    }

    /// Asks for a URL in every way there is.
    async fn ask(&self, url: &Url, is: Is) {
        let client = &self.client;
        let checked = client.check(url);
        let got = client.bytes(url.as_str()).await;
        let commit: CommitId = "8f14e45fceea167a5a36dedd4bea2543c1d0b7b8".parse().unwrap();
        let directory = tempfile::tempdir().unwrap();
        match is {
            Is::On => {
                checked.unwrap();
                assert_eq!(got.unwrap(), "allowed", "{url}");
            }
            _ => {
                assert_eq!(checked.unwrap_err().kind(), ErrorKind::Forbidden, "{url}");
                let error = got.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Forbidden, "{url}: {error}");
                assert!(!error.message().contains("secret@"), "{error}");
                let git = GitCommit::new(url.clone(), commit, 1 << 20);
                let error = client.fetcher.commit(&git, directory.path()).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Forbidden, "{url}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn no_form_of_a_url_leads_off_the_list() {
    let stage = Stage::new();
    let (mut forms, mut answered) = (0, 0);
    for (text, is) in FORMS {
        let text = stage.fill(text);
        let url = Url::parse(&text);
        match (is, url) {
            (Is::No, url) => assert!(url.is_err(), "{text:?} is {url:?}"),
            (is, url) => {
                let url = url.unwrap_or_else(|error| panic!("{text:?}: {error}"));
                stage.ask(&url, *is).await;
                answered += usize::from(*is == Is::On);
            }
        }
        forms += 1;
        assert_eq!(stage.server.requests().len(), answered, "{text:?}");
        assert_eq!(stage.canary.connections(), 0, "{text:?}");
    }
    assert!(
        forms >= 150 && answered >= 10,
        "{forms} forms, {answered} answered"
    );
    let asked = stage.client.names.asked();
    assert!(
        asked.iter().all(|name| name == "packages.example.com"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn no_redirect_leads_off_the_list() {
    let stage = Stage::new();
    let from = stage.server.url("/pub/from");
    let mut seen = 0;
    for (text, is) in FORMS.iter().chain(RELATIVE) {
        let location = stage.fill(text);
        // What a header cannot hold would never arrive.
        let is_held = !location.contains(['\n', '\r', '\0']);
        // Without a slash, that is a path beside the one it is a redirect from.
        if !is_held || (location.starts_with("http:127") && *is == Is::Off) {
            continue;
        }
        stage.server.behave();
        stage.server.forget();
        stage
            .server
            .on("/pub/from", Behaviour::Redirect(302, location.clone()).once());
        stage.server.on("/pub/*", Behaviour::Body(b"allowed"[..].into()));
        stage.server.on("/*", Behaviour::Body(b"secret"[..].into()));
        // Where it leads to, resolved as everybody does.
        let to = from.parse::<Url>().unwrap().join(location.trim_ascii());
        let got = stage.client.bytes(&from).await;
        let paths: Vec<_> = stage
            .server
            .requests()
            .iter()
            .map(|request| request.target.clone())
            .collect();
        match (is, to) {
            (Is::On, to) => {
                assert_eq!(got.unwrap(), "allowed", "{location:?}");
                let mut to = to.unwrap();
                to.set_fragment(None);
                let (path, query) = (to.path(), to.query().map(|query| format!("?{query}")));
                assert_eq!(
                    paths,
                    ["/pub/from", &format!("{path}{}", query.unwrap_or_default())]
                );
            }
            (Is::Off, _) => {
                let error = got.err().unwrap_or_else(|| panic!("{location:?} is followed"));
                assert_eq!(error.kind(), ErrorKind::Forbidden, "{location:?}: {error}");
                assert!(error.message().contains(&from), "{error}");
                assert!(!error.message().contains("secret@"), "{error}");
                assert_eq!(paths, ["/pub/from"], "{location:?}");
            }
            // In a redirect some of them are relative: they lead to the allowed server, or nowhere.
            (Is::No, _) => {
                assert!(got.as_ref().is_err() || got.as_ref().is_ok_and(|bytes| bytes == "allowed"));
                assert!(
                    paths.iter().all(|path| path.starts_with("/pub/")),
                    "{location:?}: {paths:?}"
                );
            }
        }
        assert_eq!(stage.canary.connections(), 0, "{location:?}");
        seen += 1;
    }
    assert!(seen >= 150, "{seen}");
}

/// The control: what is said to be unreachable above can be reached, if the list has it.
#[tokio::test]
async fn whoever_is_on_the_list_is_reached() {
    let canary = Canary::new();
    let port = canary.port();
    for (count, host) in ["127.0.0.1", "localhost"].into_iter().enumerate() {
        let client = Client::new([format!("http://{host}:{port}/")]);
        client.names.answer("localhost", &["127.0.0.1"]);
        let got = client
            .bytes(&format!("http://{host}:{port}/pub/x"))
            .await
            .unwrap();
        assert_eq!(got, "what nobody may see");
        assert_eq!(canary.connections(), count + 1);
    }
    let client = Client::new([format!("http://[::1]:{port}/")]);
    if let Ok(got) = client.bytes(&format!("http://[::1]:{port}/pub/x")).await {
        assert_eq!(got, "what nobody may see");
        assert_eq!(canary.connections(), 3);
    }
}
