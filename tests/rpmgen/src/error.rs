//! What can be wrong with a spec, or go wrong while writing a repository.

/// A spec that no RPM can be made of, or a directory that could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A string holds a NUL byte, which ends a string in a header.
    #[error("package {package}: {what} holds a NUL byte")]
    Nul {
        /// NEVRA of the package.
        package: String,
        /// The field.
        what: &'static str,
    },
    /// A path that the package kind does not allow: absolute and normal in binary packages, a bare
    /// file name in source packages.
    #[error("package {package}: path {path:?} is not allowed: {rule}")]
    Path {
        /// NEVRA of the package.
        package: String,
        /// The path.
        path: String,
        /// What is expected of it.
        rule: &'static str,
    },
    /// Two files of one package have the same path.
    #[error("package {package}: path {path:?} is there twice")]
    DuplicatePath {
        /// NEVRA of the package.
        package: String,
        /// The path.
        path: String,
    },
    /// A number does not fit into the 32 (or 16) bits that the format has for it.
    #[error("package {package}: {what} is too large for the format")]
    TooLarge {
        /// NEVRA of the package.
        package: String,
        /// The field.
        what: &'static str,
    },
    /// A part of the NEVRA is empty or holds a character that would break a file name.
    #[error("{what} {value:?} cannot be part of an RPM file name")]
    Nevra {
        /// The field.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// A file could not be written; the message names it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
