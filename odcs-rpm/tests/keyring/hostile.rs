//! Bytes of all kinds: nothing panics, and nothing that was changed is verified.

use std::sync::LazyLock;

use odcs_rpm::header::{FileFacts, read_verified};
use odcs_rpm::keyring::Keyring;
use proptest::prelude::*;

use crate::keys::{Key, keyring};
use crate::rpms::{OPENPGP, RSA_HEADER, Rpm, SIG_PGP};

static KEYS: LazyLock<(Key, Key)> = LazyLock::new(|| (Key::v4(1), Key::v6(2)));

/// A signed package, and where what is signed begins in it.
static SIGNED: LazyLock<(Vec<u8>, usize)> = LazyLock::new(|| {
    let rpm = Rpm::ed();
    let (four, six) = &*KEYS;
    let header = vec![four.sign(&rpm.main)];
    let all = vec![six.sign(&rpm.main), four.sign(&rpm.main)];
    let both = vec![six.sign(&rpm.both())];
    let bytes = rpm.signed(&[(RSA_HEADER, &header), (OPENPGP, &all), (SIG_PGP, &both)]);
    let start = bytes.len() - rpm.both().len();
    (bytes, start)
});

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| keyring(&[&KEYS.0, &KEYS.1]));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_that_was_changed_is_verified(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let (bytes, start) = &*SIGNED;
        let at = at.index(bytes.len());
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << bit;
        let facts = FileFacts { size: bytes.len() as u64, modified: 0 };
        if let Ok((_, verification)) = read_verified(&bytes[..], facts, None, &KEYRING)
            && at >= *start
        {
            prop_assert!(verification.verified.is_empty(), "byte {at} bit {bit}");
        }
    }

    #[test]
    fn no_signature_panics(value in prop::collection::vec(any::<u8>(), 0..300), cut in any::<prop::sample::Index>()) {
        let rpm = Rpm::ed();
        // Garbage, and a good signature that has become garbage from somewhere on.
        let mut spoilt = KEYS.1.sign(&rpm.main);
        let cut = cut.index(spoilt.len());
        spoilt.splice(cut..(cut + value.len()).min(spoilt.len()), value.clone());
        let packet = [&[0xc2, 0xff], &(value.len() as u32).to_be_bytes()[..], &value].concat();
        for value in [value, spoilt, packet] {
            let values = vec![value];
            let bytes = rpm.signed(&[(RSA_HEADER, &values), (OPENPGP, &values), (SIG_PGP, &values)]);
            crate::rpms::verify(&bytes, &KEYRING);
        }
    }

    #[test]
    fn no_keyring_panics(
        value in prop::collection::vec(any::<u8>(), 0..300),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let _ = Keyring::from_bytes(&value);
        let _ = Keyring::from_bytes(&[&[0xc6, 0x33], &value[..]].concat());
        let (four, _) = KEYS.0.clone().with_subkey(3, true, true);
        let mut bytes = [four.bytes(), KEYS.1.clone().revoked(5, None).bytes()].concat();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = Keyring::from_bytes(&bytes);
    }
}
