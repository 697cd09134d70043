//! Reading `primary`: what the packages of a repository are, all but their complete file lists.

use std::io::BufRead;

use super::pull::{Element, Ended};
use super::{DraftNevra, Limits, Pull, RepoPackage, Token, filelists, parse_epoch};
use crate::{
    Comparison, Dependency, DependencyVersion, Digest, DigestAlgorithm, Error, FileEntry, FileKind, Package,
    Result, Sizes,
};

const FILE: &str = "primary";

/// Reads a whole `primary` file.
///
/// # Errors
/// As those of [`PrimaryReader`].
///
/// ```
/// use odcs_rpm::repodata::{Limits, read_primary};
/// let xml = r#"<metadata packages="1"><package type="rpm">
///   <name>ed</name><arch>x86_64</arch><version epoch="0" ver="1.14.1" rel="2"/>
///   <checksum type="sha1" pkgid="YES">da39a3ee5e6b4b0d3255bfef95601890afd80709</checksum>
///   <location href="Packages/e/ed-1.14.1-2.x86_64.rpm"/>
/// </package></metadata>"#;
/// let packages = read_primary(xml.as_bytes(), Limits::default())?;
/// assert_eq!(packages[0].package.nevra.to_string(), "ed-0:1.14.1-2.x86_64");
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
pub fn read_primary(reader: impl BufRead, limits: Limits) -> Result<Vec<RepoPackage>> {
    PrimaryReader::new(reader, limits)?.collect()
}

/// Reads a `primary` file package by package. After an error there is nothing more.
///
/// Packages come in the file's order. Their `files` are those that `primary` lists;
/// [`read_filelists`](super::read_filelists) replaces them by all. The number of packages that the
/// file claims to have is not looked at: several tools get it wrong.
///
/// Each item is [`Error::Repodata`] if the XML is broken, or a package lacks its name, version, arch,
/// checksum or location or has one that cannot be (the message names the package);
/// [`Error::TooLarge`] past a limit; [`Error::Io`] if reading fails.
pub struct PrimaryReader<R> {
    pull: Pull<R>,
    limits: Limits,
    packages: usize,
    is_done: bool,
}

impl<R: BufRead> PrimaryReader<R> {
    /// Begins to read.
    ///
    /// # Errors
    /// [`Error::Repodata`] if this is no `primary` file.
    pub fn new(reader: R, limits: Limits) -> Result<Self> {
        let mut pull = Pull::new(reader, limits, FILE);
        pull.expect_root("metadata")?;
        Ok(Self {
            pull,
            limits,
            packages: 0,
            is_done: false,
        })
    }

    fn read(&mut self) -> Result<Option<RepoPackage>> {
        let mut draft = None;
        loop {
            let number = self.packages + 1;
            match self.pull.next()? {
                Token::Eof => return Ok(None),
                Token::Nothing => {}
                Token::Start(element) => {
                    if element.depth == 2 {
                        let kind = element.attribute("type")?;
                        let is_rpm = element.name() == "package" && kind.is_none_or(|kind| kind == "rpm");
                        draft = is_rpm.then(Draft::default);
                    } else if let Some(draft) = &mut draft {
                        draft
                            .start(&element)
                            .map_err(|error| draft.explain(number, error))?;
                    }
                }
                Token::End(end) if end.depth > 2 => {
                    if let Some(draft) = &mut draft {
                        draft.end(&end).map_err(|error| draft.explain(number, error))?;
                    }
                }
                Token::End(_) => {
                    if let Some(draft) = draft.take() {
                        if number > self.limits.packages {
                            return Err(Error::TooLarge {
                                what: format!("{FILE} (in packages)"),
                                limit: self.limits.packages as u64,
                            });
                        }
                        self.packages = number;
                        let label = draft.nevra.label(number);
                        return match draft.finish() {
                            Ok(package) => Ok(Some(package)),
                            Err(reason) => Err(Error::repodata(FILE, format!("{label}: {reason}"))),
                        };
                    }
                }
            }
        }
    }
}

impl<R: BufRead> Iterator for PrimaryReader<R> {
    type Item = Result<RepoPackage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let next = self.read().transpose();
        self.is_done = !matches!(next, Some(Ok(_)));
        next
    }
}

/// A package while its elements come in, in whatever order.
#[derive(Default)]
struct Draft {
    nevra: DraftNevra,
    algorithm: Option<DigestAlgorithm>,
    checksum: Option<Digest>,
    location: Option<String>,
    location_base: Option<String>,
    source_rpm: Option<Box<str>>,
    /// In the order of [`LISTS`].
    lists: [Vec<Dependency>; 8],
    /// Which of the lists is being read.
    list: Option<usize>,
    files: Vec<FileEntry>,
    file_kind: FileKind,
    summary: Box<str>,
    description: Box<str>,
    packager: Box<str>,
    url: Box<str>,
    license: Box<str>,
    vendor: Box<str>,
    group: Box<str>,
    build_host: Box<str>,
    build_time: u64,
    file_time: u64,
    sizes: Sizes,
    header_range: (u64, u64),
}

/// The elements that hold dependencies.
const LISTS: [&str; 8] = [
    "provides",
    "requires",
    "conflicts",
    "obsoletes",
    "recommends",
    "suggests",
    "supplements",
    "enhances",
];

/// Where they have the requirements.
const REQUIRES: usize = 1;

impl Draft {
    fn start(&mut self, element: &Element<'_>) -> Result<()> {
        match (element.depth, element.name()) {
            (3, "version") => self.nevra.take_version(element),
            (3, "checksum") => {
                let algorithm = element.attribute("type")?.unwrap_or_default();
                self.algorithm = Some(DigestAlgorithm::from_repodata(&algorithm)?);
                Ok(())
            }
            (3, "time") => element.attributes(|key, value| {
                match key {
                    "file" => self.file_time = number(value)?,
                    "build" => self.build_time = number(value)?,
                    _ => {}
                }
                Ok(())
            }),
            (3, "size") => element.attributes(|key, value| {
                match key {
                    "package" => self.sizes.package = number(value)?,
                    "installed" => self.sizes.installed = number(value)?,
                    "archive" => self.sizes.archive = number(value)?,
                    _ => {}
                }
                Ok(())
            }),
            (3, "location") => element.attributes(|key, value| {
                match key {
                    "href" => self.location = Some(value.into()),
                    "base" => self.location_base = Some(value.into()),
                    _ => {}
                }
                Ok(())
            }),
            (4, "header-range") => element.attributes(|key, value| {
                match key {
                    "start" => self.header_range.0 = number(value)?,
                    "end" => self.header_range.1 = number(value)?,
                    _ => {}
                }
                Ok(())
            }),
            (4, "file") => {
                self.file_kind = filelists::kind_of(element)?;
                Ok(())
            }
            (4, name) => {
                self.list = LISTS.iter().position(|list| *list == name);
                Ok(())
            }
            (5, "entry") => {
                let is_requires = self.list == Some(REQUIRES);
                if let Some(list) = self.list.and_then(|list| self.lists.get_mut(list)) {
                    let entry = read_entry(element)?;
                    // Features of rpm are only ever required; anything else of such a name is what it says.
                    if !is_requires || !entry.name.starts_with("rpmlib(") {
                        list.push(entry);
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, end: &Ended<'_>) -> Result<()> {
        let text = end.text;
        match (end.depth, end.name()) {
            (3, "name") => self.nevra.name = Some(text.trim().into()),
            (3, "arch") => self.nevra.arch = Some(text.trim().into()),
            (3, "checksum") => {
                if let Some(algorithm) = self.algorithm {
                    self.checksum = Some(Digest::new(algorithm, text)?);
                }
            }
            (3, "summary") => self.summary = text.into(),
            (3, "description") => self.description = text.into(),
            (3, "packager") => self.packager = text.into(),
            (3, "url") => self.url = text.into(),
            (4, "license") => self.license = text.into(),
            (4, "vendor") => self.vendor = text.into(),
            (4, "group") => self.group = text.into(),
            (4, "buildhost") => self.build_host = text.into(),
            (4, "sourcerpm") => self.source_rpm = (!text.trim().is_empty()).then(|| text.trim().into()),
            (4, "file") => self.files.push(FileEntry {
                path: text.into(),
                kind: self.file_kind,
            }),
            _ => {}
        }
        Ok(())
    }

    fn explain(&self, number: usize, error: Error) -> Error {
        match error {
            Error::TooLarge { .. } | Error::Bomb { .. } | Error::Io(_) => error,
            Error::Repodata { reason, .. } => {
                Error::repodata(FILE, self.nevra.label(number) + ": " + &reason)
            }
            other => Error::repodata(FILE, format!("{}: {other}", self.nevra.label(number))),
        }
    }

    fn finish(self) -> Result<RepoPackage, String> {
        let nevra = self.nevra.finish()?;
        // Some tools name a source for source packages as well.
        let source_rpm = self.source_rpm.filter(|_| !nevra.arch().is_source());
        let [
            provides,
            requires,
            conflicts,
            obsoletes,
            recommends,
            suggests,
            supplements,
            enhances,
        ] = self.lists;
        Ok(RepoPackage {
            checksum: self.checksum.ok_or("it has no checksum")?,
            location: self.location.ok_or("it has no location")?,
            location_base: self.location_base,
            package: Package {
                source_rpm,
                provides,
                requires,
                conflicts,
                obsoletes,
                recommends,
                suggests,
                supplements,
                enhances,
                files: self.files,
                summary: self.summary,
                description: self.description,
                packager: self.packager,
                url: self.url,
                license: self.license,
                vendor: self.vendor,
                group: self.group,
                build_host: self.build_host,
                build_time: self.build_time,
                file_time: self.file_time,
                sizes: self.sizes,
                header_range: self.header_range,
                ..Package::new(nevra)
            },
        })
    }
}

/// One `rpm:entry`. Flags that are none, or that come without a version, make it unversioned.
fn read_entry(element: &Element<'_>) -> Result<Dependency> {
    let mut name: Box<str> = Box::default();
    let mut comparison = None;
    let mut epoch = 0;
    let (mut version, mut release) = (None, None);
    let mut is_pre = false;
    element.attributes(|key, value| {
        match key {
            "name" => name = value.into(),
            "flags" => comparison = Comparison::from_repodata(value),
            "epoch" => epoch = parse_epoch(value).map_err(|reason| Error::repodata(FILE, reason))?,
            "ver" => version = Some(value.into()),
            "rel" => release = Some(value.into()),
            "pre" => is_pre = matches!(value, "1" | "true"),
            _ => {}
        }
        Ok(())
    })?;
    if name.is_empty() {
        return Err(Error::repodata(FILE, "a dependency without a name"));
    }
    let version = comparison
        .filter(|_| version.is_some() || release.is_some())
        .map(|comparison| {
            let (version, release) = split_at_last_dash(version.unwrap_or_default(), release);
            DependencyVersion {
                comparison,
                epoch,
                version,
                release,
            }
        })
        // Dashes alone are no version, and could not be written as one.
        .filter(|it| it.release.is_some() || !it.version.is_empty());
    Ok(Dependency {
        name,
        version,
        is_pre,
    })
}

/// Version and release as rpm parts them, at the last dash; `createrepo_c` parts them at the first of several. Dashes
/// at the end part nothing.
fn split_at_last_dash(version: Box<str>, release: Option<Box<str>>) -> (Box<str>, Option<Box<str>>) {
    let is_plain = |part: &str| !part.is_empty() && !part.contains('-');
    if !version.contains('-') && release.as_deref().is_none_or(is_plain) {
        return (version, release);
    }
    let text = match release {
        Some(release) => format!("{version}-{release}"),
        None => version.into(),
    };
    let text = text.trim_end_matches('-');
    match text.rsplit_once('-') {
        Some((version, release)) => (version.into(), Some(release.into())),
        None => (text.into(), None),
    }
}

/// A size or a time; nothing at all is 0.
fn number(text: &str) -> Result<u64> {
    match text.trim() {
        "" => Ok(0),
        text => text.parse().map_err(|_| Error::value(text, "a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Vec<RepoPackage>> {
        read_primary(
            format!("<metadata>{body}</metadata>").as_bytes(),
            Limits::default(),
        )
    }

    const HEAD: &str = "<name>ed</name><arch>src</arch><version epoch='' ver='1' rel='2'/>\
        <checksum type='sha'>da39a3ee5e6b4b0d3255bfef95601890afd80709</checksum>";

    #[test]
    fn elements_are_found_whatever_their_order_and_prefix() {
        let package = read(&format!(
            "<package><format><a:provides xmlns:a='x'><a:entry flags='GE' name='p&amp;q' ver='3' epoch='1'/>\
             </a:provides><a:requires><a:entry name='rpmlib(X)'/></a:requires>\
             <a:obsoletes><a:entry name='rpmlib(X)'/></a:obsoletes><file type='ghost'>a b</file>\
             <a:sourcerpm>ed.src.rpm</a:sourcerpm></format>\
             <location xml:base='https://x/' href='../ed.rpm'/>\
             <description>&lt;a&#10;<![CDATA[<b>]]></description>{HEAD}</package>"
        ))
        .unwrap()
        .remove(0);
        assert_eq!(package.location, "../ed.rpm");
        assert_eq!(package.location_base.as_deref(), Some("https://x/"));
        let package = package.package;
        assert_eq!(&*package.description, "<a\n<b>");
        assert_eq!(package.source_rpm, None, "source packages have no source");
        assert_eq!(package.provides.len(), 1);
        assert_eq!(package.provides[0].to_string(), "p&q >= 1:3");
        assert_eq!((package.requires.len(), package.obsoletes.len()), (0, 1));
        assert_eq!(package.files[0].kind, FileKind::Ghost);
        assert_eq!(&*package.files[0].path, "a b");
    }

    #[test]
    fn errors_name_the_package() {
        for (body, expected) in [
            (format!("<package>{HEAD}</package>"), "it has no location"),
            ("<package><name>ed</name></package>".into(), "it has no arch"),
            (
                format!("<package>{HEAD}<time file='x'/></package>"),
                "\"x\" is not a number",
            ),
            (
                format!("<package>{HEAD}<name>../ed</name><location href=''/></package>"),
                "a package name",
            ),
        ] {
            let error = read(&body).unwrap_err().to_string();
            assert!(error.starts_with("primary: package \""), "{error}");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn what_is_no_primary_is_refused() {
        for text in [
            "",
            "<html/>",
            "<metadata><package>",
            "<metadata>&x;</metadata>",
            "<metadata></x>",
        ] {
            let read = read_primary(text.as_bytes(), Limits::default());
            assert!(matches!(read, Err(Error::Repodata { .. })), "{text} {read:?}");
        }
    }

    #[test]
    fn limits_hold() {
        let many = format!("<package>{HEAD}<location href='x'/></package>").repeat(3);
        let xml = format!("<metadata>{many}</metadata>");
        for limits in [
            Limits {
                packages: 2,
                ..Limits::default()
            },
            Limits {
                elements: 7,
                ..Limits::default()
            },
            Limits {
                text_bytes: 8,
                ..Limits::default()
            },
        ] {
            let reader = std::io::BufReader::with_capacity(8, xml.as_bytes());
            let error = read_primary(reader, limits).unwrap_err();
            assert!(matches!(error, Error::TooLarge { .. }), "{error}");
        }
        assert!(read(&"<a>".repeat(40)).is_err());
    }
}
