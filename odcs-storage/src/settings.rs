//! What can be chosen about compose trees.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use odcs_core::request::TargetDirName;
use odcs_rpm::compression::WriteCompression;

/// Where composes go, and how.
///
/// ```
/// use odcs_storage::{LinkFallback, StorageSettings};
/// let settings = StorageSettings::new("/srv/composes").with_link_fallback(LinkFallback::Fail).with_threads(4);
/// assert_eq!(settings.threads, 4);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StorageSettings {
    /// The directory that composes go to if no other is asked for. It is made if it is missing.
    pub target_dir: PathBuf,
    /// Further directories that composes may ask for by name. They are made, too.
    pub extra_targets: BTreeMap<TargetDirName, PathBuf>,
    /// What happens to packages that cannot be hardlinked.
    pub link_fallback: LinkFallback,
    /// How many packages are read at a time; 0 means one for each processor.
    pub threads: usize,
    /// Bytes that are to stay free on the disk: a compose that would need them is not begun.
    pub reserve: u64,
    /// What the repodata of composes is like.
    pub repodata: RepodataSettings,
    /// Which package files are read to their end and compared with their checksums.
    pub verification: Verification,
    /// The program that makes ISO images, by path or by a name that is looked for in `PATH`; without it there are none.
    pub xorriso: Option<PathBuf>,
    /// How long that program may take for one image.
    pub iso_time: Duration,
}

/// What the repodata of composes is like.
///
/// ```
/// use odcs_rpm::compression::WriteCompression;
/// use odcs_storage::RepodataSettings;
/// let settings = RepodataSettings::default().with_compression(WriteCompression::Zstd);
/// assert!(!settings.filelists_ext);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash)]
#[non_exhaustive]
pub struct RepodataSettings {
    /// How its files are compressed; gzip by default.
    pub compression: WriteCompression,
    /// Whether there is a `filelists-ext`, too, which has the digests of the files in the packages. The header of
    /// each package that is new is read once more for it.
    pub filelists_ext: bool,
}

/// Different for different settings.
impl fmt::Display for RepodataSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            compression,
            filelists_ext,
        } = *self;
        write!(f, "repodata {}", compression.suffix())?;
        if filelists_ext {
            f.write_str(" filelists-ext")?;
        }
        Ok(())
    }
}

impl RepodataSettings {
    /// Chooses the compression.
    #[must_use]
    pub fn with_compression(mut self, compression: WriteCompression) -> Self {
        self.compression = compression;
        self
    }

    /// Chooses whether there is a `filelists-ext`.
    #[must_use]
    pub fn with_filelists_ext(mut self, filelists_ext: bool) -> Self {
        self.filelists_ext = filelists_ext;
        self
    }
}

impl StorageSettings {
    /// Composes below this directory; everything else as it is by default: copying what cannot be
    /// linked, a thread for each processor, 16 MiB kept free, repodata that everybody reads, no ISO images.
    pub fn new(target_dir: impl Into<PathBuf>) -> Self {
        Self {
            target_dir: target_dir.into(),
            extra_targets: BTreeMap::new(),
            link_fallback: LinkFallback::default(),
            threads: 0,
            reserve: 16 << 20,
            repodata: RepodataSettings::default(),
            verification: Verification::default(),
            xorriso: None,
            iso_time: Duration::from_secs(3600),
        }
    }

    /// Adds a directory that composes may ask for by name. One of the same name is replaced, the default one as
    /// well.
    #[must_use]
    pub fn with_target(mut self, name: TargetDirName, path: impl Into<PathBuf>) -> Self {
        if name.as_str() == TargetDirName::DEFAULT {
            self.target_dir = path.into();
        } else {
            self.extra_targets.insert(name, path.into());
        }
        self
    }

    /// All directories with their names, the default one first.
    pub(crate) fn directories(&self) -> impl Iterator<Item = (&str, &Path)> {
        let extra = self
            .extra_targets
            .iter()
            .map(|(name, path)| (name.as_str(), path.as_path()));
        std::iter::once((TargetDirName::DEFAULT, self.target_dir.as_path())).chain(extra)
    }

    /// Chooses what happens to packages that cannot be hardlinked.
    #[must_use]
    pub fn with_link_fallback(mut self, fallback: LinkFallback) -> Self {
        self.link_fallback = fallback;
        self
    }

    /// Chooses how many packages are read at a time.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Chooses what repodata is like.
    #[must_use]
    pub fn with_repodata(mut self, repodata: RepodataSettings) -> Self {
        self.repodata = repodata;
        self
    }

    /// Chooses which package files are read to their end.
    #[must_use]
    pub fn with_verification(mut self, verification: Verification) -> Self {
        self.verification = verification;
        self
    }

    /// Has ISO images made by this program, if it is found.
    #[must_use]
    pub fn with_xorriso(mut self, program: impl Into<PathBuf>) -> Self {
        self.xorriso = Some(program.into());
        self
    }

    /// Chooses how long the program may take for one ISO image.
    #[must_use]
    pub fn with_iso_time(mut self, time: Duration) -> Self {
        self.iso_time = time;
        self
    }

    /// Chooses how many bytes are to stay free.
    #[must_use]
    pub fn with_reserve(mut self, bytes: u64) -> Self {
        self.reserve = bytes;
        self
    }
}

/// What happens to packages that cannot be hardlinked: because they are on another file system, belong
/// to somebody else, or have too many links already.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash)]
#[non_exhaustive]
pub enum LinkFallback {
    /// They are copied, sharing blocks where the file system can.
    #[default]
    Copy,
    /// The compose fails: for installations where a compose must cost metadata only.
    Fail,
}

/// Which package files of a compose are read to their end, and compared with the checksums that their source has for
/// them. The headers of all that go into a compose are checked in any case, and so is whether somebody wrote to a file
/// while it was being placed. Where signatures are verified, all files are read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash)]
#[non_exhaustive]
pub enum Verification {
    /// Those that nothing vouches for: a file that a compose before was made from is read again only if its inode,
    /// size or modification time are not what they were; one whose source has a checksum for it, if its size or
    /// modification time are not those that the source says; one that was fetched, once.
    #[default]
    Changed,
    /// All of them, for every compose.
    Always,
}
