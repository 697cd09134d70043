//! What comes of a commit.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use odcs_core::ErrorKind;

use super::*;

fn file(path: &str, content: &str) -> (String, Option<String>) {
    (path.to_owned(), Some(content.to_owned()))
}

fn directory(path: &str) -> (String, Option<String>) {
    (path.to_owned(), None)
}

#[tokio::test]
async fn a_commit_is_fetched_without_what_was_before_and_after_it() {
    let repository = Repository::new();
    repository.commit_of(&[("old", "old")]);
    let wanted = repository.commit_of(&[("compose.conf", "release = 1\n"), ("variants.xml", "<variants/>")]);
    repository.commit_of(&[("new", "new")]);
    let found = fetched(&repository, &wanted).await.unwrap();
    assert_eq!(
        files(found.path()),
        [
            file("compose.conf", "release = 1\n"),
            file("variants.xml", "<variants/>")
        ],
        "no repository is left either"
    );
}

#[tokio::test]
async fn links_are_files_programs_stay_programs_and_submodules_stay_empty() {
    let repository = Repository::new();
    let text = repository.blob("/etc/passwd");
    let out = repository.blob("../..");
    let inner = repository.tree(&[
        ("120000", &text, "passwd"),
        ("100755", &text, "run"),
        ("120000", &out, "up"),
    ]);
    let module = "1111111111111111111111111111111111111111";
    let modules = repository.blob("[submodule \"m\"]\n\tpath = m\n\turl = https://example.org/m\n");
    let tree = repository.tree(&[
        ("100644", &modules, ".gitmodules"),
        ("040000", &inner, "d"),
        ("160000", module, "m"),
        ("100644", &text, "--upload-pack=touch x"),
    ]);
    let found = fetched(&repository, &repository.commit(&tree)).await.unwrap();
    let all = files(found.path());
    assert_eq!(
        all.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
        [
            "--upload-pack=touch x",
            ".gitmodules",
            "d",
            "d/passwd",
            "d/run",
            "d/up",
            "m"
        ]
    );
    assert!(all.contains(&file("d/passwd", "/etc/passwd")) && all.contains(&file("d/up", "../..")));
    assert!(all.contains(&directory("m")));
    let mode = |path: &str| {
        let metadata = std::fs::symlink_metadata(found.path().join(path)).unwrap();
        (metadata.permissions().mode() & 0o111 != 0, metadata.nlink())
    };
    assert_eq!((mode("d/run"), mode("d/passwd")), ((true, 1), (false, 1)));
}

#[tokio::test]
async fn files_are_as_they_were_committed() {
    let repository = Repository::new();
    let attributes =
        "* text eol=crlf ident working-tree-encoding=UTF-16 filter=lfs export-subst\nsecret export-ignore\n";
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n";
    let commit = repository.commit_of(&[
        (".gitattributes", attributes),
        ("big.bin", pointer),
        ("keywords", "$Id$ $Format:%H$\n"),
        ("lines", "a\nb\r\nc\n"),
        ("secret", "s"),
    ]);
    let found = fetched(&repository, &commit).await.unwrap();
    assert_eq!(
        files(found.path()),
        [
            file(".gitattributes", attributes),
            file("big.bin", pointer),
            file("keywords", "$Id$ $Format:%H$\n"),
            file("lines", "a\nb\r\nc\n"),
            file("secret", "s"),
        ]
    );
}

#[tokio::test]
async fn large_and_empty_files_come_whole() {
    let repository = Repository::new();
    let large: String = (0..200_000_u32).map(|number| format!("{number:x} ")).collect();
    let commit = repository.commit_of(&[("empty", ""), ("large", &large), ("last", "l")]);
    let found = fetched_with(&settings(), &repository, &commit, 4 << 20)
        .await
        .unwrap();
    assert_eq!(
        files(found.path()),
        [file("empty", ""), file("large", &large), file("last", "l")]
    );
}

#[tokio::test]
async fn an_empty_commit_is_an_empty_directory() {
    let repository = Repository::new();
    let found = fetched(&repository, &repository.commit_of(&[])).await.unwrap();
    assert_eq!(files(found.path()), []);
}

#[tokio::test]
async fn what_is_not_there_is_said_not_to_be() {
    let repository = Repository::new();
    let commit = repository.commit_of(&[("a", "a")]);
    let other = "1111111111111111111111111111111111111111";
    let error = fetched(&repository, other).await.unwrap_err();
    assert!(
        matches!(&error, GitError::NoCommit { commit, .. } if commit == other),
        "{error}"
    );

    let tree = repository.git(&["rev-parse", &format!("{commit}^{{tree}}")], "");
    let error = fetched(&repository, &tree).await.unwrap_err();
    assert_ne!(error.kind(), ErrorKind::Internal, "{error}");

    repository.git(&["tag", "-a", "-m", "a tag", "v1", &commit], "");
    let tag = repository.git(&["rev-parse", "v1"], "");
    let error = fetched(&repository, &tag).await.unwrap_err();
    assert!(
        matches!(&error, GitError::NotACommit { kind, .. } if kind == "tag"),
        "{error}"
    );

    std::fs::remove_dir_all(repository.path()).unwrap();
    let error = fetched(&repository, &commit).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

/// A program in place of git that does something before each command, in the repository that is there for it.
fn before_git(directory: &Path, script: &str) -> FetchSettings {
    let program = directory.join("git");
    let script = format!("#!/bin/sh\n{script}\nexec git \"$@\"\n");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut settings = settings();
    settings.git = program;
    settings
}

#[tokio::test]
async fn hooks_are_not_run() {
    let repository = Repository::new();
    let commit = repository.commit_of(&[("a", "a")]);
    let mark = repository.root().join("mark");
    let hooks = format!(
        "mkdir -p hooks; for hook in post-checkout reference-transaction post-index-change fsmonitor-watchman; do
         printf '#!/bin/sh\\ntouch {}\\n' > hooks/$hook; chmod +x hooks/$hook; done
         [ $1 = cat-file ] && git update-ref refs/heads/x {commit}",
        mark.display()
    );
    let settings = before_git(repository.root(), &hooks);
    let found = fetched_with(&settings, &repository, &commit, LIMIT)
        .await
        .unwrap();
    assert_eq!(files(found.path()), [file("a", "a")]);
    assert!(!mark.exists());
}

#[tokio::test]
async fn nothing_of_the_environment_gets_to_git() {
    let repository = Repository::new();
    let commit = repository.commit_of(&[("a", "a")]);
    let seen = repository.root().join("seen");
    let settings = before_git(repository.root(), &format!("env > {}", seen.display()));
    fetched_with(&settings, &repository, &commit, LIMIT)
        .await
        .unwrap();
    let seen = std::fs::read_to_string(seen).unwrap();
    let names = seen
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name);
    // What a shell sets by itself is there as well.
    let others: Vec<&str> = names
        .filter(|name| !name.starts_with("GIT_"))
        .filter(|name| {
            ![
                "PATH", "HOME", "TMPDIR", "LC_ALL", "TZ", "PWD", "OLDPWD", "SHLVL", "_",
            ]
            .contains(name)
        })
        .collect();
    assert_eq!(others, [""; 0]);
    assert!(
        seen.contains("\nHOME=/") && !seen.contains(&format!("\nHOME={}\n", std::env::var("HOME").unwrap()))
    );
}

#[tokio::test]
async fn trees_that_lead_out_are_refused() {
    let repository = Repository::new();
    let blob = repository.blob("x");
    for name in ["..", ".git", ".", "../x", ".GIT", "/etc/x", "a/b"] {
        let tree = repository.raw_tree(&[("100644", &blob, name)]);
        let error = fetched(&repository, &repository.commit(&tree)).await.unwrap_err();
        let refused = matches!(error, GitError::Damaged { .. } | GitError::BadPath { .. });
        assert!(refused && error.kind() == ErrorKind::Invalid, "{name}: {error}");
    }
    let inner = repository.tree(&[("100644", &blob, "passwd")]);
    let outside = repository.blob("/tmp");
    // A link, and a directory of the same name: files would go to where the link leads.
    let tree = repository.raw_tree(&[("120000", &outside, "d"), ("40000", &inner, "d")]);
    let error = fetched(&repository, &repository.commit(&tree)).await.unwrap_err();
    assert!(matches!(error, GitError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn names_by_sha256_are_fetched_as_well() {
    let repository = Repository::new();
    std::fs::remove_dir_all(repository.path()).unwrap();
    std::fs::create_dir(repository.path()).unwrap();
    repository.git(
        &[
            "init",
            "--quiet",
            "--bare",
            "--template=",
            "--object-format=sha256",
        ],
        "",
    );
    let commit = repository.commit_of(&[("a", "a")]);
    assert_eq!(commit.len(), 64);
    assert_eq!(
        files(fetched(&repository, &commit).await.unwrap().path()),
        [file("a", "a")]
    );
}
