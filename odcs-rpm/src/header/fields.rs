//! From the tags of a header to a [`Package`].

use rpm::{IndexSignatureTag, IndexTag, PackageMetadata};

use super::raw::RawHeaders;
use super::requires::{Provided, Requirement, list_requires};
use super::{FileDigests, FileFacts, signature};
use crate::{
    Arch, ChangelogEntry, Comparison, Dependency, DependencyVersion, Error, Evr, FileEntry, FileKind, Nevra,
    Package, PackageName, Result, Sigkey, Sizes,
};

/// `RPMSENSE_STRONG`: what told recommending from suggesting before there were tags for both.
const SENSE_STRONG: u32 = 1 << 27;
/// `PATH_MAX` of Linux, without the zero at its end: no file can have a longer path.
const MAX_PATH: usize = 4095;
/// Bytes of all paths of one package: seven times the longest whole header of a large distribution.
const MAX_PATHS: usize = 128 << 20;
/// `RPMFILE_GHOST`.
const FILE_GHOST: u32 = 1 << 6;
/// `S_IFMT` and `S_IFDIR`.
const MODE_TYPE: u16 = 0o170_000;
const MODE_DIRECTORY: u16 = 0o040_000;

/// Builds the package, and says how large the file should be at least where the header knows.
pub(super) fn package(raw: &RawHeaders, file: FileFacts) -> Result<(Package, Option<u64>)> {
    let metadata = PackageMetadata::parse(&mut raw.bytes.as_slice()).map_err(Error::package)?;
    let header = Tags(&metadata.header);
    let signatures = &metadata.signature;

    let nevra = nevra(&header, raw.is_source)?;
    let is_source = nevra.arch().is_source();
    let number = |tag| number(signatures, tag);
    let payload_size = number(IndexSignatureTag::RPMSIGTAG_LONGARCHIVESIZE)
        .or_else(|| number(IndexSignatureTag::RPMSIGTAG_PAYLOADSIZE));
    let rest =
        number(IndexSignatureTag::RPMSIGTAG_LONGSIZE).or_else(|| number(IndexSignatureTag::RPMSIGTAG_SIZE));

    let files = header.files()?;
    let (requires, mut recommends) = header.requires(&files)?;
    recommends.extend(header.dependencies(RECOMMENDS)?);
    let mut suggests = header.dependencies(SUGGESTS)?;
    let mut supplements = header.dependencies(SUPPLEMENTS)?;
    let mut enhances = header.dependencies(ENHANCES)?;
    header.old_weak_dependencies(OLD_SUGGESTS, &mut recommends, &mut suggests)?;
    header.old_weak_dependencies(OLD_ENHANCES, &mut supplements, &mut enhances)?;

    let package = Package {
        source_rpm: Some(header.text(IndexTag::RPMTAG_SOURCERPM))
            .filter(|name| !is_source && !name.is_empty())
            .map(Into::into),
        provides: header.dependencies(PROVIDES)?,
        requires,
        conflicts: header.dependencies(CONFLICTS)?,
        obsoletes: header.dependencies(OBSOLETES)?,
        recommends,
        suggests,
        supplements,
        enhances,
        files,
        summary: header.translated(IndexTag::RPMTAG_SUMMARY).into(),
        description: header.translated(IndexTag::RPMTAG_DESCRIPTION).into(),
        packager: header.text(IndexTag::RPMTAG_PACKAGER).into(),
        url: header.text(IndexTag::RPMTAG_URL).into(),
        license: header.text(IndexTag::RPMTAG_LICENSE).into(),
        vendor: header.text(IndexTag::RPMTAG_VENDOR).into(),
        group: header.translated(IndexTag::RPMTAG_GROUP).into(),
        build_host: header.text(IndexTag::RPMTAG_BUILDHOST).into(),
        build_time: header.number(IndexTag::RPMTAG_BUILDTIME).unwrap_or(0),
        file_time: file.modified,
        sizes: Sizes {
            package: file.size,
            installed: header
                .number(IndexTag::RPMTAG_LONGSIZE)
                .or_else(|| header.number(IndexTag::RPMTAG_SIZE))
                .unwrap_or(0),
            archive: payload_size
                .or_else(|| header.number(IndexTag::RPMTAG_ARCHIVESIZE))
                .or_else(|| header.number(IndexTag::RPMTAG_LONGARCHIVESIZE))
                .unwrap_or(0),
        },
        header_range: (raw.header_start, raw.header_end),
        changelogs: header.changelogs()?,
        signatures: issuers(&metadata),
        ..Package::new(nevra)
    };
    Ok((package, rest.map(|rest| rest.saturating_add(raw.header_start))))
}

/// The digests of the package's files.
pub(super) fn file_digests(raw: &RawHeaders) -> Result<FileDigests> {
    let metadata = PackageMetadata::parse(&mut raw.bytes.as_slice()).map_err(Error::package)?;
    let header = Tags(&metadata.header);
    Ok(FileDigests {
        // The numbers of OpenPGP. Old packages have MD5 and do not say so.
        algorithm: match header.number(IndexTag::RPMTAG_FILEDIGESTALGO) {
            Some(1) => "md5",
            Some(2) => "sha1",
            Some(8) => "sha256",
            Some(9) => "sha384",
            Some(10) => "sha512",
            Some(11) => "sha224",
            _ => "unknown",
        },
        digests: header
            .texts(IndexTag::RPMTAG_FILEDIGESTS)
            .into_iter()
            .map(Into::into)
            .collect(),
    })
}

fn nevra(header: &Tags<'_>, is_source_by_lead: bool) -> Result<Nevra> {
    let part = |tag, what: &str| {
        header
            .0
            .get_entry_data_as_string(tag)
            .map_err(|_| Error::package(format_args!("its header has no {what}")))
    };
    let name: PackageName = part(IndexTag::RPMTAG_NAME, "name")?
        .parse()
        .map_err(Error::package)?;
    let explain = |error: Error| Error::package(format_args!("{name}: {error}"));
    let epoch = match header.number(IndexTag::RPMTAG_EPOCH).map(u32::try_from) {
        None => 0,
        Some(Ok(epoch)) => epoch,
        Some(Err(_)) => {
            return Err(Error::package(format_args!(
                "{name}: its epoch is no 32-bit number"
            )));
        }
    };
    let evr = Evr::new(
        epoch,
        part(IndexTag::RPMTAG_VERSION, "version")?,
        part(IndexTag::RPMTAG_RELEASE, "release")?,
    )
    .map_err(explain)?;
    // A source package has the arch of the machine that it was made on. Old ones say only in front what they are.
    // That is covered by no signature: what names its source is none, as with librpm, whatever stands there.
    let is_source = header.has(IndexTag::RPMTAG_SOURCEPACKAGE)
        || (is_source_by_lead && !header.has(IndexTag::RPMTAG_SOURCERPM));
    let arch: Arch = match is_source {
        true if header.has(IndexTag::RPMTAG_NOSOURCE) || header.has(IndexTag::RPMTAG_NOPATCH) => "nosrc",
        true => "src",
        false => part(IndexTag::RPMTAG_ARCH, "architecture")?,
    }
    .parse()
    .map_err(explain)?;
    Ok(Nevra::new(name, evr, arch))
}

/// The tags of one list of dependencies: names, flags, versions.
type DependencyTags = (IndexTag, IndexTag, IndexTag);

const PROVIDES: DependencyTags = (
    IndexTag::RPMTAG_PROVIDENAME,
    IndexTag::RPMTAG_PROVIDEFLAGS,
    IndexTag::RPMTAG_PROVIDEVERSION,
);
const REQUIRES: DependencyTags = (
    IndexTag::RPMTAG_REQUIRENAME,
    IndexTag::RPMTAG_REQUIREFLAGS,
    IndexTag::RPMTAG_REQUIREVERSION,
);
const CONFLICTS: DependencyTags = (
    IndexTag::RPMTAG_CONFLICTNAME,
    IndexTag::RPMTAG_CONFLICTFLAGS,
    IndexTag::RPMTAG_CONFLICTVERSION,
);
const OBSOLETES: DependencyTags = (
    IndexTag::RPMTAG_OBSOLETENAME,
    IndexTag::RPMTAG_OBSOLETEFLAGS,
    IndexTag::RPMTAG_OBSOLETEVERSION,
);
const RECOMMENDS: DependencyTags = (
    IndexTag::RPMTAG_RECOMMENDNAME,
    IndexTag::RPMTAG_RECOMMENDFLAGS,
    IndexTag::RPMTAG_RECOMMENDVERSION,
);
const SUGGESTS: DependencyTags = (
    IndexTag::RPMTAG_SUGGESTNAME,
    IndexTag::RPMTAG_SUGGESTFLAGS,
    IndexTag::RPMTAG_SUGGESTVERSION,
);
const SUPPLEMENTS: DependencyTags = (
    IndexTag::RPMTAG_SUPPLEMENTNAME,
    IndexTag::RPMTAG_SUPPLEMENTFLAGS,
    IndexTag::RPMTAG_SUPPLEMENTVERSION,
);
const ENHANCES: DependencyTags = (
    IndexTag::RPMTAG_ENHANCENAME,
    IndexTag::RPMTAG_ENHANCEFLAGS,
    IndexTag::RPMTAG_ENHANCEVERSION,
);
const OLD_SUGGESTS: DependencyTags = (
    IndexTag::RPMTAG_OLDSUGGESTSNAME,
    IndexTag::RPMTAG_OLDSUGGESTSFLAGS,
    IndexTag::RPMTAG_OLDSUGGESTSVERSION,
);
const OLD_ENHANCES: DependencyTags = (
    IndexTag::RPMTAG_OLDENHANCESNAME,
    IndexTag::RPMTAG_OLDENHANCESFLAGS,
    IndexTag::RPMTAG_OLDENHANCESVERSION,
);

/// The main header. Tags that are missing or of another type than they should be count as absent, as
/// with librpm.
struct Tags<'a>(&'a rpm::Header<IndexTag>);

impl<'a> Tags<'a> {
    fn has(&self, tag: IndexTag) -> bool {
        self.0.entry_is_present(tag)
    }

    fn text(&self, tag: IndexTag) -> &'a str {
        self.0.get_entry_data_as_string(tag).unwrap_or_default()
    }

    /// The first of the translations, which is the one that was written in the spec file.
    fn translated(&self, tag: IndexTag) -> &'a str {
        self.0.get_entry_data_as_i18n_string(tag).unwrap_or_default()
    }

    fn texts(&self, tag: IndexTag) -> Vec<&'a str> {
        self.0.get_entry_data_as_string_array(tag).unwrap_or_default()
    }

    fn number(&self, tag: IndexTag) -> Option<u64> {
        number(self.0, tag)
    }

    fn numbers(&self, tag: IndexTag) -> Vec<u32> {
        self.0.get_entry_data_as_u32_array(tag).unwrap_or_default()
    }

    /// The dependencies of one kind: names, flags, versions. Those without a name are left out, as
    /// `createrepo_c` does: nothing can provide them.
    fn flagged(
        &self,
        (names, flags, versions): DependencyTags,
    ) -> Result<impl Iterator<Item = (&'a str, u32, &'a str)> + 'a> {
        let (names, flags, versions) = (self.texts(names), self.numbers(flags), self.texts(versions));
        // Without flags and versions (very old packages) all are unversioned; anything else is damage.
        let is_whole = |length| length == 0 || length == names.len();
        if !is_whole(flags.len()) || !is_whole(versions.len()) {
            return Err(Error::package(
                "a list of dependencies in its header is incomplete",
            ));
        }
        let flags = flags.into_iter().chain(std::iter::repeat(0));
        let versions = versions.into_iter().chain(std::iter::repeat(""));
        let all = names.into_iter().zip(flags).zip(versions);
        Ok(all
            .map(|((name, flags), version)| (name, flags, version))
            .filter(|(name, ..)| !name.is_empty()))
    }

    fn dependencies(&self, tags: DependencyTags) -> Result<Vec<Dependency>> {
        let all = self.flagged(tags)?;
        Ok(all
            .map(|(name, flags, version)| dependency(name, flags, version))
            .collect())
    }

    /// The requirements, and those that are only recommendations.
    fn requires(&self, files: &[FileEntry]) -> Result<(Vec<Dependency>, Vec<Dependency>)> {
        let requires: Vec<_> = self
            .flagged(REQUIRES)?
            .map(|(name, flags, version)| Requirement { name, flags, version })
            .collect();
        let provided: Provided<'_> = self.flagged(PROVIDES)?.collect();
        Ok(list_requires(&requires, &provided, files))
    }

    /// Weak dependencies as SUSE and rpm 5 wrote them before rpm 4.12: two kinds in one list.
    fn old_weak_dependencies(
        &self,
        tags: DependencyTags,
        strong: &mut Vec<Dependency>,
        weak: &mut Vec<Dependency>,
    ) -> Result<()> {
        for (name, flags, version) in self.flagged(tags)? {
            let dependency = dependency(name, flags, version);
            if flags & SENSE_STRONG != 0 {
                strong.push(dependency);
            } else {
                weak.push(dependency);
            }
        }
        Ok(())
    }

    fn files(&self) -> Result<Vec<FileEntry>> {
        let flags = self.numbers(IndexTag::RPMTAG_FILEFLAGS);
        let modes = self
            .0
            .get_entry_data_as_u16_array(IndexTag::RPMTAG_FILEMODES)
            .unwrap_or_default();
        let kind_of = |index: usize| {
            if modes
                .get(index)
                .is_some_and(|mode| mode & MODE_TYPE == MODE_DIRECTORY)
            {
                FileKind::Directory
            } else if flags.get(index).is_some_and(|flags| flags & FILE_GHOST != 0) {
                FileKind::Ghost
            } else {
                FileKind::File
            }
        };
        let names = self.texts(IndexTag::RPMTAG_BASENAMES);
        if names.is_empty() {
            // Packages of the nineties have whole paths.
            let paths = self.texts(IndexTag::RPMTAG_OLDFILENAMES).into_iter().enumerate();
            return Ok(paths
                .map(|(index, path)| FileEntry {
                    path: path.into(),
                    kind: kind_of(index),
                })
                .collect());
        }
        let directories = self.texts(IndexTag::RPMTAG_DIRNAMES);
        let indices = self.numbers(IndexTag::RPMTAG_DIRINDEXES);
        if indices.len() != names.len() {
            return Err(Error::package("the list of files in its header is incomplete"));
        }
        let mut paths: Vec<(&str, &str)> = Vec::with_capacity(names.len());
        let mut bytes = 0_usize;
        for (name, directory) in names.into_iter().zip(indices) {
            let directory = usize::try_from(directory)
                .ok()
                .and_then(|directory| directories.get(directory))
                .ok_or_else(|| Error::package("a file in its header is in no directory"))?;
            let length = directory.len() + name.len();
            if length > MAX_PATH {
                return Err(Error::package(format_args!(
                    "a path in its header has more than {MAX_PATH} bytes"
                )));
            }
            paths.push((directory, name));
            bytes = bytes.saturating_add(length);
        }
        // Of few bytes per file and one long name of a directory a small header could make any amount of text: it is
        // counted before any of it is made.
        if bytes > MAX_PATHS {
            return Err(Error::package(format_args!(
                "the paths in its header have {bytes} bytes together, more than {MAX_PATHS}"
            )));
        }
        Ok(paths
            .into_iter()
            .enumerate()
            .map(|(index, (directory, name))| {
                let mut path = String::with_capacity(directory.len() + name.len());
                path.push_str(directory);
                path.push_str(name);
                FileEntry {
                    path: path.into(),
                    kind: kind_of(index),
                }
            })
            .collect())
    }

    fn changelogs(&self) -> Result<Vec<ChangelogEntry>> {
        let times = self.numbers(IndexTag::RPMTAG_CHANGELOGTIME);
        let authors = self.texts(IndexTag::RPMTAG_CHANGELOGNAME);
        let texts = self.texts(IndexTag::RPMTAG_CHANGELOGTEXT);
        if times.len() != authors.len() || times.len() != texts.len() {
            return Err(Error::package("the changelog in its header is incomplete"));
        }
        let entries = times.into_iter().zip(authors).zip(texts);
        Ok(entries
            .map(|((time, author), text)| ChangelogEntry {
                author: trim_author(author).into(),
                time: time.into(),
                text: text.into(),
            })
            .collect())
    }
}

/// A dependency as a header has it.
pub(super) fn dependency(name: &str, flags: u32, version: &str) -> Dependency {
    let version = Comparison::from_header_flags(flags)
        .filter(|_| !version.is_empty())
        .map(|comparison| DependencyVersion::parse(comparison, version));
    Dependency {
        name: name.into(),
        version,
        is_pre: false,
    }
}

/// Without the spaces at its end; `createrepo_c` leaves the first character whatever it is.
fn trim_author(author: &str) -> &str {
    let trimmed = author.trim_end_matches(' ');
    if trimmed.is_empty() {
        author.get(..1).unwrap_or(author)
    } else {
        trimmed
    }
}

/// A number of 32 or 64 bits.
fn number<T: rpm::Tag>(header: &rpm::Header<T>, tag: T) -> Option<u64> {
    header
        .get_entry_data_as_u32(tag)
        .map(u64::from)
        .or_else(|_| header.get_entry_data_as_u64(tag))
        .ok()
}

/// The keys that the signature header names, each once, in the order found.
fn issuers(metadata: &PackageMetadata) -> Vec<Sigkey> {
    let mut keys = Vec::new();
    // Armoured signatures of rpm 6; for older ones this repeats what comes below.
    for packets in metadata.raw_signatures().unwrap_or_default() {
        keys.extend(signature::issuers(&packets));
    }
    for tag in [
        IndexSignatureTag::RPMSIGTAG_RSA,
        IndexSignatureTag::RPMSIGTAG_DSA,
        IndexSignatureTag::RPMSIGTAG_PGP,
        IndexSignatureTag::RPMSIGTAG_GPG,
    ] {
        if let Ok(packets) = metadata.signature.get_entry_data_as_binary(tag) {
            keys.extend(signature::issuers(packets));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    keys
}
