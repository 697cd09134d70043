//! The small values that requests are made of.

use std::fmt;

use odcs_rpm::Sigkey;
use odcs_rpm::multilib::{Method, Methods};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{Error, Result};

/// Defines a text with rules: a newtype that can only be made through its check.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The value as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.into())) } else { Err($crate::request::fields::refused(text, $expected)) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(super) use checked_text;

/// A value that is not what its type wants; the caller adds the field.
pub(super) fn refused(text: &str, expected: &str) -> Error {
    let shown: String = text.chars().take(80).collect();
    Error::invalid("value", format!("{shown:?} is not {expected}"))
}

/// Letters and digits of any script and the punctuation that the reference server allows everywhere.
pub(super) fn is_plain(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_alphanumeric() || " -/_.:#+?$~^,".contains(c))
}

/// One word: not blank, at most 255 bytes, no white space or control characters, not an option.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && !text.starts_with('-')
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

checked_text! {
    /// The name of a Koji tag.
    KojiTag, "the name of a Koji tag", |text| is_word(text) && is_plain(text) && !text.contains('/')
}

checked_text! {
    /// Name, version and release of a Koji build: `ed-1.14.1-2.fc36`.
    Nvr, "a build (NAME-VERSION-RELEASE)", |text| {
        let mut parts = text.rsplitn(3, '-');
        let all = (parts.next(), parts.next(), parts.next());
        is_word(text) && !text.contains('/')
            && matches!(all, (Some(r), Some(v), Some(n)) if !r.is_empty() && !v.is_empty() && !n.is_empty())
    }
}

checked_text! {
    /// A module in full: `NAME:STREAM:VERSION:CONTEXT`.
    Nsvc, "a module in full (NAME:STREAM:VERSION:CONTEXT)", |text| {
        is_word(text) && is_plain(text) && text.split(':').count() == 4 && text.split(':').all(|part| !part.is_empty())
    }
}

checked_text! {
    /// A module as it is asked for: `NAME:STREAM`, with `:VERSION` and `:CONTEXT` if need be.
    ModuleSpec, "a module (NAME:STREAM, NAME:STREAM:VERSION or NAME:STREAM:VERSION:CONTEXT)", |text| {
        is_word(text) && is_plain(text) && (2..=4).contains(&text.split(':').count())
            && text.split(':').all(|part| !part.is_empty())
    }
}

checked_text! {
    /// A label such as `RC-1.0`, or nothing.
    ComposeLabel, "a label (one word without slashes, such as RC-1.0)", |text| {
        text.is_empty() || (is_word(text) && is_plain(text) && !text.contains('/'))
    }
}

checked_text! {
    /// What sort of compose it is: `test` unless asked for otherwise.
    ComposeType, "a compose type (test, nightly, ci, production, …)", |text| {
        text.len() <= 64 && text.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
    }
}

impl Default for ComposeType {
    fn default() -> Self {
        Self("test".into())
    }
}

checked_text! {
    /// The name of a configured target directory.
    TargetDirName, "the name of a target directory", |text| {
        is_word(text) && text.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
    }
}

impl TargetDirName {
    /// The name of the target directory that composes go to if nothing else is asked for.
    pub const DEFAULT: &'static str = "default";
}

impl Default for TargetDirName {
    fn default() -> Self {
        Self(Self::DEFAULT.into())
    }
}

checked_text! {
    /// The id of a compose as its `COMPOSE_ID` has it: `Fedora-36-20220101.n.0`.
    PungiComposeId, "a compose id such as Fedora-36-20220101.n.0", |text| {
        is_word(text) && is_plain(text) && !text.contains('/')
    }
}

checked_text! {
    /// The id of the compose that another is a respin of, or nothing.
    RespinOf, "a compose id such as Fedora-36-20220101.n.0", |text| {
        text.is_empty() || (is_word(text) && is_plain(text) && !text.contains('/'))
    }
}

checked_text! {
    /// The name or the stream of a module, or nothing.
    ModulePart, "the name or the stream of a module", |text| {
        text.is_empty() || (is_word(text) && is_plain(text) && !text.contains([':', '/']))
    }
}

checked_text! {
    /// The number of a Koji task.
    TaskId, "the number of a Koji task", |text| (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

checked_text! {
    /// A commit, branch or tag of a git repository. Never begins with `-`, so it cannot become an option.
    GitReference, "a git commit, branch or tag", |text| {
        is_word(text) && text.chars().all(|c| c.is_alphanumeric() || "-_./+".contains(c)) && !text.contains("..")
    }
}

/// An event in Koji's history.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct KojiEvent(i64);

impl KojiEvent {
    /// The event's number.
    pub fn number(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for KojiEvent {
    type Error = Error;
    fn try_from(number: i64) -> Result<Self> {
        if number < 0 {
            return Err(Error::invalid(
                "koji_event",
                "koji_event should be the number of a Koji event, 0 or more",
            ));
        }
        Ok(Self(number))
    }
}

impl From<KojiEvent> for i64 {
    fn from(event: KojiEvent) -> Self {
        event.0
    }
}

/// A signing key that packages may have, or the permission to have none.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum KeyOrUnsigned {
    /// Signed with this key.
    Key(RequestedKey),
    /// Not signed; written as an empty string. Wherever it stands in a list, keys are preferred to it.
    Unsigned,
}

impl std::str::FromStr for KeyOrUnsigned {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::Unsigned);
        }
        match text.parse() {
            Ok(key) => Ok(Self::Key(RequestedKey {
                key,
                spelled: text.into(),
            })),
            Err(error) => Err(refused(text, "a key id (hex digits)").with_source(error)),
        }
    }
}

/// The id of a key as somebody asked for it. The record shows it in the same spelling: clients compare
/// texts.
///
/// ```
/// use odcs_core::request::KeyOrUnsigned;
/// let asked: KeyOrUnsigned = "FD431D51".parse()?;
/// assert_eq!(asked.to_string(), "FD431D51");
/// assert!(matches!(asked, KeyOrUnsigned::Key(key) if key.key().as_str() == "fd431d51"));
/// # Ok::<(), odcs_core::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct RequestedKey {
    key: Sigkey,
    spelled: Box<str>,
}

impl RequestedKey {
    /// The key.
    pub fn key(&self) -> &Sigkey {
        &self.key
    }
}

impl TryFrom<String> for KeyOrUnsigned {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<KeyOrUnsigned> for String {
    fn from(key: KeyOrUnsigned) -> Self {
        key.to_string()
    }
}

impl fmt::Display for KeyOrUnsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(&key.spelled),
            Self::Unsigned => Ok(()),
        }
    }
}

/// Builds that are kept secret for now: each is replaced by the newest build before it.
#[derive(Clone, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Embargo {
    /// These ones; at least one.
    Builds(Vec<Nvr>),
    /// All that have this tag.
    Tag(KojiTag),
}

/// Where module defaults are: a git repository and what to take of it.
#[derive(Clone, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct ModuleDefaults {
    /// The repository.
    pub url: SpelledUrl,
    /// The commit, branch or tag.
    pub commit: GitReference,
}

/// Which base module (`platform`) the modules asked for were built against.
#[derive(Clone, Debug, Default, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct BaseModule {
    /// Its name, usually `platform`.
    pub name: Option<ModulePart>,
    /// Its stream.
    pub stream: Option<ModulePart>,
    /// The highest stream version allowed.
    pub stream_version_lte: Option<i64>,
    /// The lowest stream version allowed.
    pub stream_version_gte: Option<i64>,
}

/// How multilib packages are told: a set of methods.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct MultilibMethods {
    /// Packages with shared libraries, as `python-multilib` decides.
    pub runtime: bool,
    /// Development packages, as `python-multilib` decides.
    pub devel: bool,
    /// All packages.
    pub all: bool,
}

impl MultilibMethods {
    /// Adds a method by its name in requests: `none`, `runtime`, `devel`, `all`.
    ///
    /// # Errors
    /// `Invalid` for another name.
    pub fn add(&mut self, name: &str) -> Result<()> {
        match name {
            "none" => {}
            "runtime" => self.runtime = true,
            "devel" => self.devel = true,
            "all" => self.all = true,
            _ => {
                let message =
                    format!("unknown multilib method {name:?}; the methods are none, runtime, devel, all");
                return Err(Error::invalid("multilib_method", message));
            }
        }
        Ok(())
    }

    /// The set as the number that records hold: runtime 1, devel 2, all 4.
    pub fn bits(self) -> u32 {
        u32::from(self.runtime) | u32::from(self.devel) << 1 | u32::from(self.all) << 2
    }
}

impl From<MultilibMethods> for Methods {
    fn from(methods: MultilibMethods) -> Self {
        let asked = [
            (methods.runtime, Method::Runtime),
            (methods.devel, Method::Devel),
            (methods.all, Method::All),
        ];
        let asked = asked.into_iter().filter(|(is_asked, _)| *is_asked);
        asked.map(|(_, method)| method).collect()
    }
}

/// A URL that remembers how it was written.
///
/// The public record shows a URL as the client sent it, `http://example.com` and not
/// `http://example.com/`: clients compare what they sent with what they get.
///
/// ```
/// use odcs_core::request::SpelledUrl;
/// let url: SpelledUrl = "HTTP://example.com".parse()?;
/// assert_eq!(url.as_str(), "HTTP://example.com");
/// assert_eq!(url.url().as_str(), "http://example.com/");
/// # Ok::<(), odcs_core::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SpelledUrl {
    text: Box<str>,
    url: Url,
}

impl SpelledUrl {
    /// The longest URL taken, in bytes.
    pub const MAX_BYTES: usize = 2048;

    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL as it is used.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

impl AsRef<Url> for SpelledUrl {
    fn as_ref(&self) -> &Url {
        &self.url
    }
}

impl std::str::FromStr for SpelledUrl {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        // White space parts words in the public record, and the parser of URLs drops some of it.
        if text.len() > Self::MAX_BYTES || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(refused(text, "a URL"));
        }
        let url = Url::parse(text).map_err(|error| refused(text, "a URL").with_source(error))?;
        if url.has_host() || url.scheme() == "file" {
            Ok(Self {
                text: text.into(),
                url,
            })
        } else {
            Err(refused(text, "a URL with a host"))
        }
    }
}

impl TryFrom<String> for SpelledUrl {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<SpelledUrl> for String {
    fn from(url: SpelledUrl) -> Self {
        url.text.into()
    }
}

impl fmt::Display for SpelledUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A repository whose packages satisfy dependencies: a URL, which may hold `$arch` or `$basearch`.
///
/// The variables are kept as they are written; the URL with `noarch` in their place has been parsed.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LookasideRepo(Box<str>);

impl LookasideRepo {
    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL for one arch, as text.
    pub fn text_for_arch(&self, arch: &str) -> String {
        self.0.replace("$basearch", arch).replace("$arch", arch)
    }

    /// The URL for one arch.
    ///
    /// # Errors
    /// `Invalid` if the URL is none with this arch in it; cannot happen for arches in use.
    pub fn for_arch(&self, arch: &str) -> Result<Url> {
        let text = self.text_for_arch(arch);
        let url = Url::parse(&text).map_err(|error| refused(&self.0, "a URL").with_source(error))?;
        if matches!(url.scheme(), "http" | "https" | "file") && (url.scheme() == "file" || url.has_host()) {
            Ok(url)
        } else {
            Err(refused(&self.0, "an http, https or file URL"))
        }
    }
}

impl std::str::FromStr for LookasideRepo {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        // White space parts the URLs in the public record.
        if text.len() > 2048 || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(refused(text, "a URL"));
        }
        if text.starts_with('/') {
            return Err(refused(
                text,
                "a URL; that of a directory of the server begins with file:///",
            ));
        }
        let repo = Self(text.into());
        repo.for_arch("noarch")?;
        Ok(repo)
    }
}

impl TryFrom<String> for LookasideRepo {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<LookasideRepo> for String {
    fn from(repo: LookasideRepo) -> Self {
        repo.0.into()
    }
}

impl fmt::Display for LookasideRepo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
