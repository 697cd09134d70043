//! One commit of a git repository, by the program `git`.
//!
//! Git speaks to the server and verifies what it sends; it does nothing else. It gets an environment and a
//! configuration that have nothing but what is set here, a repository without hooks that exists for this fetch only,
//! and addresses that were found to be allowed, so that it looks none up by itself. What it has fetched is listed and
//! counted before any of it is written ([`listing`]), and the files are written as they were committed ([`unpack`]).

mod error;
mod listing;
mod process;
#[cfg(test)]
mod tests;
mod unpack;

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use odcs_core::fetch::{CommitId, GitCommit};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::error::shown;
use crate::settings::FetchSettings;
pub use error::GitError;
use listing::Fault;
use process::Git;

/// Bytes of a repository's URL.
const LONGEST_URL: usize = 2000;
/// Bytes that the packed files and their index may take besides those of the files.
const PACKED: u64 = 16 << 20;
/// Bytes of what git says of one object.
const WORD: u64 = 200;
/// The first version that can be told addresses.
const OLDEST: (u32, u32) = (2, 37);
/// Slowness is judged over so long.
const A_MINUTE: Duration = Duration::from_secs(60);

/// How a server is reached.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// At one of these addresses, which were looked up, and are allowed.
    Direct(Vec<IpAddr>),
    /// By a proxy, which looks the address up.
    Proxy(Url),
}

/// What is spoken with the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Protocol {
    Https,
    /// Repositories of this machine: for tests, there is no other way to this.
    #[cfg(test)]
    File,
}

impl Protocol {
    fn scheme(self) -> &'static str {
        match self {
            Self::Https => "https",
            #[cfg(test)]
            Self::File => "file",
        }
    }
}

/// Refuses repositories that may not be fetched from, as far as their URLs say.
///
/// # Errors
/// [`GitError::Refused`].
pub(crate) fn check(settings: &FetchSettings, repository: &Url) -> Result<(), GitError> {
    check_for(Protocol::Https, settings, repository)
}

fn check_for(protocol: Protocol, settings: &FetchSettings, repository: &Url) -> Result<(), GitError> {
    let refused = |why| Err(refused(repository, why));
    if repository.scheme() != protocol.scheme() {
        return refused("git repositories are fetched over https only");
    }
    if repository.as_str().len() > LONGEST_URL {
        return refused("its URL is too long");
    }
    if repository.query().is_some() || repository.fragment().is_some() {
        return refused("the URL of a repository has neither ? nor #");
    }
    #[cfg(test)]
    if protocol == Protocol::File {
        return Ok(());
    }
    // Programs do not agree whether a name with a dot at its end is another one.
    if repository.host_str().is_none_or(|host| host.ends_with('.')) {
        return refused("a host name without a dot at its end is expected");
    }
    // Git and curl read the URL once more.
    if !settings.allowed.allows_text(repository.as_str()) {
        return refused("it is not below one of the URLs that are allowed");
    }
    Ok(())
}

fn refused(repository: &Url, why: &'static str) -> GitError {
    GitError::Refused {
        repository: shown(repository),
        why,
    }
}

/// Fetches the files of a commit into a directory that is there, and empty. What is in it after a failure is for the
/// caller to remove. When this is dropped, git is killed with everything it has started.
///
/// # Errors
/// See [`GitError`].
pub(crate) async fn fetch_commit(
    settings: &FetchSettings,
    route: &Route,
    commit: &GitCommit,
    directory: &Path,
) -> Result<(), GitError> {
    fetch_by(Protocol::Https, settings, route, commit, directory).await
}

async fn fetch_by(
    protocol: Protocol,
    settings: &FetchSettings,
    route: &Route,
    commit: &GitCommit,
    directory: &Path,
) -> Result<(), GitError> {
    check_for(protocol, settings, &commit.repository)?;
    let fetching = fetch(protocol, settings, route, commit, directory);
    match tokio::time::timeout(settings.git_timeout, fetching).await {
        Ok(fetched) => fetched,
        Err(_) => Err(GitError::TooLong {
            repository: commit.repository.to_string(),
            after: settings.git_timeout,
        }),
    }
}

async fn fetch(
    protocol: Protocol,
    settings: &FetchSettings,
    route: &Route,
    commit: &GitCommit,
    directory: &Path,
) -> Result<(), GitError> {
    let failed = |operation, source| GitError::Directory {
        operation,
        path: directory.to_owned(),
        source,
    };
    if matches!(route, Route::Direct(addresses) if addresses.is_empty()) {
        // Git would look it up by itself.
        return Err(refused(
            &commit.repository,
            "its host has no address that may be connected to",
        ));
    }
    let directory = std::path::absolute(directory).map_err(|error| failed("find", error))?;
    // No commit can have anything of that name: it is in nobody's way, and gone at the end.
    let scratch = tempfile::Builder::new()
        .prefix(".git")
        .rand_bytes(0)
        .tempdir_in(&directory);
    let scratch = scratch.map_err(|error| failed("make a repository in", error))?;
    let bundle = scratch.path().join("ca.pem");
    let configuration = configuration(settings, route, &commit.repository, &bundle);
    if protocol == Protocol::Https {
        let authorities = settings.ca_files.clone();
        let written = tokio::task::spawn_blocking(move || write_authorities(&authorities, &bundle)).await;
        written.map_err(|error| failed("write to", error.into()))??;
    }
    let largest = commit.limit.saturating_add(PACKED);
    let git = Git::new(
        &settings.git,
        scratch.path(),
        protocol.scheme(),
        &configuration,
        largest,
    )
    .with_secrets(secrets(route));
    check_version(&git).await?;
    obtain(&git, commit).await?;
    let entries = list(&git, commit).await?;
    unpack::unpack(&git, entries, &directory).await?;
    scratch
        .close()
        .map_err(|error| failed("remove the repository in", error))
}

/// The settings that git has names for.
fn configuration(
    settings: &FetchSettings,
    route: &Route,
    repository: &Url,
    authorities: &Path,
) -> Vec<(&'static str, OsString)> {
    let (proxy, resolve) = match route {
        Route::Proxy(proxy) => (proxy.to_string(), None),
        Route::Direct(addresses) => (String::new(), pinned(repository, addresses)),
    };
    // A whole minute, in which at least so much has to come: git has no other limit of that kind.
    let rate = (settings.bytes_per_minute / A_MINUTE.as_secs()).max(1);
    let mut configuration: Vec<(&str, OsString)> = vec![
        ("http.proxy", proxy.into()),
        ("http.lowSpeedLimit", rate.to_string().into()),
        ("http.lowSpeedTime", A_MINUTE.as_secs().to_string().into()),
        ("http.sslCAInfo", authorities.into()),
        ("http.proxySSLCAInfo", authorities.into()),
    ];
    configuration.extend(resolve.map(|resolve| ("http.curloptResolve", resolve.into())));
    if let Some((certificate, key)) = &settings.client_certificate {
        configuration.push(("http.sslCert", absolute(certificate)));
        configuration.push(("http.sslKey", absolute(key)));
    }
    configuration
}

/// The user name and the password of a proxy, as its URL has them and as they are.
fn secrets(route: &Route) -> Vec<String> {
    let Route::Proxy(proxy) = route else {
        return Vec::new();
    };
    let Some(password) = proxy.password() else {
        return Vec::new();
    };
    let decoded = percent_decode_str(password).decode_utf8_lossy().into_owned();
    [
        format!("{}:{password}@", proxy.username()),
        password.to_owned(),
        decoded,
    ]
    .into_iter()
    .filter(|secret| !secret.is_empty())
    .collect()
}

/// Git does not run where the service does.
fn absolute(path: &Path) -> OsString {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .into()
}

/// `HOST:PORT:ADDRESS,ADDRESS`: what curl takes for the addresses of a host without asking anybody.
fn pinned(repository: &Url, addresses: &[IpAddr]) -> Option<String> {
    // An address stands for itself.
    let Some(Host::Domain(host)) = repository.host() else {
        return None;
    };
    let port = repository.port_or_known_default()?;
    let addresses: Vec<String> = addresses
        .iter()
        .map(|address| match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        })
        .collect();
    Some(format!("{host}:{port}:{}", addresses.join(",")))
}

/// Writes all authorities that are trusted, those of the system and the given ones, into one file: git takes no more.
fn write_authorities(given: &[PathBuf], bundle: &Path) -> Result<(), GitError> {
    let mut pem = Vec::new();
    for certificate in rustls_native_certs::load_native_certs().certs {
        let text = base64::engine::general_purpose::STANDARD.encode(&certificate);
        pem.extend_from_slice(b"-----BEGIN CERTIFICATE-----\n");
        for line in text.as_bytes().chunks(64) {
            pem.extend_from_slice(line);
            pem.push(b'\n');
        }
        pem.extend_from_slice(b"-----END CERTIFICATE-----\n");
    }
    for path in given {
        #[allow(clippy::disallowed_methods, reason = "the path is the operator's own")]
        let read = std::fs::read(path);
        let read = read.map_err(|source| GitError::Certificates {
            path: path.clone(),
            source,
        })?;
        pem.extend_from_slice(&read);
        pem.push(b'\n');
    }
    #[allow(clippy::disallowed_methods, reason = "the directory has just been made here")]
    let written = std::fs::write(bundle, pem);
    written.map_err(|source| GitError::Directory {
        operation: "write",
        path: bundle.to_owned(),
        source,
    })
}

/// Makes sure that git knows `http.curloptResolve`: an older one would look addresses up by itself, without a word.
async fn check_version(git: &Git) -> Result<(), GitError> {
    let ended = git.run(&["version"], WORD).await?;
    let output = String::from_utf8_lossy(&ended.output);
    if !ended.status.success() {
        return Err(git.unexpected("version", error::quoted(ended.status, &ended.said)));
    }
    match version(&output) {
        Some(version) if version >= OLDEST => Ok(()),
        _ => Err(git.unexpected(
            "version",
            format!(
                "it is {:?}, and version {}.{} or a later one is needed",
                output.trim(),
                OLDEST.0,
                OLDEST.1
            ),
        )),
    }
}

/// The first two numbers of `git version 2.47.3`.
fn version(output: &str) -> Option<(u32, u32)> {
    let mut numbers = output.strip_prefix("git version ")?.split(['.', ' ', '-']);
    Some((
        numbers.next()?.parse().ok()?,
        numbers.next()?.trim_end().parse().ok()?,
    ))
}

/// Has the commit sent, without what was before it, and makes sure that it is one.
async fn obtain(git: &Git, commit: &GitCommit) -> Result<(), GitError> {
    let id = commit.commit.as_str();
    let format = match id.len() {
        64 => "--object-format=sha256",
        _ => "--object-format=sha1",
    };
    let made = git
        .run(
            &[
                "init",
                "--quiet",
                "--bare",
                "--template=",
                "--initial-branch=none",
                format,
            ],
            WORD,
        )
        .await?;
    if !made.status.success() {
        return Err(git.unexpected("init", error::quoted(made.status, &made.said)));
    }
    let fetched = git
        .run(
            &[
                "fetch",
                "--quiet",
                "--depth=1",
                "--no-tags",
                "--no-write-fetch-head",
                "--no-auto-maintenance",
                "--no-recurse-submodules",
                "--end-of-options",
                commit.repository.as_str(),
                id,
            ],
            WORD,
        )
        .await?;
    if !fetched.status.success() {
        return Err(error::of_fetch(
            commit,
            fetched.status,
            &fetched.said,
            git.is_full(),
        ));
    }
    // Names of objects are their checksums: git works them out from what was sent, whatever the server calls it.
    let kind = git.run(&["cat-file", "-t", id], WORD).await?;
    match (kind.status.success(), kind.output.trim_ascii_end()) {
        (true, b"commit") => Ok(()),
        (true, other) => Err(GitError::NotACommit {
            repository: commit.repository.to_string(),
            commit: id.to_owned(),
            kind: String::from_utf8_lossy(other).into_owned(),
        }),
        (false, _) => Err(GitError::NoCommit {
            repository: commit.repository.to_string(),
            commit: id.to_owned(),
        }),
    }
}

/// What the commit has in it, if that is not too much.
async fn list(git: &Git, commit: &GitCommit) -> Result<Vec<listing::Entry>, GitError> {
    let (repository, id) = (|| commit.repository.to_string(), |id: &CommitId| id.to_string());
    let arguments = [
        "ls-tree",
        "-r",
        "-t",
        "-z",
        "-l",
        "--full-tree",
        commit.commit.as_str(),
    ];
    let list = git.run(&arguments, listing::MOST_BYTES).await?;
    let too_many = || GitError::TooManyFiles {
        repository: repository(),
        commit: id(&commit.commit),
        most: listing::MOST_ENTRIES,
    };
    if list.cut {
        return Err(too_many());
    }
    if !list.status.success() {
        return Err(git.unexpected("ls-tree", error::quoted(list.status, &list.said)));
    }
    listing::parse(&list.output, commit.limit).map_err(|fault| match fault {
        Fault::NotAList => git.unexpected("ls-tree", "it printed something else than a list".to_owned()),
        Fault::TooManyEntries => too_many(),
        Fault::TooLarge => GitError::TooLarge {
            repository: repository(),
            commit: id(&commit.commit),
            limit: commit.limit,
        },
        Fault::Path(path) => GitError::BadPath {
            repository: repository(),
            commit: id(&commit.commit),
            path,
        },
    })
}
