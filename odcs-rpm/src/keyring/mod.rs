//! OpenPGP keys that packages must be signed with, and the verification of packages against them.
//!
//! A signature header names the keys that a package is signed with, and anybody can write any name there.
//! A [`Keyring`] says who really signed: [`read_verified`](crate::header::read_verified) reads a package
//! once and answers with a [`Verification`], which lists the keys whose signatures hold and says of every other
//! signature why it does not.
//!
//! ## What is verified
//! - Signatures over the main header: the tags `RSAHEADER` and `DSAHEADER` of format 4 (which hold every
//!   algorithm) and the `OPENPGP` tag of rpm 6, of which there may be several. They vouch for the payload through
//!   the digest of it in the header that they cover (`PAYLOADDIGEST`, else `PAYLOADSHA512`), which is compared
//!   with the payload as it is in the file; the digest of the uncompressed payload is not used.
//! - Signatures over header and payload (`SIGPGP`, `SIGGPG`), where the header has no such digest or names no
//!   signature of that key. Packages from before rpm 4.14 have nothing else to vouch for their payload.
//!
//! One signature that holds is enough; it says nothing against a package that it has others, too.
//!
//! ## Which signatures count
//! Versions 3, 4 and 6 by RSA, DSA, ECDSA, EdDSA and Ed25519 keys of version 4 and 6, over binary data. Digests
//! must be SHA-2 or SHA-3: MD5, SHA-1 and RIPEMD-160 do not count, nor do RSA and DSA keys of less than 2048 bits,
//! whatever the key is. Signatures with an expiration time of their own do not count either: composes are renewed
//! for longer than that, and no clock is asked here.
//!
//! ## Which keys count
//! The certificate's own signatures must hold (SHA-1 is accepted there: the file is in the keyring because
//! somebody trusts it), signing subkeys must be bound in both directions, and the key must be meant for signing.
//! Whether a key has expired is decided for the time at which a signature was made, as rpm does it with its
//! current OpenPGP library: what was signed in time stays signed. A revoked key signs nothing any more, and what
//! it signed before holds only if the reason of the revocation is that it was superseded or retired; any other
//! reason, or none, means that somebody else may have the key and made signatures of any date.
//! Revocations by others than the key itself are not looked at.

mod certificate;
mod check;
mod error;
mod load;
mod verification;

use std::collections::BTreeMap;

use pgp::packet::Signature;

pub(crate) use check::Checker;
pub use error::KeyringError;
pub use load::{MAX_FILE_BYTES, MAX_FILES};
pub use verification::{Refusal, RefusedSignature, Verification, VerifiedKey};

use crate::{Digest, DigestAlgorithm, Sigkey};
use certificate::{Certificate, SigningKey};

/// Keys that signatures are verified against.
///
/// ```no_run
/// use odcs_rpm::keyring::Keyring;
/// use odcs_rpm::header::{FileFacts, read_verified};
///
/// let keyring = Keyring::open("/etc/pki/rpm-gpg".as_ref())?;
/// let bytes = std::fs::read("ed-1.20-1.x86_64.rpm")?;
/// let facts = FileFacts { size: bytes.len() as u64, modified: 0 };
/// let (file, verification) = read_verified(bytes.as_slice(), facts, None, &keyring)?;
/// for key in verification.keys() {
///     println!("{} is signed by {key}", file.package.nevra);
/// }
/// for refused in &verification.refused {
///     println!("{refused}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    /// By the fingerprint of the primary key.
    certificates: BTreeMap<Sigkey, Certificate>,
}

impl Keyring {
    /// The fingerprints of all keys that sign, subkeys included, sorted.
    pub fn fingerprints(&self) -> impl Iterator<Item = &Sigkey> {
        let keys = self.certificates.values().flat_map(Certificate::signing_keys);
        keys.map(SigningKey::fingerprint)
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
    }

    /// Whether there is a key of this id.
    pub fn has(&self, key: &Sigkey) -> bool {
        self.fingerprints()
            .any(|fingerprint| fingerprint.is_same_key(key))
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// A digest of everything that decides about signatures: equal keyrings, from whichever files, have the same,
    /// and it changes when a key comes, goes, is revoked or expires at another time.
    pub fn identity(&self) -> Digest {
        let mut text = String::new();
        for certificate in self.certificates.values() {
            certificate.describe(&mut text);
        }
        Digest::of_bytes(DigestAlgorithm::Sha256, text.as_bytes())
    }

    /// Adds a certificate; what is known of one that is there already adds up.
    fn add(&mut self, certificate: Certificate) {
        match self.certificates.get_mut(certificate.fingerprint()) {
            Some(known) => known.merge(certificate),
            None => {
                let fingerprint = certificate.fingerprint().clone();
                self.certificates.insert(fingerprint, certificate);
            }
        }
    }

    /// The keys that may have made a signature, going by what it says.
    fn candidates<'a>(
        &'a self,
        signature: &'a Signature,
    ) -> impl Iterator<Item = (&'a Certificate, &'a SigningKey)> {
        let keys = self
            .certificates
            .values()
            .flat_map(|certificate| certificate.keys().map(move |key| (certificate, key)));
        keys.filter(|(_, key)| key.is_named_in(signature))
    }
}
