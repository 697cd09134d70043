//! Who claims to have signed: the issuer's key id in OpenPGP signature packets (RFC 4880, RFC 9580).
//! Nothing is verified here.

use crate::Sigkey;

/// Packets looked at in one value; rpm stores one.
const MAX_PACKETS: usize = 16;

/// OpenPGP's number of a signature packet.
const SIGNATURE: u8 = 2;

/// A signature packet as it is, and who it says made it.
pub(crate) struct ClaimedSignature<'a> {
    /// The packet with its header, byte for byte.
    pub(crate) packet: &'a [u8],
    /// The key id (sixteen hex digits).
    pub(crate) issuer: Option<Sigkey>,
}

/// The signatures in a sequence of OpenPGP packets. What cannot be understood is passed over.
pub(crate) fn claims(mut bytes: &[u8]) -> Vec<ClaimedSignature<'_>> {
    let mut claims = Vec::new();
    for _ in 0..MAX_PACKETS {
        let Some((tag, body, rest)) = packet(bytes) else {
            break;
        };
        if tag == SIGNATURE {
            let length = bytes.len().saturating_sub(rest.len());
            claims.push(ClaimedSignature {
                packet: bytes.get(..length).unwrap_or_default(),
                issuer: issuer(body),
            });
        }
        bytes = rest;
    }
    claims
}

/// The key ids of the signatures in a sequence of OpenPGP packets.
pub(super) fn issuers(bytes: &[u8]) -> Vec<Sigkey> {
    claims(bytes)
        .into_iter()
        .filter_map(|claim| claim.issuer)
        .collect()
}

/// Splits the first packet off: its tag, its body, what follows. Partial lengths do not occur in
/// signatures.
fn packet(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    if first & 0x80 == 0 {
        return None;
    }
    if first & 0x40 != 0 {
        let (length, rest) = length(rest)?;
        let (body, rest) = rest.split_at_checked(length)?;
        return Some((first & 0x3f, body, rest));
    }
    // The old form: the two low bits say how the length is written.
    let (length, rest) = match first & 3 {
        0 => big_endian(rest, 1)?,
        1 => big_endian(rest, 2)?,
        2 => big_endian(rest, 4)?,
        _ => (rest.len(), rest),
    };
    let (body, rest) = rest.split_at_checked(length)?;
    Some((first >> 2 & 0x0f, body, rest))
}

/// A length of one, two or five bytes, as new packets and subpackets have them.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first {
        0..192 => Some((usize::from(*first), rest)),
        192..224 => {
            let (second, rest) = rest.split_first()?;
            Some((
                (usize::from(*first) - 192) * 256 + usize::from(*second) + 192,
                rest,
            ))
        }
        255 => big_endian(rest, 4),
        _ => None,
    }
}

fn big_endian(bytes: &[u8], width: usize) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_at_checked(width)?;
    let number = number
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte));
    Some((number, rest))
}

/// The issuer of one signature.
fn issuer(body: &[u8]) -> Option<Sigkey> {
    let (version, rest) = body.split_first()?;
    match version {
        // Length of what is hashed (5), type, time (4), key id.
        2 | 3 => Sigkey::from_bytes(rest.get(6..14)?),
        4 | 6 => {
            // Type, key algorithm, hash algorithm; then the hashed and the other subpackets.
            let width = if *version == 4 { 2 } else { 4 };
            let (size, rest) = big_endian(rest.get(3..)?, width)?;
            let (hashed, rest) = rest.split_at_checked(size)?;
            // What is hashed cannot be changed without breaking the signature: it comes first.
            subpackets(hashed).or_else(|| {
                let (size, rest) = big_endian(rest, width)?;
                subpackets(rest.get(..size)?)
            })
        }
        _ => None,
    }
}

fn subpackets(mut bytes: &[u8]) -> Option<Sigkey> {
    while let Some((size, rest)) = length(bytes) {
        let (subpacket, rest) = rest.split_at_checked(size)?;
        bytes = rest;
        let Some((kind, body)) = subpacket.split_first() else {
            continue;
        };
        // The high bit only says whether the subpacket is critical.
        let key = match (kind & 0x7f, body.split_first()) {
            (16, _) if body.len() == 8 => Sigkey::from_bytes(body),
            // A fingerprint: the key id is the end of it up to version 4, the beginning since.
            (33, Some((4, fingerprint))) if fingerprint.len() == 20 => {
                Sigkey::from_bytes(fingerprint.get(12..)?)
            }
            (33, Some((5 | 6, fingerprint))) if fingerprint.len() == 32 => {
                Sigkey::from_bytes(fingerprint.get(..8)?)
            }
            _ => None,
        };
        if key.is_some() {
            return key;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: [u8; 8] = [0x19, 0x9e, 0x2f, 0x91, 0xfd, 0x43, 0x1d, 0x51];

    fn ids(bytes: &[u8]) -> Vec<String> {
        issuers(bytes).iter().map(ToString::to_string).collect()
    }

    fn new_packet(body: &[u8]) -> Vec<u8> {
        [&[0xc2, u8::try_from(body.len()).unwrap()], body].concat()
    }

    #[test]
    fn all_versions_name_their_issuer() {
        let v3 = [&[3, 5, 0, 1, 2, 3, 4], &ID[..], &[1, 8, 0, 0]].concat();
        let v4_id = [&[4, 0, 1, 8, 0, 6, 5, 2, 1, 2, 3, 4, 0, 10, 9, 16], &ID[..]].concat();
        let fingerprint = [&[0xaa; 12][..], &ID].concat();
        let v4_fingerprint = [&[4, 0, 1, 8, 0, 23, 22, 0x80 | 33, 4], &fingerprint[..], &[0, 0]].concat();
        let fingerprint = [&ID[..], &[0xbb; 24]].concat();
        let v6 = [
            &[6, 0, 27, 8, 0, 0, 0, 35, 34, 33, 6],
            &fingerprint[..],
            &[0, 0, 0, 0],
        ]
        .concat();
        for body in [v3, v4_id, v4_fingerprint, v6] {
            assert_eq!(ids(&new_packet(&body)), ["199e2f91fd431d51"], "{body:?}");
            // The old form, with two bytes of length, and twice.
            let old = [&[0x89, 0], &new_packet(&body)[1..]].concat();
            assert_eq!(ids(&old.repeat(2)).len(), 2);
        }
    }

    #[test]
    fn other_packets_and_empty_ones_name_nobody() {
        assert!(ids(&[]).is_empty());
        assert!(ids(&new_packet(&[])).is_empty());
        assert!(ids(&[0x99, 0, 2, 4, 0]).is_empty());
        assert!(ids(&new_packet(&[4, 0, 1, 8, 0, 1, 0, 0, 0])).is_empty());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..180), version in 2u8..8) {
            issuers(&bytes);
            issuers(&new_packet(&[&[version], &bytes[..]].concat()));
        }
    }
}
