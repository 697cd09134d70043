//! From the tags of a header to a [`Package`].

use base64::Engine as _;
use rpm::IndexSignatureTag;

use super::raw::RawHeaders;
use super::relations::{self, OLD_ENHANCES, OLD_SUGGESTS, Relations};
use super::requires::list_requires;
use super::tags::{Tag, Tags};
use super::{FileDigests, FileFacts, files, signature};
use crate::{Arch, ChangelogEntry, Error, Evr, Nevra, Package, PackageName, Result, Sigkey, Sizes};

/// Builds the package, and says how large the file should be at least where the header knows.
pub(super) fn package(raw: &RawHeaders<'_>, file: FileFacts) -> Result<(Package, Option<u64>)> {
    let header = &raw.tags;
    let nevra = nevra(header, raw.is_source)?;
    let is_source = nevra.arch().is_source();
    let number = |tag: IndexSignatureTag| raw.signature.find(tag as u32)?.number();
    let payload_size = number(IndexSignatureTag::RPMSIGTAG_LONGARCHIVESIZE)
        .or_else(|| number(IndexSignatureTag::RPMSIGTAG_PAYLOADSIZE));
    let rest =
        number(IndexSignatureTag::RPMSIGTAG_LONGSIZE).or_else(|| number(IndexSignatureTag::RPMSIGTAG_SIZE));

    let files = files::files(header)?;
    let list = |tags| Relations::of(header, tags).map(Relations::list);
    let (requires, mut recommends) =
        list_requires(&list(relations::REQUIRES)?, &list(relations::PROVIDES)?, &files);
    recommends.extend(relations::dependencies(header, relations::RECOMMENDS)?);
    let mut suggests = relations::dependencies(header, relations::SUGGESTS)?;
    let mut supplements = relations::dependencies(header, relations::SUPPLEMENTS)?;
    let mut enhances = relations::dependencies(header, relations::ENHANCES)?;
    relations::old_weak_dependencies(header, OLD_SUGGESTS, &mut recommends, &mut suggests)?;
    relations::old_weak_dependencies(header, OLD_ENHANCES, &mut supplements, &mut enhances)?;

    let text = |tag| header.text(tag).unwrap_or_default();
    let package = Package {
        source_rpm: Some(text(Tag::RPMTAG_SOURCERPM))
            .filter(|name| !is_source && !name.is_empty())
            .map(Into::into),
        provides: relations::dependencies(header, relations::PROVIDES)?,
        requires,
        conflicts: relations::dependencies(header, relations::CONFLICTS)?,
        obsoletes: relations::dependencies(header, relations::OBSOLETES)?,
        recommends,
        suggests,
        supplements,
        enhances,
        files,
        summary: header.translated(Tag::RPMTAG_SUMMARY).into(),
        description: header.translated(Tag::RPMTAG_DESCRIPTION).into(),
        packager: text(Tag::RPMTAG_PACKAGER).into(),
        url: text(Tag::RPMTAG_URL).into(),
        license: text(Tag::RPMTAG_LICENSE).into(),
        vendor: text(Tag::RPMTAG_VENDOR).into(),
        group: header.translated(Tag::RPMTAG_GROUP).into(),
        build_host: text(Tag::RPMTAG_BUILDHOST).into(),
        build_time: header.number(Tag::RPMTAG_BUILDTIME).unwrap_or(0),
        file_time: file.modified,
        sizes: Sizes {
            package: file.size,
            installed: header
                .number(Tag::RPMTAG_LONGSIZE)
                .or_else(|| header.number(Tag::RPMTAG_SIZE))
                .unwrap_or(0),
            archive: payload_size
                .or_else(|| header.number(Tag::RPMTAG_ARCHIVESIZE))
                .or_else(|| header.number(Tag::RPMTAG_LONGARCHIVESIZE))
                .unwrap_or(0),
        },
        header_range: (raw.header_start, raw.header_end),
        changelogs: changelogs(header)?,
        signatures: issuers(raw),
        ..Package::new(nevra)
    };
    Ok((package, rest.map(|rest| rest.saturating_add(raw.header_start))))
}

/// The digests of the package's files.
pub(super) fn file_digests(header: &Tags<'_>) -> FileDigests {
    FileDigests {
        // The numbers of OpenPGP. Old packages have MD5 and do not say so.
        algorithm: match header.number(Tag::RPMTAG_FILEDIGESTALGO) {
            Some(1) => "md5",
            Some(2) => "sha1",
            Some(8) => "sha256",
            Some(9) => "sha384",
            Some(10) => "sha512",
            Some(11) => "sha224",
            _ => "unknown",
        },
        digests: header.texts(Tag::RPMTAG_FILEDIGESTS).map(Into::into).collect(),
    }
}

fn nevra(header: &Tags<'_>, is_source_by_lead: bool) -> Result<Nevra> {
    let part = |tag, what: &str| {
        header
            .text(tag)
            .ok_or_else(|| Error::package(format_args!("its header has no {what}")))
    };
    let name: PackageName = part(Tag::RPMTAG_NAME, "name")?.parse().map_err(Error::package)?;
    let explain = |error: Error| Error::package(format_args!("{name}: {error}"));
    let epoch = match header.number(Tag::RPMTAG_EPOCH).map(u32::try_from) {
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
        part(Tag::RPMTAG_VERSION, "version")?,
        part(Tag::RPMTAG_RELEASE, "release")?,
    )
    .map_err(explain)?;
    // A source package has the arch of the machine that it was made on. Old ones say only in front what they are.
    // That is covered by no signature: what names its source is none, as with librpm, whatever stands there.
    let is_source =
        header.has(Tag::RPMTAG_SOURCEPACKAGE) || (is_source_by_lead && !header.has(Tag::RPMTAG_SOURCERPM));
    let arch: Arch = match is_source {
        true if header.has(Tag::RPMTAG_NOSOURCE) || header.has(Tag::RPMTAG_NOPATCH) => "nosrc",
        true => "src",
        false => part(Tag::RPMTAG_ARCH, "architecture")?,
    }
    .parse()
    .map_err(explain)?;
    Ok(Nevra::new(name, evr, arch))
}

fn changelogs(header: &Tags<'_>) -> Result<Vec<ChangelogEntry>> {
    let times = header.numbers(Tag::RPMTAG_CHANGELOGTIME);
    let authors = header.texts(Tag::RPMTAG_CHANGELOGNAME);
    let texts = header.texts(Tag::RPMTAG_CHANGELOGTEXT);
    if times.len() != authors.total() || times.len() != texts.total() {
        return Err(Error::package("the changelog in its header is incomplete"));
    }
    let entries = times.iter().zip(authors).zip(texts);
    Ok(entries
        .map(|((time, author), text)| ChangelogEntry {
            author: trim_author(author).into(),
            time: u32::from_be_bytes(*time).into(),
            text: text.into(),
        })
        .collect())
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

/// The keys that the signature header names, each once, in the order found.
fn issuers(raw: &RawHeaders<'_>) -> Vec<Sigkey> {
    let mut keys = Vec::new();
    // Armoured signatures of rpm 6, where the older tags may repeat one of them. One that cannot be read spoils all.
    let armoured = raw.signature.find(IndexSignatureTag::RPMSIGTAG_OPENPGP as u32);
    let armoured = armoured.into_iter().flat_map(|value| value.texts());
    let decoded: Result<Vec<_>, _> = armoured
        .map(|text| base64::engine::general_purpose::STANDARD.decode(text))
        .collect();
    for packets in decoded.unwrap_or_default() {
        keys.extend(signature::issuers(&packets));
    }
    for tag in [
        IndexSignatureTag::RPMSIGTAG_RSA,
        IndexSignatureTag::RPMSIGTAG_DSA,
        IndexSignatureTag::RPMSIGTAG_PGP,
        IndexSignatureTag::RPMSIGTAG_GPG,
    ] {
        if let Some(packets) = raw.signature.find(tag as u32).and_then(|value| value.binary()) {
            keys.extend(signature::issuers(packets));
        }
    }
    if keys.len() > 1 {
        let mut seen = std::collections::BTreeSet::new();
        keys.retain(|key: &Sigkey| seen.insert(key.clone()));
    }
    keys
}
