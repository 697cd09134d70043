//! Keys, certificates and signatures of all kinds and times.

use odcs_rpm::keyring::Keyring;
use pgp::composed::{KeyType, SignedKeyDetails, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    KeyFlags, PacketTrait, PubKeyInner, PublicKey, PublicSubkey, RevocationCode, SecretKey, SecretSubkey,
    Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData, UserId,
};
use pgp::ser::Serialize;
use pgp::types::{Duration, KeyDetails, KeyVersion, Password, SignedUser, SigningKey, Tag, Timestamp};
use rand08::SeedableRng;
use rand08::rngs::StdRng;

/// When keys are made, in seconds since 1970.
pub(crate) const MADE: u32 = 1_600_000_000;
/// When packages are signed.
pub(crate) const SIGNED: u32 = 1_700_000_000;

/// A key, and what its certificate is going to say.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) secret: SecretKey,
    random: StdRng,
    statements: Vec<(u32, Vec<SubpacketData>)>,
    revocations: Vec<(u32, Option<RevocationCode>)>,
    subkeys: Vec<SignedPublicSubKey>,
}

fn version_of(key: &impl KeyDetails) -> KeyVersion {
    key.version()
}

/// What a key may do.
pub(crate) fn flags(sign: bool) -> SubpacketData {
    let mut flags = KeyFlags::default();
    flags.set_certify(true);
    flags.set_sign(sign);
    SubpacketData::KeyFlags(flags)
}

pub(crate) fn lives(seconds: u32) -> SubpacketData {
    SubpacketData::KeyExpirationTime(Duration::from_secs(seconds))
}

fn kind(version: KeyVersion) -> KeyType {
    match version {
        KeyVersion::V6 => KeyType::Ed25519,
        _ => KeyType::Ed25519Legacy,
    }
}

impl Key {
    pub(crate) fn new(version: KeyVersion, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let kind = kind(version);
        let (public, secret) = kind.generate(&mut random).unwrap();
        let public =
            PubKeyInner::new(version, kind.to_alg(), Timestamp::from_secs(MADE), None, public).unwrap();
        let public = PublicKey::from_inner(public).unwrap();
        Self {
            secret: SecretKey::new(public, secret).unwrap(),
            random,
            statements: vec![(MADE, vec![flags(true)])],
            revocations: Vec::new(),
            subkeys: Vec::new(),
        }
    }

    pub(crate) fn v4(seed: u64) -> Self {
        Self::new(KeyVersion::V4, seed)
    }

    pub(crate) fn v6(seed: u64) -> Self {
        Self::new(KeyVersion::V6, seed)
    }

    pub(crate) fn fingerprint(&self) -> String {
        self.secret.fingerprint().to_string()
    }

    pub(crate) fn id(&self) -> String {
        self.secret.legacy_key_id().to_string()
    }

    /// The only statements of its certificate: when they are made, and what they say.
    pub(crate) fn saying(mut self, statements: &[(u32, Vec<SubpacketData>)]) -> Self {
        self.statements = statements.to_vec();
        self
    }

    pub(crate) fn revoked(mut self, at: u32, reason: Option<RevocationCode>) -> Self {
        self.revocations.push((at, reason));
        self
    }

    /// Adds a subkey; its key is the second.
    pub(crate) fn with_subkey(mut self, seed: u64, signs: bool, is_agreed: bool) -> (Self, SecretSubkey) {
        let mut random = StdRng::seed_from_u64(seed);
        let version = version_of(&self.secret);
        let (public, secret) = kind(version).generate(&mut random).unwrap();
        let algorithm = kind(version).to_alg();
        let inner = PubKeyInner::new(version, algorithm, Timestamp::from_secs(MADE), None, public).unwrap();
        let public = PublicSubkey::from_inner(inner).unwrap();
        let subkey = SecretSubkey::new(public.clone(), secret).unwrap();
        let mut binding = self.config(&self.secret.clone(), SignatureType::SubkeyBinding, MADE);
        let mut flags = KeyFlags::default();
        flags.set_sign(signs);
        push(&mut binding, SubpacketData::KeyFlags(flags));
        if is_agreed {
            let back = self.config(&subkey, SignatureType::KeyBinding, MADE);
            let back = back
                .sign_primary_key_binding(&subkey, &public, &Password::empty(), self.secret.public_key())
                .unwrap();
            push(&mut binding, SubpacketData::EmbeddedSignature(Box::new(back)));
        }
        let binding = binding
            .sign_subkey_binding(
                &self.secret,
                self.secret.public_key(),
                &Password::empty(),
                &public,
            )
            .unwrap();
        self.subkeys.push(SignedPublicSubKey::new(public, vec![binding]));
        (self, subkey)
    }

    /// The configuration of a signature by a key, with the time, and who it is from.
    pub(crate) fn config(&mut self, by: &impl SigningKey, kind: SignatureType, at: u32) -> SignatureConfig {
        let mut config = SignatureConfig::from_key(&mut self.random, by, kind).unwrap();
        push(
            &mut config,
            SubpacketData::SignatureCreationTime(Timestamp::from_secs(at)),
        );
        push(&mut config, SubpacketData::IssuerFingerprint(by.fingerprint()));
        if version_of(by) == KeyVersion::V4 {
            // rpm goes by this one.
            push(&mut config, SubpacketData::IssuerKeyId(by.legacy_key_id()));
        }
        config
    }

    pub(crate) fn certificate(&self) -> SignedPublicKey {
        let mut this = self.clone();
        let (secret, public) = (self.secret.clone(), self.secret.public_key());
        let password = Password::empty();
        let user = UserId::from_str(Default::default(), "Signer <signer@example.org>").unwrap();
        let (mut of_user, mut of_key, mut revocations) = (Vec::new(), Vec::new(), Vec::new());
        for (at, says) in &self.statements {
            let is_v6 = version_of(&secret) == KeyVersion::V6;
            let kind = if is_v6 {
                SignatureType::Key
            } else {
                SignatureType::CertPositive
            };
            let mut config = this.config(&secret, kind, *at);
            for subpacket in says {
                push(&mut config, subpacket.clone());
            }
            if is_v6 {
                of_key.push(config.sign_key(&secret, &password, public).unwrap());
            } else {
                let signed = config.sign_certification(&secret, public, &password, Tag::UserId, &user);
                of_user.push(signed.unwrap());
            }
        }
        for (at, reason) in &self.revocations {
            let mut config = this.config(&secret, SignatureType::KeyRevocation, *at);
            if let Some(reason) = reason {
                push(
                    &mut config,
                    SubpacketData::RevocationReason(*reason, Vec::new().into()),
                );
            }
            revocations.push(config.sign_key(&secret, &password, public).unwrap());
        }
        let users = match of_user.is_empty() {
            true => Vec::new(),
            false => vec![SignedUser::new(user, of_user)],
        };
        let details = SignedKeyDetails::new(revocations, of_key, users, Vec::new());
        SignedPublicKey::new(public.clone(), details, self.subkeys.clone())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.certificate().to_bytes().unwrap()
    }

    /// Signs data as a package is signed.
    pub(crate) fn sign(&self, data: &[u8]) -> Vec<u8> {
        self.sign_at(SIGNED, data)
    }

    pub(crate) fn sign_at(&self, at: u32, data: &[u8]) -> Vec<u8> {
        let secret = self.secret.clone();
        let config = self.clone().config(&secret, SignatureType::Binary, at);
        packet(&config.sign(&secret, &Password::empty(), data).unwrap())
    }

    /// Signs data as rpm did for long, with a signature of version 3.
    pub(crate) fn sign_v3(&self, data: &[u8]) -> Vec<u8> {
        let (algorithm, created) = (HashAlgorithm::Sha256, Timestamp::from_secs(SIGNED));
        let id = self.secret.legacy_key_id();
        let config = SignatureConfig::v3(
            SignatureType::Binary,
            self.secret.algorithm(),
            algorithm,
            created,
            id,
        );
        let trailer = [&[0][..], &SIGNED.to_be_bytes()].concat();
        let digest = algorithm.digest(&[data, &trailer].concat()).unwrap();
        let signature = self.secret.sign(&Password::empty(), algorithm, &digest).unwrap();
        packet(&Signature::from_config(config, [digest[0], digest[1]], signature).unwrap())
    }
}

pub(crate) fn push(config: &mut SignatureConfig, data: SubpacketData) {
    config.hashed_subpackets.push(Subpacket::regular(data).unwrap());
}

/// A signature as it is stored.
pub(crate) fn packet(signature: &Signature) -> Vec<u8> {
    let mut bytes = Vec::new();
    signature.to_writer_with_header(&mut bytes).unwrap();
    bytes
}

pub(crate) fn keyring(keys: &[&Key]) -> Keyring {
    let bytes: Vec<u8> = keys.iter().flat_map(|key| key.bytes()).collect();
    Keyring::from_bytes(&bytes).unwrap()
}
