//! Repositories to fetch from, made by git itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use url::Url;

/// A repository of this machine. What is in its commits is written object by object, so that anything can be there.
pub(super) struct Repository {
    directory: TempDir,
}

impl Repository {
    pub(super) fn new() -> Self {
        let repository = Self {
            directory: TempDir::new().unwrap(),
        };
        std::fs::create_dir(repository.path()).unwrap();
        repository.git(
            &[
                "init",
                "--quiet",
                "--bare",
                "--template=",
                "--initial-branch=main",
            ],
            "",
        );
        repository
    }

    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().join("pub.git")
    }

    pub(super) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn url(&self) -> Url {
        Url::from_file_path(self.path()).unwrap()
    }

    /// Runs git here, and returns the first line of what it prints.
    pub(super) fn git(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> String {
        let mut child = Command::new("git")
            .args(arguments)
            .current_dir(self.path())
            .env("GIT_DIR", self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@example.com")])
            .envs([
                ("GIT_COMMITTER_NAME", "a"),
                ("GIT_COMMITTER_EMAIL", "a@example.com"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, input.as_ref()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    pub(super) fn blob(&self, content: impl AsRef<[u8]>) -> String {
        self.git(&["hash-object", "-w", "--stdin"], content)
    }

    /// A tree of entries such as `100644 blob ID<TAB>name`; those named like paths are refused by git.
    pub(super) fn tree(&self, entries: &[(&str, &str, &str)]) -> String {
        let kind = |mode| match mode {
            "040000" => "tree",
            "160000" => "commit",
            _ => "blob",
        };
        let lines = entries
            .iter()
            .map(|(mode, id, name)| format!("{mode} {} {id}\t{name}\0", kind(*mode)));
        self.git(&["mktree", "-z", "--missing"], lines.collect::<String>())
    }

    /// A tree of any bytes, also of names that git would not make.
    pub(super) fn raw_tree(&self, entries: &[(&str, &str, &str)]) -> String {
        let mut bytes = Vec::new();
        for (mode, id, name) in entries {
            bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            let digits = id
                .as_bytes()
                .chunks(2)
                .map(|pair| std::str::from_utf8(pair).unwrap());
            bytes.extend(digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()));
        }
        self.git(
            &["hash-object", "-t", "tree", "--literally", "-w", "--stdin"],
            bytes,
        )
    }

    /// A commit of a tree, at the end of the branch.
    pub(super) fn commit(&self, tree: &str) -> String {
        let commit = self.git(&["commit-tree", tree, "-m", "a commit"], "");
        self.git(&["update-ref", "refs/heads/main", &commit], "");
        commit
    }

    /// A commit of some files.
    pub(super) fn commit_of(&self, files: &[(&str, &str)]) -> String {
        let entries: Vec<(String, &str)> = files
            .iter()
            .map(|(name, content)| (self.blob(content), *name))
            .collect();
        let entries: Vec<_> = entries
            .iter()
            .map(|(id, name)| ("100644", id.as_str(), *name))
            .collect();
        self.commit(&self.tree(&entries))
    }
}
