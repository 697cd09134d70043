//! Keys of gpg and signatures of rpmsign, and what rpmkeys says of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use odcs_rpm::keyring::{Keyring, Refusal};
use tempfile::TempDir;

use crate::keys::{Key, MADE};
use crate::rpms::{
    DSA_HEADER, OPENPGP, PAYLOAD_DIGEST, PAYLOAD_DIGEST_ALT, RSA_HEADER, Rpm, SIG_PGP, assert_found, verify,
};

/// A directory with keys of gpg in it.
struct Gpg(TempDir);

impl Drop for Gpg {
    fn drop(&mut self) {
        // The agent would outlive the directory.
        let _ = self.command("gpgconf").args(["--kill", "all"]).output();
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}\n{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

impl Gpg {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("GNUPGHOME", self.0.path())
            .env("HOME", self.0.path())
            .env("LC_ALL", "C.UTF-8");
        command
    }

    fn gpg(&self, arguments: &[&str]) -> String {
        let quiet = [
            "--batch",
            "--quiet",
            "--no-tty",
            "--passphrase",
            "",
            "--pinentry-mode",
            "loopback",
        ];
        run(self.command("gpg").args(quiet).args(arguments))
    }

    /// Makes a key; the answer is its fingerprint and the file with the public key.
    fn key(&self, user: &str, algorithm: &str) -> (String, PathBuf) {
        self.gpg(&["--quick-generate-key", user, algorithm, "sign", "never"]);
        let listed = self.gpg(&["--with-colons", "--list-keys", user]);
        let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:::::::::"));
        let fingerprint = fingerprint.unwrap().trim_matches(':').to_lowercase();
        let file = self.0.path().join(format!("{user}.asc"));
        std::fs::write(&file, self.gpg(&["--armor", "--export", user])).unwrap();
        (fingerprint, file)
    }

    fn rpmsign(&self, file: &Path, user: &str, more: &[&str]) {
        let name = format!("_gpg_name {user}");
        let home = format!("_gpg_path {}", self.0.path().display());
        let program = run(self.command("sh").args(["-c", "command -v gpg"]));
        let program = format!("__gpg {}", program.trim());
        let mut command = self.command("rpmsign");
        command.args([
            "--addsign",
            "--define",
            &name,
            "--define",
            &home,
            "--define",
            &program,
        ]);
        run(command.args(more).arg(file));
    }

    /// Whether rpm takes the signatures of a file by these keys, and what it says.
    fn rpmkeys(&self, name: &str, keys: &[&Path], file: &Path) -> (bool, String) {
        let db = format!("--dbpath={}", self.0.path().join(name).display());
        for key in keys {
            run(self.command("rpmkeys").args([&db, "--import"]).arg(key));
        }
        let level = ["--define", "_pkgverify_level signature", "--verbose"];
        let mut command = self.command("rpmkeys");
        let checked = command
            .args(level)
            .arg(&db)
            .arg("--checksig")
            .arg(file)
            .output()
            .unwrap();
        let says = String::from_utf8_lossy(&checked.stdout).into_owned();
        (checked.status.success(), says)
    }
}

fn are_there() -> bool {
    ["gpg", "rpmsign", "rpmkeys"]
        .iter()
        .all(|program| test_support::has(program))
}

#[test]
fn what_rpmsign_signs_is_verified_and_rpm_agrees() {
    if !are_there() {
        return;
    }
    let gpg = Gpg::new();
    for (n, algorithm) in ["rsa2048", "ed25519", "dsa2048"].into_iter().enumerate() {
        let (fingerprint, public) = gpg.key(algorithm, algorithm);
        let keyring = Keyring::open(&public).unwrap();
        let id = &fingerprint[24..];
        for (m, more) in [&[][..], &["--rpmv3"]].into_iter().enumerate() {
            let path = gpg.0.path().join("ed.rpm");
            std::fs::write(&path, Rpm::ed().signed(&[])).unwrap();
            gpg.rpmsign(&path, algorithm, more);
            let bytes = std::fs::read(&path).unwrap();
            assert_found(&bytes, &keyring, &[&fingerprint], &[]);
            assert_found(&bytes, &Keyring::default(), &[], &[(id, Refusal::UnknownKey)]);

            let rpm = |name: &str, keys: &[&Path], bytes: &[u8]| {
                std::fs::write(&path, bytes).unwrap();
                gpg.rpmkeys(&format!("{n}{m}{name}"), keys, &path).0
            };
            assert!(rpm("known", &[&public], &bytes), "{algorithm}");
            assert!(!rpm("unknown", &[], &bytes));
            let (mut payload, mut header) = (bytes.clone(), bytes.clone());
            *payload.last_mut().unwrap() ^= 1;
            let at = header.windows(5).rposition(|window| window == b"linux").unwrap();
            header[at] = b'L';
            for tampered in [payload, header] {
                assert!(verify(&tampered, &keyring).verified.is_empty());
                assert!(!rpm("known", &[], &tampered));
            }
        }
    }
}

#[test]
fn elliptic_curves_that_rpm_does_not_sign_with_are_verified() {
    if !are_there() {
        return;
    }
    let gpg = Gpg::new();
    let rpm = Rpm::ed();
    let main = gpg.0.path().join("header");
    std::fs::write(&main, &rpm.main).unwrap();
    for algorithm in ["nistp256", "nistp384", "nistp521"] {
        let (fingerprint, public) = gpg.key(algorithm, algorithm);
        let file = gpg.0.path().join(format!("{algorithm}.sig"));
        let (output, input) = (file.to_str().unwrap(), main.to_str().unwrap());
        gpg.gpg(&[
            "--local-user",
            algorithm,
            "--output",
            output,
            "--detach-sign",
            input,
        ]);
        let bytes = rpm.signed(&[(DSA_HEADER, &[std::fs::read(&file).unwrap()])]);
        assert_found(&bytes, &Keyring::open(&public).unwrap(), &[&fingerprint], &[]);
    }
}

#[test]
fn what_is_made_here_is_what_rpm_takes() {
    if !are_there() {
        return;
    }
    let gpg = Gpg::new();
    let (alice, mallory) = (Key::v4(1), Key::v4(2));
    let public = gpg.0.path().join("alice.asc");
    let armoured = alice
        .certificate()
        .to_armored_string(pgp::composed::ArmorOptions::default());
    std::fs::write(&public, armoured.unwrap()).unwrap();
    let keyring = Keyring::open(&public).unwrap();
    let (new, old) = (
        Rpm::ed(),
        Rpm::ed().without(PAYLOAD_DIGEST).without(PAYLOAD_DIGEST_ALT),
    );
    let mut tampered = new.clone();
    tampered.payload[20] ^= 1;
    let forged = {
        // Mallory's signature with alice's name in it.
        let mut bytes = mallory.sign_v3(&new.main);
        let id = alice.id();
        let id: Vec<u8> = (0..8)
            .map(|n| u8::from_str_radix(&id[2 * n..2 * n + 2], 16).unwrap())
            .collect();
        // After two bytes of packet header: version, length, type, time.
        bytes[9..17].copy_from_slice(&id);
        bytes
    };
    let header = [alice.sign(&new.main)];
    let cases: [(&str, bool, Vec<u8>); 7] = [
        ("header", true, new.signed(&[(RSA_HEADER, &header)])),
        (
            "version 3",
            true,
            new.signed(&[(RSA_HEADER, &[alice.sign_v3(&new.main)])]),
        ),
        (
            "both",
            true,
            old.signed(&[(SIG_PGP, &[alice.sign_v3(&old.both())])]),
        ),
        ("payload", false, tampered.signed(&[(RSA_HEADER, &header)])),
        ("unsigned", false, new.signed(&[])),
        (
            "mallory",
            false,
            new.signed(&[(RSA_HEADER, &[mallory.sign(&new.main)])]),
        ),
        ("forged", false, new.signed(&[(RSA_HEADER, &[forged])])),
    ];
    for (name, is_good, bytes) in cases {
        let ours = !verify(&bytes, &keyring).verified.is_empty();
        assert_eq!(ours, is_good, "{name}");
        let path = gpg.0.path().join("ed.rpm");
        std::fs::write(&path, &bytes).unwrap();
        let (judged, says) = gpg.rpmkeys("db", &[&public], &path);
        assert_eq!(judged, is_good, "{name}: {says}");
    }
    // rpm 4.18 does not know signatures of rpm 6, and does not ask when a key expires.
    let bytes = new.signed(&[(OPENPGP, &[alice.sign_at(MADE, &new.main)])]);
    assert_found(&bytes, &keyring, &[&alice.fingerprint()], &[]);
}

#[test]
fn a_key_that_gpg_revoked_is_revoked() {
    if !are_there() {
        return;
    }
    let gpg = Gpg::new();
    let (fingerprint, public) = gpg.key("once", "ed25519");
    let path = gpg.0.path().join("ed.rpm");
    std::fs::write(&path, Rpm::ed().signed(&[])).unwrap();
    gpg.rpmsign(&path, "once", &[]);
    let bytes = std::fs::read(&path).unwrap();
    assert_found(&bytes, &Keyring::open(&public).unwrap(), &[&fingerprint], &[]);
    // gpg keeps a certificate for the day when the key is lost, with a colon before it so that nobody uses it by
    // mistake.
    let kept = gpg
        .0
        .path()
        .join(format!("openpgp-revocs.d/{}.rev", fingerprint.to_uppercase()));
    let certificate = std::fs::read_to_string(kept)
        .unwrap()
        .replace(":-----BEGIN", "-----BEGIN");
    let file = gpg.0.path().join("revocation");
    std::fs::write(&file, certificate).unwrap();
    gpg.gpg(&["--import", file.to_str().unwrap()]);
    std::fs::write(&public, gpg.gpg(&["--armor", "--export", "once"])).unwrap();
    let id = &fingerprint[24..];
    assert_found(
        &bytes,
        &Keyring::open(&public).unwrap(),
        &[],
        &[(id, Refusal::KeyRevoked)],
    );
}

#[test]
fn the_packages_of_the_test_repository_are_signed_with_its_key() {
    let repository = test_support::test_repository();
    let keyring = Keyring::open(&repository.join("RPM-GPG-KEY-odcs-test")).unwrap();
    let id = std::fs::read_to_string(repository.join("KEY-ID")).unwrap();
    let id: odcs_rpm::Sigkey = id.trim().parse().unwrap();
    for (name, is_signed) in [
        ("line-editor-common-2.1-3.noarch.rpm", true),
        ("ed-1.20-1.x86_64.rpm", false),
    ] {
        let bytes = std::fs::read(repository.join("Packages").join(name)).unwrap();
        let found = verify(&bytes, &keyring);
        assert_eq!(found.keys().any(|key| key.is_same_key(&id)), is_signed, "{name}");
        assert!(found.refused.is_empty());
    }
}
