//! How configurations are read, and what is said about wrong ones.

mod elsewhere;
mod koji;
mod printing;

use std::time::Duration;

use clap::{Args, FromArgMatches};
use tempfile::TempDir;

use super::setting::Allowed;
use super::*;

/// A directory with a configuration file.
struct Case {
    dir: TempDir,
    environment: Vec<(OsString, OsString)>,
    options: Vec<String>,
}

impl Case {
    fn new(file: &str) -> Self {
        let dir = TempDir::new().unwrap();
        #[allow(clippy::disallowed_methods, reason = "a file of the test's own")]
        std::fs::write(dir.path().join("odcs.toml"), file).unwrap();
        Self {
            dir,
            environment: Vec::new(),
            options: Vec::new(),
        }
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    fn options(mut self, options: &[&str]) -> Self {
        self.options = options.iter().map(|&option| option.to_owned()).collect();
        self
    }

    fn load(&self) -> Result<Loaded, Refusal> {
        let command = Overrides::augment_args(clap::Command::new("odcs").no_binary_name(true));
        let matches = command.try_get_matches_from(&self.options).unwrap();
        let overrides = Overrides::from_arg_matches(&matches).unwrap();
        let surroundings = Surroundings {
            environment: self.environment.clone(),
            dir: self.dir.path(),
            processors: 3,
            places: &["odcs.toml", "no/such/odcs.toml"],
        };
        load(&overrides, &surroundings)
    }

    fn configuration(&self) -> Configuration {
        self.load().unwrap().configuration
    }

    fn refused(&self) -> String {
        self.load().unwrap_err().to_string()
    }
}

/// Asserts that a file is refused with exactly these lines.
#[track_caller]
fn refused(file: &str, says: &[&str]) {
    assert_eq!(Case::new(file).refused(), says.join("\n"), "{file}");
}

#[test]
fn without_anything_all_is_as_it_is_by_default() {
    let case = Case::new("");
    let loaded = case.load().unwrap();
    let configuration = &loaded.configuration;
    assert_eq!(configuration.listen, "127.0.0.1:5000".parse().unwrap());
    assert_eq!(configuration.data_dir, case.dir.path().join("odcs-data"));
    assert_eq!(
        configuration.target_dir,
        case.dir.path().join("odcs-data/composes")
    );
    assert_eq!(configuration.repo_roots, [case.dir.path()]);
    assert_eq!((configuration.threads, configuration.concurrency), (3, 1));
    assert_eq!(configuration.allowed_flags, Allowed::Anything);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert!(KEYS.iter().all(|key| !loaded.origins.is_chosen(key.name)));
}

#[test]
fn defaults_are_those_of_the_crates() {
    let configuration = defaults();
    let engine = odcs_core::engine::EngineSettings::new().unwrap();
    assert_eq!(configuration.arches, engine.default_arches);
    assert_eq!(configuration.lease, engine.lease);
    assert_eq!(configuration.attempts, engine.attempts);
    assert_eq!(configuration.poll, engine.poll);
    assert_eq!(configuration.sweep, engine.sweep);
    assert_eq!(configuration.concurrency, engine.concurrency);
    assert_eq!(configuration.dry_runs, engine.previews);
    assert_eq!(configuration.dry_run_timeout, engine.preview_timeout);
    let http = odcs_http::HttpOptions::default();
    assert_eq!(
        usize::try_from(configuration.max_body_bytes.0),
        Ok(http.max_body_bytes)
    );
    assert_eq!(configuration.fetches, engine.fetches);
    assert_eq!(configuration.package_bytes.0, engine.package_bytes);
    let fetch = odcs_fetch::FetchSettings::new(configuration.allowed_urls);
    assert_eq!(configuration.fetch_connections, fetch.connections_per_host);
    assert_eq!(configuration.fetch_attempts, fetch.attempts);
    assert_eq!(configuration.fetch_timeout, fetch.read_timeout);
    #[cfg(feature = "repo")]
    {
        let repo = odcs_sources::repo::RepoSettings::new(Vec::<PathBuf>::new());
        assert_eq!(configuration.metadata_bytes.0, repo.metadata_bytes);
        assert_eq!(configuration.open_metadata_bytes.0, repo.open_metadata_bytes);
        assert_eq!(configuration.metadata_ratio, repo.metadata_ratio);
    }
}

#[test]
fn later_layers_win() {
    let case = Case::new("sweep = 5\ngrace = 5\nlease = 5\n# and\narches = [\"s390x\"]")
        .env("ODCS_GRACE", "6")
        .env("ODCS_SWEEP", "6")
        .env("ODCS_ARCHES", "aarch64, x86_64")
        .options(&["--sweep", "7"]);
    let loaded = case.load().unwrap();
    let configuration = &loaded.configuration;
    let seconds = [configuration.sweep, configuration.grace, configuration.lease].map(|d| d.as_secs());
    assert_eq!(seconds, [7, 6, 5]);
    let arches: Vec<&str> = configuration.arches.iter().map(TreeArch::as_str).collect();
    assert_eq!(arches, ["aarch64", "x86_64"]);
    let origins = ["sweep", "grace", "lease", "poll"].map(|key| loaded.origins.of(key).to_string());
    assert_eq!(origins, ["--sweep", "ODCS_GRACE", "odcs.toml:3", "default"]);
}

#[test]
fn signatures_are_verified_with_keys_only() {
    let case = Case::new("");
    assert_eq!(case.configuration().verify_signatures, Verify::Never);
    let case = Case::new("keyring = \"keys\"\nuntrusted_repo_roots = [\"inbox\"]");
    let configuration = case.configuration();
    assert_eq!(configuration.verify_signatures, Verify::Untrusted);
    assert_eq!(configuration.keyring.unwrap().0, case.dir.path().join("keys"));
    assert_eq!(
        configuration.untrusted_repo_roots,
        [case.dir.path().join("inbox")]
    );
    let case = Case::new("keyring = \"keys\"\nverify_signatures = \"never\"");
    assert_eq!(case.configuration().verify_signatures, Verify::Never);

    refused(
        "\nverify_signatures = \"always\"",
        &[
            "odcs.toml:2:21: verify_signatures: always needs keys to verify signatures with, and keyring names none",
        ],
    );
    refused(
        "verify_signatures = \"sometimes\"",
        &["odcs.toml:1:21: verify_signatures: never, untrusted or always is expected (it is \"sometimes\")"],
    );
    refused(
        "untrusted_repo_roots = [\"inbox\"]",
        &[
            "odcs.toml:1:24: untrusted_repo_roots: packages of untrusted directories must be verified, and keyring names \
             no keys",
        ],
    );
    refused(
        "keyring = \"k\"\nverify_signatures = \"never\"\nuntrusted_repo_roots = [\"inbox\"]",
        &[
            "odcs.toml:3:24: untrusted_repo_roots: packages of untrusted directories must be verified, and \
             verify_signatures is never (odcs.toml:2)",
        ],
    );
}

#[test]
fn the_file_that_is_named_has_to_be_there() {
    let missing = Case::new("").env("ODCS_CONFIG", "other.toml");
    assert_eq!(
        missing.refused(),
        "other.toml: there is no such configuration file"
    );
    let option = Case::new("sweep = 9")
        .env("ODCS_CONFIG", "other.toml")
        .options(&["--config", "odcs.toml"]);
    assert_eq!(option.configuration().sweep, Duration::from_secs(9));
    let directory = Case::new("").options(&["--config", "."]);
    assert!(
        directory
            .refused()
            .starts_with(".: the configuration cannot be read: "),
        "{}",
        directory.refused()
    );
}

#[test]
fn paths_begin_where_they_are_written() {
    let case = Case::new("");
    let conf = case.dir.path().join("conf");
    #[allow(clippy::disallowed_methods, reason = "files of the test's own")]
    {
        std::fs::create_dir(&conf).unwrap();
        std::fs::write(
            conf.join("odcs.toml"),
            "data_dir = \"data\"\nrepo_roots = [\"a\", \"/b\"]",
        )
        .unwrap();
    }
    let loaded = case.options(&["--config", "conf/odcs.toml", "--target-dir", "./composes"]);
    let configuration = loaded.configuration();
    assert_eq!(configuration.data_dir, conf.join("data"));
    assert_eq!(configuration.repo_roots, [conf.join("a"), "/b".into()]);
    assert_eq!(configuration.target_dir, loaded.dir.path().join("composes"));
}

#[test]
fn lists_and_tables_can_be_put_into_variables() {
    let configuration = Case::new("")
        .env("ODCS_REPO_ROOTS", "/a:/b:/a/")
        .env("ODCS_TRUSTED_PROXIES", "127.0.0.1 10.0.0.0/8,fd00::/8")
        .env("ODCS_ALLOWED_FLAGS", "[]")
        .env("ODCS_ALLOWED_SOURCES", "[\"\"]")
        .env(
            "ODCS_EXTRA_TARGET_DIRS",
            "{ private = { path = \"/srv/private\" } }",
        )
        .env("ODCS_LISTEN", "")
        .configuration();
    assert_eq!(configuration.repo_roots, [PathBuf::from("/a"), "/b".into()]);
    assert_eq!(configuration.trusted_proxies.len(), 3);
    assert_eq!(configuration.allowed_flags, Allowed::Only(Vec::new()));
    assert_eq!(configuration.allowed_sources, Allowed::Anything);
    assert_eq!(configuration.extra_target_dirs.len(), 1);
    assert_eq!(configuration.listen.port(), 5000);
}

#[test]
fn unknown_keys_are_refused_with_the_nearest() {
    refused(
        "sweeep = 1\n  Target_Dir = \"/a\"\ntarget_dir_url = \"\"\nnonsense = 1\n[raw_config_urls.a]\nurl = \"file:///a\"\nconfig_filename = \"a\"\ncomit = \"a\"",
        &[
            "odcs.toml:1:1: unknown key \"sweeep\"; did you mean \"sweep\"?",
            "odcs.toml:2:3: unknown key \"Target_Dir\"; did you mean \"target_dir\"?",
            "odcs.toml:3:1: unknown key \"target_dir_url\"; did you mean \"public_url\"?",
            "odcs.toml:4:1: unknown key \"nonsense\"; `odcs config --reference` lists the keys",
            "odcs.toml:8:1: unknown key \"raw_config_urls.a.comit\"; did you mean \"commit\"?",
        ],
    );
}

#[test]
fn what_is_no_toml_is_refused_with_its_place() {
    let text = Case::new("sweep = 1\ngrace = = 2\n").refused();
    assert!(text.starts_with("odcs.toml:2:9: "), "{text}");
    refused(
        "a = \"\n[b",
        &[
            "odcs.toml:1:6: invalid basic string, expected `\"`",
            "odcs.toml:2:3: unclosed table, expected `]`",
        ],
    );
    let twice = Case::new("sweep = 1\nsweep = 2\n").refused();
    assert!(twice.starts_with("odcs.toml:2:1: duplicate key"), "{twice}");
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    refused(
        "listen = 5000\nthreads = \"4\"\narches = \"x86_64\"\nextra_target_dirs = []\nsweep = true\nattempts = 1.5",
        &[
            "odcs.toml:1:10: listen: a text is expected (it is 5000)",
            "odcs.toml:2:11: threads: a whole number from 1 to 1024 is expected (it is \"4\")",
            "odcs.toml:3:10: arches: a list is expected, as in [\"a\", \"b\"] (it is \"x86_64\")",
            "odcs.toml:4:21: extra_target_dirs: a table is expected, an entry for each name (it is a list)",
            "odcs.toml:5:9: sweep: a number from 1 to 31536000 is expected (it is true)",
            "odcs.toml:6:12: attempts: a whole number from 1 to 1000 is expected (it is 1.5)",
        ],
    );
}

#[test]
fn numbers_have_limits() {
    refused(
        "lease = 0.5\npoll = 0\nsweep = -1\ngrace = -0.1\nseconds_to_live = 0\nconcurrency = 0\nmax_body_bytes = 99999999999\npoll2 = 1",
        &[
            "odcs.toml:1:9: lease: a number from 1 to 86400 is expected (it is 0.5)",
            "odcs.toml:2:8: poll: a number from 0.01 to 3600 is expected (it is 0)",
            "odcs.toml:3:9: sweep: a number from 1 to 31536000 is expected (it is -1)",
            "odcs.toml:4:9: grace: a number from 0 to 31536000 is expected (it is -0.1)",
            "odcs.toml:5:19: seconds_to_live: a whole number from 1 to 3155760000 is expected (it is 0)",
            "odcs.toml:6:15: concurrency: a whole number from 1 to 256 is expected (it is 0)",
            "odcs.toml:7:18: max_body_bytes: a size from 1 KiB to 1 GiB is expected, as in 20 GiB (it is 99999999999)",
            "odcs.toml:8:1: unknown key \"poll2\"; did you mean \"poll\"?",
        ],
    );
    assert_eq!(
        Case::new("poll = 0.25\ngrace = 0").configuration().poll,
        Duration::from_millis(250)
    );
    assert!(Case::new("sweep = nan").refused().contains("a number from 1"));
}

#[test]
fn texts_have_to_be_what_they_stand_for() {
    refused(
        "listen = \"localhost\"\npublic_url = \"odcs.example.com\"\nlink_fallback = \"hardlink\"\nlog_format = \"xml\"\nallowed_hosts = [\"a:80\"]\n\
         arches = [\"x86_64\", \"x86-64\", \"x86_64\"]\nallowed_urls = [\"ftp://a/\", \"https://a/../b\"]\nallowed_flags = [\"no_dep\", \"no_flags\"]\nallowed_sources = [\"\", \"f36\"]\n\
         trusted_proxies = [\"10.0.0.1/8\", \"10.0.0.0/33\", \"proxy\"]\ndata_dir = \"\"",
        &[
            "odcs.toml:1:10: listen: an IP address and a port are expected, as in 127.0.0.1:5000 or [::1]:5000 (it is \"localhost\")",
            "odcs.toml:2:14: public_url: an http or https URL is expected, as in https://odcs.example.com/composes (it is \"odcs.example.com\")",
            "odcs.toml:3:17: link_fallback: copy or fail is expected (it is \"hardlink\")",
            "odcs.toml:4:14: log_format: text or json is expected (it is \"xml\")",
            "odcs.toml:5:18: allowed_hosts: a host name without scheme and port is expected, as in odcs.example.com (it is \"a:80\")",
            "odcs.toml:6:21: arches: one of aarch64, i386, loongarch64, ppc64, ppc64le, riscv64, s390x, x86_64 is expected, perhaps x86_64 (it is \"x86-64\")",
            "odcs.toml:7:17: allowed_urls: an http, https or git URL is expected, as in https://example.com/pub/ (it is \"ftp://a/\")",
            "odcs.toml:7:29: allowed_urls: its path can have no . or .. and no encoded slashes, and it can have no white space or backslashes (it is \"https://a/../b\")",
            "odcs.toml:8:18: allowed_flags: one of no_deps, no_inheritance, include_unpublished_pulp_repos, check_deps, include_done_modules, ignore_absent_pulp_repos, no_reuse, use_only_compatible_arch, no_label, check_install is expected, perhaps no_deps (it is \"no_dep\")",
            "odcs.toml:8:28: allowed_flags: requests without flags need no permission: a flag is expected (it is \"no_flags\")",
            "odcs.toml:9:20: allowed_sources: \"\" allows anything and stands alone; leave it out, or the others",
            "odcs.toml:10:20: trusted_proxies: the address of the whole network is expected, 10.0.0.0/8 (it is \"10.0.0.1/8\")",
            "odcs.toml:10:34: trusted_proxies: an IP address or a network is expected, as in 127.0.0.1, 10.0.0.0/8 or fd00::/8 (it is \"10.0.0.0/33\")",
            "odcs.toml:10:49: trusted_proxies: an IP address or a network is expected, as in 127.0.0.1, 10.0.0.0/8 or fd00::/8 (it is \"proxy\")",
            "odcs.toml:11:12: data_dir: the path of a directory is expected (it is \"\")",
        ],
    );
}

#[test]
fn passwords_are_not_repeated() {
    let text = Case::new("public_url = \"http://me:secret@example.com/\"").refused();
    assert_eq!(
        text,
        "odcs.toml:1:14: public_url: user names and passwords do not belong into this URL"
    );
}

#[test]
fn lifetimes_fit_together() {
    refused(
        "seconds_to_live = 300000",
        &[
            "odcs.toml:1:19: seconds_to_live: 300000 is longer than composes are ever kept: max_seconds_to_live is 259200 by default",
        ],
    );
    refused(
        "max_seconds_to_live = 60",
        &[
            "odcs.toml:1:23: max_seconds_to_live: 60 is shorter than composes are kept that ask for nothing: seconds_to_live is 86400 by default",
        ],
    );
    let across = Case::new("max_seconds_to_live = 100000").env("ODCS_SECONDS_TO_LIVE", "200000");
    assert_eq!(
        across.refused(),
        "ODCS_SECONDS_TO_LIVE: 200000 is longer than composes are ever kept: max_seconds_to_live is 100000 (odcs.toml:1)"
    );
    refused(
        "[raw_config_urls]\na = { url = \"file:///a\", config_filename = \"a\", seconds_to_live = 20, max_seconds_to_live = 10 }\n\
         b = { url = \"file:///a\", config_filename = \"a\", seconds_to_live = 300000 }\n\
         c = { url = \"file:///a\", config_filename = \"a\", seconds_to_live = 300000, max_seconds_to_live = 400000 }",
        &[
            "odcs.toml:2:67: raw_config_urls.a.seconds_to_live: 20 is longer than composes are ever kept: max_seconds_to_live of a is 10",
            "odcs.toml:3:67: raw_config_urls.b.seconds_to_live: 300000 is longer than composes are ever kept: max_seconds_to_live is 259200 by default",
        ],
    );
}

#[test]
fn target_directories_are_told_apart() {
    refused(
        "target_dir = \"/srv/a\"\n[extra_target_dirs]\ndefault = \"/srv/x\"\nsame = \"/srv//a/\"\nz = { path = \"/srv/b\" }\ny = { path = \"/srv/b\" }",
        &[
            "odcs.toml:3:11: extra_target_dirs.default: default is the name of the key target_dir; another name is expected",
            "odcs.toml:4:8: extra_target_dirs.same: /srv/a is the path of target_dir already",
            "odcs.toml:5:1: extra_target_dirs.z: /srv/b is the path of y already",
        ],
    );
    refused(
        "public_url = \"https://a.example/composes/\"\n[extra_target_dirs]\na = { path = \"/a\", url = \"https://a.example/composes\" }\n\
         b = { path = \"/b\", url = \"https://b.example/\" }\nc = { path = \"/c\", url = \"https://b.example\" }\nd = { path = \"/d\" }\ne = { path = \"/e\" }",
        &[
            "odcs.toml:3:26: extra_target_dirs.a.url: https://a.example/composes is the URL of public_url already",
            "odcs.toml:5:26: extra_target_dirs.c.url: https://b.example/ is the URL of b already",
        ],
    );
    refused(
        "[extra_target_dirs]\na = \"srv\"\n\"b c\" = \"/b\"\nd = { url = \"http://d/\" }\ne = { path = \"/e\", url = \"e\" }\nf = 1",
        &[
            "odcs.toml:2:5: extra_target_dirs.a: an absolute path is expected, as in /srv/odcs/releases (it is \"srv\")",
            "odcs.toml:3:1: extra_target_dirs: a name of letters, digits, -, _ and . is expected that does not begin with - (it is \"b c\")",
            "odcs.toml:4:5: extra_target_dirs.d: path is missing",
            "odcs.toml:5:26: extra_target_dirs.e.url: an http or https URL is expected, as in https://odcs.example.com/composes (it is \"e\")",
            "odcs.toml:6:5: extra_target_dirs.f: a table with path, url is expected (it is 1)",
        ],
    );
}

#[test]
fn pungi_configurations_are_checked() {
    refused(
        "[raw_config_urls]\na = { url = \"git@host:a\", config_filename = \"../a\", path = \"/etc\", commit = \"-x\" }\nb = {}",
        &[
            "odcs.toml:2:13: raw_config_urls.a.url: the https, http or file URL of a git repository is expected, without user name and password (it is \"git@host:a\")",
            "odcs.toml:2:45: raw_config_urls.a.config_filename: a path within the repository is expected, relative to its top and without .. (it is \"../a\")",
            "odcs.toml:2:60: raw_config_urls.a.path: a path within the repository is expected, relative to its top and without .. (it is \"/etc\")",
            "odcs.toml:2:77: raw_config_urls.a.commit: a git commit, branch or tag is expected (it is \"-x\")",
            "odcs.toml:3:5: raw_config_urls.b: url is missing",
            "odcs.toml:3:5: raw_config_urls.b: config_filename is missing",
        ],
    );
}

#[test]
fn lists_name_what_is_there() {
    refused(
        "arches = []\nallowed_target_dirs = [\"default\", \"x\"]\nallowed_raw_config_keys = [\"y\"]",
        &[
            "odcs.toml:1:10: arches: at least one arch is expected, as in [\"x86_64\"]",
            "odcs.toml:2:35: allowed_target_dirs: there is no x in extra_target_dirs",
            "odcs.toml:3:28: allowed_raw_config_keys: there is no y in raw_config_urls",
        ],
    );
}

#[test]
fn variables_and_options_are_named() {
    let case = Case::new("lease = 0")
        .env("ODCS_SWEEP", "often")
        .env("ODCS_EXTRA_TARGET_DIRS", "{ a = { path = \"b\" } }")
        .env("ODCS_ARCHES", "[\"x86_64\"")
        .options(&["--target-dir", "/srv/x", "--data-dir", "/srv/y"]);
    let text = case.refused();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "odcs.toml:1:9: lease: a number from 1 to 86400 is expected (it is 0)"
    );
    assert!(
        lines[1].starts_with("ODCS_ARCHES: what begins with [ is read as a TOML array"),
        "{text}"
    );
    assert_eq!(
        lines[2],
        "ODCS_EXTRA_TARGET_DIRS: a.path: an absolute path is expected, as in /srv/odcs/releases (it is \"b\")"
    );
    assert_eq!(
        lines[3],
        "ODCS_SWEEP: a number from 1 to 31536000 is expected (it is \"often\")"
    );
    assert_eq!(lines.len(), 4, "{text}");
    let option = Case::new("[extra_target_dirs]\na = \"/srv/x\"").options(&["--target-dir", "/srv/x"]);
    assert_eq!(
        option.refused(),
        "odcs.toml:2:5: extra_target_dirs.a: /srv/x is the path of target_dir already"
    );
}

#[test]
fn the_command_line_is_checked_when_it_is_read() {
    let command = || Overrides::augment_args(clap::Command::new("odcs").no_binary_name(true));
    for (option, says) in [
        (["--sweep", "0"], "a number from 1 to 31536000 is expected"),
        (["--listen", "here"], "an IP address and a port are expected"),
        (["--link-fallback", "never"], "[possible values: copy, fail]"),
    ] {
        let error = command().try_get_matches_from(option).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains(option[0]), "{error}");
    }
}

#[test]
fn unknown_variables_are_warned_of() {
    let case = Case::new("")
        .env("ODCS_SWEEEP", "1")
        .env("ODCS_SERVER", "x")
        .env("ODCS_LOG", "x")
        .env("ODCS_TEST_PYTHON", "x")
        .env("ODCS_QUITE_ELSE", "x");
    assert_eq!(
        case.load().unwrap().warnings,
        [
            "ODCS_QUITE_ELSE is no key of the configuration; `odcs config --reference` lists them",
            "ODCS_SWEEEP is no key of the configuration; did you mean ODCS_SWEEP?",
        ]
    );
}

#[test]
fn rules_about_callers_are_said_to_have_no_effect() {
    let warnings = |file| Case::new(file).load().unwrap().warnings;
    assert_eq!(
        warnings("allowed_flags = []"),
        ["allowed_flags has no effect while nobody is asked who they are"]
    );
    assert_eq!(
        warnings("allowed_flags = []\nallowed_arches = [\"\"]"),
        ["allowed_flags, allowed_arches have no effect while nobody is asked who they are"]
    );
    assert!(warnings("allowed_urls = []\nallowed_hosts = []").is_empty());
}

#[test]
fn what_is_true_or_false_is_nothing_else() {
    let text = |key: &str, value: &str| Case::new("").env(key, value).load();
    assert!(
        text("ODCS_FILELISTS_EXT", "true")
            .unwrap()
            .configuration
            .filelists_ext
    );
    assert!(text("ODCS_FILELISTS_EXT", "yes").is_err());
    assert!(Case::new("filelists_ext = \"true\"").load().is_err());
    assert!(Case::new("repodata_compression = \"xz\"").load().is_err());
    assert!(Case::new("verify_packages = \"never\"").load().is_err());
}

#[test]
fn links_lead_to_addresses_that_can_be_connected_to() {
    for (address, there) in [
        ("0.0.0.0:5000", "127.0.0.1:5000"),
        ("[::]:5000", "[::1]:5000"),
        ("127.0.0.2:1", "127.0.0.2:1"),
        ("192.0.2.1:80", "192.0.2.1:80"),
    ] {
        assert_eq!(reachable(address.parse().unwrap()), there.parse().unwrap());
    }
}
