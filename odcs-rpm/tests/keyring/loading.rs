//! Keyrings as files and directories.

use std::path::Path;

use odcs_rpm::keyring::{Keyring, KeyringError, MAX_FILE_BYTES};
use pgp::composed::ArmorOptions;

use crate::keys::{Key, keyring};

fn armoured(key: &Key) -> String {
    key.certificate()
        .to_armored_string(ArmorOptions::default())
        .unwrap()
}

fn says(result: Result<Keyring, KeyringError>, expected: &str) {
    let message = result.unwrap_err().to_string();
    assert!(message.contains(expected), "{message}");
}

#[test]
fn files_and_directories_are_read_armoured_or_not() {
    let (one, two) = (Key::v4(1), Key::v6(2));
    let expected = keyring(&[&one, &two]).identity();
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    let text = format!(
        "The keys:\n\n{}and\n{}\nthat is all\n",
        armoured(&one),
        armoured(&two)
    );
    write("both.asc", text.as_bytes());
    assert_eq!(
        Keyring::open(&dir.path().join("both.asc")).unwrap().identity(),
        expected
    );
    assert_eq!(Keyring::open(dir.path()).unwrap().identity(), expected);
    let ring = Keyring::from_bytes(text.as_bytes()).unwrap();
    let mut fingerprints = [one.fingerprint(), two.fingerprint()];
    fingerprints.sort();
    let found: Vec<&str> = ring.fingerprints().map(odcs_rpm::Sigkey::as_str).collect();
    assert_eq!(found, fingerprints);
    assert!(ring.has(&two.fingerprint().parse().unwrap()));
    assert!(ring.has(&one.id()[8..].parse().unwrap()));
    assert!(!ring.has(&"00000000".parse().unwrap()));

    std::fs::remove_file(dir.path().join("both.asc")).unwrap();
    write("one", armoured(&one).replace('\n', "\r\n").as_bytes());
    write("two.gpg", &two.bytes());
    write(".hidden", b"no key");
    std::fs::create_dir(dir.path().join("old")).unwrap();
    std::os::unix::fs::symlink("one", dir.path().join("RPM-GPG-KEY-one")).unwrap();
    assert_eq!(Keyring::open(dir.path()).unwrap().identity(), expected);
}

#[test]
fn what_is_no_keyring_is_refused_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let open = |bytes: &[u8]| {
        std::fs::write(dir.path().join("key"), bytes).unwrap();
        Keyring::open(dir.path())
    };
    says(Keyring::open(dir.path()), "there is no key in the keyring");
    says(
        Keyring::open(Path::new("/no/such/keyring")),
        "/no/such/keyring cannot be read",
    );
    says(
        Keyring::open(Path::new("/dev/null")),
        "is neither a file nor a directory",
    );
    says(open(b""), "key: there is no OpenPGP public key in it");
    says(open(b"hello"), "there is no OpenPGP public key in it");
    says(
        open(&vec![b' '; MAX_FILE_BYTES as usize + 1]),
        "more than 4194304 bytes",
    );
    let key = Key::v4(1);
    let bytes = key.bytes();
    says(open(&bytes[..bytes.len() - 10]), "key: ");
    let damaged = armoured(&key).replace("\n\n", "\n\n####");
    says(
        open(damaged.as_bytes()),
        "key: it is not a readable OpenPGP public key",
    );
    let mut secret = Vec::new();
    pgp::packet::PacketTrait::to_writer_with_header(&key.secret, &mut secret).unwrap();
    says(open(&secret), "there is a secret key in it");
    says(open(&[bytes, secret].concat()), "there is a secret key in it");
    let block = armoured(&key).replace("PUBLIC", "PRIVATE");
    says(open(block.as_bytes()), "there is a secret key in it");
    let message = armoured(&key).replace("PUBLIC KEY BLOCK", "MESSAGE");
    says(open(message.as_bytes()), "there is no OpenPGP public key in it");
}
