//! Writing `primary`, `filelists` and `other`, byte for byte as `createrepo_c` 0.17 writes them, and
//! `filelists-ext` as 1.2 does.

use std::io::Write;

use super::encode::Xml;
use super::listed::is_primary_file;
use crate::header::FileDigests;
use crate::{ChangelogEntry, Dependency, Digest, FileEntry, FileKind, Nevra, Package, Result};

/// How many changelog entries `other` has for each package, the newest ones.
const CHANGELOGS: usize = 10;

/// A package to be written, and where it stands in the repository.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The package.
    pub package: &'a Package,
    /// Checksum of its file.
    pub checksum: &'a Digest,
    /// Path of its file relative to the repository.
    pub location: &'a str,
}

/// Writes `primary`: everything about the packages but their complete file lists and changelogs.
/// Packages are written in the order given. Characters that XML cannot have become U+FFFD.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) from the writer.
pub fn write_primary(entries: &[Entry<'_>], out: impl Write) -> Result<()> {
    write(
        entries,
        out,
        "metadata xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\"",
        "metadata",
        primary,
    )
}

/// Writes `filelists`: all paths of the packages. As [`write_primary`].
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) from the writer.
pub fn write_filelists(entries: &[Entry<'_>], out: impl Write) -> Result<()> {
    let start = "filelists xmlns=\"http://linux.duke.edu/metadata/filelists\"";
    write(entries, out, start, "filelists", |xml, entry| {
        list_start(xml, entry);
        for entry in &entry.package.files {
            xml.raw("  ");
            file(xml, entry);
        }
        xml.raw("</package>\n");
    })
}

/// Writes `filelists-ext`: all paths of the packages, and the digests of the files' contents, for which
/// `digests` is asked package by package. As [`write_primary`].
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) from the writer; whatever `digests` says.
pub fn write_filelists_ext(
    entries: &[Entry<'_>],
    digests: impl Fn(&Entry<'_>) -> Result<FileDigests>,
    out: impl Write,
) -> Result<()> {
    let start = "filelists-ext xmlns=\"http://linux.duke.edu/metadata/filelists-ext\"";
    try_write(entries, out, start, "filelists-ext", |xml, entry| {
        let FileDigests { algorithm, digests } = digests(entry)?;
        list_start(xml, entry);
        xml.raw("  <checksum type=\"").raw(algorithm).raw("\"/>\n");
        let digests = digests
            .iter()
            .map(|digest| &**digest)
            .chain(std::iter::repeat(""));
        for (entry, digest) in entry.package.files.iter().zip(digests) {
            xml.raw("  ");
            file_with_digest(xml, entry, digest);
        }
        xml.raw("</package>\n");
        Ok(())
    })
}

/// Writes `other`: the last ten changelog entries of the packages, oldest first. As [`write_primary`].
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) from the writer.
pub fn write_other(entries: &[Entry<'_>], out: impl Write) -> Result<()> {
    let start = "otherdata xmlns=\"http://linux.duke.edu/metadata/other\"";
    write(entries, out, start, "otherdata", |xml, entry| {
        list_start(xml, entry);
        for (changelog, time) in newest_changelogs(&entry.package.changelogs) {
            xml.raw("  <changelog author=\"").value(&changelog.author);
            xml.raw("\" date=\"").number(time);
            xml.raw("\">").text(&changelog.text).raw("</changelog>\n");
        }
        xml.raw("</package>\n");
    })
}

fn write(
    entries: &[Entry<'_>],
    out: impl Write,
    start: &str,
    name: &str,
    package: impl Fn(&mut Xml, &Entry<'_>),
) -> Result<()> {
    try_write(entries, out, start, name, |xml, entry| {
        package(xml, entry);
        Ok(())
    })
}

fn try_write(
    entries: &[Entry<'_>],
    mut out: impl Write,
    start: &str,
    name: &str,
    package: impl Fn(&mut Xml, &Entry<'_>) -> Result<()>,
) -> Result<()> {
    let mut xml = Xml::default();
    xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<")
        .raw(start);
    xml.raw(" packages=\"").number(entries.len() as u64).raw("\">\n");
    for entry in entries {
        package(&mut xml, entry)?;
        out.write_all(&xml.bytes)?;
        xml.bytes.clear();
    }
    xml.raw("</").raw(name).raw(">");
    out.write_all(&xml.bytes)?;
    Ok(())
}

/// The arch that repodata has: `nosrc` packages are in it as `src`.
fn arch(nevra: &Nevra) -> &str {
    if nevra.arch().is_source() {
        "src"
    } else {
        nevra.arch().as_str()
    }
}

fn version(xml: &mut Xml, nevra: &Nevra) {
    let evr = nevra.evr();
    xml.raw("  <version epoch=\"").number(evr.epoch().into());
    xml.raw("\" ver=\"").value(evr.version());
    xml.raw("\" rel=\"").value(evr.release()).raw("\"/>\n");
}

/// How a package begins in `filelists` and `other`.
fn list_start(xml: &mut Xml, entry: &Entry<'_>) {
    let nevra = &entry.package.nevra;
    xml.raw("<package pkgid=\"").raw(entry.checksum.hex());
    xml.raw("\" name=\"").value(nevra.name().as_str());
    xml.raw("\" arch=\"").value(arch(nevra)).raw("\">\n");
    version(xml, nevra);
}

fn file(xml: &mut Xml, file: &FileEntry) {
    xml.raw(match file.kind {
        FileKind::File => "<file>",
        FileKind::Directory => "<file type=\"dir\">",
        FileKind::Ghost => "<file type=\"ghost\">",
    });
    xml.text(&file.path).raw("</file>\n");
}

fn file_with_digest(xml: &mut Xml, file: &FileEntry, digest: &str) {
    xml.raw(match file.kind {
        FileKind::File => "<file",
        FileKind::Directory => "<file type=\"dir\"",
        FileKind::Ghost => "<file type=\"ghost\"",
    });
    if !digest.is_empty() {
        xml.raw(" hash=\"").value(digest).raw("\"");
    }
    xml.raw(">").text(&file.path).raw("</file>\n");
}

fn primary(xml: &mut Xml, entry: &Entry<'_>) {
    let package = entry.package;
    let nevra = &package.nevra;
    xml.raw("<package type=\"rpm\">\n  <name>")
        .text(nevra.name().as_str());
    xml.raw("</name>\n  <arch>").text(arch(nevra)).raw("</arch>\n");
    version(xml, nevra);
    xml.raw("  <checksum type=\"")
        .raw(entry.checksum.algorithm().as_str());
    xml.raw("\" pkgid=\"YES\">").raw(entry.checksum.hex());
    xml.raw("</checksum>\n  <summary>").text(&package.summary);
    xml.raw("</summary>\n  <description>").text(&package.description);
    xml.raw("</description>\n  <packager>").text(&package.packager);
    xml.raw("</packager>\n  <url>").text(&package.url);
    xml.raw("</url>\n  <time file=\"").number(package.file_time);
    xml.raw("\" build=\"").number(package.build_time);
    xml.raw("\"/>\n  <size package=\"").number(package.sizes.package);
    xml.raw("\" installed=\"").number(package.sizes.installed);
    xml.raw("\" archive=\"").number(package.sizes.archive);
    xml.raw("\"/>\n  <location href=\"").value(entry.location);
    xml.raw("\"/>\n  <format>\n    <rpm:license>")
        .text(&package.license);
    xml.raw("</rpm:license>\n    <rpm:vendor>").text(&package.vendor);
    xml.raw("</rpm:vendor>\n    <rpm:group>").text(&package.group);
    xml.raw("</rpm:group>\n    <rpm:buildhost>")
        .text(&package.build_host);
    xml.raw("</rpm:buildhost>\n    <rpm:sourcerpm>")
        .text(package.source_rpm.as_deref().unwrap_or_default());
    xml.raw("</rpm:sourcerpm>\n    <rpm:header-range start=\"")
        .number(package.header_range.0);
    xml.raw("\" end=\"").number(package.header_range.1).raw("\"/>\n");
    dependencies(xml, "provides", &package.provides);
    dependencies(xml, "requires", &package.requires);
    dependencies(xml, "conflicts", &package.conflicts);
    dependencies(xml, "obsoletes", &package.obsoletes);
    dependencies(xml, "suggests", &package.suggests);
    dependencies(xml, "enhances", &package.enhances);
    dependencies(xml, "recommends", &package.recommends);
    dependencies(xml, "supplements", &package.supplements);
    for entry in package.files.iter().filter(|file| is_primary_file(&file.path)) {
        xml.raw("    ");
        file(xml, entry);
    }
    xml.raw("  </format>\n</package>\n");
}

fn dependencies(xml: &mut Xml, element: &str, list: &[Dependency]) {
    if list.is_empty() {
        return;
    }
    xml.raw("    <rpm:").raw(element).raw(">\n");
    for dependency in list {
        xml.raw("      <rpm:entry name=\"")
            .value(&dependency.name)
            .raw("\"");
        if let Some(version) = &dependency.version {
            xml.raw(" flags=\"").raw(version.comparison.as_repodata());
            xml.raw("\" epoch=\"").number(version.epoch.into()).raw("\"");
            let (version, release) = split_at_first_dash(&version.version, version.release.as_deref());
            for (name, parts) in [(" ver=\"", version), (" rel=\"", release)] {
                if parts.iter().all(|part| part.is_empty()) {
                    continue;
                }
                xml.raw(name);
                parts.iter().for_each(|part| {
                    xml.value(part);
                });
                xml.raw("\"");
            }
        }
        if dependency.is_pre {
            xml.raw(" pre=\"1\"");
        }
        xml.raw("/>\n");
    }
    xml.raw("    </rpm:").raw(element).raw(">\n");
}

/// Version and release as `createrepo_c` parts them, in pieces: at the first dash of several, where rpm parts
/// them at the last.
fn split_at_first_dash<'a>(version: &'a str, release: Option<&'a str>) -> ([&'a str; 3], [&'a str; 3]) {
    let release = release.unwrap_or_default();
    match version.split_once('-') {
        Some((version, rest)) if !release.is_empty() => ([version, "", ""], [rest, "-", release]),
        Some((version, rest)) => ([version, "", ""], [rest, "", ""]),
        None => ([version, "", ""], [release, "", ""]),
    }
}

/// The newest entries, oldest first, with the times they are written with. Entries of one day have
/// one time in headers; those are told apart by a second each, since readers sort by time.
fn newest_changelogs(changelogs: &[ChangelogEntry]) -> Vec<(&ChangelogEntry, u64)> {
    let mut newest: Vec<(&ChangelogEntry, u64)> = Vec::with_capacity(CHANGELOGS.min(changelogs.len()));
    let mut last = None;
    for entry in changelogs.iter().take(CHANGELOGS) {
        if last == Some(entry.time) {
            let mut taken = entry.time;
            for (_, time) in newest.iter_mut().rev() {
                if *time != taken {
                    break;
                }
                *time = time.saturating_add(1);
                taken = *time;
            }
        }
        last = Some(entry.time);
        newest.push((entry, entry.time));
    }
    newest.reverse();
    newest
}
