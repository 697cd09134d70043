//! Why a keyring cannot be used.

use std::io;
use std::path::PathBuf;

/// A keyring that cannot be used. The messages are for whoever configured it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// A file or directory cannot be read.
    #[error("the keyring {} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Neither a file nor a directory.
    #[error("{} is neither a file nor a directory", path.display())]
    NotAFile {
        /// What.
        path: PathBuf,
    },
    /// More than keyrings have.
    #[error("the keyring {} has more than {limit} {unit}", path.display())]
    TooLarge {
        /// The file or directory.
        path: PathBuf,
        /// How much there may be.
        limit: u64,
        /// Of what.
        unit: &'static str,
    },
    /// A directory without a key in it.
    #[error("there is no key in the keyring {}", path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// A file of a keyring that holds something else, too, or a damaged key.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Self>,
    },
    /// Bytes without a certificate.
    #[error("there is no OpenPGP public key in it")]
    NoKey,
    /// Somebody exported too much.
    #[error("there is a secret key in it; put the public key there (`gpg --armor --export KEY`)")]
    SecretKey,
    /// A certificate, or the armour around it, is damaged.
    #[error("it is not a readable OpenPGP public key: {reason}")]
    Damaged {
        /// In which way.
        reason: String,
    },
    /// A certificate does not hold together, or cannot be used with what is known here.
    #[error("the key {fingerprint} cannot be used: {reason}")]
    Unusable {
        /// The fingerprint of its primary key.
        fingerprint: String,
        /// Why.
        reason: &'static str,
    },
}

impl KeyringError {
    /// What is wrong with bytes that are no certificate; other people's messages are cut short.
    pub(super) fn damaged(reason: impl ToString) -> Self {
        Self::Damaged {
            reason: reason.to_string().chars().take(200).collect(),
        }
    }
}
