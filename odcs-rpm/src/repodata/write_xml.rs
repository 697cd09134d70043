//! Writing `primary`, `filelists` and `other`, byte for byte as `createrepo_c` 0.17 writes them.

use std::io::Write;

use super::encode::Xml;
use super::listed::{is_primary_file, listed_requires};
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
    mut out: impl Write,
    start: &str,
    name: &str,
    package: impl Fn(&mut Xml, &Entry<'_>),
) -> Result<()> {
    let mut xml = Xml::default();
    xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<")
        .raw(start);
    xml.raw(" packages=\"").number(entries.len() as u64).raw("\">\n");
    for entry in entries {
        package(&mut xml, entry);
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
    dependencies(xml, "requires", listed_requires(package));
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

fn dependencies<'a>(xml: &mut Xml, element: &str, list: impl IntoIterator<Item = &'a Dependency>) {
    let mut list = list.into_iter().peekable();
    if list.peek().is_none() {
        return;
    }
    xml.raw("    <rpm:").raw(element).raw(">\n");
    for dependency in list {
        xml.raw("      <rpm:entry name=\"")
            .value(&dependency.name)
            .raw("\"");
        if let Some(version) = &dependency.version {
            xml.raw(" flags=\"").raw(version.comparison.as_repodata());
            xml.raw("\" epoch=\"").number(version.epoch.into());
            xml.raw("\" ver=\"").value(&version.version).raw("\"");
            if let Some(release) = &version.release {
                xml.raw(" rel=\"").value(release).raw("\"");
            }
        }
        if dependency.is_pre {
            xml.raw(" pre=\"1\"");
        }
        xml.raw("/>\n");
    }
    xml.raw("    </rpm:").raw(element).raw(">\n");
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
