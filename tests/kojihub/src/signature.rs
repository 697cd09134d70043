//! Signatures that say who made them, and are worth nothing beyond that.

/// `RPMSIGTAG_RSA`: a signature of the main header.
const RSAHEADER: usize = 268;

/// The type of a tag that holds bytes.
const BIN: usize = 7;

const LEAD: usize = 96;

/// The signature header of a package, with a signature by a key of eight hexadecimal digits in it. The header's region is at its
/// beginning and ends with it, as those of the generator do.
pub(crate) fn signed_header(rpm: &[u8], key: &str) -> Vec<u8> {
    let header = &rpm[LEAD..];
    let number = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap());
    let (count, length) = (number(8) as usize, number(12) as usize);
    let (index, rest) = header[16..].split_at(16 * count);
    let data = &rest[..length];
    let (content, trailer) = data.split_at(length - 16);

    let packet = packet(key);
    let mut entries: Vec<Vec<u8>> = index.chunks(16).map(<[u8]>::to_vec).collect();
    let mut entry = Vec::new();
    for part in [RSAHEADER, BIN, content.len(), packet.len()] {
        entry.extend(big_endian(part));
    }
    // Last, as its bytes are: rpm wants entries in the order of what they lead to.
    entries.push(entry);
    let trailer_at = content.len() + packet.len();
    entries[0][8..12].copy_from_slice(&big_endian(trailer_at));
    let mut trailer = trailer.to_vec();
    let back = -i32::try_from(16 * entries.len()).unwrap();
    trailer[8..12].copy_from_slice(&back.to_be_bytes());

    let mut signed = header[..8].to_vec();
    signed.extend(big_endian(entries.len()));
    signed.extend(big_endian(trailer_at + 16));
    entries.iter().for_each(|entry| signed.extend(entry));
    for part in [content, &packet, &trailer] {
        signed.extend(part);
    }
    signed.resize(signed.len().next_multiple_of(8), 0);
    signed
}

fn big_endian(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_be_bytes()
}

/// An OpenPGP signature, version 4, RSA over SHA-256.
fn packet(key: &str) -> Vec<u8> {
    let id = u64::from_str_radix(key, 16).unwrap() | 0x0dc5_0000_0000_0000;
    let mut body = vec![4, 0, 1, 8];
    // When it was made, in what is signed; the key, in what is not.
    body.extend([0, 6, 5, 2, 0x6a, 0xb0, 0, 0]);
    body.extend([0, 10, 9, 16]);
    body.extend(id.to_be_bytes());
    body.extend([0x12, 0x34]);
    // A number of 512 bits.
    body.extend([2, 0]);
    body.extend([0x80; 64]);
    let mut packet = vec![0x88, u8::try_from(body.len()).unwrap()];
    packet.extend(body);
    packet
}
