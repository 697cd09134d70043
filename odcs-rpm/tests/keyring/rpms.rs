//! Packages whose signature header is written anew, and what is found in them.

use base64::Engine as _;
use odcs_rpm::header::{FileFacts, read_verified};
use odcs_rpm::keyring::{Keyring, Refusal, Verification};
use odcs_rpm::{Digest, DigestAlgorithm};
use rpmgen::PackageSpec;

pub(crate) const DSA_HEADER: u32 = 267;
pub(crate) const RSA_HEADER: u32 = 268;
pub(crate) const OPENPGP: u32 = 278;
pub(crate) const SIG_PGP: u32 = 1002;
pub(crate) const SIG_GPG: u32 = 1005;
pub(crate) const PAYLOAD_DIGEST: u32 = 5092;
pub(crate) const PAYLOAD_DIGEST_ALT: u32 = 5097;

const SHA256_HEADER: u32 = 273;

const LEAD: usize = 96;

/// A package in parts.
#[derive(Clone)]
pub(crate) struct Rpm {
    lead: Vec<u8>,
    pub(crate) main: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

impl Rpm {
    pub(crate) fn ed() -> Self {
        let spec = PackageSpec::binary("ed", "1.20", "1", "x86_64")
            .built_from("ed-1.20-1.src.rpm")
            .with_file("/usr/bin/ed", "#!/bin/sh\n");
        Self::of(&rpmgen::write(&spec).unwrap())
    }

    pub(crate) fn of(bytes: &[u8]) -> Self {
        let length = |at: usize| 16 + 16 * number(bytes, at + 8) + number(bytes, at + 12);
        let main = (LEAD + length(LEAD)).next_multiple_of(8);
        let payload = main + length(main);
        Self {
            lead: bytes[..LEAD].to_vec(),
            main: bytes[main..payload].to_vec(),
            payload: bytes[payload..].to_vec(),
        }
    }

    /// The package without a tag of its main header: it has another number, which nobody knows.
    pub(crate) fn without(mut self, tag: u32) -> Self {
        for entry in 0..number(&self.main, 8) {
            let at = 16 + 16 * entry;
            if number(&self.main, at) == tag as usize {
                self.main[at..at + 4].copy_from_slice(&(tag + 1000).to_be_bytes());
            }
        }
        self
    }

    /// What signatures over header and payload are over.
    pub(crate) fn both(&self) -> Vec<u8> {
        [&self.main[..], &self.payload].concat()
    }

    /// The file with these signatures: values of tags that are lists of packets, base64 for the tag of rpm 6.
    pub(crate) fn signed(&self, signatures: &[(u32, &[Vec<u8>])]) -> Vec<u8> {
        let mut tags: Vec<(u32, u32, usize, Vec<u8>)> = signatures
            .iter()
            .map(|(tag, packets)| {
                if *tag == OPENPGP {
                    let encode = |packet| base64::engine::general_purpose::STANDARD.encode(packet) + "\0";
                    let texts: String = packets.iter().map(encode).collect();
                    return (*tag, 8, packets.len(), texts.into_bytes());
                }
                let value = packets.concat();
                (*tag, 7, value.len(), value)
            })
            .collect();
        // The digest of the header, without which rpm takes a package for damaged.
        let digest = Digest::of_bytes(DigestAlgorithm::Sha256, &self.main);
        tags.push((SHA256_HEADER, 6, 1, format!("{}\0", digest.hex()).into_bytes()));
        tags.sort_by_key(|(tag, ..)| *tag);
        let (mut index, mut store) = (Vec::new(), Vec::new());
        for (tag, kind, count, value) in &tags {
            for number in [*tag, *kind, store.len() as u32, *count as u32] {
                index.extend(number.to_be_bytes());
            }
            store.extend(value);
        }
        // The region that says where the header ends, without which rpm does not take it.
        let entries = tags.len() as u32 + 1;
        let mut region = Vec::new();
        for number in [62, 7, store.len() as u32, 16] {
            region.extend(number.to_be_bytes());
        }
        for number in [62, 7, (entries * 16).wrapping_neg(), 16] {
            store.extend(number.to_be_bytes());
        }
        let mut bytes = self.lead.clone();
        bytes.extend([0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0]);
        bytes.extend(entries.to_be_bytes());
        bytes.extend((store.len() as u32).to_be_bytes());
        bytes.extend([region, index, store].concat());
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes.extend(self.both());
        bytes
    }
}

pub(crate) fn verify(bytes: &[u8], keyring: &Keyring) -> Verification {
    let facts = FileFacts {
        size: bytes.len() as u64,
        modified: 0,
    };
    read_verified(bytes, facts, None, keyring).unwrap().1
}

/// The fingerprints that are verified, and why the other signatures are refused, by the keys that they name.
#[track_caller]
pub(crate) fn assert_found(bytes: &[u8], keyring: &Keyring, verified: &[&str], refused: &[(&str, Refusal)]) {
    let found = verify(bytes, keyring);
    let fingerprints: Vec<&str> = found
        .verified
        .iter()
        .map(|key| key.fingerprint.as_str())
        .collect();
    let reasons: Vec<_> = found
        .refused
        .iter()
        .map(|refused| {
            let claimed = refused.claimed.as_ref().map_or("", |claimed| claimed.as_str());
            (claimed, refused.refusal)
        })
        .collect();
    assert_eq!((fingerprints.as_slice(), reasons.as_slice()), (verified, refused));
    for key in &found.verified {
        assert!(key.fingerprint.is_same_key(&key.key), "{key:?}");
        assert_eq!(key.key.as_str().len(), 16);
    }
}
