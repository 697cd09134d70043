//! Repositories with mirrors: which have some, and reading the lists.

use odcs_core::source::Site;
use odcs_core::{Fetch, Result};
use url::Url;

use super::error::{Reason, RepoError};
use super::metalink::{self, Accepted};

/// Bytes of a list of mirrors; those of the largest distributions have a tenth of it.
pub(super) const LIST_BYTES: u64 = 1 << 20;

/// Mirrors that are taken from a list.
const MIRRORS: usize = 200;

/// What stands for the arch in the URLs of a rule.
pub(super) const BASEARCH: &str = "$basearch";

/// A repository that is fetched from mirrors.
///
/// Requests name the repository by its own URL, which manifests record and which the mirrors stand in for. It need
/// not have anything itself: it is tried last. Of a list, the first 20 mirrors that may be fetched from are asked for
/// `repomd.xml`, one after the other; the one that has it and the seven after it are those of the compose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MirrorRule {
    /// The URL that requests name the repository by. `$basearch` in its path stands for the name of an arch; a slash
    /// at the end makes no difference.
    pub repository: Url,
    /// Where its mirrors are listed.
    pub list: MirrorList,
}

/// Where the mirrors of a repository are listed. `$basearch` stands for the arch that it has in the repository's
/// URL. The list is fetched like everything else: its URL must be allowed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MirrorList {
    /// A text with the URL of a mirror in each line.
    Mirrorlist(Url),
    /// A metalink of the repository's `repomd.xml`. A mirror with another `repomd.xml` is passed over.
    Metalink(Url),
}

impl MirrorRule {
    /// The list of a repository's mirrors, if the rule is about that repository.
    pub(super) fn list_of(&self, repository: &Url) -> Option<MirrorList> {
        let (pattern, url) = (trimmed(&self.repository), trimmed(repository));
        let arch = match pattern.split_once(BASEARCH) {
            None => (pattern == url).then_some(""),
            Some((before, _)) => {
                let rest = url.strip_prefix(before)?;
                let arch = rest.split(|c: char| !is_of_arch(c)).next();
                arch.filter(|arch| !arch.is_empty() && pattern.replace(BASEARCH, arch) == url)
            }
        }?;
        let for_arch = |list: &Url| list.as_str().replace(BASEARCH, arch).parse().ok();
        Some(match &self.list {
            MirrorList::Mirrorlist(list) => MirrorList::Mirrorlist(for_arch(list)?),
            MirrorList::Metalink(list) => MirrorList::Metalink(for_arch(list)?),
        })
    }
}

fn trimmed(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

fn is_of_arch(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Mirrors of a repository.
#[derive(Debug, Default)]
pub(super) struct Mirrors {
    /// Their directories, in order of preference.
    pub(super) urls: Vec<Url>,
    /// What their `repomd.xml` may be.
    pub(super) accepted: Accepted,
}

impl MirrorList {
    pub(super) fn url(&self) -> &Url {
        match self {
            Self::Mirrorlist(url) | Self::Metalink(url) => url,
        }
    }

    /// Reads a list. Mirrors that may not be fetched from are left out.
    pub(super) fn read(&self, bytes: &[u8], fetch: &dyn Fetch) -> Result<Mirrors> {
        let listed = match self {
            Self::Mirrorlist(url) => read_mirrorlist(url, bytes)?,
            Self::Metalink(url) => metalink::read(url, bytes)?,
        };
        let count = listed.urls.len();
        let mut urls: Vec<Url> = Vec::new();
        for url in listed.urls {
            // As a directory of files: with a slash at the end, and nothing that is not below it.
            let Ok(site) = Site::new(url) else { continue };
            let url = site.url();
            if fetch.check(url).is_ok() && !urls.contains(url) {
                urls.push(url.clone());
            }
            if urls.len() >= MIRRORS {
                break;
            }
        }
        let list = self.url();
        if urls.is_empty() {
            tracing::warn!(%list, listed = count, "none of the mirrors of this list may be fetched from");
        } else {
            tracing::info!(%list, listed = count, used = urls.len(), "a list of mirrors was read");
        }
        Ok(Mirrors { urls, ..listed })
    }
}

/// Reads lines with a URL each. Comments, and what has variables that nothing here knows, are left out.
fn read_mirrorlist(list: &Url, bytes: &[u8]) -> Result<Mirrors> {
    let no_list = |why: &'static str| {
        let expected = "a text with the URL of a directory in each line";
        RepoError::new(Reason::NoMirrorList(expected), list.as_str()).caused_by(why)
    };
    if is_web_page(bytes) {
        return Err(RepoError::new(Reason::WebPage, list.as_str()).into());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| no_list("it is not UTF-8"))?;
    if text.trim_start().starts_with('<') {
        return Err(no_list("it is XML, a metalink perhaps").into());
    }
    let urls = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.contains('$'))
        .filter_map(http)
        .collect();
    Ok(Mirrors {
        urls,
        accepted: Accepted::default(),
    })
}

/// A URL that is fetched by HTTP.
pub(super) fn http(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// Whether something is HTML, which some servers answer with where they have nothing.
pub(super) fn is_web_page(bytes: &[u8]) -> bool {
    let text = bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start();
    let begins = |with: &[u8]| {
        text.get(..with.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(with))
    };
    begins(b"<!doctype html") || begins(b"<html") || begins(b"<head") || begins(b"<body")
}

#[cfg(test)]
mod tests {
    use super::*;
    use odcs_core::allow::UrlAllowList;
    use odcs_core::fetch::{Get, GitCommit, Head, Sink};
    use odcs_core::{Error, ErrorKind};
    use proptest::prelude::*;

    #[derive(Debug)]
    struct Only(UrlAllowList);

    #[async_trait::async_trait]
    impl Fetch for Only {
        fn check(&self, url: &Url) -> Result<()> {
            if self.0.allows(url) {
                return Ok(());
            }
            Err(Error::new(
                ErrorKind::Forbidden,
                "fetch",
                url.as_str(),
                "it is not allowed",
            ))
        }

        async fn get(&self, _: &Get, _: &mut dyn Sink) -> Result<Head> {
            unreachable!()
        }

        async fn commit(&self, _: &GitCommit, _: &std::path::Path) -> Result<()> {
            unreachable!()
        }
    }

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn urls(mirrors: &Mirrors) -> Vec<&str> {
        mirrors.urls.iter().map(Url::as_str).collect()
    }

    #[test]
    fn rules_are_found_by_the_repository() {
        let rule = MirrorRule {
            repository: url("https://example.com/f36/$basearch/os/"),
            list: MirrorList::Metalink(url(
                "https://mirrors.example.com/metalink?repo=f36&arch=$basearch",
            )),
        };
        for same in [
            "https://example.com/f36/x86_64/os",
            "https://EXAMPLE.com:443/f36/x86_64/os/",
        ] {
            assert_eq!(
                rule.list_of(&url(same)),
                Some(MirrorList::Metalink(url(
                    "https://mirrors.example.com/metalink?repo=f36&arch=x86_64"
                ))),
                "{same}"
            );
        }
        for other in [
            "https://example.com/f36//os/",
            "https://example.com/f36/x86_64/debug/",
            "https://example.com/f36/x86_64/os/more",
            "https://example.com/f36/x86_64%2f..%2f/os/",
            "http://example.com/f36/x86_64/os/",
            "https://example.com/f36/a/b/os/",
        ] {
            assert_eq!(rule.list_of(&url(other)), None, "{other}");
        }
        let plain = MirrorRule {
            repository: url("https://example.com/updates"),
            list: MirrorList::Mirrorlist(url("https://example.com/list")),
        };
        assert!(plain.list_of(&url("https://example.com/updates/")).is_some());
        assert!(plain.list_of(&url("https://example.com/updates2/")).is_none());
    }

    #[test]
    fn of_a_list_the_allowed_urls_are_taken_in_order() {
        let fetch = Only(UrlAllowList::parse(["https://a/", "http://b/pub/"]).unwrap());
        let list = MirrorList::Mirrorlist(url("https://a/list"));
        let text = b"# mirrors\n\n https://a/x \r\nhttps://evil/x\nhttp://b/pub/y/\nhttps://a/x/\n\
            ftp://a/x\nrsync://a/x\nhttps://a/$basearch/\nhttps://me@a/x\nhttps://a/x?y\nnonsense\nhttps://a/%2e%2e/x\n";
        let mirrors = list.read(text, &fetch).unwrap();
        assert_eq!(urls(&mirrors), ["https://a/x/", "http://b/pub/y/"]);
        let many: String = (0..500).map(|number| format!("https://a/{number}/\n")).collect();
        assert_eq!(list.read(many.as_bytes(), &fetch).unwrap().urls.len(), MIRRORS);
        for (wrong, says) in [
            (&b"<!DOCTYPE html><html>"[..], "a web page"),
            (b"<?xml version=\"1.0\"?><metalink/>", "a metalink perhaps"),
            (b"\xff\xfe", "not UTF-8"),
        ] {
            let error = list.read(wrong, &fetch).unwrap_err();
            assert!(error.message().contains(says), "{error}");
        }
        assert!(list.read(b"", &fetch).unwrap().urls.is_empty());
    }

    #[test]
    fn web_pages_are_told_from_metadata() {
        for page in ["<!DOCTYPE HTML><p>", " \n<html lang='en'>", "\u{feff}<HTML>"] {
            assert!(is_web_page(page.as_bytes()), "{page}");
        }
        for other in [
            "",
            "<",
            "<?xml version='1.0'?><repomd/>",
            "<repomd>",
            "https://a/html",
        ] {
            assert!(!is_web_page(other.as_bytes()), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_list_is_read_or_refused(text in "([ -~]|\n|https://a/){0,80}") {
            let fetch = Only(UrlAllowList::parse(["https://a/"]).unwrap());
            if let Ok(mirrors) = MirrorList::Mirrorlist(url("https://a/list")).read(text.as_bytes(), &fetch) {
                for url in &mirrors.urls {
                    prop_assert!(fetch.check(url).is_ok() && url.path().ends_with('/'));
                }
            }
        }
    }
}
