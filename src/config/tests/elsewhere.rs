//! What may be fetched, and how.

use super::*;

#[test]
fn nothing_may_be_fetched_by_default() {
    let configuration = Case::new("").configuration();
    assert!(configuration.allowed_urls.prefixes().is_empty());
    assert!(configuration.allowed_networks.is_empty() && configuration.mirrors.is_empty());
    assert!(configuration.proxy.is_none() && configuration.client_certificate.is_none());
}

#[test]
fn sizes_have_units() {
    let size = |file: &str| Case::new(file).configuration().store_bytes.0;
    assert_eq!(size("store_bytes = \"3 GiB\""), 3 << 30);
    assert_eq!(size("store_bytes = 5_000_000"), 5_000_000);
    assert_eq!(size("store_bytes = \"5000000\""), 5_000_000);
    let outside = Case::new("").env("ODCS_STORE_BYTES", "7 GB");
    assert_eq!(outside.configuration().store_bytes.0, 7_000_000_000);
    let option = Case::new("").options(&["--store-bytes", "2TiB"]);
    assert_eq!(option.configuration().store_bytes.0, 2 << 40);
    refused(
        "store_bytes = 1\npackage_bytes = \"much\"\nmetadata_bytes = -1\nmax_body_bytes = 1.5",
        &[
            "odcs.toml:1:15: store_bytes: a size from 1 MiB to 1024 TiB is expected, as in 20 GiB (it is 1)",
            "odcs.toml:2:17: package_bytes: a size from 64 KiB to 1 TiB is expected, as in 20 GiB (it is \"much\")",
            "odcs.toml:3:18: metadata_bytes: a size from 64 KiB to 1 TiB is expected, as in 20 GiB (it is -1)",
            "odcs.toml:4:18: max_body_bytes: a size from 1 KiB to 1 GiB is expected, as in 20 GiB (it is 1.5)",
        ],
    );
    refused(
        "metadata_bytes = \"2 GiB\"\nopen_metadata_bytes = \"1 GiB\"",
        &[
            "odcs.toml:2:23: open_metadata_bytes: files are read up to 2 GiB before they are decompressed \
             (metadata_bytes), and only to 1 GiB after",
        ],
    );
}

#[test]
fn the_password_of_the_proxy_is_not_shown() {
    let loaded = Case::new("proxy = \"http://me:secret@proxy.example.com:3128\"")
        .load()
        .unwrap();
    let proxy = loaded.configuration.proxy.clone().unwrap();
    assert_eq!(proxy.0.password(), Some("secret"));
    let printed = toml(&loaded);
    assert!(
        printed.contains("proxy = \"http://me:***@proxy.example.com:3128/\"  # odcs.toml:1"),
        "{printed}"
    );
    for shown in [
        printed.clone(),
        json(&loaded).to_string(),
        format!("{:?}", loaded.configuration),
    ] {
        assert!(!shown.contains("secret"), "{shown}");
    }
    let refusal = Case::new(&printed).refused();
    assert!(
        refusal.contains("*** stands for a password that was not shown: put it in again"),
        "{refusal}"
    );
    for wrong in ["http://me:secret@proxy/path", "socks5://me:secret@proxy"] {
        let refusal = Case::new(&format!("proxy = \"{wrong}\"")).refused();
        assert!(
            refusal.starts_with("odcs.toml:1:9: proxy: ") && !refusal.contains("secret"),
            "{refusal}"
        );
    }
}

#[test]
fn what_needs_no_proxy_is_named_as_elsewhere() {
    let configuration =
        Case::new("no_proxy = [\".example.com\", \"*.example.org\", \"Lab\", \"10.0.0.0/8\", \"::1\"]")
            .configuration();
    let direct: Vec<String> = configuration.no_proxy.iter().map(ToString::to_string).collect();
    assert_eq!(direct, ["example.com", "example.org", "lab", "10.0.0.0/8", "::1"]);
    refused(
        "no_proxy = [\"http://a/\", \"a:80\", \"*\"]",
        &[
            "odcs.toml:1:13: no_proxy: a host name, an address or a network is expected, as in example.com or 10.0.0.0/8 (it is \"http://a/\")",
            "odcs.toml:1:26: no_proxy: a host name, an address or a network is expected, as in example.com or 10.0.0.0/8 (it is \"a:80\")",
            "odcs.toml:1:34: no_proxy: a host name, an address or a network is expected, as in example.com or 10.0.0.0/8 (it is \"*\")",
        ],
    );
}

#[test]
fn certificates_have_keys() {
    let case = Case::new("client_certificate = \"odcs.pem\"\nclient_key = \"/k\"\nca_files = [\"a.pem\"]");
    let (configuration, dir) = (case.configuration(), case.dir.path());
    assert_eq!(configuration.client_certificate.unwrap().0, dir.join("odcs.pem"));
    assert_eq!(configuration.ca_files[0].0, dir.join("a.pem"));
    let several = Case::new("")
        .env("ODCS_CA_FILES", "/a.pem:/b.pem")
        .configuration();
    assert_eq!(several.ca_files.len(), 2);
    refused(
        "client_certificate = \"a\"",
        &["odcs.toml:1:22: client_certificate: it needs its key, and client_key names none"],
    );
    refused(
        "client_key = \"a\"",
        &["odcs.toml:1:14: client_key: it belongs to a certificate, and client_certificate names none"],
    );
}

#[test]
fn mirrors_are_listed_in_one_place() {
    refused(
        "[mirrors]\n\"https://a/\" = {}\n\"https://b/\" = { mirrorlist = \"https://l/\", metalink = \"https://m/\" }\n\
         \"/srv\" = { metalink = \"https://m/\" }\n\"https://c/?x\" = { metalink = \"m\" }\n\"https://d/\" = { metalinks = \"https://m/\" }",
        &[
            "odcs.toml:2:16: mirrors.https://a/: either mirrorlist or metalink is expected",
            "odcs.toml:3:16: mirrors.https://b/: either mirrorlist or metalink is expected",
            "odcs.toml:4:1: mirrors: an http or https URL is expected, as in https://example.com/pub/f36/$basearch/os/ (it is \"/srv\")",
            "odcs.toml:5:1: mirrors: files are looked for where this URL ends, so it can have neither ? nor # (it is \"https://c/?x\")",
            "odcs.toml:5:31: mirrors.https://c/?x.metalink: an http or https URL is expected, as in https://mirrors.example.com/metalink?repo=f36&arch=$basearch (it is \"m\")",
            "odcs.toml:6:18: unknown key \"mirrors.https://d/.metalinks\"; did you mean \"metalink\"?",
        ],
    );
}

#[test]
fn what_can_never_be_fetched_is_warned_of() {
    let warnings = |file: &str| Case::new(file).load().unwrap().warnings;
    assert_eq!(
        warnings(
            "allowed_urls = [\"https://a.example/pub\"]\n\
             trusted_urls = [\"https://a.example/\", \"https://a.example/pub/b\", \"https://b.example/\"]\n[mirrors]\n\
             \"https://a.example/pub/x\" = { mirrorlist = \"https://lists.example/?a=$basearch\" }\n\
             \"https://c.example/pub/x\" = { metalink = \"https://a.example/pub/metalink\" }"
        ),
        [
            "trusted_urls: nothing can be fetched from https://b.example/: allowed_urls does not have it",
            "mirrors: the list https://lists.example/?a=$basearch of https://a.example/pub/x cannot be fetched: \
             allowed_urls does not have it",
            "mirrors: requests cannot name https://c.example/pub/x: allowed_urls does not have it",
        ]
    );
}
