//! What is said about places elsewhere, and the way to them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use odcs_core::allow::UrlPrefix;
use toml::Value;
use url::{Host, Url};

use super::keys::Configuration;
use super::node::{Node, Shape};
use super::origin::Problem;
use super::setting::{Item, Word};
use super::tables::{Fields, table};

/// What stands for a password that is not shown.
const HIDDEN: &str = "***";

/// A file with certificates or a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PemFile(pub(crate) PathBuf);

impl Word for PemFile {
    const NAME: &'static str = "path of a PEM file";
    const LIST: Shape = Shape::Paths;
    const PLACEHOLDER: &'static str = "FILE";

    fn parse(text: &str, dir: &Path) -> Result<Self, String> {
        let path = PathBuf::parse(text, dir).map_err(|_| "the path of a PEM file is expected");
        Ok(Self(path?))
    }

    fn show(&self) -> String {
        Word::show(&self.0)
    }
}

/// A proxy, which may have a password: it is not shown.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct ProxyUrl(pub(crate) Url);

impl Word for ProxyUrl {
    const NAME: &'static str = "http or https URL of a proxy, which may have a user name and password";
    const PLACEHOLDER: &'static str = "URL";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        let url = Url::parse(text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or("an http or https URL is expected, as in http://proxy.example.com:3128")?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("a proxy has a host and a port, but no path".to_owned());
        }
        if url.password() == Some(HIDDEN) {
            return Err(format!(
                "{HIDDEN} stands for a password that was not shown: put it in again"
            ));
        }
        Ok(Self(url))
    }

    fn show(&self) -> String {
        let mut url = self.0.clone();
        if url.password().is_some() && url.set_password(Some(HIDDEN)).is_err() {
            return HIDDEN.to_owned();
        }
        url.to_string()
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Word::show(self))
    }
}

/// What is reached without the proxy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Direct(String);

impl fmt::Display for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Word for Direct {
    const NAME: &'static str =
        "host name, which stands for those below it, too, IP address, or network as in 10.0.0.0/8";
    const PLACEHOLDER: &'static str = "HOST";

    fn parse(text: &str, dir: &Path) -> Result<Self, String> {
        if let Ok(network) = IpNet::parse(text, dir) {
            return Ok(Self(Word::show(&network)));
        }
        let expected = "a host name, an address or a network is expected, as in example.com or 10.0.0.0/8";
        // Other programs want names below another one written so.
        let name = text.strip_prefix("*.").or_else(|| text.strip_prefix('.'));
        match Host::parse(name.unwrap_or(text)) {
            Ok(Host::Domain(name)) if !name.contains('*') => Ok(Self(name)),
            _ => Err(expected.to_owned()),
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// The URL of a repository, which may have `$basearch` in it.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct RepositoryUrl(pub(crate) Url);

impl Word for RepositoryUrl {
    const NAME: &'static str = "URL of a repository";
    const PLACEHOLDER: &'static str = "URL";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        let url = plain_url(text, "https://example.com/pub/f36/$basearch/os/")?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(
                "files are looked for where this URL ends, so it can have neither ? nor #".to_owned(),
            );
        }
        Ok(Self(url))
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// The URL of a list of mirrors.
struct ListUrl(Url);

impl Word for ListUrl {
    const NAME: &'static str = "URL of a list of mirrors";
    const PLACEHOLDER: &'static str = "URL";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        let url = plain_url(
            text,
            "https://mirrors.example.com/metalink?repo=f36&arch=$basearch",
        )?;
        Ok(Self(url))
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// Reads an http or https URL that has no password.
pub(super) fn plain_url(text: &str, example: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| format!("an http or https URL is expected, as in {example}"))?;
    if url.username().is_empty() && url.password().is_none() {
        Ok(url)
    } else {
        Err("user names and passwords do not belong into this URL".to_owned())
    }
}

/// Where the mirrors of a repository are listed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Mirrors {
    /// In a text, a URL a line.
    List(Url),
    /// In a Metalink document, which has checksums, too.
    Metalink(Url),
}

impl Mirrors {
    /// Where the list is.
    pub(crate) fn url(&self) -> &Url {
        match self {
            Self::List(url) | Self::Metalink(url) => url,
        }
    }
}

impl Item for Mirrors {
    const FIELDS: &'static [(&'static str, &'static str)] = &[
        ("mirrorlist", "where a text with a URL a line is"),
        (
            "metalink",
            "where a Metalink document is, by whose checksums mirrors are left out that are behind; \
             one of the two is given",
        ),
    ];

    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
        let mut fields = Fields::of(node, Self::FIELDS)?;
        let list = fields.optional::<ListUrl>("mirrorlist");
        let metalink = fields.optional::<ListUrl>("metalink");
        if fields.count() != 1 {
            fields.wrong("either mirrorlist or metalink is expected");
        }
        let list = list.map(|ListUrl(url)| Self::List(url));
        fields.done(list.or(metalink.map(|ListUrl(url)| Self::Metalink(url))))
    }

    fn show(&self) -> Value {
        let text = |url: &Url| Some(Value::String(url.to_string()));
        match self {
            Self::List(url) => table([("mirrorlist", text(url))]),
            Self::Metalink(url) => table([("metalink", text(url))]),
        }
    }
}

/// What was said about places that nothing is ever fetched from: sentences for whoever starts the service.
pub(super) fn in_vain(configuration: &Configuration) -> Vec<String> {
    let mut warnings = Vec::new();
    let allowed = &configuration.allowed_urls;
    for trusted in configuration.trusted_urls.prefixes() {
        let overlaps = |prefix: &UrlPrefix| prefix.allows(trusted.url()) || trusted.allows(prefix.url());
        if !allowed.prefixes().iter().any(overlaps) {
            warnings.push(format!(
                "trusted_urls: nothing can be fetched from {trusted}: allowed_urls does not have it"
            ));
        }
    }
    warnings.extend(mirrors_in_vain(configuration));
    warnings
}

fn mirrors_in_vain(configuration: &Configuration) -> impl Iterator<Item = String> {
    let allowed = &configuration.allowed_urls;
    let mirrors: &BTreeMap<RepositoryUrl, Mirrors> = &configuration.mirrors;
    mirrors.iter().flat_map(move |(RepositoryUrl(repository), list)| {
        let whole = (!allowed.allows(repository))
            .then(|| format!("mirrors: requests cannot name {repository}: allowed_urls does not have it"));
        let list = (!allowed.allows(list.url())).then(|| {
            format!(
                "mirrors: the list {} of {repository} cannot be fetched: allowed_urls does not have it",
                list.url()
            )
        });
        whole.into_iter().chain(list)
    })
}
