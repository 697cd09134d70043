//! What can be chosen about the engine.

use std::collections::BTreeMap;
use std::time::Duration;

use odcs_rpm::TreeArch;

use crate::allow::UrlAllowList;
use crate::plan::SignatureRules;
use crate::request::{Lifetime, RawConfigKey};
use crate::{Error, Result};

/// Settings of the engine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineSettings {
    /// Arches of a request that names none.
    pub default_arches: Vec<TreeArch>,
    /// Lifetime of a request that names none.
    pub default_lifetime: Lifetime,
    /// The longest lifetime; longer ones are cut to it.
    pub maximum_lifetime: Lifetime,
    /// How long a worker may go without a sign of life before its compose is taken over.
    pub lease: Duration,
    /// How many workers may die over a compose before it fails: what it takes down the service with is
    /// not tried for ever. Attempts that were handed back do not count.
    pub attempts: u32,
    /// How often a worker looks for work that it was not told of.
    pub poll: Duration,
    /// How often expired composes are looked for.
    pub sweep: Duration,
    /// How many composes a worker makes at once.
    pub concurrency: usize,
    /// How many dry runs are worked out at once; whoever asks for another one has to come again.
    pub previews: usize,
    /// How long a dry run may take.
    pub preview_timeout: Duration,
    /// Name of the worker, for the record.
    pub worker: String,
    /// What requests may make the service fetch; nothing by default.
    pub allowed_urls: UrlAllowList,
    /// The Pungi configurations that requests may name; none by default.
    pub raw_configs: BTreeMap<RawConfigKey, RawConfig>,
    /// How many packages of a compose are fetched at once.
    pub fetches: usize,
    /// The most bytes that a package may have whose size nobody knows before it is fetched.
    pub package_bytes: u64,
    /// How signatures are taken; by what packages claim, by default.
    pub signatures: SignatureRules,
}

/// A Pungi configuration in a git repository, which requests name by its key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RawConfig {
    /// The repository, as `git` takes it.
    pub url: String,
    /// The configuration's file, relative to `path`, or else to the top of the repository.
    pub config_filename: String,
    /// The directory in the repository that holds it, relative to the top.
    pub path: Option<String>,
    /// The commit that is always taken, whatever requests say.
    pub commit: Option<String>,
    /// Lifetime of a request that names none; else that of all requests.
    pub default_lifetime: Option<Lifetime>,
    /// The longest lifetime; else that of all requests.
    pub maximum_lifetime: Option<Lifetime>,
}

impl EngineSettings {
    /// The defaults: x86_64, a day, at most three; leases of 20 s, three attempts, a look for work every
    /// second and for expired composes every minute, one compose at a time, two dry runs of a minute
    /// at most, nothing to fetch; what may be fetched, 16 packages of a compose at once, of 8 GiB at most.
    ///
    /// # Errors
    /// Never; the signature leaves room for defaults that depend on the machine.
    pub fn new() -> Result<Self> {
        let arch = "x86_64"
            .parse()
            .map_err(|error: odcs_rpm::Error| Error::invalid("arches", error.to_string()))?;
        Ok(Self {
            default_arches: vec![arch],
            default_lifetime: Lifetime::DEFAULT,
            maximum_lifetime: Lifetime::DEFAULT_MAXIMUM,
            lease: Duration::from_secs(20),
            attempts: 3,
            poll: Duration::from_secs(1),
            sweep: Duration::from_secs(60),
            concurrency: 1,
            previews: 2,
            preview_timeout: Duration::from_secs(60),
            worker: format!("worker-{}", std::process::id()),
            allowed_urls: UrlAllowList::default(),
            raw_configs: BTreeMap::new(),
            fetches: 16,
            package_bytes: 8 << 30,
            signatures: SignatureRules::claimed(),
        })
    }

    /// How long a compose is kept: as long as asked for, within what is usual for everything, or for the
    /// Pungi configuration that it is made with.
    pub(super) fn lifetime(&self, asked: Option<Lifetime>, raw_config: Option<&RawConfigKey>) -> Lifetime {
        let own = raw_config.and_then(|key| self.raw_configs.get(key));
        let default = own.and_then(|own| own.default_lifetime);
        let maximum = own.and_then(|own| own.maximum_lifetime);
        asked
            .unwrap_or(default.unwrap_or(self.default_lifetime))
            .min(maximum.unwrap_or(self.maximum_lifetime))
    }
}
