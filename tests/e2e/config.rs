//! The configuration, through the real program.

use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{ODCS, Server, Start, copy_tree, project_root, test_repository};

/// A directory with a configuration file, in which the program is run.
struct Place(TempDir);

impl Place {
    fn with(file: &str) -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("odcs.toml"), file).unwrap();
        Self(dir)
    }

    fn run(&self, args: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = Command::new(ODCS);
        // Whatever the tests themselves are run with.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ODCS_") {
                command.env_remove(name);
            }
        }
        command.current_dir(self.0.path()).args(args);
        command.envs(environment.iter().copied()).output().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn started_with(file: &str, args: &[&str]) -> Server {
    let start = Start::new().args(args.iter().copied());
    std::fs::write(start.dir().join("odcs.toml"), file).unwrap();
    copy_tree(&test_repository(), &start.dir().join("repo"));
    start.start()
}

async fn lifetime(server: &Server) -> i64 {
    let repository = server.dir.path().join("repo");
    let compose = server.compose_of(&repository, &["ed"]).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    let seconds = |field: &str| {
        let time = compose[field].as_str().unwrap();
        let parts: Vec<i64> = time[11..19]
            .split(':')
            .map(|part| part.parse().unwrap())
            .collect();
        parts[0] * 3600 + parts[1] * 60 + parts[2]
    };
    (seconds("time_to_expire") - seconds("time_done")).rem_euclid(86_400)
}

#[tokio::test]
async fn the_service_does_as_the_file_says() {
    let file = "data_dir = \"elsewhere\"\ntarget_dir = \"trees\"\nseconds_to_live = 1234\narches = [\"aarch64\"]\n\
                allowed_hosts = [\"lab.example.com\"]\nmax_body_bytes = 2048\nlog_format = \"json\"\n\
                allowed_flags = []\n";
    let server = started_with(file, &[]);
    assert_eq!(lifetime(&server).await, 1234);
    assert!(server.dir.path().join("elsewhere/odcs.sqlite").exists());
    assert!(server.dir.path().join("trees/odcs-1/compose").is_dir());
    let compose = server.get("/api/1/composes/1").await.json();
    assert_eq!(compose["arches"], "aarch64");

    let host = [("Host", "lab.example.com")];
    let known = server
        .ask(reqwest::Method::GET, "/api/1/composes/1", &host, b"")
        .await;
    assert_eq!(known.status, 200);
    let host = [("Host", "other.example.com")];
    let unknown = server
        .ask(reqwest::Method::GET, "/api/1/composes/1", &host, b"")
        .await;
    assert_ne!(unknown.status, 200);
    let large = json!({"source": {"type": "repo", "source": "x".repeat(4096)}});
    assert_eq!(server.post(&large).await.status, 413);

    let log = server.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said = |what: &str| {
        lines
            .iter()
            .any(|line| line["message"].as_str().is_some_and(|text| text.contains(what)))
    };
    assert!(
        said("allowed_flags has no effect while nobody is asked who they are"),
        "{log}"
    );
}

#[tokio::test]
async fn options_win_over_the_file() {
    // The support sets ODCS_LISTEN: a port that is taken in the file does not matter.
    let file = "listen = \"192.0.2.1:1\"\ntarget_dir = \"trees\"\nseconds_to_live = 60\n";
    let server = started_with(file, &["--target-dir", "others"]);
    assert_eq!(lifetime(&server).await, 60);
    assert!(server.dir.path().join("others/odcs-1/compose").is_dir());
    assert!(!server.dir.path().join("trees").exists());
}

#[test]
fn the_configuration_in_effect_can_be_used_as_a_file() {
    let place = Place::with("sweep = 5\ngrace = 5\n[extra_target_dirs]\nreleases = \"/srv/releases\"\n");
    let first = place.run(
        &["config", "--grace", "7"],
        &[("ODCS_LEASE", "9"), ("ODCS_LEASSE", "9")],
    );
    assert_eq!(first.status.code(), Some(0), "{first:?}");
    let printed = text(&first.stdout);
    for line in [
        "sweep = 5  # odcs.toml:1",
        "grace = 7  # --grace",
        "lease = 9  # ODCS_LEASE",
        "poll = 1  # default",
    ] {
        assert!(
            printed.lines().any(|printed| printed == line),
            "{line}\n{printed}"
        );
    }
    let warning = "odcs: warning: ODCS_LEASSE is no key of the configuration; did you mean ODCS_LEASE?\n";
    assert_eq!(text(&first.stderr), warning);

    let second = Place::with("");
    std::fs::write(second.0.path().join("kept.toml"), &printed).unwrap();
    let again = second.run(&["config", "--config", "kept.toml"], &[]);
    let values = |printed: &str| {
        let lines = printed
            .lines()
            .map(|line| line.rsplit_once("  # ").map_or(line, |(value, _)| value));
        lines
            .filter(|line| !line.starts_with('#'))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(values(&printed), values(&text(&again.stdout)));

    let json = place.run(&["config", "--json"], &[("ODCS_CONFIG", "odcs.toml")]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["sweep"], json!({"value": 5, "origin": "odcs.toml:1"}));
}

#[test]
fn a_wrong_configuration_does_not_start_and_says_everything() {
    let file = "sweeep = 1\nlease = 0.5\nseconds_to_live = 300000\npublic_url = \"example.com\"\ntarget_dir = \"/srv/a\"\n\
                trusted_proxies = [\"10.0.0.1/8\"]\nallowed_flags = [\"no\"]\n[extra_target_dirs]\ndefault = \"/srv/b\"\nx = \"/srv/a\"\ny = \"srv\"\n";
    let place = Place::with(file);
    let expected = [
        "odcs: the configuration cannot be used",
        "odcs.toml:1:1: unknown key \"sweeep\"; did you mean \"sweep\"?",
        "odcs.toml:2:9: lease: a number from 1 to 86400 is expected (it is 0.5)",
        "odcs.toml:4:14: public_url: an http or https URL is expected",
        "odcs.toml:6:20: trusted_proxies: the address of the whole network is expected, 10.0.0.0/8",
        "odcs.toml:7:18: allowed_flags: one of no_deps, ",
        "odcs.toml:11:5: extra_target_dirs.y: an absolute path is expected",
        "odcs.toml:3:19: seconds_to_live: 300000 is longer than composes are ever kept",
    ];
    for args in [&["serve"][..], &["config"], &["config", "--check"]] {
        let output = place.run(args, &[]);
        let said = text(&output.stderr);
        assert_eq!(
            (output.status.code(), text(&output.stdout).as_str()),
            (Some(1), ""),
            "{said}"
        );
        assert_eq!(said.lines().count(), expected.len(), "{said}");
        for (line, begins) in said.lines().zip(expected) {
            assert!(line.starts_with(begins), "{line}\n{begins}");
        }
    }
    assert!(!place.0.path().join("odcs-data").exists());
}

/// Asserts that the service does not start, and what it says.
#[track_caller]
fn refused(file: &str, args: &[&str], environment: &[(&str, &str)], says: &str) {
    let place = Place::with(file);
    let output = place.run(&[&["serve"], args].concat(), environment);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = text(&output.stderr);
    assert_eq!(said, format!("odcs: the configuration cannot be used\n{says}\n"));
}

#[test]
fn every_kind_of_mistake_is_refused_at_start() {
    refused(
        "",
        &["--config", "other.toml"],
        &[],
        "other.toml: there is no such configuration file",
    );
    refused(
        "",
        &[],
        &[("ODCS_CONFIG", "other.toml")],
        "other.toml: there is no such configuration file",
    );
    refused(
        "",
        &[],
        &[("ODCS_THREADS", "none")],
        "ODCS_THREADS: a whole number from 1 to 1024 is expected (it is \"none\")",
    );
    refused(
        "max_seconds_to_live = 90000",
        &[],
        &[("ODCS_SECONDS_TO_LIVE", "90001")],
        "ODCS_SECONDS_TO_LIVE: 90001 is longer than composes are ever kept: max_seconds_to_live is 90000 (odcs.toml:1)",
    );
    refused(
        "allowed_urls = [\"file:///srv/\"]",
        &[],
        &[],
        "odcs.toml:1:17: allowed_urls: an http, https or git URL is expected, as in https://example.com/pub/ (it is \"file:///srv/\")",
    );
    refused(
        "[raw_config_urls.a]\nurl = \"https://git.example.com/a.git\"\nconfig_filename = \"a.conf\"\nseconds_to_live = 2\nmax_seconds_to_live = 1",
        &[],
        &[],
        "odcs.toml:4:19: raw_config_urls.a.seconds_to_live: 2 is longer than composes are ever kept: max_seconds_to_live of a is 1",
    );
    refused(
        "[extra_target_dirs.default]\npath = \"/srv/a\"",
        &[],
        &[],
        "odcs.toml:1:20: extra_target_dirs.default: default is the name of the key target_dir; another name is expected",
    );
    refused(
        "[extra_target_dirs]\na = \"/srv/a\"",
        &["--target-dir", "/srv/a"],
        &[],
        "odcs.toml:2:5: extra_target_dirs.a: /srv/a is the path of target_dir already",
    );
    let usage = Place::with("").run(&["serve", "--sweep", "0"], &[]);
    assert_eq!(usage.status.code(), Some(2));
    assert!(text(&usage.stderr).contains("'--sweep <SECONDS>'"), "{usage:?}");
}

#[test]
fn checking_and_the_reference() {
    let fine = Place::with("sweep = 5").run(&["config", "--check"], &[]);
    assert_eq!(
        (fine.status.code(), fine.stdout.len(), fine.stderr.len()),
        (Some(0), 0, 0)
    );
    // What the service would not start with.
    let place = Place::with("repo_roots = [\"nowhere\"]");
    for args in [&["config", "--check"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let output = place.run(args, &[]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(text(&output.stderr).contains("the repository root"), "{output:?}");
    }
    assert_eq!(place.run(&["config"], &[]).status.code(), Some(0));
    // Also where the configuration is wrong: that is when it is needed.
    let reference = Place::with("sweeep = 5").run(&["config", "--reference"], &[]);
    assert_eq!(reference.status.code(), Some(0));
    let kept = std::fs::read_to_string(project_root().join("docs/configuration.md")).unwrap();
    assert_eq!(
        text(&reference.stdout),
        kept,
        "make docs/configuration.md anew: cargo run -- config --reference > docs/configuration.md"
    );
}

#[test]
fn help_names_the_variables_and_the_defaults() {
    let help = text(&Place::with("").run(&["help", "serve"], &[]).stdout);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for says in [
        "--config <FILE>",
        "[default: 127.0.0.1:5000] [env: ODCS_LISTEN]",
        "--repo-root <DIR>",
        "may be given several times [default: the current directory] [env: ODCS_REPO_ROOTS]",
        "[default: one for each processor] [env: ODCS_THREADS]",
        "[possible values: copy, fail]",
    ] {
        assert!(help.contains(says), "{says}\n{help}");
    }
}

#[test]
fn certificates_are_read_when_the_configuration_is_checked() {
    let place = Place::with("ca_files = [\"authority.pem\"]\n");
    let check = || place.run(&["config", "--check"], &[]);
    for content in [None, Some("no certificate")] {
        if let Some(content) = content {
            std::fs::write(place.0.path().join("authority.pem"), content).unwrap();
        }
        let refused = check();
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let said = text(&refused.stderr);
        assert!(
            said.contains("the service cannot be started") && said.contains("authority.pem"),
            "{said}"
        );
    }
    let place = Place::with("client_certificate = \"odcs.pem\"\nclient_key = \"odcs.key\"\n");
    let refused = place.run(&["config", "--check"], &[]);
    assert!(text(&refused.stderr).contains("odcs.pem"), "{refused:?}");
}

#[tokio::test]
async fn the_password_of_the_proxy_goes_nowhere() {
    let file = "allowed_urls = [\"http://192.0.2.1/\"]\nproxy = \"http://me:secret@127.0.0.1:9\"\nfetch_attempts = 1\n";
    let place = Place::with(file);
    for args in [&["config"][..], &["config", "--json"], &["config", "--check"]] {
        let output = place.run(args, &[]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!said.contains("secret"), "{said}");
    }
    // Nobody listens there.
    let start = Start::new().variable("ODCS_LOG", "debug");
    std::fs::write(start.dir().join("odcs.toml"), file).unwrap();
    let server = start.start();
    let compose = server
        .compose(&json!({"source": {"type": "repo", "source": "http://192.0.2.1/repo"}}))
        .await;
    assert_eq!(compose["state_name"], "failed", "{compose}");
    let said = compose.to_string() + &server.log();
    assert!(
        said.contains("192.0.2.1/repo") && !said.contains("secret"),
        "{said}"
    );
}
