//! What the records of a source say of the file of a package.

use odcs_rpm::Sigkey;

/// What a source's own records say of a package file, where it keeps any: a build system knows its packages by number,
/// and which signatures it was given.
///
/// A candidate with such a record is known by its [name](Self::name) when composes are compared, wherever its file is.
///
/// ```
/// use odcs_core::source::SourceRecord;
/// let record = SourceRecord::new("ed/1.14.1/2/x86_64/ed-1.14.1-2.x86_64.rpm")
///     .with_rpm_id(17)
///     .with_keys(vec!["fd431d51".parse()?]);
/// assert_eq!((record.rpm_id, record.sigkey), (Some(17), None));
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[non_exhaustive]
pub struct SourceRecord {
    /// A name that the source never gives to another file.
    pub name: Box<str>,
    /// The number of the RPM in Koji.
    pub rpm_id: Option<i64>,
    /// Bytes that the file must have, where the source knows.
    pub size: Option<u64>,
    /// The file is the copy signed with this key: its header must have it, whatever a request asks for.
    pub sigkey: Option<Sigkey>,
    /// The keys that the source has signatures of on record.
    pub keys: Vec<Sigkey>,
    /// The keys that were asked for and are on record, but whose signed copy is not there.
    pub missing: Vec<Sigkey>,
    /// The time that repodata is to carry for the file, in seconds since 1970, in place of that of the file itself. Of
    /// what is made again with the same content (signed copies are), the time is another one; a compose that is made
    /// again has the one that its [manifest](crate::manifest::ManifestPackage::modified) recorded.
    pub modified: Option<u64>,
}

impl SourceRecord {
    /// A record of an unsigned file of this name, which the source never gives to another one.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// The number of the RPM in Koji.
    #[must_use]
    pub fn with_rpm_id(mut self, id: i64) -> Self {
        self.rpm_id = Some(id);
        self
    }

    /// The file must have so many bytes.
    #[must_use]
    pub fn with_size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// The file is the copy that is signed with this key.
    #[must_use]
    pub fn with_sigkey(mut self, key: Sigkey) -> Self {
        self.sigkey = Some(key);
        self
    }

    /// The source has signatures of these keys on record.
    #[must_use]
    pub fn with_keys(mut self, keys: Vec<Sigkey>) -> Self {
        self.keys = keys;
        self
    }

    /// These keys were asked for and are on record, but there is no copy that is signed with them.
    #[must_use]
    pub fn with_missing(mut self, keys: Vec<Sigkey>) -> Self {
        self.missing = keys;
        self
    }

    /// Repodata is to carry this time for the file, in seconds since 1970; `None` for that of the file.
    #[must_use]
    pub fn with_modified(mut self, modified: Option<u64>) -> Self {
        self.modified = modified;
        self
    }
}
