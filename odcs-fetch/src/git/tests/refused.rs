//! What git is never started for.

use std::os::unix::fs::PermissionsExt;

use odcs_core::ErrorKind;

use super::*;

const COMMIT: &str = "1111111111111111111111111111111111111111";

#[tokio::test]
async fn git_is_not_started_for_what_is_refused() {
    let directory = TempDir::new().unwrap();
    let program = directory.path().join("git");
    let mark = directory.path().join("started");
    std::fs::write(
        &program,
        format!("#!/bin/sh\necho x >> {}\nexit 1\n", mark.display()),
    )
    .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut settings = settings();
    settings.git = program;
    let target = directory.path().join("target");
    std::fs::create_dir(&target).unwrap();
    let fetch = async |url: &str, route: Route| {
        let commit = GitCommit::new(url.parse().unwrap(), COMMIT.parse().unwrap(), LIMIT);
        fetch_commit(&settings, &route, &commit, &target)
            .await
            .unwrap_err()
    };
    for url in [
        "file:///srv/git/a.git",
        "ext::sh -c touch% /tmp/x",
        "ext:sh",
        "fd::17",
        "ssh://git.example.com/pub/a.git",
        "ssh://-oProxyCommand=touch%20x/pub/a.git",
        "git://git.example.com/pub/a.git",
        "git+ssh://git.example.com/pub/a.git",
        "http://git.example.com/pub/a.git",
        "ftp://git.example.com/pub/a.git",
        "https://git.example.org/pub/a.git",
        "https://git.example.com:8443/pub/a.git",
        "https://git.example.com./pub/a.git",
        "https://git.example.com/private/a.git",
        "https://git.example.com/public/a.git",
        "https://git.example.com/pub/../private/a.git",
        "https://git.example.com/pub/%2e%2e/private/a.git",
        "https://git.example.com/pub/..%2fprivate/a.git",
        "https://git.example.com/pub/%252e%252e/private/a.git",
        "https://me@git.example.com/pub/a.git",
        "https://me:secret@git.example.com/pub/a.git",
        "https://git.example.com/pub/a.git?service=x",
        "https://git.example.com/pub/a.git#main",
        "https://127.0.0.1/pub/a.git",
        "https://[::1]/pub/a.git",
        "https://2130706433/pub/a.git",
        "https://git.example.com@127.0.0.1/pub/a.git",
        &format!("https://git.example.com/pub/{}", "a".repeat(3000)),
    ] {
        let error = fetch(url, loopback()).await;
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{url}: {error}");
        assert!(!error.is_retryable());
        assert!(!mark.exists(), "{url}");
    }
    let nowhere = fetch("https://git.example.com/pub/a.git", Route::Direct(Vec::new())).await;
    assert_eq!(nowhere.kind(), ErrorKind::Forbidden, "{nowhere}");
    assert!(!mark.exists());
    // The program would have been seen.
    let error = fetch("https://git.example.com/pub/a.git", loopback()).await;
    assert!(
        matches!(error, GitError::Unexpected { .. }) && mark.exists(),
        "{error}"
    );
}

#[tokio::test]
async fn no_other_protocol_is_spoken_even_if_git_is_asked_to() {
    let repository = Repository::new();
    let directory = TempDir::new().unwrap();
    let git = Git::new(Path::new("git"), directory.path(), "https", &[], 1 << 20);
    let made = git
        .run(&["init", "--quiet", "--bare", "--template="], WORD)
        .await
        .unwrap();
    assert!(made.status.success(), "{}", made.said);
    for (url, protocol) in [
        (repository.url().to_string(), "file"),
        ("ext::sh -c true".to_owned(), "ext"),
        ("ssh://git.example.com/a".to_owned(), "ssh"),
        ("http://127.0.0.1:9/a".to_owned(), "http"),
        ("git://127.0.0.1:9/a".to_owned(), "git"),
    ] {
        let fetched = git
            .run(&["fetch", "--end-of-options", &url, COMMIT], WORD)
            .await
            .unwrap();
        let expected = format!("transport '{protocol}' not allowed");
        assert!(
            !fetched.status.success() && fetched.said.contains(&expected),
            "{url}: {}",
            fetched.said
        );
    }
}

#[tokio::test]
async fn a_git_that_would_look_addresses_up_by_itself_is_refused() {
    let directory = TempDir::new().unwrap();
    let mut settings = settings();
    settings.git = directory.path().join("git");
    let fetch = async |version: &str| {
        let mark = directory.path().join("fetched");
        let script = format!(
            "#!/bin/sh\n[ $1 = version ] || touch {}\necho {version}\n",
            mark.display()
        );
        std::fs::write(&settings.git, script).unwrap();
        std::fs::set_permissions(&settings.git, std::fs::Permissions::from_mode(0o755)).unwrap();
        let url = "https://git.example.com/pub/a.git".parse().unwrap();
        let commit = GitCommit::new(url, COMMIT.parse().unwrap(), LIMIT);
        let target = TempDir::new().unwrap();
        let error = fetch_commit(&settings, &loopback(), &commit, target.path())
            .await
            .unwrap_err();
        (error.to_string(), mark.exists())
    };
    for old in [
        "git version 2.36.9",
        "git version 1.99",
        "hub version 2.40.0",
        "git version 2",
        "",
    ] {
        let (error, went_on) = fetch(old).await;
        assert!(error.contains("2.37") && !went_on, "{error}");
    }
    assert_eq!(version("git version 2.37.0-rc1.windows\n"), Some((2, 37)));
    assert_eq!(version("git version 2.51\n"), Some((2, 51)));
    assert!(fetch("git version 2.37.1").await.1);
}

#[test]
fn hosts_are_pinned_to_their_addresses() {
    let pinned = |url: &str, addresses: &[&str]| {
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        pinned(&url.parse().unwrap(), &addresses)
    };
    assert_eq!(
        pinned("https://git.example.com/a", &["192.0.2.1", "2001:db8::1"]).unwrap(),
        "git.example.com:443:192.0.2.1,[2001:db8::1]"
    );
    assert_eq!(
        pinned("https://bücher.example:8443/a", &["192.0.2.1"]).unwrap(),
        "xn--bcher-kva.example:8443:192.0.2.1"
    );
    assert_eq!(pinned("https://192.0.2.1/a", &["192.0.2.1"]), None);
}

/// Arguments are for everybody on the machine to read, and what git says becomes a reason, for everybody else.
#[tokio::test]
async fn the_password_of_a_proxy_is_seen_by_git_alone() {
    let directory = TempDir::new().unwrap();
    let (program, mark) = (directory.path().join("git"), directory.path().join("arguments"));
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> {}\ncase $1 in\nversion) echo git version 2.47.3;;\n\
         fetch) echo \"fatal: Invalid proxy URL: $(env | grep proxy.example), p%40ss, p@ss\" >&2\n\
         env | grep ^CARGO >&2; exit 128;;\nesac\n",
        mark.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let mut settings = settings();
    settings.git = program;
    let url = "https://git.example.com/pub/a.git".parse().unwrap();
    let commit = GitCommit::new(url, COMMIT.parse().unwrap(), LIMIT);
    let route = Route::Proxy("http://me:p%40ss@proxy.example:3128".parse().unwrap());
    let target = TempDir::new().unwrap();
    let error = fetch_commit(&settings, &route, &commit, target.path())
        .await
        .unwrap_err();
    let arguments = std::fs::read_to_string(mark).unwrap();
    let (error, debug) = (error.to_string(), format!("{error:?}"));
    assert!(error.contains("http://…proxy.example:3128"), "{error}");
    for text in [&error, &debug, &arguments] {
        for secret in ["me:", "p%40ss", "p@ss", "CARGO"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
    assert!(arguments.contains("fetch --quiet") && files(target.path()).is_empty());
}
