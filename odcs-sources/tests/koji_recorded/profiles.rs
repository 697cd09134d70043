//! Koji's client configuration.

use std::fs;
use std::path::Path;
use std::time::Duration;

use odcs_sources::koji::client::{HubSettings, Profile, ProfileError, ProfileFiles};
use tempfile::TempDir;

/// A system and a home with these files.
fn files(of: &[(&str, &str)]) -> (TempDir, ProfileFiles) {
    let top = tempfile::tempdir().unwrap();
    let at = |path: &str| top.path().join(path);
    for (path, text) in of {
        fs::create_dir_all(at(path).parent().unwrap()).unwrap();
        fs::write(at(path), text).unwrap();
    }
    let paths = [
        "etc/koji.conf.d",
        "etc/koji.conf",
        "home/.koji/config.d",
        "home/.koji/config",
    ];
    let files = ProfileFiles {
        paths: paths.map(at).to_vec(),
        home: Some(at("home")),
    };
    (top, files)
}

#[test]
fn files_are_read_in_the_order_of_koji() {
    let (top, files) = files(&[
        (
            "etc/koji.conf.d/20-fedora.conf",
            "# Comment\n[fedora]\nserver = https://second.example.com/kojihub\ntopdir = /mnt/second\nanon_retry = yes\n",
        ),
        (
            "etc/koji.conf.d/10-fedora.conf",
            "[fedora]\nserver = https://first.example.com/kojihub\ntimeout=90\nmax_retries = 3\nunknown = 1\n",
        ),
        ("etc/koji.conf.d/fedora.txt", "not a configuration"),
        (
            "etc/koji.conf",
            "[DEFAULT]\nhost: kojipkgs.example.com\n[fedora]\nTopURL : https://%(host)s/\n; another comment\n\
             retry_interval = 7\n[other]\nserver = http://localhost/kojihub\n",
        ),
        (
            "home/.koji/config",
            "[fedora]\ntopdir = ~/koji%%40\nserverca = ~/.fedora-ca.crt\noffline_retry = false\n",
        ),
    ]);
    let profile = Profile::read("fedora", &files).unwrap();
    let home = top.path().join("home");
    assert_eq!(profile.server.as_str(), "https://second.example.com/kojihub");
    assert_eq!(
        profile.topurl.as_ref().unwrap().as_str(),
        "https://kojipkgs.example.com/"
    );
    assert_eq!(profile.topdir, home.join("koji%40"));
    assert_eq!(profile.serverca, Some(home.join(".fedora-ca.crt")));
    assert_eq!(
        (profile.anon_retry, profile.offline_retry, profile.max_retries),
        (Some(true), Some(false), Some(3))
    );
    assert_eq!(profile.cert, None);
    let settings = HubSettings::from_profile(&profile);
    assert_eq!(settings.server, profile.server);
    assert_eq!(settings.ca_file, profile.serverca);
    assert_eq!((settings.attempts, settings.retry_offline), (4, false));
    assert_eq!(
        (settings.backoff, settings.call_timeout),
        (Duration::from_secs(7), Duration::from_secs(90))
    );

    let other = Profile::read("other", &files).unwrap();
    assert_eq!(
        (other.topdir.as_path(), other.topurl.as_ref(), other.timeout),
        (Path::new("/mnt/koji"), None, None)
    );
    assert_eq!(HubSettings::from_profile(&other).attempts, 5);
    let error = Profile::read("centos", &files).unwrap_err();
    assert!(
        matches!(&error, ProfileError::Unknown { known, .. } if known.len() == 2),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "no configuration of Koji has a profile \"centos\"; there are fedora, other"
    );
    assert!(Profile::read("DEFAULT", &files).is_err());
}

#[test]
fn certificates_are_where_koji_has_them() {
    let config = "[koji]\nserver = https://koji.example.com/kojihub\nanon_retry = off\n";
    let (top, files) = files(&[
        ("etc/koji.conf", config),
        ("home/.koji/client.crt", ""),
        ("home/.koji/serverca.crt", ""),
    ]);
    let profile = Profile::read("koji", &files).unwrap();
    let home = top.path().join("home/.koji");
    assert_eq!(
        (profile.cert.clone(), profile.serverca.clone()),
        (Some(home.join("client.crt")), Some(home.join("serverca.crt")))
    );
    let settings = HubSettings::from_profile(&profile);
    assert_eq!(
        settings.client_certificate,
        Some((home.join("client.crt"), home.join("client.crt")))
    );
    assert_eq!(settings.attempts, 1);
}

#[test]
fn what_is_wrong_is_said() {
    for (text, expected) in [
        ("[koji]\n", "server = \"\", which is not an http or https URL"),
        (
            "[koji]\nserver = koji.example.com\n",
            "which is not an http or https URL",
        ),
        (
            "[koji]\nserver = http://x/\ntimeout = soon\n",
            "timeout = \"soon\", which is not a number of seconds",
        ),
        (
            "[koji]\nserver = http://x/\nanon_retry = perhaps\n",
            "anon_retry = \"perhaps\", which is not yes or no",
        ),
        ("[koji]\nserver = http://%(nothing)s/\n", "references"),
        ("[koji]\nserver = %(server)s\n", "references"),
        ("[koji]\nserver = http://%x/\n", "references"),
        ("server = http://x/\n", "line 1: a value before any section"),
        ("[koji]\nserver\n", "line 2: neither a section nor a value"),
        ("[koji\n", "line 1: a section without its end"),
    ] {
        let (_top, files) = files(&[("etc/koji.conf", text)]);
        let error = Profile::read("koji", &files).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let (_top, none) = files(&[]);
    let error = Profile::read("koji", &none).unwrap_err().to_string();
    assert!(error.ends_with("there are none at all"), "{error}");
}

#[test]
fn values_go_on_in_indented_lines() {
    let (_top, files) = files(&[(
        "etc/koji.conf",
        "[koji]\nserver =\n  https://koji.example.com/kojihub\ntopdir = /mnt/koji\n  # comment\n\n[x]\n",
    )]);
    let profile = Profile::read("koji", &files).unwrap();
    assert_eq!(profile.server.as_str(), "https://koji.example.com/kojihub");
    assert_eq!(profile.topdir, Path::new("/mnt/koji"));
}
