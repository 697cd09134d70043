//! How a configuration is printed, and the reference that is made of its keys.

use super::*;

/// One file with a value for every key.
const EVERYTHING: &str = r#"
listen = "[::1]:5001"
public_url = "https://odcs.example.com/composes"
allowed_hosts = ["lab.example.com", "::2"]
trusted_proxies = ["10.0.0.0/8", "127.0.0.1"]
max_body_bytes = 4096
log_format = "json"
data_dir = "/srv/odcs"
target_dir = "/srv/odcs/c \"quoted\""
link_fallback = "fail"
verify_packages = "always"
repodata_compression = "zstd"
filelists_ext = true
repo_roots = ["/mnt/koji", "/mnt/pulp"]
untrusted_repo_roots = ["/mnt/scratch"]
keyring = "/etc/pki/rpm-gpg"
verify_signatures = "always"
metadata_bytes = "64 MiB"
open_metadata_bytes = "1 GiB"
metadata_ratio = 1500
allowed_urls = ["https://example.com/pub/", "https://mirrors.example.com/"]
allowed_networks = ["10.1.0.0/16", "fd00::7"]
trusted_urls = ["https://example.com/pub/releases/"]
store_bytes = "2 GiB"
koji_server = "https://koji.example.com/kojihub"
koji_profile = "lab"
koji_topdir = "/mnt/koji"
koji_topurl = "https://koji.example.com/files"
koji_ca_file = "/etc/pki/koji.pem"
koji_client_certificate = "/etc/pki/koji-client.pem"
koji_attempts = 3
koji_timeout = 60
koji_connections = 2
cache_bytes = "3 GiB"
package_bytes = 1000000
fetches = 5
fetch_connections = 6
fetch_attempts = 7
fetch_timeout = 8
proxy = "http://proxy.example.com:3128"
no_proxy = ["lab.example.com", ".example.org", "10.0.0.0/8"]
ca_files = ["/etc/pki/lab.pem"]
client_certificate = "/etc/pki/odcs.pem"
client_key = "/etc/pki/odcs.key"
seconds_to_live = 3600
max_seconds_to_live = 7200
arches = ["aarch64", "x86_64"]
concurrency = 4
dry_runs = 3
dry_run_timeout = 20
threads = 8
lease = 30
attempts = 5
poll = 0.5
sweep = 10
grace = 0
xorriso = "/opt/libburnia/bin/xorriso"
allowed_source_types = ["tag", "repo"]
allowed_sources = ["f36", "f37"]
allowed_flags = ["no_deps"]
allowed_results = ["repository", "boot.iso"]
allowed_arches = ["x86_64"]
allowed_compose_types = ["test", "nightly"]
allowed_target_dirs = ["default", "releases"]
allowed_raw_config_keys = []

[extra_target_dirs]
releases = { path = "/srv/releases", url = "https://odcs.example.com/releases" }
private = "/srv/private"

[mirrors]
"https://example.com/pub/f36/$basearch/os/" = { metalink = "https://mirrors.example.com/metalink?repo=f36&arch=$basearch" }
"https://example.com/pub/extras" = { mirrorlist = "https://mirrors.example.com/extras" }

[raw_config_urls.rawhide]
url = "https://git.example.com/pungi.git"
config_filename = "fedora.conf"
path = "conf"
commit = "main"
seconds_to_live = 100
max_seconds_to_live = 200
"#;

#[test]
fn what_is_printed_reads_as_the_same_configuration() {
    for file in [EVERYTHING, "", "listen = \"127.0.0.1:0\""] {
        let loaded = Case::new(file).load().unwrap();
        let printed = toml(&loaded);
        let again = Case::new(&printed)
            .load()
            .unwrap_or_else(|error| panic!("{printed}\n{error}"));
        let debug = |loaded: &Loaded| format!("{:?}", loaded.configuration);
        assert_eq!(debug(&loaded), debug(&again), "{printed}");
    }
    let loaded = Case::new(EVERYTHING).load().unwrap();
    for key in KEYS {
        assert!(
            loaded.origins.is_chosen(key.name),
            "{} is missing in the test",
            key.name
        );
    }
}

#[test]
fn what_is_printed_says_where_it_is_from() {
    let loaded = Case::new("\nsweep = 5\n[extra_target_dirs]\na = \"/a\"")
        .env("ODCS_GRACE", "6")
        .options(&["--repo-root", "/a", "--repo-root", "/b:/c"])
        .load()
        .unwrap();
    let printed = toml(&loaded);
    for line in [
        "# The configuration in effect, with odcs.toml.",
        "listen = \"127.0.0.1:5000\"  # default",
        "public_url = \"http://127.0.0.1:5000/composes\"  # default",
        "sweep = 5  # odcs.toml:2",
        "grace = 6  # ODCS_GRACE",
        "repo_roots = [\"/a\", \"/b\", \"/c\"]  # --repo-root",
        "[extra_target_dirs]  # odcs.toml:3",
        "\"a\" = { path = \"/a\" }",
    ] {
        assert!(
            printed.lines().any(|printed| printed == line),
            "{line}\n{printed}"
        );
    }
    let json = json(&loaded);
    assert_eq!(
        json["sweep"],
        serde_json::json!({"value": 5, "origin": "odcs.toml:2"})
    );
    assert_eq!(json["extra_target_dirs"]["value"]["a"]["path"], "/a");
}

#[test]
fn every_key_is_documented() {
    let text = reference();
    for key in KEYS {
        assert!(!key.paragraphs().is_empty(), "{}", key.name);
        assert!(text.contains(&format!("### `{}`", key.name)));
        assert!(text.contains(&key.variable()));
    }
}

#[test]
fn the_reference_is_up_to_date() {
    let kept = include_str!("../../../docs/configuration.md");
    assert_eq!(
        kept.trim_end(),
        reference().trim_end(),
        "docs/configuration.md is out of date; make it anew: cargo run -- config --reference > docs/configuration.md"
    );
}

#[test]
fn the_example_in_the_reference_is_a_configuration() {
    let text = reference();
    let example = text
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    assert!(
        Case::new(example)
            .load()
            .unwrap()
            .origins
            .is_chosen("raw_config_urls")
    );
}
