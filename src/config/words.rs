//! The values that are written as one text.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use ipnet::IpNet;
use odcs_core::SourceKind;
use odcs_core::allow::UrlPrefix;
use odcs_core::request::{ComposeResult, ComposeType, Flag, GitReference, RawConfigKey, TargetDirName};
use odcs_rpm::TreeArch;
use odcs_rpm::compression::WriteCompression;
use odcs_storage::{LinkFallback, Verification};
use url::{Host, Url};

use super::node::Shape;
use super::origin::nearest;
use super::setting::Word;
use crate::values;

impl Word for SocketAddr {
    const NAME: &'static str = "IP address and port";
    const PLACEHOLDER: &'static str = "ADDRESS";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        values::address(text)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// A URL that links to composes begin with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PublicUrl(pub(crate) Url);

impl Word for PublicUrl {
    const NAME: &'static str = "http or https URL";
    const PLACEHOLDER: &'static str = "URL";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        values::public_url(text).map(Self)
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

impl Word for PathBuf {
    const NAME: &'static str = "path of a directory";
    const LIST: Shape = Shape::Paths;
    const PLACEHOLDER: &'static str = "DIR";

    /// Paths are absolute from here on, so that they mean the same wherever they are shown.
    fn parse(text: &str, dir: &Path) -> Result<Self, String> {
        if text.is_empty() || text.contains('\0') {
            return Err("the path of a directory is expected".to_owned());
        }
        Ok(tidy(&dir.join(text)))
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

/// Where the keyring is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct KeyringPath(pub(crate) PathBuf);

impl Word for KeyringPath {
    const NAME: &'static str = "path of a file or directory";
    const PLACEHOLDER: &'static str = "PATH";

    fn parse(text: &str, dir: &Path) -> Result<Self, String> {
        let path = PathBuf::parse(text, dir).map_err(|_| "the path of a file or directory is expected");
        Ok(Self(path?))
    }

    fn show(&self) -> String {
        Word::show(&self.0)
    }
}

/// Which signatures are verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verify {
    /// None.
    Never,
    /// Those that requests ask for, and one of each package of an untrusted source.
    Untrusted,
    /// One of each package.
    Always,
}

impl Word for Verify {
    const NAME: &'static str = "what has to be verified";
    const VALUES: &'static [&'static str] = &["never", "untrusted", "always"];
    const PLACEHOLDER: &'static str = "WHAT";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        match text {
            "never" => Ok(Self::Never),
            "untrusted" => Ok(Self::Untrusted),
            "always" => Ok(Self::Always),
            _ => Err("never, untrusted or always is expected".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Never => "never",
            Self::Untrusted => "untrusted",
            Self::Always => "always",
        }
        .to_owned()
    }
}

/// A path without `.` and doubled slashes. Whatever `..` leads to is for the file system to say.
pub(super) fn tidy(path: &Path) -> PathBuf {
    path.components()
        .filter(|component| *component != Component::CurDir)
        .collect()
}

/// The name or address of a host, without a port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HostName(Host<String>);

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Word for HostName {
    const NAME: &'static str = "host name";
    const PLACEHOLDER: &'static str = "HOST";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        // An IPv6 address is meant whether it has brackets or not.
        if let Ok(address) = text.parse() {
            return Ok(Self(Host::Ipv6(address)));
        }
        Host::parse(text)
            .map(Self)
            .map_err(|_| "a host name without scheme and port is expected, as in odcs.example.com".to_owned())
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

impl Word for IpNet {
    const NAME: &'static str = "IP address, or network as in 10.0.0.0/8";
    const PLACEHOLDER: &'static str = "NETWORK";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(address.into());
        }
        let network: Self = text.parse().map_err(|_| {
            "an IP address or a network is expected, as in 127.0.0.1, 10.0.0.0/8 or fd00::/8".to_owned()
        })?;
        if network.trunc() == network {
            Ok(network)
        } else {
            Err(format!(
                "the address of the whole network is expected, {}",
                network.trunc()
            ))
        }
    }

    fn show(&self) -> String {
        if self.prefix_len() == self.max_prefix_len() {
            self.addr().to_string()
        } else {
            self.to_string()
        }
    }
}

impl Word for UrlPrefix {
    const NAME: &'static str = "http, https or git URL under which everything may be fetched";
    const PLACEHOLDER: &'static str = "URL";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        text.parse().map_err(|error: odcs_core::Error| {
            // The text itself is named behind this.
            let why = error.message().rsplit_once("is no URL prefix: ");
            why.map_or(error.message(), |(_, why)| why).to_owned()
        })
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Word for LinkFallback {
    const NAME: &'static str = "way to place packages";
    const VALUES: &'static [&'static str] = &["copy", "fail"];
    const PLACEHOLDER: &'static str = "WAY";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        match text {
            "copy" => Ok(Self::Copy),
            "fail" => Ok(Self::Fail),
            _ => Err("copy or fail is expected".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Fail => "fail".to_owned(),
            _ => "copy".to_owned(),
        }
    }
}

impl Word for Verification {
    const NAME: &'static str = "choice of files";
    const VALUES: &'static [&'static str] = &["changed", "always"];
    const PLACEHOLDER: &'static str = "WHICH";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        match text {
            "changed" => Ok(Self::Changed),
            "always" => Ok(Self::Always),
            _ => Err("changed or always is expected".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Always => "always".to_owned(),
            _ => "changed".to_owned(),
        }
    }
}

impl Word for WriteCompression {
    const NAME: &'static str = "compression";
    const VALUES: &'static [&'static str] = &["gz", "zstd"];
    const PLACEHOLDER: &'static str = "COMPRESSION";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        match text {
            "gz" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => Err("gz or zstd is expected".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Gzip => "gz".to_owned(),
            Self::Zstd => "zstd".to_owned(),
        }
    }
}

/// A program: an absolute path, or a name to be looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Program(pub(crate) PathBuf);

impl Program {
    pub(crate) fn xorriso() -> Self {
        Self("xorriso".into())
    }
}

impl Word for Program {
    const NAME: &'static str = "name or path of a program";
    const PLACEHOLDER: &'static str = "PROGRAM";

    fn parse(text: &str, dir: &Path) -> Result<Self, String> {
        match text {
            "" | "." | ".." => Err("the name or path of a program is expected".to_owned()),
            _ if text.chars().any(char::is_control) => {
                Err("the name or path of a program is expected".to_owned())
            }
            _ if text.contains('/') => Ok(Self(tidy(&dir.join(text)))),
            _ => Ok(Self(text.into())),
        }
    }

    fn show(&self) -> String {
        self.0.display().to_string()
    }
}

/// What the log looks like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

impl Word for LogFormat {
    const NAME: &'static str = "format";
    const VALUES: &'static [&'static str] = &["text", "json"];
    const PLACEHOLDER: &'static str = "FORMAT";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("text or json is expected".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Json => "json".to_owned(),
        }
    }
}

/// One of a closed set, by its name.
fn one_of<T>(text: &str, all: impl Iterator<Item = T>, name: impl Fn(&T) -> &str) -> Result<T, String> {
    let mut all: Vec<T> = all.collect();
    if let Some(found) = all.iter().position(|value| name(value) == text) {
        return Ok(all.swap_remove(found));
    }
    let names: Vec<&str> = all.iter().map(&name).collect();
    Err(match nearest(text, names.iter().copied()) {
        Some(nearest) => format!("one of {} is expected, perhaps {nearest}", names.join(", ")),
        None => format!("one of {} is expected", names.join(", ")),
    })
}

impl Word for Flag {
    const NAME: &'static str = "flag of a request";
    const PLACEHOLDER: &'static str = "FLAG";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        if text == "no_flags" {
            return Err("requests without flags need no permission: a flag is expected".to_owned());
        }
        one_of(text, Self::ALL.into_iter(), |flag| flag.as_str())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Word for ComposeResult {
    const NAME: &'static str = "result of a compose";
    const PLACEHOLDER: &'static str = "RESULT";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        one_of(text, Self::ALL.into_iter(), |result| result.as_str())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Word for TreeArch {
    const NAME: &'static str = "arch";
    const PLACEHOLDER: &'static str = "ARCH";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        one_of(text, Self::all(), |arch| arch.as_str())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Word for SourceKind {
    const NAME: &'static str = "source type";
    const PLACEHOLDER: &'static str = "TYPE";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        one_of(text, Self::BUILTIN.into_iter(), |kind| kind.name())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// Defines a text with rules: what it is, and whether a text is one.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $placeholder:literal, $expected:literal, $check:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub(crate) struct $name(pub(crate) String);

        impl Word for $name {
            const NAME: &'static str = $what;
            const PLACEHOLDER: &'static str = $placeholder;

            fn parse(text: &str, _: &Path) -> Result<Self, String> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.to_owned())) } else { Err($expected.to_owned()) }
            }

            fn show(&self) -> String {
                self.0.clone()
            }
        }
    )*};
}

texts! {
    /// A source as requests name it: a tag, a module, a path, …
    SourceName, "source as requests name it", "SOURCE", "one word is expected", |text| {
        (1..=2048).contains(&text.len()) && !text.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    /// The URL of a git repository.
    GitUrl, "URL of a git repository", "URL",
    "the https, http or file URL of a git repository is expected, without user name and password", |text| {
        let plain = !text.contains(|c: char| c.is_whitespace() || c.is_control());
        let url = Url::parse(text).ok();
        plain && url.is_some_and(|url| {
            matches!(url.scheme(), "https" | "http" | "file") && url.username().is_empty() && url.password().is_none()
        })
    };
    /// A path within a git repository.
    InRepository, "path within the repository", "PATH",
    "a path within the repository is expected, relative to its top and without ..", |text| {
        let inside = |component| matches!(component, Component::Normal(_));
        !text.is_empty() && !text.starts_with('-') && !text.contains(char::is_control)
            && Path::new(text).components().all(inside)
    };
}

/// Values whose own type knows how to read them.
macro_rules! parsed {
    ($($name:ty, $what:literal, $placeholder:literal, $expected:literal;)*) => {$(
        impl Word for $name {
            const NAME: &'static str = $what;
            const PLACEHOLDER: &'static str = $placeholder;

            fn parse(text: &str, _: &Path) -> Result<Self, String> {
                Self::from_str(text).map_err(|_| $expected.to_owned())
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

parsed! {
    ComposeType, "compose type", "TYPE", "a compose type is expected, as in test, nightly or production";
    TargetDirName, "name of a target directory", "NAME",
        "a name of letters, digits, -, _ and . is expected that does not begin with -";
    RawConfigKey, "name of a Pungi configuration", "NAME", "a name without white space and # is expected";
    GitReference, "commit, branch or tag", "COMMIT", "a git commit, branch or tag is expected";
}
