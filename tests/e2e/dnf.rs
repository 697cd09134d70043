//! `dnf`, the one who has to be content.

use std::path::Path;

use rpmgen::{GeneratorOptions, Layout, generate, write_repository};
use serde_json::json;

use crate::support::{Server, Start, as_root, has, run};

/// dnf with an empty root and the `.repo` file of a compose, nothing else. It installs for root only, so
/// that is who everybody else is to it.
pub(crate) fn dnf(root: &Path, repos: &Path, args: &[&str]) -> String {
    let mut command = as_root("dnf");
    command.args(["--assumeyes", "--releasever=1", "--forcearch=x86_64"]);
    command
        .arg(format!("--installroot={}", root.display()))
        .arg(format!("--setopt=reposdir={}", repos.display()));
    run(command.args(args))
}

#[tokio::test]
async fn installs_from_the_repo_file() {
    if !has("dnf") || !has("rpm") {
        return;
    }
    let (server, repository) = Server::with_test_repository();
    let compose = server.compose_of(&repository, &["ed"]).await;
    let repofile = server.get(compose["result_repofile"].as_str().unwrap()).await;
    assert_eq!(repofile.status, 200);
    let (root, repos) = (server.dir.path().join("root"), server.dir.path().join("repos"));
    std::fs::create_dir(&repos).unwrap();
    std::fs::write(repos.join("odcs-1.repo"), &repofile.body).unwrap();

    let enabled = dnf(&root, &repos, &["repolist"]);
    assert!(
        enabled.contains("odcs-1") && !enabled.contains("odcs-1-debuginfo"),
        "{enabled}"
    );
    dnf(&root, &repos, &["install", "ed"]);
    let rpm = |args: &[&str]| run(as_root("rpm").arg("--root").arg(&root).args(args));
    let installed = rpm(&["-qa", "--qf", "%{NAME}.%{ARCH}\n"]);
    let mut installed: Vec<_> = installed.lines().collect();
    installed.sort_unstable();
    assert_eq!(installed, ["ed.x86_64", "line-editor-common.noarch"]);
    assert!(root.join("usr/bin/ed").is_file(), "its files are there");
    rpm(&["--verify", "--nodeps", "ed", "line-editor-common"]);

    // dnf 5 puts no newline after each package, dnf 4 one more.
    let all = [
        "repoquery",
        "--enablerepo=*",
        "--qf",
        "%{repoid} %{name}.%{arch}\n",
    ];
    let listed = dnf(&root, &repos, &all);
    let mut listed: Vec<_> = listed.lines().filter(|line| line.starts_with("odcs-1")).collect();
    listed.sort_unstable();
    assert_eq!(
        listed,
        [
            "odcs-1 ed.x86_64",
            "odcs-1 line-editor-common.noarch",
            "odcs-1-debuginfo ed-debuginfo.x86_64",
            "odcs-1-debuginfo ed-debugsource.x86_64",
            "odcs-1-source ed.src",
            "odcs-1-source line-editor-common.src",
        ]
    );
}

#[tokio::test]
async fn downloads_debug_and_source_packages() {
    if !has("dnf") {
        return;
    }
    let (server, repository) = Server::with_test_repository();
    let body = json!({"source": {"type": "repo", "source": repository}, "arches": ["x86_64", "aarch64"]});
    let compose = server.compose(&body).await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    let repofile = server.get(compose["result_repofile"].as_str().unwrap()).await;
    let (root, repos) = (server.dir.path().join("root"), server.dir.path().join("repos"));
    std::fs::create_dir(&repos).unwrap();
    std::fs::write(repos.join("odcs-1.repo"), &repofile.body).unwrap();
    dnf(
        &root,
        &repos,
        &[
            "install",
            "--enablerepo=*",
            "--downloadonly",
            "ed-debuginfo",
            "ed-debugsource",
            "ed-doc",
        ],
    );
    let names: Vec<_> = test_support::names(&root)
        .into_iter()
        .filter(|name| name.ends_with(".rpm"))
        .collect();
    assert_eq!(
        names,
        [
            "ed-debuginfo-1.20-1.x86_64.rpm",
            "ed-debugsource-1.20-1.x86_64.rpm",
            "ed-doc-1.20-1.noarch.rpm"
        ]
    );
    // dnf installs no sources; that it finds them, and that they are what they should be, is enough.
    let location = dnf(
        &root,
        &repos,
        &["--quiet", "repoquery", "--enablerepo=*", "--location", "ed.src"],
    );
    let source = server.get(location.trim()).await;
    assert_eq!(
        source.body,
        std::fs::read(repository.join("Packages/ed-1.20-1.src.rpm")).unwrap()
    );
}

/// Metadata of more than a mebibyte is written in several gzip members; dnf has to read all of them.
#[tokio::test]
async fn reads_large_metadata_to_the_end() {
    if !has("dnf") {
        return;
    }
    let start = Start::new();
    let repository = start.dir().join("made-up");
    let options = GeneratorOptions {
        packages: 1200,
        ..GeneratorOptions::default()
    };
    write_repository(&repository, generate(options), Layout::Flat).unwrap();
    let server = start.start();
    let compose = server
        .compose(&json!({"source": {"type": "repo", "source": repository}}))
        .await;
    assert_eq!(compose["state_name"], "done", "{compose}");
    let (root, repos) = (server.dir.path().join("root"), server.dir.path().join("repos"));
    std::fs::create_dir(&repos).unwrap();
    let repofile = server.get(compose["result_repofile"].as_str().unwrap()).await;
    std::fs::write(repos.join("odcs-1.repo"), &repofile.body).unwrap();
    let os = server.target().join("odcs-1/compose/Temporary/x86_64/os");
    let packages: Vec<_> = test_support::names(&os)
        .into_iter()
        .filter(|name| name.ends_with(".rpm"))
        .collect();
    assert!(packages.len() > 500, "{}", packages.len());
    let query = [
        "--quiet",
        "repoquery",
        "--qf",
        "%{name}-%{version}-%{release}.%{arch}.rpm\n",
    ];
    let listed = dnf(&root, &repos, &query);
    let mut listed: Vec<_> = listed.split_whitespace().collect();
    listed.sort_unstable();
    assert_eq!(listed, packages);
    // The last package's files are at the end of filelists, in its last member.
    let owned = dnf(
        &root,
        &repos,
        &[
            "--quiet",
            "repoquery",
            "--list",
            listed.last().unwrap().trim_end_matches(".rpm"),
        ],
    );
    assert!(owned.lines().any(|line| line.starts_with('/')), "{owned}");
    let filelists = test_support::names(&os)
        .into_iter()
        .find(|name| name.ends_with("filelists.xml.gz"))
        .unwrap();
    let bytes = std::fs::read(os.join("repodata").join(filelists)).unwrap();
    let members = bytes
        .windows(4)
        .filter(|window| window == &[0x1f, 0x8b, 8, 0])
        .count();
    assert!(members > 1, "{members}");
}
