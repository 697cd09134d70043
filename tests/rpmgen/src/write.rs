//! From a spec to the bytes of an `.rpm` file.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::check::check;
use crate::header::{HeaderBuilder, tag};
use crate::payload::{Archive, ArchiveEntry, gzip};
use crate::tag::{Section, apply};
use crate::{Error, FileKind, FileSpec, PackageKind, PackageSpec, Relation, RelationFlags, Result};

const LEAD_BYTES: usize = 96;
const SHA256_ALGORITHM: u32 = 8;
const FILE_IS_GHOST: u32 = 1 << 6;
const FILE_IS_SPEC: u32 = 1 << 5;

/// The bytes of the `.rpm` file that a spec describes.
///
/// As `rpmbuild` does, files are sorted by path, relations by name (equal names keep their order), and
/// the `rpmlib(...)` requirements of the format are added. The header has no tags that nobody reads in a
/// repository (file classes, cookies, platform); the signature header holds digests only.
///
/// # Errors
/// When the spec cannot be an RPM: see [`Error`]. No error comes from the outside world.
pub fn write(spec: &PackageSpec) -> Result<Vec<u8>> {
    check(spec)?;
    let files = FileTable::new(spec)?;
    let payload = gzip(&files.archive)?;

    let mut header = HeaderBuilder::default();
    add_identity(&mut header, spec, files.installed_size);
    add_relations(&mut header, spec);
    add_changelog(&mut header, spec);
    files.add_to(&mut header, spec.build_time);
    header.string(tag::PAYLOAD_FORMAT, "cpio");
    header.string(tag::PAYLOAD_COMPRESSOR, "gzip");
    header.string(tag::PAYLOAD_FLAGS, "1");
    header.strings(tag::PAYLOAD_DIGEST, [hex_sha256(&payload).as_str()].into_iter());
    header.strings(
        tag::PAYLOAD_DIGEST_ALT,
        [hex_sha256(&files.archive).as_str()].into_iter(),
    );
    header.int32(tag::PAYLOAD_DIGEST_ALGO, &[SHA256_ALGORITHM]);
    apply(&spec.tags, Section::Main, &mut header);
    let header = header
        .finish(tag::HEADER_IMMUTABLE)
        .ok_or_else(|| too_large(spec, "the header"))?;

    let size = header.len() + payload.len();
    let mut signature = HeaderBuilder::default();
    signature.string(tag::SIGNATURE_SHA256, &hex_sha256(&header));
    signature.int32(tag::SIGNATURE_SIZE, &[to_u32(size, spec, "the package")?]);
    signature.int32(
        tag::SIGNATURE_PAYLOAD_SIZE,
        &[to_u32(files.archive.len(), spec, "the payload")?],
    );
    apply(&spec.tags, Section::Signature, &mut signature);
    let signature = signature
        .finish(tag::HEADER_SIGNATURES)
        .ok_or_else(|| too_large(spec, "the signature header"))?;

    let mut bytes = lead(spec);
    bytes.extend(signature);
    // The main header starts at a multiple of eight.
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(header);
    bytes.extend(payload);
    Ok(bytes)
}

/// The lead: long obsolete, but `file` and older readers look at it.
fn lead(spec: &PackageSpec) -> Vec<u8> {
    let mut lead = Vec::with_capacity(LEAD_BYTES);
    lead.extend([0xed, 0xab, 0xee, 0xdb, 3, 0, 0, u8::from(spec.is_source()), 0, 1]);
    let name = format!("{}-{}-{}", spec.name, spec.version, spec.release);
    // 66 bytes of name, of which the last is NUL; rpm cuts at a byte as well.
    lead.extend(name.bytes().chain(std::iter::repeat(0)).take(65));
    lead.extend([0, 0, 1, 0, 5]);
    lead.resize(LEAD_BYTES, 0);
    lead
}

fn add_identity(header: &mut HeaderBuilder, spec: &PackageSpec, installed_size: u32) {
    header.strings(tag::HEADER_I18N_TABLE, ["C"].into_iter());
    header.string(tag::NAME, &spec.name);
    header.string(tag::VERSION, &spec.version);
    header.string(tag::RELEASE, &spec.release);
    header.int32(tag::EPOCH, spec.epoch.as_slice());
    header.i18n_string(tag::SUMMARY, &spec.summary);
    header.i18n_string(tag::DESCRIPTION, &spec.description);
    header.int32(tag::BUILD_TIME, &[spec.build_time]);
    header.string(tag::BUILD_HOST, &spec.build_host);
    header.int32(tag::SIZE, &[installed_size]);
    header.string(tag::LICENSE, &spec.license);
    header.i18n_string(tag::GROUP, &spec.group);
    header.string(tag::OS, "linux");
    header.string(tag::ARCH, &spec.arch);
    header.string(tag::RPM_VERSION, "4.18.0");
    header.string(tag::ENCODING, "utf-8");
    for (tag, value) in [
        (tag::VENDOR, &spec.vendor),
        (tag::PACKAGER, &spec.packager),
        (tag::URL, &spec.url),
    ] {
        if let Some(value) = value {
            header.string(tag, value);
        }
    }
    match spec.kind {
        PackageKind::Binary => {
            if let Some(source_rpm) = &spec.source_rpm {
                header.string(tag::SOURCE_RPM, source_rpm);
            }
        }
        PackageKind::Source => header.int32(tag::SOURCE_PACKAGE, &[1]),
        PackageKind::NoSource => {
            header.int32(tag::SOURCE_PACKAGE, &[1]);
            header.int32(tag::NO_SOURCE, &[0]);
        }
    }
}

fn add_relations(header: &mut HeaderBuilder, spec: &PackageSpec) {
    let mut requires = spec.requires.clone();
    requires.extend(format_requirements(spec));
    let lists = [
        (
            &spec.provides,
            tag::PROVIDE_NAME,
            tag::PROVIDE_FLAGS,
            tag::PROVIDE_VERSION,
        ),
        (
            &requires,
            tag::REQUIRE_NAME,
            tag::REQUIRE_FLAGS,
            tag::REQUIRE_VERSION,
        ),
        (
            &spec.conflicts,
            tag::CONFLICT_NAME,
            tag::CONFLICT_FLAGS,
            tag::CONFLICT_VERSION,
        ),
        (
            &spec.obsoletes,
            tag::OBSOLETE_NAME,
            tag::OBSOLETE_FLAGS,
            tag::OBSOLETE_VERSION,
        ),
        (
            &spec.recommends,
            tag::RECOMMEND_NAME,
            tag::RECOMMEND_FLAGS,
            tag::RECOMMEND_VERSION,
        ),
        (
            &spec.suggests,
            tag::SUGGEST_NAME,
            tag::SUGGEST_FLAGS,
            tag::SUGGEST_VERSION,
        ),
        (
            &spec.supplements,
            tag::SUPPLEMENT_NAME,
            tag::SUPPLEMENT_FLAGS,
            tag::SUPPLEMENT_VERSION,
        ),
        (
            &spec.enhances,
            tag::ENHANCE_NAME,
            tag::ENHANCE_FLAGS,
            tag::ENHANCE_VERSION,
        ),
    ];
    for (relations, name_tag, flags_tag, version_tag) in lists {
        let mut sorted: Vec<&Relation> = relations.iter().collect();
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        header.strings(name_tag, sorted.iter().map(|relation| relation.name.as_str()));
        header.strings(version_tag, sorted.iter().map(|relation| relation.evr.as_str()));
        let flags: Vec<u32> = sorted.iter().map(|relation| relation.flags.bits()).collect();
        header.int32(flags_tag, &flags);
    }
}

/// What a reader of this very file must know.
fn format_requirements(spec: &PackageSpec) -> Vec<Relation> {
    let rpmlib = |feature: &str, since: &str| {
        let flags = RelationFlags::RPMLIB | RelationFlags::LESS | RelationFlags::EQUAL;
        Relation::new(format!("rpmlib({feature})"), flags, since)
    };
    let mut requirements = vec![
        rpmlib("CompressedFileNames", "3.0.4-1"),
        rpmlib("FileDigests", "4.6.0-1"),
    ];
    if !spec.is_source() {
        requirements.push(rpmlib("PayloadFilesHavePrefix", "4.0-1"));
    }
    let relations = [
        &spec.requires,
        &spec.conflicts,
        &spec.recommends,
        &spec.suggests,
        &spec.supplements,
        &spec.enhances,
    ];
    if relations
        .into_iter()
        .flatten()
        .any(|relation| relation.name.starts_with('('))
    {
        requirements.push(rpmlib("RichDependencies", "4.12.0-1"));
    }
    requirements
}

fn add_changelog(header: &mut HeaderBuilder, spec: &PackageSpec) {
    let times: Vec<u32> = spec.changelogs.iter().map(|entry| entry.time).collect();
    header.int32(tag::CHANGELOG_TIME, &times);
    header.strings(
        tag::CHANGELOG_NAME,
        spec.changelogs.iter().map(|entry| entry.author.as_str()),
    );
    header.strings(
        tag::CHANGELOG_TEXT,
        spec.changelogs.iter().map(|entry| entry.text.as_str()),
    );
}

/// The columns of the header that describe files, and the archive of their contents.
#[derive(Default)]
struct FileTable<'a> {
    directories: Vec<&'a str>,
    directory_indexes: Vec<u32>,
    base_names: Vec<&'a str>,
    sizes: Vec<u32>,
    modes: Vec<u16>,
    digests: Vec<String>,
    targets: Vec<&'a str>,
    flags: Vec<u32>,
    installed_size: u32,
    archive: Vec<u8>,
}

impl<'a> FileTable<'a> {
    fn new(spec: &'a PackageSpec) -> Result<Self> {
        let mut files: Vec<&FileSpec> = spec.files.iter().collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut table = Self::default();
        let mut archive = Archive::default();
        for (inode, file) in (1..).zip(files) {
            table.append(spec, file, inode, &mut archive)?;
        }
        table.archive = archive.finish().ok_or_else(|| too_large(spec, "the payload"))?;
        Ok(table)
    }

    fn append(
        &mut self,
        spec: &PackageSpec,
        file: &'a FileSpec,
        inode: u32,
        archive: &mut Archive,
    ) -> Result<()> {
        let split = file.path.rfind('/').map_or(0, |slash| slash + 1);
        let (directory, base_name) = file.path.split_at_checked(split).unwrap_or(("", &file.path));
        // Sorted paths visit a directory several times when it has subdirectories.
        let known = self.directories.iter().rposition(|known| *known == directory);
        let directory_index = known.unwrap_or_else(|| {
            self.directories.push(directory);
            self.directories.len() - 1
        });
        self.directory_indexes
            .push(to_u32(directory_index, spec, "the number of directories")?);
        self.base_names.push(base_name);

        let (kind_bits, content, target) = match &file.kind {
            FileKind::Content(content) => (0o100_000, Cow::Borrowed(content.as_slice()), ""),
            FileKind::Filled(size) => (0o100_000, Cow::Owned(filling(&file.path, *size)), ""),
            FileKind::Directory => (0o040_000, Cow::Borrowed(&[][..]), ""),
            FileKind::Symlink(target) => (0o120_000, Cow::Borrowed(target.as_bytes()), target.as_str()),
        };
        let mode = kind_bits | (file.permissions & 0o7777);
        let size = to_u32(content.len(), spec, "a file")?;
        let regular = kind_bits == 0o100_000;
        self.sizes.push(size);
        self.modes.push(mode);
        self.targets.push(target);
        self.digests.push(if regular && !file.ghost {
            hex_sha256(&content)
        } else {
            String::new()
        });
        let is_spec = spec.is_source() && file.path.ends_with(".spec");
        self.flags
            .push(if file.ghost { FILE_IS_GHOST } else { 0 } | if is_spec { FILE_IS_SPEC } else { 0 });
        if file.ghost {
            return Ok(());
        }
        if regular {
            self.installed_size = self
                .installed_size
                .checked_add(size)
                .ok_or_else(|| too_large(spec, "the sum of all files"))?;
        }
        let name = if spec.is_source() {
            file.path.clone()
        } else {
            format!(".{}", file.path)
        };
        let links = if kind_bits == 0o040_000 { 2 } else { 1 };
        let entry = ArchiveEntry {
            name: &name,
            inode,
            mode,
            links,
            mtime: spec.build_time,
            content: &content,
        };
        archive
            .append(&entry)
            .ok_or_else(|| too_large(spec, "the payload"))
    }

    fn add_to(&self, header: &mut HeaderBuilder, time: u32) {
        let count = self.base_names.len();
        if count == 0 {
            return;
        }
        let zeros = vec![0; count];
        let inodes: Vec<u32> = (1..).take(count).collect();
        header.int32(tag::FILE_SIZES, &self.sizes);
        header.int16(tag::FILE_MODES, &self.modes);
        header.int16(tag::FILE_RDEVS, &vec![0; count]);
        header.int32(tag::FILE_MTIMES, &vec![time; count]);
        header.strings(tag::FILE_DIGESTS, self.digests.iter().map(String::as_str));
        header.strings(tag::FILE_LINKTOS, self.targets.iter().copied());
        header.int32(tag::FILE_FLAGS, &self.flags);
        header.strings(tag::FILE_USER_NAME, vec!["root"; count].into_iter());
        header.strings(tag::FILE_GROUP_NAME, vec!["root"; count].into_iter());
        header.int32(tag::FILE_VERIFY_FLAGS, &vec![u32::MAX; count]);
        header.int32(tag::FILE_DEVICES, &vec![1; count]);
        header.int32(tag::FILE_INODES, &inodes);
        header.strings(tag::FILE_LANGS, vec![""; count].into_iter());
        header.int32(tag::FILE_COLORS, &zeros);
        header.int32(tag::DIR_INDEXES, &self.directory_indexes);
        header.strings(tag::BASE_NAMES, self.base_names.iter().copied());
        header.strings(tag::DIR_NAMES, self.directories.iter().copied());
        header.int32(tag::FILE_DIGEST_ALGO, &[SHA256_ALGORITHM]);
    }
}

/// `size` bytes made of the path and a newline, repeated.
fn filling(path: &str, size: u32) -> Vec<u8> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    path.bytes()
        .chain(std::iter::once(b'\n'))
        .cycle()
        .take(size)
        .collect()
}

fn hex_sha256(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    Sha256::digest(bytes)
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
}

fn to_u32(value: usize, spec: &PackageSpec, what: &'static str) -> Result<u32> {
    u32::try_from(value).map_err(|_| too_large(spec, what))
}

fn too_large(spec: &PackageSpec, what: &'static str) -> Error {
    Error::TooLarge {
        package: spec.file_name(),
        what,
    }
}
