//! The configuration of the service: which keys there are, where their values come from, and what is
//! wrong with them.
//!
//! ```text
//! file ─▶ environment ─▶ command line ─▶ defaults for the rest ─▶ rules ─▶ Configuration
//! ```
//! [`keys`] has the list of the keys, with their types, defaults and documentation; everything else is
//! made from it. A new key is an entry there, a type of values is a [`setting::Setting`].

mod elsewhere;
mod keys;
mod koji;
mod layers;
mod node;
mod options;
mod origin;
mod print;
mod reference;
mod rules;
mod setting;
mod size;
mod tables;
#[cfg(test)]
mod tests;
mod words;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use odcs_rpm::TreeArch;
use url::Url;

use crate::commands::Failure;
use keys::{CALLERS, Draft, KEYS, Machine, Origins};
use origin::{Problem, Refusal};
use words::PublicUrl;

#[cfg(feature = "repo")]
pub(crate) use elsewhere::Mirrors;
pub(crate) use keys::Configuration;
pub(crate) use options::Overrides;
pub(crate) use print::{json, toml};
pub(crate) use reference::markdown as reference;
pub(crate) use size::Size;
pub(crate) use words::{LogFormat, Verify};

/// Where a configuration file is looked for; the first that is there is taken.
const PLACES: [&str; 2] = ["odcs.toml", "/etc/odcs/odcs.toml"];

/// A configuration that the service can be started with.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) configuration: Configuration,
    pub(crate) origins: Origins,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    /// Sentences for whoever starts the service.
    pub(crate) warnings: Vec<String>,
}

/// What a program finds when it is started.
#[derive(Clone, Debug)]
struct Surroundings<'a> {
    environment: Vec<(OsString, OsString)>,
    /// The current directory.
    dir: &'a Path,
    processors: u16,
    /// Where a configuration file is looked for.
    places: &'a [&'a str],
}

/// Reads the configuration of this process.
///
/// # Errors
/// `Failure::Service` with everything that is wrong with it.
pub(crate) fn load_here(overrides: &Overrides) -> Result<Loaded, Failure> {
    let dir = std::env::current_dir()
        .map_err(|error| Failure::Service(format!("there is no current directory: {error}")))?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let surroundings = Surroundings {
        environment: std::env::vars_os().collect(),
        dir: &dir,
        processors: u16::try_from(processors).unwrap_or(u16::MAX).min(1024),
        places: &PLACES,
    };
    load(overrides, &surroundings)
        .map_err(|refusal| Failure::Service(format!("the configuration cannot be used\n{refusal}")))
}

fn load(overrides: &Overrides, surroundings: &Surroundings<'_>) -> Result<Loaded, Refusal> {
    let dir = surroundings.dir;
    let mut draft = Draft::default();
    let mut warnings = Vec::new();
    let mut problems = Vec::new();
    let file = find_file(overrides, surroundings).map_err(|problem| Refusal(vec![problem]))?;
    if let Some(file) = &file {
        problems.extend(layers::take_file(&mut draft, file));
    }
    problems.extend(layers::take_environment(
        &mut draft,
        &surroundings.environment,
        dir,
        &mut warnings,
    ));
    problems.extend(layers::take_options(&mut draft, &overrides.values, dir));
    let machine = Machine {
        dir,
        processors: surroundings.processors,
    };
    let (configuration, origins, failed) = draft.finish(&machine);
    problems.extend(rules::check(&configuration, &origins, &failed));
    if !problems.is_empty() {
        return Err(Refusal(problems));
    }
    warnings.extend(without_effect(&origins));
    warnings.extend(elsewhere::in_vain(&configuration));
    Ok(Loaded {
        configuration,
        origins,
        file: file.map(|file| file.path),
        warnings,
    })
}

/// The file that is asked for, or that is where one is looked for.
fn find_file(
    overrides: &Overrides,
    surroundings: &Surroundings<'_>,
) -> Result<Option<layers::File>, Problem> {
    let variable = || {
        let mut environment = surroundings.environment.iter();
        let found = environment.find(|(name, value)| name == "ODCS_CONFIG" && !value.is_empty());
        found.map(|(_, value)| PathBuf::from(value))
    };
    if let Some(path) = overrides.file.clone().or_else(variable) {
        let file = layers::read_file(&path, surroundings.dir)?;
        return file.map(Some).ok_or_else(|| Problem::File {
            why: "there is no such configuration file".to_owned(),
            path,
        });
    }
    for place in surroundings.places {
        if let Some(file) = layers::read_file(Path::new(place), surroundings.dir)? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Rules about callers that were set in vain: nobody knows who calls.
fn without_effect(origins: &Origins) -> Option<String> {
    let set = KEYS
        .iter()
        .filter(|key| key.group == CALLERS && origins.is_chosen(key.name));
    let set: Vec<&str> = set.map(|key| key.name).collect();
    match set.as_slice() {
        [] => None,
        [one] => Some(format!("{one} has no effect while nobody is asked who they are")),
        many => Some(format!(
            "{} have no effect while nobody is asked who they are",
            many.join(", ")
        )),
    }
}

impl Configuration {
    /// What links to composes begin with if the service listens on an address.
    pub(crate) fn public_url_at(&self, address: SocketAddr) -> Option<Url> {
        let chosen = self.public_url.clone().or_else(|| default_public_url(address));
        chosen.map(|PublicUrl(url)| url)
    }
}

/// Where clients of this machine find what listens on an address: `0.0.0.0` is none to connect to.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The public URL of a service that has none of its own; it is not known before the port is.
fn default_public_url(listen: SocketAddr) -> Option<PublicUrl> {
    let url = (listen.port() != 0).then(|| Url::parse(&format!("http://{}/composes", reachable(listen))));
    url?.ok().map(PublicUrl)
}

fn default_arches() -> Vec<TreeArch> {
    "x86_64".parse().into_iter().collect()
}

/// The defaults, for texts about them.
fn defaults() -> Configuration {
    let machine = Machine {
        dir: Path::new("/"),
        processors: 1,
    };
    Draft::default().finish(&machine).0
}
