//! Which signatures hold for a package, and which do not.

use odcs_rpm::keyring::Refusal;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{SignatureType, SubpacketData};
use pgp::types::{Duration, KeyDetails, Password};

use crate::keys::{Key, SIGNED, keyring, packet, push};
use crate::rpms::{DSA_HEADER, OPENPGP, PAYLOAD_DIGEST, RSA_HEADER, Rpm, SIG_GPG, SIG_PGP, assert_found};

#[test]
fn every_place_and_version_of_a_signature_is_known() {
    let (four, six) = (Key::v4(1), Key::v6(2));
    let keyring = keyring(&[&four, &six]);
    let rpm = Rpm::ed();
    let (by_four, by_six) = (vec![four.sign(&rpm.main)], vec![six.sign(&rpm.main)]);
    let (id_four, id_six) = (four.fingerprint(), six.fingerprint());
    for tag in [DSA_HEADER, RSA_HEADER, OPENPGP] {
        assert_found(&rpm.signed(&[(tag, &by_four)]), &keyring, &[&id_four], &[]);
        assert_found(&rpm.signed(&[(tag, &by_six)]), &keyring, &[&id_six], &[]);
    }
    // Several, of which the tag of rpm 6 repeats one.
    let all = [by_six, by_four.clone()].concat();
    let bytes = rpm.signed(&[(OPENPGP, &all), (RSA_HEADER, &by_four)]);
    assert_found(&bytes, &keyring, &[&id_six, &id_four], &[]);
    let third = vec![four.sign_v3(&rpm.main)];
    assert_found(&rpm.signed(&[(RSA_HEADER, &third)]), &keyring, &[&id_four], &[]);
    assert_found(&rpm.signed(&[]), &keyring, &[], &[]);
}

#[test]
fn signatures_over_everything_count_where_nothing_else_covers_the_payload() {
    let (key, other) = (Key::v4(1), Key::v4(2));
    let (id, fingerprint) = (key.id(), key.fingerprint());
    let ring = keyring(&[&key, &other]);
    let old = Rpm::ed().without(PAYLOAD_DIGEST);
    let (header, both) = (vec![key.sign(&old.main)], vec![key.sign_v3(&old.both())]);
    for tag in [SIG_PGP, SIG_GPG] {
        assert_found(&old.signed(&[(tag, &both)]), &ring, &[&fingerprint], &[]);
    }
    let not_covered = (id.as_str(), Refusal::PayloadNotCovered);
    assert_found(&old.signed(&[(RSA_HEADER, &header)]), &ring, &[], &[not_covered]);
    let bytes = old.signed(&[(RSA_HEADER, &header), (SIG_PGP, &both)]);
    assert_found(&bytes, &ring, &[&fingerprint], &[not_covered]);

    // Newer packages may have one of another key, too.
    let new = Rpm::ed();
    let (header, both) = (vec![key.sign(&new.main)], vec![other.sign(&new.both())]);
    let bytes = new.signed(&[(RSA_HEADER, &header), (SIG_PGP, &both)]);
    assert_found(&bytes, &ring, &[&fingerprint, &other.fingerprint()], &[]);
    assert_found(
        &new.signed(&[(SIG_PGP, &both)]),
        &ring,
        &[&other.fingerprint()],
        &[],
    );
}

#[test]
fn what_was_tampered_with_is_not_signed() {
    let key = Key::v4(1);
    let id = key.id();
    let ring = keyring(&[&key]);
    let rpm = Rpm::ed();
    let (header, both) = (vec![key.sign(&rpm.main)], vec![key.sign(&rpm.both())]);

    let mut payload = rpm.clone();
    *payload.payload.last_mut().unwrap() ^= 1;
    assert_found(
        &payload.signed(&[(RSA_HEADER, &header)]),
        &ring,
        &[],
        &[(&id, Refusal::OtherPayload)],
    );
    assert_found(
        &payload.signed(&[(SIG_PGP, &both)]),
        &ring,
        &[],
        &[(&id, Refusal::Forged)],
    );

    let mut main = rpm.clone();
    let at = main.main.windows(4).position(|bytes| bytes == b"1.20").unwrap();
    main.main[at] = b'2';
    assert_found(
        &main.signed(&[(RSA_HEADER, &header)]),
        &ring,
        &[],
        &[(&id, Refusal::Forged)],
    );
    // The bytes that nobody reads are signed as well.
    let mut reserved = rpm.clone();
    reserved.main[4] = 1;
    assert_found(
        &reserved.signed(&[(RSA_HEADER, &header)]),
        &ring,
        &[],
        &[(&id, Refusal::Forged)],
    );
    // A signature of one kind in the place of the other.
    assert_found(
        &rpm.signed(&[(RSA_HEADER, &both)]),
        &ring,
        &[],
        &[(&id, Refusal::Forged)],
    );
}

#[test]
fn a_header_that_is_not_utf8_is_verified_as_it_is() {
    let key = Key::v6(1);
    let mut rpm = Rpm::ed();
    let at = rpm.main.windows(5).position(|bytes| bytes == b"linux").unwrap();
    rpm.main[at] = 0xe9;
    let header = vec![key.sign(&rpm.main)];
    let bytes = rpm.signed(&[(OPENPGP, &header)]);
    assert_found(&bytes, &keyring(&[&key]), &[&key.fingerprint()], &[]);
}

#[test]
fn a_name_in_a_signature_proves_nothing() {
    let (alice, mallory) = (Key::v4(1), Key::v4(2));
    let rpm = Rpm::ed();
    let sign = |hashed: Vec<SubpacketData>, unhashed: Vec<SubpacketData>| {
        let secret = mallory.secret.clone();
        let mut config = mallory.clone().config(&secret, SignatureType::Binary, SIGNED);
        config.hashed_subpackets.truncate(1);
        for data in hashed {
            push(&mut config, data);
        }
        let mut signature = config.sign(&secret, &Password::empty(), &rpm.main[..]).unwrap();
        for data in unhashed {
            let subpacket = pgp::packet::Subpacket::regular(data).unwrap();
            signature.unhashed_subpacket_push(subpacket).unwrap();
        }
        rpm.signed(&[(RSA_HEADER, &[packet(&signature)])])
    };
    let id = |key: &Key| SubpacketData::IssuerKeyId(key.secret.legacy_key_id());
    let fingerprint = |key: &Key| SubpacketData::IssuerFingerprint(key.secret.fingerprint());
    let ring = keyring(&[&alice]);
    let forged = (alice.id(), Refusal::Forged);
    let forged = (forged.0.as_str(), forged.1);
    for bytes in [
        sign(vec![id(&alice)], vec![]),
        sign(vec![fingerprint(&alice)], vec![]),
        sign(vec![], vec![id(&alice)]),
        sign(vec![fingerprint(&alice)], vec![id(&mallory)]),
    ] {
        assert_found(&bytes, &ring, &[], &[forged]);
    }
    let unknown = (mallory.id(), Refusal::UnknownKey);
    assert_found(
        &sign(vec![id(&mallory)], vec![]),
        &ring,
        &[],
        &[(&unknown.0, unknown.1)],
    );
    assert_found(&sign(vec![], vec![]), &ring, &[], &[("", Refusal::Anonymous)]);
    // With both keys known, it is mallory's, whatever it says first.
    let both = keyring(&[&alice, &mallory]);
    let bytes = sign(vec![fingerprint(&mallory)], vec![id(&alice)]);
    assert_found(&bytes, &both, &[&mallory.fingerprint()], &[]);
}

#[test]
fn signatures_of_other_kinds_do_not_count() {
    let key = Key::v4(1);
    let (id, ring, rpm) = (key.id(), keyring(&[&key]), Rpm::ed());
    let made = |kind: SignatureType, change: &dyn Fn(&mut pgp::packet::SignatureConfig)| {
        let secret = key.secret.clone();
        let mut config = key.clone().config(&secret, kind, SIGNED);
        change(&mut config);
        let signature = config.sign(&secret, &Password::empty(), &rpm.main[..]).unwrap();
        rpm.signed(&[(RSA_HEADER, &[packet(&signature)])])
    };
    let refused = |bytes: &[u8], refusal| assert_found(bytes, &ring, &[], &[(&id, refusal)]);
    // One over text that is taken for lines, and one over a single byte.
    refused(&made(SignatureType::Text, &|_| {}), Refusal::Unreadable);
    let mut standalone = key.sign(&rpm.main);
    let at = standalone.windows(2).position(|window| window == [4, 0]).unwrap();
    standalone[at + 1] = SignatureType::Standalone.into();
    refused(&rpm.signed(&[(RSA_HEADER, &[standalone])]), Refusal::Unreadable);
    let expires = SubpacketData::SignatureExpirationTime(Duration::from_secs(1 << 30));
    refused(
        &made(SignatureType::Binary, &|config| push(config, expires.clone())),
        Refusal::Expires,
    );
    for weak in [HashAlgorithm::Md5, HashAlgorithm::Sha1, HashAlgorithm::Ripemd160] {
        let mut bytes = key.sign(&rpm.main);
        // Version, type, key algorithm, digest algorithm, after two bytes of packet header.
        let at = bytes.windows(2).position(|window| window == [4, 0]).unwrap();
        bytes[at + 3] = weak.into();
        refused(&rpm.signed(&[(RSA_HEADER, &[bytes])]), Refusal::WeakDigest);
    }
    for garbage in [&b"no packet"[..], &[0xc2, 5, 4], &[0xc2, 1, 4], &[]] {
        let bytes = rpm.signed(&[(OPENPGP, &[garbage.to_vec()])]);
        assert_found(&bytes, &ring, &[], &[("", Refusal::Unreadable)]);
    }
}

#[test]
fn a_good_signature_counts_beside_others_and_there_is_an_end_to_them() {
    let (key, unknown) = (Key::v4(1), Key::v6(2));
    let rpm = Rpm::ed();
    let mut all = vec![
        unknown.sign(&rpm.main),
        key.sign(b"something else"),
        key.sign(&rpm.main),
    ];
    let (id, other) = (key.id(), unknown.id());
    let refused = [
        (other.as_str(), Refusal::UnknownKey),
        (id.as_str(), Refusal::Forged),
    ];
    let ring = keyring(&[&key]);
    assert_found(
        &rpm.signed(&[(OPENPGP, &all)]),
        &ring,
        &[&key.fingerprint()],
        &refused,
    );
    all.splice(
        0..0,
        (0..20).map(|time| unknown.sign_at(SIGNED + time, &rpm.main)),
    );
    let found = crate::rpms::verify(&rpm.signed(&[(OPENPGP, &all)]), &ring);
    assert!(found.verified.is_empty());
    assert_eq!(found.refused.last().unwrap().refusal, Refusal::TooMany);
    assert_eq!(found.refused.len(), 17);
}
