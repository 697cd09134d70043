//! The small files that installers look for at the top of a tree.

use super::ini::{IniWriter, Style};
use super::{ComposeIdent, VARIANT};
use crate::Result;

/// Which one of several media something is on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Disc {
    /// Its number, from 1.
    pub number: u32,
    /// How many there are.
    pub total: u32,
}

/// `.treeinfo`: what the tree is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TreeInfo {
    /// Name of the release, also its short name and family.
    pub release: String,
    /// Version of the release.
    pub version: String,
    /// `$basearch` of the tree, `src` for sources.
    pub arch: String,
    /// When it was made, in seconds since 1970.
    pub timestamp: u64,
    /// The medium that it is on; `None` for a tree that is on none.
    pub disc: Option<Disc>,
}

impl TreeInfo {
    /// That of a tree of a compose.
    pub fn new(ident: &ComposeIdent, arch: &str, timestamp: u64) -> Self {
        Self {
            release: ident.short.clone(),
            version: ident.version.clone(),
            arch: arch.into(),
            timestamp,
            disc: None,
        }
    }

    /// The same on a medium.
    #[must_use]
    pub fn on_disc(mut self, disc: Disc) -> Self {
        self.disc = Some(disc);
        self
    }

    /// The text of the file.
    ///
    /// # Errors
    /// `Invalid` if a value has line breaks.
    pub fn to_text(&self) -> Result<String> {
        let timestamp = self.timestamp.to_string();
        let mut ini = IniWriter::new(Style::Spaced);
        ini.section("general")?
            .comment("WARNING.0 = This section provides compatibility with pre-productmd treeinfos.")?
            .comment("WARNING.1 = Read productmd documentation for details about new format.")?
            .entry("arch", &self.arch)?
            .entry("family", &self.release)?
            .entry("name", &format!("{} {}", self.release, self.version))?
            .entry("packagedir", "Packages")?
            .entry("platforms", &self.arch)?
            .entry("repository", ".")?
            .entry("timestamp", &timestamp)?
            .entry("variant", VARIANT)?
            .entry("variants", VARIANT)?
            .entry("version", &self.version)?;
        ini.section("header")?
            .entry("type", "productmd.treeinfo")?
            .entry("version", "1.2")?;
        if let Some(Disc { number, total }) = self.disc {
            ini.section("media")?
                .entry("discnum", &number.to_string())?
                .entry("totaldiscs", &total.to_string())?;
        }
        ini.section("release")?
            .entry("name", &self.release)?
            .entry("short", &self.release)?
            .entry("version", &self.version)?;
        ini.section("tree")?
            .entry("arch", &self.arch)?
            .entry("build_timestamp", &timestamp)?
            .entry("platforms", &self.arch)?
            .entry("variants", VARIANT)?;
        ini.section(&format!("variant-{VARIANT}"))?
            .entry("id", VARIANT)?
            .entry("name", VARIANT)?
            .entry("packages", "Packages")?
            .entry("repository", ".")?
            .entry("type", "variant")?
            .entry("uid", VARIANT)?;
        Ok(ini.finish())
    }
}

/// `.discinfo`: four lines that identify a medium.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DiscInfo {
    /// When it was made, in seconds since 1970.
    pub timestamp: u64,
    /// Release and version.
    pub description: String,
    /// `$basearch` of the tree, `src` for sources.
    pub arch: String,
    /// The number of the medium it is on; `None` for one that holds everything.
    pub disc: Option<u32>,
}

impl DiscInfo {
    /// The time as media ids have it, with the microseconds that we never have.
    pub fn media_id(&self) -> String {
        format!("{}.000000", self.timestamp)
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        // One line each, whatever is in the values.
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let discs = self
            .disc
            .map_or_else(|| "ALL".to_owned(), |number| number.to_string());
        format!(
            "{}\n{}\n{}\n{discs}\n",
            self.media_id(),
            line(&self.description),
            line(&self.arch)
        )
    }
}

/// `media.repo`: how the tree is used as a repository once it is on a medium.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MediaRepo {
    /// Release and version.
    pub name: String,
    /// As in [`DiscInfo::media_id`].
    pub media_id: String,
}

impl MediaRepo {
    /// The text of the file.
    ///
    /// # Errors
    /// `Invalid` if a value has line breaks.
    pub fn to_text(&self) -> Result<String> {
        let mut ini = IniWriter::new(Style::Compact);
        ini.section("InstallMedia")?
            .entry("name", &self.name)?
            .entry("mediaid", &self.media_id)?
            .entry("metadata_expire", "-1")?
            .entry("gpgcheck", "0")?
            .entry("cost", "500")?;
        Ok(ini.finish())
    }
}
