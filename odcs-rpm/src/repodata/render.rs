//! The XML of a package, but for its checksum and its location, byte for byte as `createrepo_c` 0.17 writes it, and
//! that of `filelists-ext` as 1.2 does.

use super::encode::Xml;
use super::listed::is_primary_file;
use crate::header::FileDigests;
use crate::{ChangelogEntry, Comparison, Dependency, FileEntry, FileKind, Nevra, Package};

/// How many changelog entries `other` has for each package, the newest ones.
const CHANGELOGS: usize = 10;

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

/// `primary`, up to the type of the checksum.
pub(super) fn primary_start(xml: &mut Xml, package: &Package) {
    let nevra = &package.nevra;
    xml.raw("<package type=\"rpm\">\n  <name>")
        .text(nevra.name().as_str());
    xml.raw("</name>\n  <arch>").text(arch(nevra)).raw("</arch>\n");
    version(xml, nevra);
    xml.raw("  <checksum type=\"");
}

/// `primary`, from the checksum up to the location.
pub(super) fn primary_middle(xml: &mut Xml, package: &Package) {
    xml.raw("</checksum>\n  <summary>").text(&package.summary);
    xml.raw("</summary>\n  <description>").text(&package.description);
    xml.raw("</description>\n  <packager>").text(&package.packager);
    xml.raw("</packager>\n  <url>").text(&package.url);
    xml.raw("</url>\n  <time file=\"").number(package.file_time);
    xml.raw("\" build=\"").number(package.build_time);
    xml.raw("\"/>\n  <size package=\"").number(package.sizes.package);
    xml.raw("\" installed=\"").number(package.sizes.installed);
    xml.raw("\" archive=\"").number(package.sizes.archive);
    xml.raw("\"/>\n  <location href=\"");
}

/// `primary`, from the location on.
pub(super) fn primary_end(xml: &mut Xml, package: &Package) {
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
    for entry in &package.files {
        if is_primary_file(&entry.path) {
            xml.raw("  ");
            file(xml, entry);
        }
    }
    xml.raw("  </format>\n</package>\n");
}

/// The name and version of a package in `filelists`, `other` and `filelists-ext`, from its id on.
pub(super) fn list_start(xml: &mut Xml, package: &Package) {
    let nevra = &package.nevra;
    xml.raw("\" name=\"").value(nevra.name().as_str());
    xml.raw("\" arch=\"").value(arch(nevra)).raw("\">\n");
    version(xml, nevra);
}

/// What `filelists` has of a package after its version.
pub(super) fn files(xml: &mut Xml, package: &Package) {
    for entry in &package.files {
        file(xml, entry);
    }
    xml.raw("</package>\n");
}

/// What `filelists-ext` has of a package after its version.
pub(super) fn files_with_digests(xml: &mut Xml, package: &Package, digests: &FileDigests) {
    xml.raw("  <checksum type=\"")
        .raw(digests.algorithm)
        .raw("\"/>\n");
    let digests = digests.digests.iter().map(|digest| &**digest);
    for (file, digest) in package.files.iter().zip(digests.chain(std::iter::repeat(""))) {
        xml.raw(match file.kind {
            FileKind::File => "  <file",
            FileKind::Directory => "  <file type=\"dir\"",
            FileKind::Ghost => "  <file type=\"ghost\"",
        });
        if !digest.is_empty() {
            xml.raw(" hash=\"").value(digest).raw("\"");
        }
        xml.raw(">").text(&file.path).raw("</file>\n");
    }
    xml.raw("</package>\n");
}

/// What `other` has of a package after its version: the newest changelog entries, oldest first.
pub(super) fn changelogs(xml: &mut Xml, package: &Package) {
    let newest = package
        .changelogs
        .get(..CHANGELOGS)
        .unwrap_or(&package.changelogs);
    let times = distinct_times(newest);
    for (entry, time) in newest.iter().zip(times).rev() {
        xml.raw("  <changelog author=\"").value(&entry.author);
        xml.raw("\" date=\"").number(time);
        xml.raw("\">").text(&entry.text).raw("</changelog>\n");
    }
    xml.raw("</package>\n");
}

/// The times that entries, newest first, are written with. Entries of one day have one time in headers; those are
/// told apart by a second each, since readers sort by time.
fn distinct_times(newest: &[ChangelogEntry]) -> [u64; CHANGELOGS] {
    let mut times = [0; CHANGELOGS];
    let mut last = None;
    for (index, entry) in newest.iter().enumerate() {
        let (before, from) = times.split_at_mut_checked(index).unwrap_or_default();
        if last == Some(entry.time) {
            let mut taken = entry.time;
            for time in before.iter_mut().rev() {
                if *time != taken {
                    break;
                }
                *time = time.saturating_add(1);
                taken = *time;
            }
        }
        last = Some(entry.time);
        if let Some(time) = from.first_mut() {
            *time = entry.time;
        }
    }
    times
}

fn file(xml: &mut Xml, file: &FileEntry) {
    xml.raw(match file.kind {
        FileKind::File => "  <file>",
        FileKind::Directory => "  <file type=\"dir\">",
        FileKind::Ghost => "  <file type=\"ghost\">",
    });
    xml.text(&file.path).raw("</file>\n");
}

fn dependencies(xml: &mut Xml, element: &str, list: &[Dependency]) {
    if list.is_empty() {
        return;
    }
    xml.raw("    <rpm:").raw(element).raw(">\n");
    for dependency in list {
        xml.raw("      <rpm:entry name=\"").value(&dependency.name);
        if let Some(version) = &dependency.version {
            xml.raw(match version.comparison {
                Comparison::Less => "\" flags=\"LT\" epoch=\"",
                Comparison::LessOrEqual => "\" flags=\"LE\" epoch=\"",
                Comparison::Equal => "\" flags=\"EQ\" epoch=\"",
                Comparison::GreaterOrEqual => "\" flags=\"GE\" epoch=\"",
                Comparison::Greater => "\" flags=\"GT\" epoch=\"",
            });
            xml.number(version.epoch.into());
            version_and_release(
                xml,
                &version.version,
                version.release.as_deref().unwrap_or_default(),
            );
        }
        xml.raw(if dependency.is_pre {
            "\" pre=\"1\"/>\n"
        } else {
            "\"/>\n"
        });
    }
    xml.raw("    </rpm:").raw(element).raw(">\n");
}

/// Writes version and release as `createrepo_c` parts them, at the first dash of several, where rpm parts them at the
/// last. The quote before is not closed yet, and neither is the one at the end.
fn version_and_release(xml: &mut Xml, version: &str, release: &str) {
    let (version, rest) = match version.split_once('-') {
        Some((version, rest)) => (version, Some(rest)),
        None => (version, None),
    };
    if !version.is_empty() {
        xml.raw("\" ver=\"").value(version);
    }
    let dash = if rest.is_some() && !release.is_empty() {
        "-"
    } else {
        ""
    };
    let rest = rest.unwrap_or_default();
    if !rest.is_empty() || !release.is_empty() {
        xml.raw("\" rel=\"").value(rest).raw(dash).value(release);
    }
}
