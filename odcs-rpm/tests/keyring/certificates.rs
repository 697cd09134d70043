//! Which keys could sign at the time of a signature.

use odcs_rpm::keyring::{Keyring, KeyringError, Refusal};
use pgp::packet::{RevocationCode, SignatureType};
use pgp::types::{KeyDetails, KeyVersion, Password};

use crate::keys::{Key, MADE, SIGNED, flags, keyring, lives, packet};
use crate::rpms::{OPENPGP, Rpm, assert_found};

/// What becomes of a package that is signed at a time.
#[track_caller]
fn signed_at(key: &Key, at: u32, expected: Result<(), Refusal>) {
    let rpm = Rpm::ed();
    let bytes = rpm.signed(&[(OPENPGP, &[key.sign_at(at, &rpm.main)])]);
    let (fingerprint, id) = (key.fingerprint(), key.id());
    match expected {
        Ok(()) => assert_found(&bytes, &keyring(&[key]), &[&fingerprint], &[]),
        Err(refusal) => assert_found(&bytes, &keyring(&[key]), &[], &[(&id, refusal)]),
    }
}

#[test]
fn what_was_signed_before_a_key_expired_stays_signed() {
    for version in [KeyVersion::V4, KeyVersion::V6] {
        let key = Key::new(version, 1).saying(&[(MADE, vec![flags(true), lives(1000)])]);
        signed_at(&key, MADE, Ok(()));
        signed_at(&key, MADE + 999, Ok(()));
        signed_at(&key, MADE + 1000, Err(Refusal::KeyExpired));
        signed_at(&key, MADE - 1, Err(Refusal::BeforeKey));
        // It was given more time before it expired.
        let longer = key.saying(&[
            (MADE, vec![flags(true), lives(1000)]),
            (MADE + 500, vec![flags(true), lives(2000)]),
        ]);
        signed_at(&longer, MADE + 1999, Ok(()));
        signed_at(&longer, MADE + 2000, Err(Refusal::KeyExpired));
        // The statement that is handed out now is newer than what was signed.
        let renewed = longer.saying(&[(SIGNED, vec![flags(true)])]);
        signed_at(&renewed, MADE + 5, Ok(()));
    }
}

#[test]
fn a_revoked_key_signs_nothing_and_a_stolen_one_never_did() {
    for version in [KeyVersion::V4, KeyVersion::V6] {
        for reason in [RevocationCode::KeyRetired, RevocationCode::KeySuperseded] {
            let key = Key::new(version, 1).revoked(MADE + 1000, Some(reason));
            signed_at(&key, MADE + 999, Ok(()));
            signed_at(&key, MADE + 1000, Err(Refusal::KeyRevoked));
        }
        for reason in [
            None,
            Some(RevocationCode::NoReason),
            Some(RevocationCode::KeyCompromised),
        ] {
            let key = Key::new(version, 1).revoked(MADE + 1000, reason);
            signed_at(&key, MADE + 1, Err(Refusal::KeyRevoked));
        }
    }
}

#[test]
fn keys_sign_that_are_meant_to() {
    for version in [KeyVersion::V4, KeyVersion::V6] {
        let key = Key::new(version, 1);
        signed_at(&key.clone().saying(&[(MADE, vec![])]), SIGNED, Ok(()));
        let certifies = key.saying(&[(MADE, vec![flags(false)])]);
        signed_at(&certifies, SIGNED, Err(Refusal::NotForSigning));
        assert_eq!(keyring(&[&certifies]).fingerprints().count(), 0);
    }
}

#[test]
fn subkeys_sign_where_both_keys_say_so() {
    for version in [KeyVersion::V4, KeyVersion::V6] {
        let rpm = Rpm::ed();
        let check =
            |signs: bool, is_agreed: bool, expected: Result<(), Refusal>, change: &dyn Fn(Key) -> Key| {
                let (key, subkey) = Key::new(version, 1).with_subkey(2, signs, is_agreed);
                let key = change(key);
                let config = key.clone().config(&subkey, SignatureType::Binary, SIGNED);
                let signature = config.sign(&subkey, &Password::empty(), &rpm.main[..]).unwrap();
                let bytes = rpm.signed(&[(OPENPGP, &[packet(&signature)])]);
                let (fingerprint, id) = (
                    subkey.fingerprint().to_string(),
                    subkey.legacy_key_id().to_string(),
                );
                match expected {
                    Ok(()) => assert_found(&bytes, &keyring(&[&key]), &[&fingerprint], &[]),
                    Err(refusal) => assert_found(&bytes, &keyring(&[&key]), &[], &[(&id, refusal)]),
                }
            };
        let same = |key: Key| key;
        check(true, true, Ok(()), &same);
        check(true, false, Err(Refusal::UnknownKey), &same);
        check(false, false, Err(Refusal::NotForSigning), &same);
        check(true, true, Err(Refusal::KeyRevoked), &|key| {
            key.revoked(SIGNED, None)
        });
        let expired = |key: Key| key.saying(&[(MADE, vec![flags(true), lives(5)])]);
        check(true, true, Err(Refusal::KeyExpired), &expired);
        check(true, true, Ok(()), &|key| {
            key.saying(&[(MADE, vec![flags(false)])])
        });
    }
}

#[test]
fn what_others_say_of_a_key_is_nothing() {
    let (key, mallory) = (Key::v4(1), Key::v4(2));
    // A revocation and a statement by somebody else are left out.
    let mut certificate = key.certificate();
    let revoked = mallory.clone().revoked(MADE, None).certificate();
    certificate.details.revocation_signatures = revoked.details.revocation_signatures;
    let bytes = pgp::ser::Serialize::to_bytes(&certificate).unwrap();
    let ring = Keyring::from_bytes(&bytes).unwrap();
    assert_eq!(ring.identity(), keyring(&[&key]).identity());
    certificate.details.users = mallory.certificate().details.users;
    let bytes = pgp::ser::Serialize::to_bytes(&certificate).unwrap();
    assert!(matches!(
        Keyring::from_bytes(&bytes).unwrap_err(),
        KeyringError::Unusable { .. }
    ));
}

#[test]
fn two_copies_of_a_key_add_up() {
    let key = Key::v6(1);
    let revoked = key.clone().revoked(MADE, None);
    let rpm = Rpm::ed();
    let bytes = rpm.signed(&[(OPENPGP, &[key.sign(&rpm.main)])]);
    for both in [[&key, &revoked], [&revoked, &key]] {
        assert_found(&bytes, &keyring(&both), &[], &[(&key.id(), Refusal::KeyRevoked)]);
        assert_eq!(keyring(&both).identity(), keyring(&[&revoked]).identity());
    }
    let other = Key::v4(2);
    assert_eq!(
        keyring(&[&key, &other, &key]).identity(),
        keyring(&[&other, &key]).identity()
    );
    let identities = [
        keyring(&[&key]),
        keyring(&[&revoked]),
        keyring(&[&other]),
        keyring(&[&key, &other]),
        keyring(&[&key.clone().saying(&[(MADE, vec![flags(true), lives(9)])])]),
        Keyring::default(),
    ]
    .map(|ring| ring.identity().to_string());
    let different: std::collections::BTreeSet<_> = identities.iter().collect();
    assert_eq!(different.len(), identities.len());
}
