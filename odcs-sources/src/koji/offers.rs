//! The RPMs that Koji has to offer for a compose, and their copies.

use std::sync::Arc;

use odcs_core::FileIdentity;
use odcs_core::files::RelativePath;
use odcs_core::source::{PackageLocation, SourceRecord};
use odcs_rpm::{Nevra, Package, Sigkey};

use super::copies::Seen;

/// An RPM of a build, or of a task.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Offer {
    pub(super) nevra: Nevra,
    /// Its number in Koji; the RPMs of tasks have none.
    pub(super) rpm_id: Option<i64>,
    /// What tells it from every other RPM of the hub, also if numbers should be given anew some day.
    pub(super) name: Box<str>,
    /// Of the unsigned file, in bytes.
    pub(super) size: Option<u64>,
    /// In seconds since 1970.
    pub(super) build_time: u64,
    /// The keys that there are signatures of on record.
    pub(super) keys: Vec<Sigkey>,
    /// File name of the source package of its build; none for source packages.
    pub(super) source_rpm: Option<Box<str>>,
    /// Where its files are.
    pub(super) place: Place,
}

/// Where the files of an RPM are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// Below the directory of a build.
    Build(Arc<RelativePath>),
    /// What a task has made.
    Task(RelativePath),
}

/// A copy of an RPM.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub(super) nevra: Nevra,
    pub(super) file: PackageLocation,
    pub(super) record: Arc<SourceRecord>,
    build_time: u64,
    source_rpm: Option<Box<str>>,
}

impl Offer {
    /// Where the unsigned file is, or the copy that is signed with a key.
    ///
    /// # Errors
    /// `Invalid` if a name is no part of a path.
    pub(super) fn path(&self, signed: Option<&Sigkey>) -> odcs_core::Result<RelativePath> {
        match &self.place {
            Place::Build(build) => super::paths::rpm(build, &self.nevra, signed),
            Place::Task(path) => Ok(path.clone()),
        }
    }

    /// A copy of it: the unsigned one, or one that is signed and was seen so.
    pub(super) fn copy(
        &self,
        file: PackageLocation,
        signed: Option<(Sigkey, Seen)>,
        missing: Vec<Sigkey>,
    ) -> Copy {
        let name = match &signed {
            None => self.name.clone(),
            Some((key, Seen { size, modified })) => {
                let (size, modified) = (size.unwrap_or(0), modified.unwrap_or(0));
                format!("{} signed {key} {size} {modified}", self.name).into()
            }
        };
        let mut record = SourceRecord::new(name)
            .with_keys(self.keys.clone())
            .with_missing(missing);
        record.rpm_id = self.rpm_id;
        // What Koji records is the size of the unsigned file.
        record.size = match &signed {
            None => self.size,
            Some((_, seen)) => seen.size,
        };
        Copy {
            nevra: self.nevra.clone(),
            file,
            record: Arc::new(match signed {
                None => record,
                Some((key, _)) => record.with_sigkey(key),
            }),
            build_time: self.build_time,
            source_rpm: self.source_rpm.clone(),
        }
    }
}

impl Copy {
    /// What is known of it is kept by this.
    pub(super) fn identity(&self) -> FileIdentity {
        identity(&self.record)
    }

    /// The package as Koji records it: without what only its header says.
    pub(super) fn recorded(&self) -> Package {
        let mut package = Package::new(self.nevra.clone());
        package.source_rpm.clone_from(&self.source_rpm);
        package.build_time = self.build_time;
        package.sizes.package = self.record.size.unwrap_or(0);
        package.signatures.extend(self.record.sigkey.clone());
        package
    }
}

/// What a copy is known by in the cache.
pub(super) fn identity(record: &SourceRecord) -> FileIdentity {
    FileIdentity::named("koji", &record.name).signed(record.sigkey.as_ref())
}
