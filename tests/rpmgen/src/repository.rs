//! Specs into a directory.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use fs_err as fs;

use crate::{PackageSpec, Result, write};

/// Where below the directory a package goes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash)]
pub enum Layout {
    /// `Packages/FILE`: a plain repository.
    #[default]
    Flat,
    /// `packages/NAME/VERSION/RELEASE/ARCH/FILE`, with name, version and release of the build: the
    /// volume of a Koji server.
    Koji,
}

impl Layout {
    /// Path of a package, relative to the directory.
    ///
    /// ```
    /// use rpmgen::{Layout, PackageSpec};
    /// let spec = PackageSpec::binary("ed-doc", "1.20", "1", "noarch").built_from("ed-1.20-1.src.rpm");
    /// assert_eq!(Layout::Flat.path(&spec), "Packages/ed-doc-1.20-1.noarch.rpm");
    /// assert_eq!(Layout::Koji.path(&spec), "packages/ed/1.20/1/noarch/ed-doc-1.20-1.noarch.rpm");
    /// ```
    pub fn path(self, spec: &PackageSpec) -> String {
        let file_name = spec.file_name();
        match self {
            Self::Flat => format!("Packages/{file_name}"),
            Self::Koji => {
                let (name, version, release) = spec.build();
                format!(
                    "packages/{name}/{version}/{release}/{}/{file_name}",
                    spec.file_arch()
                )
            }
        }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Written {
    /// Number of `.rpm` files.
    pub packages: usize,
    /// Sum of their sizes in bytes.
    pub bytes: usize,
}

/// Writes packages into `directory`, which is made if it is not there. Modification times are the
/// build times, so that repodata made from the directory is the same every time.
///
/// # Errors
/// A spec that no RPM can be made of; a file that is there already (two specs of the same name, or an
/// earlier run), or that cannot be written.
pub fn write_repository(
    directory: &Path,
    specs: impl IntoIterator<Item = PackageSpec>,
    layout: Layout,
) -> Result<Written> {
    fs::create_dir_all(directory)?;
    let mut written = Written::default();
    for spec in specs {
        let bytes = write(&spec)?;
        let path = directory.join(layout.path(&spec));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.write_all(&bytes)?;
        let built = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(spec.build_time));
        file.file().set_modified(built)?;
        written.packages += 1;
        written.bytes += bytes.len();
    }
    Ok(written)
}
