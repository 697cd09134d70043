//! Certificates: which keys they have, and whether a key could sign at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PublicKey, PublicSubkey, RevocationCode, Signature, SignatureType, SubpacketData};
use pgp::ser::Serialize;
use pgp::types::{
    Fingerprint, KeyDetails, KeyId, KeyVersion, PublicParams, SignatureBytes, Tag, VerifyingKey,
};

use super::{KeyringError, Refusal, VerifiedKey};
use crate::Sigkey;

/// The shortest RSA and DSA keys whose signatures count, in bits.
const LEAST_BITS: u16 = 2048;

/// A certificate: a primary key, and subkeys that it vouches for. Everything in it has been verified.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    primary: SigningKey,
    /// By fingerprint.
    subkeys: BTreeMap<Sigkey, SigningKey>,
}

/// A key, and what its certificate says of it. It may turn out not to be meant for signing.
#[derive(Clone, Debug)]
pub(super) struct SigningKey {
    material: Material,
    fingerprint: Sigkey,
    id: Sigkey,
    /// Seconds since 1970, as all times here.
    created: u32,
    is_weak: bool,
    bindings: BTreeSet<Binding>,
    revocations: BTreeSet<Revocation>,
}

#[derive(Clone, Debug)]
enum Material {
    Primary(Box<PublicKey>),
    Subkey(Box<PublicSubkey>),
}

/// A statement of a certificate about one of its keys.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
struct Binding {
    about: About,
    created: u32,
    /// From when on the key signs nothing any more.
    expires: Option<u64>,
    /// Whether the key may sign, where that is said.
    signs: Option<bool>,
}

/// What a statement is about. Statements of both kinds hold at once, and where they differ, the stricter one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
enum About {
    Key,
    User,
}

#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
struct Revocation {
    /// From when on; `None` for revocations that take back what was signed before, too.
    from: Option<u32>,
}

impl Certificate {
    /// Verifies a certificate: its own signatures, nobody else's. What does not hold is left out.
    ///
    /// # Errors
    /// [`KeyringError::Unusable`] if nothing holds of the primary key, or it is of an old version.
    pub(super) fn new(key: &SignedPublicKey) -> Result<Self, KeyringError> {
        let primary = &key.primary_key;
        let unusable = |reason| KeyringError::Unusable {
            fingerprint: primary.fingerprint().to_string(),
            reason,
        };
        if !matches!(primary.version(), KeyVersion::V4 | KeyVersion::V6) {
            return Err(unusable("only keys of version 4 and 6 are known here"));
        }
        let made = SigningKey::new(Material::Primary(Box::new(primary.clone())));
        let mut made = made.ok_or_else(|| unusable("its fingerprint cannot be computed"))?;

        for signature in &key.details.direct_signatures {
            let is_direct = signature.typ() == Some(SignatureType::Key);
            if is_direct && is_acceptable(signature) && signature.verify_key(primary).is_ok() {
                made.bind(About::Key, signature);
            }
        }
        for user in &key.details.users {
            for signature in &user.signatures {
                let is_revocation = signature.typ() == Some(SignatureType::CertRevocation);
                let holds = || signature.verify_certification(primary, Tag::UserId, &user.id);
                if !is_revocation && is_acceptable(signature) && holds().is_ok() {
                    made.bind(About::User, signature);
                }
            }
        }
        for signature in &key.details.revocation_signatures {
            if signature.verify_key(primary).is_ok() {
                made.revoke(signature);
            }
        }
        let about = made.bindings.iter().map(|binding| binding.about);
        let is_bound = match primary.version() {
            // A user id alone says nothing of such a key (RFC 9580, 10.1.1).
            KeyVersion::V6 => about.clone().any(|about| about == About::Key),
            _ => about.clone().next().is_some(),
        };
        if !is_bound {
            return Err(unusable("it has no signature of its own that holds"));
        }
        let subkeys = key
            .public_subkeys
            .iter()
            .filter_map(|subkey| SigningKey::bound(subkey, primary))
            .map(|subkey| (subkey.fingerprint.clone(), subkey))
            .collect();
        Ok(Self {
            primary: made,
            subkeys,
        })
    }

    pub(super) fn fingerprint(&self) -> &Sigkey {
        &self.primary.fingerprint
    }

    /// The keys that may sign at some time.
    pub(super) fn signing_keys(&self) -> impl Iterator<Item = &SigningKey> {
        self.keys().filter(|key| key.ever_signs())
    }

    /// All keys, those included that only encrypt.
    pub(super) fn keys(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.primary).chain(self.subkeys.values())
    }

    /// Adds what another copy of the certificate says.
    pub(super) fn merge(&mut self, other: Self) {
        self.primary.merge(other.primary);
        for (fingerprint, subkey) in other.subkeys {
            match self.subkeys.get_mut(&fingerprint) {
                Some(known) => known.merge(subkey),
                None => {
                    self.subkeys.insert(fingerprint, subkey);
                }
            }
        }
    }

    /// Whether one of its keys could sign at a time.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn could_sign(&self, key: &SigningKey, at: u32) -> Result<(), Refusal> {
        if key.is_weak {
            return Err(Refusal::WeakKey);
        }
        // A subkey is worth what the key is that vouches for it.
        self.primary.is_alive(at)?;
        key.is_alive(at)?;
        if key.signs(at) {
            Ok(())
        } else {
            Err(Refusal::NotForSigning)
        }
    }

    /// Writes down everything that decides about signatures.
    pub(super) fn describe(&self, out: &mut String) {
        for key in self.keys() {
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "{} {} {} {:?} {:?} of {}",
                key.fingerprint,
                key.created,
                key.is_weak,
                key.bindings,
                key.revocations,
                self.fingerprint()
            );
        }
    }
}

impl SigningKey {
    fn new(material: Material) -> Option<Self> {
        let details: &dyn KeyDetails = match &material {
            Material::Primary(key) => &**key,
            Material::Subkey(key) => &**key,
        };
        Some(Self {
            fingerprint: Sigkey::from_bytes(details.fingerprint().as_bytes())?,
            id: Sigkey::from_bytes(details.legacy_key_id().as_ref())?,
            created: details.created_at().as_secs(),
            is_weak: is_weak(details.public_params()),
            bindings: BTreeSet::new(),
            revocations: BTreeSet::new(),
            material,
        })
    }

    /// A subkey with what holds of the signatures that bind it; `None` if nothing does.
    fn bound(subkey: &SignedPublicSubKey, primary: &PublicKey) -> Option<Self> {
        let mut made = Self::new(Material::Subkey(Box::new(subkey.key.clone())))?;
        for signature in &subkey.signatures {
            if signature.verify_subkey_binding(primary, &subkey.key).is_err() {
                continue;
            }
            match signature.typ() {
                Some(SignatureType::SubkeyRevocation) => made.revoke(signature),
                Some(SignatureType::SubkeyBinding) if is_acceptable(signature) => {
                    // Who has a key that signs must agree: else anybody could claim a key of others.
                    let agreed = || {
                        let back = signature.embedded_signature()?;
                        let holds = back.verify_primary_key_binding(&subkey.key, primary).is_ok();
                        (holds && is_acceptable(back)).then_some(())
                    };
                    if !signature.key_flags().sign() || agreed().is_some() {
                        made.bind(About::Key, signature);
                    }
                }
                _ => {}
            }
        }
        (!made.bindings.is_empty()).then_some(made)
    }

    pub(super) fn fingerprint(&self) -> &Sigkey {
        &self.fingerprint
    }

    pub(super) fn verified(&self) -> VerifiedKey {
        VerifiedKey {
            key: self.id.clone(),
            fingerprint: self.fingerprint.clone(),
        }
    }

    /// Whether a signature says that this key made it.
    pub(super) fn is_named_in(&self, signature: &Signature) -> bool {
        let (id, fingerprint) = self.names();
        signature.issuer_key_id().contains(&&id) || signature.issuer_fingerprint().contains(&&fingerprint)
    }

    fn names(&self) -> (KeyId, Fingerprint) {
        let details = self.details();
        (details.legacy_key_id(), details.fingerprint())
    }

    fn details(&self) -> &dyn KeyDetails {
        match &self.material {
            Material::Primary(key) => &**key,
            Material::Subkey(key) => &**key,
        }
    }

    /// Whether the key is of version 6, which makes signatures of version 6 only, and alone makes them.
    pub(super) fn is_v6(&self) -> bool {
        self.details().version() == KeyVersion::V6
    }

    /// Whether this key made a signature over a digest.
    pub(super) fn made(&self, signature: &SignatureBytes, algorithm: HashAlgorithm, digest: &[u8]) -> bool {
        let verified = match &self.material {
            Material::Primary(key) => key.verify(algorithm, digest, signature),
            Material::Subkey(key) => key.verify(algorithm, digest, signature),
        };
        verified.is_ok()
    }

    fn bind(&mut self, about: About, signature: &Signature) {
        let Some(created) = signature.created() else {
            return;
        };
        let created = created.as_secs();
        let end = |from: u32, lifetime: Option<pgp::types::Duration>| {
            // No time at all stands for all time.
            let seconds = lifetime.map(pgp::types::Duration::as_secs).filter(|it| *it > 0)?;
            Some(u64::from(from) + u64::from(seconds))
        };
        let key_ends = end(self.created, signature.key_expiration_time());
        let statement_ends = end(created, signature.signature_expiration_time());
        let flags = signature.config().is_some_and(|config| {
            let mut subpackets = config.hashed_subpackets();
            subpackets.any(|subpacket| matches!(subpacket.data, SubpacketData::KeyFlags(_)))
        });
        let is_subkey = matches!(self.material, Material::Subkey(_));
        self.bindings.insert(Binding {
            about,
            created,
            expires: [key_ends, statement_ends].into_iter().flatten().min(),
            // A primary key of which nothing is said may do everything; what a subkey may do is always said.
            signs: (flags || is_subkey).then(|| signature.key_flags().sign()),
        });
    }

    fn revoke(&mut self, signature: &Signature) {
        let is_soft = matches!(
            signature.revocation_reason_code(),
            Some(RevocationCode::KeySuperseded | RevocationCode::KeyRetired)
        );
        let created = signature.created().map(pgp::types::Timestamp::as_secs);
        self.revocations.insert(Revocation {
            from: created.filter(|_| is_soft),
        });
    }

    fn merge(&mut self, other: Self) {
        self.bindings.extend(other.bindings);
        self.revocations.extend(other.revocations);
    }

    /// The statements that held at a time: of each kind, the newest there were. Keys are given new statements that
    /// replace the old ones in what is handed out; where all are newer, the oldest stand for those before.
    fn statements(&self, at: u32) -> impl Iterator<Item = &Binding> {
        let newest = |about: About| {
            let times = || {
                let bindings = self.bindings.iter().filter(move |it| it.about == about);
                bindings.map(|binding| binding.created)
            };
            let before = times().filter(|created| *created <= at).max();
            before.or_else(|| times().min())
        };
        let (key, user) = (newest(About::Key), newest(About::User));
        self.bindings.iter().filter(move |binding| {
            let newest = match binding.about {
                About::Key => key,
                About::User => user,
            };
            Some(binding.created) == newest
        })
    }

    fn is_alive(&self, at: u32) -> Result<(), Refusal> {
        let is_revoked = |revocation: &Revocation| revocation.from.is_none_or(|from| from <= at);
        if self.revocations.iter().any(is_revoked) {
            return Err(Refusal::KeyRevoked);
        }
        if self.created > at {
            return Err(Refusal::BeforeKey);
        }
        let mut ends = self.statements(at).filter_map(|binding| binding.expires);
        if ends.any(|end| end <= u64::from(at)) {
            return Err(Refusal::KeyExpired);
        }
        Ok(())
    }

    fn signs(&self, at: u32) -> bool {
        self.statements(at).all(|binding| binding.signs != Some(false))
    }

    fn ever_signs(&self) -> bool {
        self.bindings.iter().any(|binding| binding.signs != Some(false))
    }
}

/// Whether a statement that a certificate makes of itself may use its digest algorithm.
fn is_acceptable(signature: &Signature) -> bool {
    let weak = |algorithm| matches!(algorithm, HashAlgorithm::Md5 | HashAlgorithm::Ripemd160);
    signature.hash_alg().is_some_and(|algorithm| !weak(algorithm))
}

/// RSA and DSA keys begin with their modulus, and that with its number of bits.
fn is_weak(params: &PublicParams) -> bool {
    let mut bytes = Vec::new();
    let written = match params {
        PublicParams::RSA(params) => params.to_writer(&mut bytes),
        PublicParams::DSA(params) => params.to_writer(&mut bytes),
        _ => return false,
    };
    let bits = bytes.first_chunk().map(|bits| u16::from_be_bytes(*bits));
    written.is_err() || bits.is_none_or(|bits| bits < LEAST_BITS)
}
