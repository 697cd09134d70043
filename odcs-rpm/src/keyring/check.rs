//! Verifying the signatures of one package while it is read.

use base64::Engine as _;
use digest::DynDigest;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    Packet, PacketParser, Signature, SignatureType, SignatureVersion, SignatureVersionSpecific,
};

use super::{Keyring, Refusal, RefusedSignature, Verification, VerifiedKey};
use crate::digest::Hasher;
use crate::header::raw::RawHeaders;
use crate::header::signature::{ClaimedSignature, claims};
use crate::{DigestAlgorithm, Sigkey};

/// Tags of the signature header, as `rpmtag.h` has them: signatures over the main header, …
const DSA_HEADER: u32 = 267;
const RSA_HEADER: u32 = 268;
const OPENPGP: u32 = 278;
/// … and over main header and payload.
const SIG_PGP: u32 = 1002;
const SIG_GPG: u32 = 1005;

/// Tags of the main header: digests of the payload as it is in the file.
const PAYLOAD_DIGEST: u32 = 5092;
const PAYLOAD_DIGEST_ALGORITHM: u32 = 5093;
const PAYLOAD_SHA512: u32 = 5121;

/// Signatures of one package that are looked at, and the bytes of one. The largest of the algorithms known here
/// have two kilobytes.
const MAX_SIGNATURES: usize = 16;
const MAX_SIGNATURE_BYTES: usize = 64 << 10;

/// The signatures of one package. It is told of the payload piece by piece.
pub(crate) struct Checker<'a> {
    keyring: &'a Keyring,
    /// What became of the signatures over the header.
    header: Vec<(Option<Sigkey>, Result<VerifiedKey, Refusal>)>,
    payload: Payload,
    /// Signatures that wait for the payload.
    waiting: Vec<(Option<Sigkey>, Result<Pending, Refusal>)>,
    has_too_many: bool,
}

/// What the header says of the payload.
enum Payload {
    /// Nothing, or by a digest that can be forged.
    NotCovered,
    /// Nobody needs to know.
    NotNeeded,
    /// Its digest, as hex.
    Digest { hasher: Box<Hasher>, expected: String },
}

impl<'a> Checker<'a> {
    pub(crate) fn new(keyring: &'a Keyring, raw: &RawHeaders) -> Self {
        let decoded: Vec<Vec<u8>> = raw
            .signature_values(OPENPGP)
            .into_iter()
            .take(MAX_SIGNATURES + 1)
            .map(decode)
            .collect();
        let of = |tag| raw.signature_values(tag);
        let header: Vec<&[u8]> = decoded
            .iter()
            .map(Vec::as_slice)
            .chain(of(RSA_HEADER))
            .chain(of(DSA_HEADER))
            .collect();
        let both = [of(SIG_PGP), of(SIG_GPG)].concat();
        let mut checker = Self {
            keyring,
            header: Vec::new(),
            payload: payload(raw),
            waiting: Vec::new(),
            has_too_many: false,
        };
        checker.take_header_signatures(&header, raw.signed());
        checker.take_payload_signatures(&both, raw.signed());
        let needs_payload = checker.header.iter().any(|(_, outcome)| outcome.is_ok());
        if !needs_payload {
            checker.payload = Payload::NotNeeded;
        }
        checker
    }

    fn take_header_signatures(&mut self, values: &[&[u8]], signed: &[u8]) {
        for claim in self.each(values) {
            let outcome = self.begin(&claim).and_then(|mut pending| {
                pending.update(signed);
                pending.finish(self.keyring)
            });
            self.header.push((claim.issuer, outcome));
        }
    }

    /// Signatures over everything are needed where a signature over the header says nothing of the payload.
    fn take_payload_signatures(&mut self, values: &[&[u8]], signed: &[u8]) {
        for claim in self.each(values) {
            let is_known =
                claim.issuer.is_some() && self.header.iter().any(|(known, _)| *known == claim.issuer);
            if is_known && matches!(self.payload, Payload::Digest { .. }) {
                continue;
            }
            let pending = self.begin(&claim).map(|mut pending| {
                pending.update(signed);
                pending
            });
            self.waiting.push((claim.issuer, pending));
        }
    }

    /// The signatures in some values, each once: the tag of rpm 6 may repeat what is in the older ones. A value that
    /// holds none is one that cannot be read.
    fn each<'b>(&mut self, values: &[&'b [u8]]) -> Vec<ClaimedSignature<'b>> {
        let mut all: Vec<ClaimedSignature<'b>> = Vec::new();
        for value in values {
            let mut found = claims(value);
            if found.is_empty() {
                found.push(ClaimedSignature {
                    packet: value,
                    issuer: None,
                });
            }
            for claim in found {
                if all.iter().any(|known| known.packet == claim.packet) {
                    continue;
                }
                if all.len() >= MAX_SIGNATURES {
                    self.has_too_many = true;
                    return all;
                }
                all.push(claim);
            }
        }
        all
    }

    /// Everything that can be said of a signature before anything is hashed.
    fn begin(&self, claim: &ClaimedSignature<'_>) -> Result<Pending, Refusal> {
        let signature = parse(claim.packet).ok_or(Refusal::Unreadable)?;
        let config = signature.config().ok_or(Refusal::Unreadable)?;
        if config.typ() != SignatureType::Binary {
            return Err(Refusal::Unreadable);
        }
        if signature.issuer_key_id().is_empty() && signature.issuer_fingerprint().is_empty() {
            return Err(Refusal::Anonymous);
        }
        if self.keyring.candidates(&signature).next().is_none() {
            return Err(Refusal::UnknownKey);
        }
        if signature
            .signature_expiration_time()
            .is_some_and(|time| time.as_secs() > 0)
        {
            return Err(Refusal::Expires);
        }
        Pending::new(signature)
    }

    /// Tells of a piece of the payload.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Payload::Digest { hasher, .. } = &mut self.payload {
            hasher.update(bytes);
        }
        for (_, waiting) in &mut self.waiting {
            if let Ok(pending) = waiting {
                pending.update(bytes);
            }
        }
    }

    /// What came of it, once all of the payload was told.
    pub(crate) fn finish(self) -> Verification {
        let covered = match self.payload {
            Payload::NotCovered => Err(Refusal::PayloadNotCovered),
            Payload::NotNeeded => Ok(()),
            Payload::Digest { hasher, expected } => match hasher.finish() {
                found if expected.eq_ignore_ascii_case(found.hex()) => Ok(()),
                _ => Err(Refusal::OtherPayload),
            },
        };
        let keyring = self.keyring;
        let header = self.header.into_iter().map(|(claimed, outcome)| {
            let outcome = outcome.and_then(|key| covered.map(|()| key));
            (claimed, outcome)
        });
        let waiting = self.waiting.into_iter().map(|(claimed, pending)| {
            let outcome = pending.and_then(|pending| pending.finish(keyring));
            (claimed, outcome)
        });
        let mut verification = Verification::default();
        for (claimed, outcome) in header.chain(waiting) {
            match outcome {
                Ok(key) if verification.verified.contains(&key) => {}
                Ok(key) => verification.verified.push(key),
                Err(refusal) => verification.refused.push(RefusedSignature { claimed, refusal }),
            }
        }
        if self.has_too_many {
            verification.refused.push(RefusedSignature {
                claimed: None,
                refusal: Refusal::TooMany,
            });
        }
        verification
    }
}

/// A signature and what it is over, as far as that has been told.
struct Pending {
    signature: Signature,
    algorithm: HashAlgorithm,
    hasher: Box<dyn DynDigest + Send>,
}

impl Pending {
    fn new(signature: Signature) -> Result<Self, Refusal> {
        let config = signature.config().ok_or(Refusal::Unreadable)?;
        let algorithm = config.hash_alg;
        match algorithm {
            HashAlgorithm::Sha224
            | HashAlgorithm::Sha256
            | HashAlgorithm::Sha384
            | HashAlgorithm::Sha512
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_512 => {}
            HashAlgorithm::Md5 | HashAlgorithm::Sha1 | HashAlgorithm::Ripemd160 => {
                return Err(Refusal::WeakDigest);
            }
            _ => return Err(Refusal::Unreadable),
        }
        let mut hasher = algorithm.new_hasher().map_err(|_| Refusal::Unreadable)?;
        if let SignatureVersionSpecific::V6 { salt } = &config.version_specific {
            // RFC 9580, 5.2.3: any other length makes the signature malformed.
            if algorithm.salt_len() != Some(salt.len()) {
                return Err(Refusal::Unreadable);
            }
            hasher.update(salt);
        }
        Ok(Self {
            signature,
            algorithm,
            hasher,
        })
    }

    fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// Whether one of the keys that the signature names made it, and could.
    fn finish(mut self, keyring: &Keyring) -> Result<VerifiedKey, Refusal> {
        let config = self.signature.config().ok_or(Refusal::Unreadable)?;
        // What the signature says of itself is signed, too (RFC 9580, 5.2.4).
        let trailer = config
            .hash_signature_data(&mut self.hasher)
            .and_then(|length| config.trailer(length))
            .map_err(|_| Refusal::Unreadable)?;
        self.hasher.update(&trailer);
        let digest = self.hasher.finalize();

        let bytes = self.signature.signature().ok_or(Refusal::Unreadable)?;
        let created = self.signature.created().ok_or(Refusal::Unreadable)?.as_secs();
        let begins = self.signature.signed_hash_value();
        if begins.is_none_or(|begins| !digest.starts_with(&begins)) {
            return Err(Refusal::Forged);
        }
        let is_v6 = self.signature.version() == SignatureVersion::V6;
        let (certificate, key) = keyring
            .candidates(&self.signature)
            .find(|(_, key)| key.is_v6() == is_v6 && key.made(bytes, self.algorithm, &digest))
            .ok_or(Refusal::Forged)?;
        certificate.could_sign(key, created)?;
        Ok(key.verified())
    }
}

fn parse(packet: &[u8]) -> Option<Signature> {
    if packet.len() > MAX_SIGNATURE_BYTES {
        return None;
    }
    match PacketParser::new(packet).next()?.ok()? {
        Packet::Signature(signature) => Some(signature),
        _ => None,
    }
}

/// The bytes of a base64 text; white space does not count. Nothing if it is none.
fn decode(text: &[u8]) -> Vec<u8> {
    let text = text.get(..MAX_SIGNATURE_BYTES * 2).unwrap_or(text);
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap_or_default()
}

fn payload(raw: &RawHeaders) -> Payload {
    let known = raw
        .header_text(PAYLOAD_DIGEST)
        .zip(match raw.header_number(PAYLOAD_DIGEST_ALGORITHM) {
            // The numbers of OpenPGP; rpm 6 says none, and means SHA-256.
            None | Some(8) => Some(DigestAlgorithm::Sha256),
            Some(9) => Some(DigestAlgorithm::Sha384),
            Some(10) => Some(DigestAlgorithm::Sha512),
            Some(11) => Some(DigestAlgorithm::Sha224),
            _ => None,
        });
    let sha512 = || Some((raw.header_text(PAYLOAD_SHA512)?, DigestAlgorithm::Sha512));
    match known.or_else(sha512) {
        Some((expected, algorithm)) => Payload::Digest {
            hasher: Box::new(Hasher::new(algorithm)),
            expected: expected.to_owned(),
        },
        None => Payload::NotCovered,
    }
}
