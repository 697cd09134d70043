//! What came of verifying a package.

use std::fmt;

use crate::Sigkey;

/// Who really signed a package.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Verification {
    /// The keys whose signatures hold for all of the package, each once, in the order found.
    pub verified: Vec<VerifiedKey>,
    /// The signatures that do not, in the order found.
    pub refused: Vec<RefusedSignature>,
}

impl Verification {
    /// The ids of the keys whose signatures hold.
    pub fn keys(&self) -> impl Iterator<Item = &Sigkey> {
        self.verified.iter().map(|verified| &verified.key)
    }
}

/// A key whose signature holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedKey {
    /// Its id, sixteen hex digits.
    pub key: Sigkey,
    /// Its fingerprint: 40 hex digits for keys of version 4, 64 for those of version 6.
    pub fingerprint: Sigkey,
}

/// A signature that does not count.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RefusedSignature {
    /// The key that it claims to be from, if it names one. Anybody can have written that.
    pub claimed: Option<Sigkey>,
    /// Why it does not count.
    pub refusal: Refusal,
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The keyring has no such key.
    UnknownKey,
    /// It was not made by the key that it names, or not for this package.
    Forged,
    /// The key had expired when the signature was made.
    KeyExpired,
    /// The key is revoked.
    KeyRevoked,
    /// The signature is older than the key.
    BeforeKey,
    /// The key is not meant for signing.
    NotForSigning,
    /// The key is too short: RSA or DSA of less than 2048 bits.
    WeakKey,
    /// The digest that was signed can be forged: MD5, SHA-1, RIPEMD-160.
    WeakDigest,
    /// The signature is valid for some time only.
    Expires,
    /// The payload is not the one of the signed header.
    OtherPayload,
    /// The signed header says nothing of the payload.
    PayloadNotCovered,
    /// It names no key.
    Anonymous,
    /// It is no OpenPGP signature, or of a kind that is not known here.
    Unreadable,
    /// It was not looked at: the package has more signatures than packages have.
    TooMany,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownKey => "the keyring has no such key",
            Self::Forged => "it was not made by that key for this package",
            Self::KeyExpired => "the key had expired when it was made",
            Self::KeyRevoked => "the key is revoked",
            Self::BeforeKey => "it is older than the key",
            Self::NotForSigning => "the key is not meant for signing",
            Self::WeakKey => "the key is shorter than 2048 bits",
            Self::WeakDigest => "its digest is too weak",
            Self::Expires => "it is valid for some time only",
            Self::OtherPayload => "the payload is not the one that was signed",
            Self::PayloadNotCovered => "it does not cover the payload",
            Self::Anonymous => "it names no key",
            Self::Unreadable => "it cannot be read",
            Self::TooMany => "the package has too many",
        })
    }
}

impl fmt::Display for RefusedSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.claimed {
            Some(claimed) => write!(
                f,
                "a signature that names {} does not count: {}",
                claimed.short(),
                self.refusal
            ),
            None => write!(f, "a signature does not count: {}", self.refusal),
        }
    }
}
