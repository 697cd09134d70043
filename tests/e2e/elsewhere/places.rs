//! URLs that want to lead elsewhere, in requests and in what servers answer: nobody is led anywhere.

use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use test_support::http::{self, Behaviour, Canary};
use test_support::urls::{ALLOWED, FORMS, Is, RELATIVE, filled};

use crate::support::{Server, Start};

/// A service that could well reach two servers: loopback addresses are allowed to it, so that nothing but the list is
/// in the way of the second.
struct Stage {
    service: Server,
    www: http::Server,
    canary: Canary,
}

impl Stage {
    /// With so many names for one repository: `/pub/0/`, `/pub/1/`, …
    fn new(repositories: usize) -> Self {
        let start = Start::new();
        let directory = start.dir().join("www/pub");
        std::fs::create_dir_all(&directory).unwrap();
        test_support::copy_tree(&test_support::test_repository(), &directory.join("repo"));
        for number in 0..repositories {
            symlink("repo", directory.join(number.to_string())).unwrap();
        }
        let (www, canary) = (http::Server::of_directory(start.dir().join("www")), Canary::new());
        let allowed = ALLOWED.map(|text| filled(text, www.address().port(), canary.port()));
        let file = format!(
            "allowed_urls = {allowed:?}\nallowed_networks = [\"127.0.0.0/8\", \"::1/128\"]\nrepo_roots = []\n\
             fetch_attempts = 1\nconcurrency = 4\n"
        );
        std::fs::write(start.dir().join("odcs.toml"), file).unwrap();
        Self {
            service: start.start(),
            www,
            canary,
        }
    }

    fn fill(&self, text: &str) -> String {
        filled(text, self.www.address().port(), self.canary.port())
    }

    /// Asks for something that is refused, or fails for a reason. Nobody was reached who must not be.
    async fn ask(&self, body: &Value, is: Is) {
        let answer = self.service.post(body).await;
        if answer.status == 400 {
            let message = answer.json()["message"].as_str().unwrap().to_owned();
            assert!(!message.is_empty(), "{body}");
        } else {
            assert_eq!(
                (answer.status.as_u16(), is),
                (200, Is::On),
                "{body}: {}",
                answer.text()
            );
            self.failed(answer.json()["id"].as_i64().unwrap()).await;
        }
        self.nobody_was_reached(&body.to_string());
    }

    async fn failed(&self, id: i64) -> String {
        let compose = self.service.ended(id).await;
        assert_eq!(compose["state_name"], "failed", "{compose}");
        let reason = compose["state_reason"].as_str().unwrap().to_owned();
        assert!(reason.len() > 20 && !reason.contains("secret@"), "{reason}");
        reason
    }

    fn nobody_was_reached(&self, why: &str) {
        assert_eq!(self.canary.connections(), 0, "{why}");
        let strays = self.www.requests().into_iter().map(|request| request.target);
        let strays: Vec<_> = strays.filter(|target| !target.starts_with("/pub/")).collect();
        assert_eq!(strays, Vec::<String>::new(), "{why}");
    }
}

/// Whether a name has to be looked up for a URL, which the program leaves to the machine.
fn is_looked_up(text: &str, is: Is) -> bool {
    is == Is::On && !text.contains("127.0.0.1") && !text.contains("0x7f")
}

#[tokio::test]
async fn no_request_leads_off_the_list() {
    let stage = Stage::new(0);
    let forms: Vec<_> = FORMS
        .iter()
        .filter(|(text, is)| !is_looked_up(text, *is))
        .collect();
    assert!(forms.len() >= 150, "{}", forms.len());
    let repository = stage.www.url("/pub/repo");
    for (text, is) in forms {
        let url = stage.fill(text);
        let source = json!({"type": "repo", "source": url, "packages": ["ed"]});
        stage.ask(&json!({"source": source}), *is).await;
        let source = json!({"type": "repo", "source": repository, "packages": ["ed"]});
        for lookaside in [url.clone(), format!("{url}/$basearch/os")] {
            // Without a path of its own, what is appended may be one that makes it right.
            let is = if lookaside.ends_with("$basearch/os") {
                Is::On
            } else {
                *is
            };
            stage
                .ask(&json!({"source": source, "lookaside_repos": [lookaside]}), is)
                .await;
        }
    }
    for text in [
        "http://$basearch:{off}/pub/x",
        "http://127.0.0.1:$basearch/pub/x",
        "$basearch://127.0.0.1:{off}/pub/x",
        "http://$basearch@127.0.0.1:{off}/pub/x",
        "http://127.0.0.1:{ok}/$basearch/x",
        "http://127.0.0.1:{ok}/pub/$basearch/../../secret",
    ] {
        let source = json!({"type": "repo", "source": repository, "packages": ["ed"]});
        let body = json!({"source": source, "lookaside_repos": [stage.fill(text)]});
        stage.ask(&body, Is::Off).await;
    }
    for arch in ["../../secret", "..%2f..%2fsecret", "x/@127.0.0.1", "x86_64?"] {
        let source = json!({"type": "repo", "source": repository, "packages": ["ed"]});
        let lookaside = stage.fill("http://127.0.0.1:{ok}/pub/$basearch/x");
        let body = json!({"source": source, "arches": [arch], "lookaside_repos": [lookaside]});
        stage.ask(&body, Is::Off).await;
    }
}

#[tokio::test]
async fn no_redirect_of_a_repository_leads_off_the_list() {
    // What a header cannot hold would never arrive.
    let is_held = |text: &&str| !text.contains(['\n', '\r', '\0']);
    let forms = FORMS.iter().filter(|(text, is)| !is_looked_up(text, *is));
    let forms: Vec<_> = forms
        .chain(RELATIVE)
        .map(|(text, _)| *text)
        .filter(is_held)
        .collect();
    assert!(forms.len() >= 150, "{}", forms.len());
    // All for what is asked for first; for the rest, which takes longer, a third each.
    let third = |first: usize| forms.iter().skip(first).step_by(3).copied().collect();
    for (file, forms) in [
        ("repodata/repomd.xml", forms.clone()),
        ("repodata/primary.xml.gz", third(0)),
        ("Packages/ed-1.20-1.x86_64.rpm", third(1)),
    ] {
        let stage = Stage::new(forms.len());
        let mut composes = Vec::new();
        for (number, text) in forms.iter().enumerate() {
            let to = stage.fill(text);
            let path = format!("/pub/{number}/{file}");
            stage.www.on(&path, Behaviour::Redirect(302, to.clone()));
            let source = stage.www.url(&format!("/pub/{number}"));
            let source = json!({"type": "repo", "source": source, "packages": ["ed"]});
            let compose = stage.service.submit(&json!({"source": source})).await;
            composes.push((compose["id"].as_i64().unwrap(), path, to));
        }
        for (id, path, to) in composes {
            let reason = stage.failed(id).await;
            let repository = path.strip_suffix(file).unwrap().trim_end_matches('/');
            assert!(reason.contains(&stage.www.url(repository)), "{to:?}: {reason}");
            assert!(!stage.www.requests_for(&path).is_empty(), "{to:?}");
        }
        stage.nobody_was_reached(file);
    }
}

/// The control: on the list, they are reached.
#[tokio::test]
async fn who_is_on_the_list_is_reached() {
    let stage = Stage::new(1);
    let to = stage.www.url("/pub/repo/Packages/ed-1.20-1.x86_64.rpm");
    let path = "/pub/0/Packages/ed-1.20-1.x86_64.rpm";
    stage.www.on(path, Behaviour::Redirect(302, to));
    let source = json!({"type": "repo", "source": stage.www.url("/pub/0"), "packages": ["ed"]});
    let compose = stage.service.compose(&json!({"source": source})).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
}
