//! Reading keyrings: files of certificates, armoured or not, and directories of such files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use pgp::armor::{BlockType, Dearmor};
use pgp::composed::{Deserializable, SignedPublicKey};
use pgp::packet::{Packet, PacketParser};

use super::certificate::Certificate;
use super::{Keyring, KeyringError};

/// The largest file of a keyring, in bytes; a certificate has a few kilobytes.
pub const MAX_FILE_BYTES: u64 = 4 << 20;

/// Files that a directory of keys may have.
pub const MAX_FILES: usize = 1_000;

/// How armoured blocks begin and end, whatever is in them.
const BEGIN: &str = "-----BEGIN PGP ";
const END: &str = "-----END PGP ";

impl Keyring {
    /// Reads a file of certificates, or all files directly in a directory, but for those whose names begin with a
    /// dot. Links are followed: the path is chosen by whoever runs the service.
    ///
    /// # Errors
    /// [`KeyringError`] names the file that cannot be read, is too large, or is not a file of public keys, and says
    /// what is wrong with it; a directory without a key is an error, too.
    #[allow(clippy::disallowed_methods, reason = "the path is the operator's own")]
    pub fn open(path: &Path) -> Result<Self, KeyringError> {
        let unreadable = |source| KeyringError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let mut keyring = Self::default();
        if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
            keyring.add_file(path)?;
            return Ok(keyring);
        }
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if files.len() >= MAX_FILES {
                return Err(KeyringError::TooLarge {
                    path: path.to_owned(),
                    limit: MAX_FILES as u64,
                    unit: "files",
                });
            }
            files.push(entry.path());
        }
        // Sorted, so that the first mistake is always the same one.
        files.sort();
        for file in files {
            let metadata = std::fs::metadata(&file).map_err(|source| KeyringError::Unreadable {
                path: file.clone(),
                source,
            })?;
            if !metadata.is_dir() {
                keyring.add_file(&file)?;
            }
        }
        if keyring.is_empty() {
            return Err(KeyringError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(keyring)
    }

    /// Reads certificates from the content of a file: packets, or any number of armoured blocks with text around
    /// them.
    ///
    /// # Errors
    /// [`KeyringError::NoKey`], [`KeyringError::SecretKey`], [`KeyringError::Damaged`] or
    /// [`KeyringError::Unusable`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyringError> {
        let mut keyring = Self::default();
        keyring.add_bytes(bytes)?;
        Ok(keyring)
    }

    #[allow(clippy::disallowed_methods, reason = "the path is the operator's own")]
    fn add_file(&mut self, path: &Path) -> Result<(), KeyringError> {
        let unreadable = |source: io::Error| KeyringError::Unreadable {
            path: path.to_owned(),
            source,
        };
        // A FIFO would wait for somebody to write.
        if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(KeyringError::NotAFile {
                path: path.to_owned(),
            });
        }
        let file = File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(KeyringError::TooLarge {
                path: path.to_owned(),
                limit: MAX_FILE_BYTES,
                unit: "bytes",
            });
        }
        self.add_bytes(&bytes).map_err(|source| KeyringError::File {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    fn add_bytes(&mut self, bytes: &[u8]) -> Result<(), KeyringError> {
        // The first bit of packets is set, which no text in ASCII has.
        if bytes.first().is_some_and(|byte| byte & 0x80 != 0) {
            return self.add_packets(bytes);
        }
        let mut found = false;
        for block in blocks(bytes) {
            self.add_packets(&dearmour(block)?)?;
            found = true;
        }
        if found { Ok(()) } else { Err(KeyringError::NoKey) }
    }

    fn add_packets(&mut self, bytes: &[u8]) -> Result<(), KeyringError> {
        let is_secret = |packet: &Packet| matches!(packet, Packet::SecretKey(_) | Packet::SecretSubkey(_));
        if PacketParser::new(bytes)
            .flatten()
            .any(|packet| is_secret(&packet))
        {
            return Err(KeyringError::SecretKey);
        }
        let mut found = false;
        for key in SignedPublicKey::from_bytes_many(bytes).map_err(KeyringError::damaged)? {
            let key = key.map_err(KeyringError::damaged)?;
            self.add(Certificate::new(&key)?);
            found = true;
        }
        if found { Ok(()) } else { Err(KeyringError::NoKey) }
    }
}

/// The armoured blocks of a file, each from its first line to its last.
fn blocks(bytes: &[u8]) -> Vec<&[u8]> {
    let begins = memchr::memmem::find_iter(bytes, BEGIN).collect::<Vec<_>>();
    let ends = begins.iter().skip(1).copied().chain([bytes.len()]);
    let blocks = begins.iter().zip(ends);
    blocks
        .filter_map(|(begin, end)| {
            let block = bytes.get(*begin..end)?;
            // The text after a block is none of it.
            let last = memchr::memmem::rfind(block, END.as_bytes())?;
            let rest = block.get(last..)?;
            let line = memchr::memchr(b'\n', rest).map_or(rest.len(), |line| line + 1);
            block.get(..last + line)
        })
        .collect()
}

fn dearmour(block: &[u8]) -> Result<Vec<u8>, KeyringError> {
    let mut dearmour = Dearmor::new(block);
    dearmour.read_header().map_err(KeyringError::damaged)?;
    match dearmour.typ {
        Some(BlockType::PublicKey) => {}
        Some(BlockType::PrivateKey) => return Err(KeyringError::SecretKey),
        _ => return Err(KeyringError::NoKey),
    }
    let mut bytes = Vec::new();
    dearmour.read_to_end(&mut bytes).map_err(KeyringError::damaged)?;
    Ok(bytes)
}
