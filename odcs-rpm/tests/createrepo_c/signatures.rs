//! Signatures from the real `rpmsign`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use test_support::has;

use crate::rpmbuild::BETA;
use crate::support::{build, read};

/// The agent that gpg starts outlives it, and holds on to the folder.
struct Agent<'a>(&'a Path);

impl Drop for Agent<'_> {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .args(["--kill", "all"])
            .env("GNUPGHOME", self.0)
            .output();
    }
}

#[test]
fn signatures_name_the_key_that_made_them() {
    if !["rpmbuild", "rpmsign", "gpg"].into_iter().all(has) {
        return;
    }
    let top = tempfile::tempdir().unwrap();
    let home = top.path().join("gnupg");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    let _agent = Agent(&home);
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program)
            .args(args)
            .env("GNUPGHOME", &home)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{program}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    // rpmsign takes no program from PATH.
    let folders = std::env::var_os("PATH").unwrap();
    let gpg = std::env::split_paths(&folders)
        .map(|folder| folder.join("gpg"))
        .find(|path| path.exists());
    let gpg = gpg.unwrap();
    let packages = build(top.path(), "beta", BETA);
    for (algorithm, path) in ["rsa2048", "ed25519"].into_iter().zip(&packages) {
        let user = format!("{algorithm}@example.org");
        run(
            "gpg",
            &[
                "--batch",
                "--passphrase",
                "",
                "--quick-gen-key",
                &user,
                algorithm,
                "sign",
                "never",
            ],
        );
        let listing = run("gpg", &["--with-colons", "--list-keys", &user]);
        let key = listing
            .lines()
            .find(|line| line.starts_with("pub:"))
            .unwrap()
            .split(':')
            .nth(4)
            .unwrap();
        assert_eq!(read(path).package.signatures, []);
        let name = format!("_gpg_name {user}");
        let gpg = format!("__gpg {}", gpg.display());
        run(
            "rpmsign",
            &[
                "--define",
                &name,
                "--define",
                &gpg,
                "--addsign",
                path.to_str().unwrap(),
            ],
        );
        let signatures = read(path).package.signatures;
        assert_eq!(signatures, [key.parse().unwrap()], "{algorithm}");
    }
}
