//! Writes small, deterministic RPMs and repositories for tests and benches.
//!
//! The bytes are real RPMs of format 4: lead, signature header, main header with immutable regions,
//! and a gzip-compressed cpio payload, with correct digests and sizes. `rpm`, `createrepo_c` and `dnf`
//! read and install them. Source RPMs are written too. Nothing is signed, nothing depends on a clock,
//! on the machine or on hash order: the same [`PackageSpec`] gives the same bytes everywhere.
//!
//! - [`write()`] turns one [`PackageSpec`] into the bytes of an `.rpm` file;
//! - [`generate()`] makes up a set of packages that looks like a distribution;
//! - [`with_real_sizes`] gives them payloads of the sizes that real ones have;
//! - [`ed_repository`] is a set of five packages around a line editor, built as a module;
//! - [`write_repository`] puts any of these into a directory.
//!
//! ```
//! use rpmgen::{PackageSpec, write};
//!
//! let spec = PackageSpec::binary("hello", "1.0", "1", "x86_64")
//!     .built_from("hello-1.0-1.src.rpm")
//!     .with_requires("libgreet >= 2.0")
//!     .with_file("/usr/bin/hello", "#!/bin/sh\necho hello\n");
//! assert_eq!(spec.file_name(), "hello-1.0-1.x86_64.rpm");
//! let bytes = write(&spec)?;
//! assert!(bytes.starts_with(&[0xed, 0xab, 0xee, 0xdb]));
//! # Ok::<(), rpmgen::Error>(())
//! ```

mod check;
mod ed;
mod error;
mod generate;
mod header;
mod payload;
mod random;
mod relation;
mod repository;
mod spec;
mod tag;
mod write;

pub use ed::ed_repository;
pub use error::{Error, Result};
pub use generate::{Generator, GeneratorOptions, generate, with_real_sizes};
pub use random::Random;
pub use relation::{Relation, RelationFlags};
pub use repository::{Layout, Written, write_repository};
pub use spec::{ChangelogSpec, FileKind, FileSpec, PackageKind, PackageSpec};
pub use tag::{Section, TagChange, TagValue};
pub use write::write;
