//! Whatever is asked for, and whatever is answered.

use odcs_core::ErrorKind;
use proptest::prelude::*;
use test_support::http::{Behaviour, Canary, Server};
use url::Url;

use super::support::Client;

/// Texts that are nearly URLs, most of the canary.
fn text() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(vec![
        "http://",
        "https://",
        "HTTP://",
        "http:",
        "http:/",
        "http:\\\\",
        "//",
        "\\\\",
        "/",
        "",
        "ftp://",
        "file://",
        "git://",
        "ext::",
        "http:///",
        "ht\ttp://",
        "ws://",
    ]);
    let user = prop::sample::select(vec![
        "",
        "",
        "",
        "@",
        "user@",
        "127.0.0.1:{ok}@",
        "127.0.0.1:{ok}%2fpub%2f@",
        "packages.example.com\\@",
        "#@",
        "?@",
        ":@",
        " @",
    ]);
    let host = prop_oneof![
        prop::sample::select(vec![
            "127.0.0.1",
            "localhost",
            "127.1",
            "0x7f.1",
            "2130706433",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0",
            "①②⑦.0.0.1",
            "localhost.",
            "%6cocalhost",
            "127。0.0.1",
            "[::1%lo]",
            "",
            "packages.example.com",
            "local\u{ad}host",
        ])
        .prop_map(str::to_owned),
        "[0-9a-fx.:\\[\\]%]{0,20}",
        "\\PC{0,12}",
    ];
    let port = prop::sample::select(vec![
        ":{off}",
        ":{off}",
        ":{off}",
        ":{ok}",
        "",
        ":0{off}",
        ":",
        ":{ok}:{off}",
        ":{off}{off}",
    ]);
    let path = prop_oneof![
        prop::sample::select(vec![
            "/pub/x",
            "/",
            "",
            "/pub/../x",
            "\\pub\\x",
            "/pub/%2e%2e/x",
            "?/pub/",
            "#/pub/",
            ";/pub/x"
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ];
    (scheme, user, host, port, path)
        .prop_map(|(scheme, user, host, port, path)| format!("{scheme}{user}{host}{port}{path}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn nothing_leads_to_whoever_is_not_on_the_list(texts in prop::collection::vec(prop_oneof![text(), ".{0,40}"], 60)) {
        let (server, canary) = (Server::empty(), Canary::new());
        let ok = server.address().port();
        server.on("/*", Behaviour::Body(b"right"[..].into()));
        let allowed = [format!("http://127.0.0.1:{ok}/pub/"), format!("http://packages.example.com:{ok}/pub/")];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = Client::with(allowed, |settings| {
            settings.networks = vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
        });
        client.names.answer("packages.example.com", &["127.0.0.1"]);
        for text in texts {
            let text = text.replace("{ok}", &ok.to_string()).replace("{off}", &canary.port().to_string());
            if let Ok(url) = Url::parse(&text) {
                let is_allowed = client.check(&url).is_ok();
                let got = runtime.block_on(client.bytes(url.as_str()));
                prop_assert_eq!(is_allowed, got.is_ok(), "{:?}", &text);
                if let Err(error) = got {
                    prop_assert_eq!(error.kind(), ErrorKind::Forbidden, "{:?}: {}", &text, &error);
                }
            }
            if !text.contains(['\r', '\n']) {
                server.behave();
                server.on("/pub/from", Behaviour::Redirect(302, text.clone()).once());
                server.on("/*", Behaviour::Body(b"right"[..].into()));
                let _ = runtime.block_on(client.bytes(&server.url("/pub/from")));
            }
        }
        prop_assert_eq!(canary.connections(), 0);
        for request in server.requests() {
            prop_assert!(request.target.starts_with("/pub"), "{:?}", request);
        }
    }

    /// Answers are read by a library; what is made of them here has to hold, too.
    #[test]
    fn no_answer_is_too_odd(
        answers in prop::collection::vec(
            (
                prop::sample::select(vec!["HTTP/1.1 200 OK\r\n", "HTTP/1.1 206 OK\r\n", "HTTP/1.1 302 X\r\n", "HTTP/1.1 416 X\r\n", ""]),
                prop::collection::vec(
                    (
                        prop::sample::select(vec!["Content-Length", "Content-Range", "Location", "Retry-After", "ETag",
                            "Last-Modified", "Transfer-Encoding", "Content-Type", "Date"]),
                        prop_oneof!["[ -~]{0,20}", "bytes [0-9*]{0,3}-?[0-9]{0,20}/[0-9*]{0,20}", "[0-9]{1,20}",
                            Just("chunked".to_owned())],
                    ),
                    0..5,
                ),
                prop::collection::vec(any::<u8>(), 0..40),
            ),
            10,
        )
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for (status, headers, body) in answers {
            let server = Server::empty();
            let mut raw = status.as_bytes().to_vec();
            for (name, value) in &headers {
                raw.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
            }
            raw.extend_from_slice(b"\r\n");
            raw.extend_from_slice(&body);
            server.on("/x", Behaviour::CutAfter(3).times(1));
            server.on("/*", Behaviour::Raw(raw));
            server.put("/x", "another file");
            let client = Client::new([server.url("/")]);
            let got = runtime.block_on(client.get(&[server.url("/x")], Some(b"another file")));
            prop_assert!(got.is_err() || got.is_ok_and(|(_, bytes)| bytes == "another file"));
        }
    }
}
