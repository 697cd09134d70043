//! The keys: the one list that the configuration, its options, its output and its reference are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use odcs_core::SourceKind;
use odcs_core::allow::UrlAllowList;
use odcs_core::engine::RawConfig;
use odcs_core::request::{ComposeResult, ComposeType, Flag, Lifetime, RawConfigKey, TargetDirName};
use odcs_rpm::TreeArch;
use odcs_rpm::compression::WriteCompression;
use odcs_storage::{LinkFallback, Verification};
use toml::Value;

use super::elsewhere::{Direct, Mirrors, PemFile, ProxyUrl, RepositoryUrl};
use super::koji::{KojiUrl, ProfileName};
use super::node::{Limits, Node, Shape};
use super::origin::{Origin, Problem};
use super::setting::{Allowed, Setting};
use super::size::Size;
use super::tables::{LONGEST, TargetDir};
use super::words::{HostName, KeyringPath, LogFormat, Program, PublicUrl, SourceName, Verify};

/// A key of the configuration.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name in the file.
    pub(crate) name: &'static str,
    /// The chapter of the reference it belongs to.
    pub(super) group: &'static str,
    /// What it means, in Markdown; the first paragraph is the help of its option, too.
    doc: &'static str,
    /// What stands for the default where that depends on the machine.
    default: Option<&'static str>,
    /// The name of its option, without dashes.
    pub(super) option: Option<&'static str>,
    /// The smallest and the largest value, if it is a number.
    pub(super) limits: Option<Limits>,
    pub(super) shape: Shape,
    pub(super) values: &'static [&'static str],
    pub(super) placeholder: &'static str,
    pub(super) kind: fn() -> String,
    pub(super) range: fn(Limits) -> String,
    check: fn(&Node<'_>) -> Result<(), Vec<Problem>>,
}

impl Key {
    /// The environment variable.
    pub(crate) fn variable(&self) -> String {
        format!("ODCS_{}", self.name.to_uppercase())
    }

    /// The paragraphs that say what it means.
    pub(super) fn paragraphs(&self) -> Vec<String> {
        let lines: Vec<&str> = self.doc.lines().map(str::trim).collect();
        lines
            .split(|line| line.is_empty())
            .filter(|lines| !lines.is_empty())
            .map(|lines| lines.join(" "))
            .collect()
    }

    /// The default as the reference shows it, in Markdown.
    pub(super) fn default_text(&self, defaults: &Configuration) -> String {
        if let Some(text) = self.default {
            return text.to_owned();
        }
        let value = defaults.value(self);
        value.map_or_else(|| "none".to_owned(), |value| format!("`{value}`"))
    }

    /// Whether a value is one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn check(&self, node: &Node<'_>) -> Result<(), Vec<Problem>> {
        (self.check)(node)
    }

    pub(super) fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }
}

/// The chapter of the rules about callers.
pub(super) const CALLERS: &str = "Who may ask for what";

/// What defaults depend on.
#[derive(Clone, Debug)]
pub(super) struct Machine<'a> {
    /// The current directory.
    pub(super) dir: &'a Path,
    pub(super) processors: u16,
}

/// The origins of all values; those of entries and elements, too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// Where the value of a key comes from.
    pub(crate) fn of(&self, key: &str) -> &Origin {
        self.0.get(key).unwrap_or(&Origin::Default)
    }

    /// The most exact place there is for an entry of a table (`KEY.ENTRY.FIELD`) or an element of a list
    /// (`KEY.NUMBER`).
    pub(super) fn nearest(&self, path: &str) -> &Origin {
        let mut path = path;
        loop {
            match (self.0.get(path), path.rsplit_once('.')) {
                (Some(origin), _) => return origin,
                (None, Some((above, _))) => path = above,
                (None, None) => return &Origin::Default,
            }
        }
    }

    /// Takes the places of what is within a value over those of the value that it overrides.
    fn replace(&mut self, key: &str, node: &Node<'_>) {
        let within = format!("{key}.");
        self.0.retain(|path, _| path != key && !path.starts_with(&within));
        node.places(&mut self.0);
    }

    /// Whether somebody chose the value of a key.
    pub(crate) fn is_chosen(&self, key: &str) -> bool {
        *self.of(key) != Origin::Default
    }
}

macro_rules! settings {
    ($machine:ident: $([$group:literal] $(
        $(#[doc = $doc:literal])+
        $key:ident: $type:ty = $default:expr
            $(, option $option:literal)? $(, within $least:literal ..= $most:expr)? $(, shown $shown:literal)?;
    )+)+) => {
        /// The configuration in effect.
        #[derive(Clone, Debug)]
        pub(crate) struct Configuration {
            $($($(#[doc = $doc])+ pub(crate) $key: $type,)+)+
        }

        /// All keys in the order of the reference.
        pub(crate) static KEYS: &[Key] = &[$($(Key {
            name: stringify!($key),
            group: $group,
            doc: concat!($($doc, "\n"),+),
            default: maybe!($($shown)?),
            option: maybe!($($option)?),
            limits: maybe!($(($least, $most))?),
            shape: <$type as Setting>::SHAPE,
            values: <$type as Setting>::VALUES,
            placeholder: <$type as Setting>::PLACEHOLDER,
            kind: <$type as Setting>::kind,
            range: <$type as Setting>::range,
            check: |node| <$type as Setting>::read(node).map(|_| ()),
        },)+)+];

        /// A configuration that layers are being put on.
        #[derive(Clone, Debug, Default)]
        pub(super) struct Draft {
            $($($key: Option<$type>,)+)+
            origins: Origins,
            /// Keys that have a wrong value somewhere.
            failed: BTreeSet<&'static str>,
        }

        impl Draft {
            /// Takes a value of a key over whatever there was.
            pub(super) fn take(&mut self, key: &'static Key, node: &Node<'_>) -> Result<(), Vec<Problem>> {
                let read = match key.name {
                    $($(stringify!($key) => <$type as Setting>::read(node).map(|value| {
                        self.$key = Some(value);
                    }),)+)+
                    _ => Ok(()),
                };
                if read.is_ok() {
                    self.origins.replace(key.name, node);
                }
                read.inspect_err(|_| {
                    self.failed.insert(key.name);
                })
            }

            /// Fills in the defaults. The last is the keys that have a wrong value somewhere.
            pub(super) fn finish(self, $machine: &Machine<'_>) -> (Configuration, Origins, BTreeSet<&'static str>) {
                $($(let $key: $type = self.$key.unwrap_or_else(|| $default);)+)+
                (Configuration { $($($key,)+)+ }, self.origins, self.failed)
            }
        }

        impl Configuration {
            /// The value of a key as TOML; nothing if there is none.
            pub(super) fn value(&self, key: &Key) -> Option<Value> {
                match key.name {
                    $($(stringify!($key) => self.$key.show(),)+)+
                    _ => None,
                }
            }
        }
    };
}

macro_rules! maybe {
    () => {
        None
    };
    ($value:expr) => {
        Some($value)
    };
}

settings! { machine:
    ["Where the service is"]

    /// Address and port to listen on; port 0 lets the system choose one.
    listen: SocketAddr = ([127, 0, 0, 1], 5000).into(), option "listen";

    /// The URL under which clients reach the composes; the service answers under its host name, too.
    ///
    /// Links in answers and `.repo` files begin with it. Its path is where the composes are served.
    public_url: Option<PublicUrl> = super::default_public_url(listen), option "public-url",
        shown "`http://ADDRESS/composes`, with the address that is listened on";

    /// Host names under which the service answers, besides `localhost`, loopback addresses and the name in the
    /// public URL.
    ///
    /// Without authentication any other `Host` is refused, so that web pages cannot reach the service
    /// through the browser of somebody who can.
    allowed_hosts: Vec<HostName> = Vec::new();

    /// Proxies whose `X-Forwarded-*`, `X-Script-Name` and `X-Scheme` headers are believed. From everybody
    /// else they are ignored.
    trusted_proxies: Vec<IpNet> = Vec::new();

    /// The largest body of a request that is read.
    max_body_bytes: Size = Size(1 << 20), within 1024.0..=1_073_741_824.0;

    /// The log: `text` for people, `json` for programs, an object a line. `ODCS_LOG` says what is logged,
    /// as in `info,sqlx=warn`.
    log_format: LogFormat = LogFormat::Text, option "log-format";

    ["Where composes are kept"]

    /// Where records and composes are kept; composes can be hardlinked only from the same file system.
    data_dir: PathBuf = machine.dir.join("odcs-data"), option "data-dir",
        shown "`odcs-data` in the current directory";

    /// The directory that composes go to unless a request names another.
    target_dir: PathBuf = data_dir.join("composes"), option "target-dir", shown "`composes` below `data_dir`";

    /// Further directories, which requests may name as their `target_dir`. The name `default` is that of
    /// the key `target_dir`.
    extra_target_dirs: BTreeMap<TargetDirName, TargetDir> = BTreeMap::new();

    /// What to do with packages that cannot be hardlinked: `copy` shares the data blocks where the file
    /// system can, else copies; `fail` fails the compose.
    link_fallback: LinkFallback = LinkFallback::Copy, option "link-fallback";

    /// Which package files are read to their end and compared with their checksums. `changed`: those that nothing
    /// vouches for, which is what is known of a file with this inode, size and modification time, or a repository that
    /// has a checksum for one with this size and time. `always`: all of them, for every compose.
    verify_packages: Verification = Verification::Changed;

    ["What the repodata of composes is like"]

    /// How repodata is compressed: `gz`, which everything reads, or `zstd`, which is smaller and quicker to read,
    /// but not known to yum and to dnf of 2021 and before.
    repodata_compression: WriteCompression = WriteCompression::Gzip, option "repodata-compression";

    /// Write `filelists-ext`, too: the paths of all packages with the digests of what is there. The header of
    /// each package that is new is read once more for it.
    filelists_ext: bool = false;

    ["Where packages come from"]

    /// Take repositories from below these directories. Nothing outside is read, also not through symbolic
    /// links.
    repo_roots: Vec<PathBuf> = vec![machine.dir.to_owned()], option "repo-root", shown "the current directory";

    /// Take repositories from below these directories, too, but do not take their packages for what they say:
    /// anybody may put some there. They may be below `repo_roots`. Signatures have to be verified then: see
    /// `keyring`.
    untrusted_repo_roots: Vec<PathBuf> = Vec::new();

    /// The largest file of a repository's metadata that is read, as it comes.
    metadata_bytes: Size = Size(512 << 20), within 65_536.0..=1_099_511_627_776.0;

    /// The most that is read of such a file when it is decompressed.
    open_metadata_bytes: Size = Size(8 << 30), within 65_536.0..=1_099_511_627_776.0;

    /// How many times its size such a file may have when it is decompressed; what has more is taken for an attack. Its
    /// first 8 MiB do not count.
    ///
    /// Metadata of distributions has 10 to 30 times its size. Where one package is hundreds of times in a repository, in
    /// versions that differ in little, `xz` and `zstd` get 1,000 out of it.
    metadata_ratio: u64 = 100, within 10.0..=1_000_000.0;

    /// Pungi configurations in git repositories, which requests of the type `raw_config` name.
    raw_config_urls: BTreeMap<RawConfigKey, RawConfig> = BTreeMap::new();

    ["Koji"]

    /// The hub that requests of the types `tag`, `build` and `pungi_compose` are about, as in
    /// `https://koji.example.com/kojihub`. Without it, and without `koji_profile`, there are no such composes.
    koji_server: Option<KojiUrl> = None, option "koji-server";

    /// A profile of Koji's own configuration (`/etc/koji.conf`, `/etc/koji.conf.d`, `~/.koji/config`), which has the hub,
    /// where its files are, and how patient its clients are. What is said here counts before it; with another `koji_server`
    /// than the profile has, its files do not count.
    koji_profile: Option<ProfileName> = None, option "koji-profile";

    /// Where Koji's volume is mounted. Packages are hardlinked from there if composes are kept on the same file system.
    ///
    /// It is only read, and only when a compose is made: the service starts without it, too.
    koji_topdir: Option<PathBuf> = None, option "koji-topdir", shown "`topdir` of the profile";

    /// The URL of the same tree: packages are fetched from there where no volume is mounted. It need not be in
    /// `allowed_urls`, and requests cannot name it unless it is; but where its host has a private address, that has to be in
    /// `allowed_networks`.
    koji_topurl: Option<KojiUrl> = None, option "koji-topurl", shown "`topurl` of the profile";

    /// Certificates of authorities that are trusted besides those of the system when the hub is asked.
    koji_ca_file: Option<PemFile> = None, shown "`serverca` of the profile";

    /// The certificate that is shown to the hub if it asks for one, and its private key, in one file. Nothing that is
    /// asked of a hub needs a login.
    koji_client_certificate: Option<PemFile> = None, shown "`cert` of the profile";

    /// How often the hub is asked, the first time included, where it is offline or the way to it fails.
    koji_attempts: Option<u32> = None, within 1.0..=100.0, shown "as the profile has it, else `5`";

    /// How long the hub may take until the next byte of its answer comes, in seconds.
    koji_timeout: Option<Duration> = None, within 1.0..=86_400.0, shown "as the profile has it, else `300`";

    /// How many questions are put to the hub at once.
    koji_connections: usize = 4, within 1.0..=64.0;

    ["What may be fetched"]

    /// URLs that requests may make the service fetch from: those at or below one of these prefixes.
    /// An empty list allows none.
    ///
    /// Scheme, host and port have to be equal, and the path has to begin with the same segments. Redirects are followed
    /// within the list only. Mirrors, and lists of mirrors, have to be in it, too.
    allowed_urls: UrlAllowList = UrlAllowList::default(), option "allowed-url";

    /// Private, loopback and link-local addresses that hosts of `allowed_urls` may have. A host that turns out to have
    /// any other address that is not public is not connected to.
    ///
    /// An address that stands in `allowed_urls` itself, as in `http://10.0.0.7/`, is allowed there without this, and so
    /// are loopback addresses for `localhost`. Behind a `proxy` addresses are its business.
    allowed_networks: Vec<IpNet> = Vec::new();

    /// URLs whose packages are taken for what they say, as those from below `repo_roots` are: those at or below one
    /// of these prefixes. What is fetched from elsewhere is taken like what is below `untrusted_repo_roots`.
    ///
    /// It makes a difference where signatures are verified: see `verify_signatures`.
    trusted_urls: UrlAllowList = UrlAllowList::default();

    /// Where repositories have their mirrors listed: for the URL of a repository as requests name it, which may have
    /// `$basearch` in it. Of the mirrors, those are used that are in `allowed_urls`, in the order of the list; the URL
    /// itself comes last.
    mirrors: BTreeMap<RepositoryUrl, Mirrors> = BTreeMap::new();

    ["How it is fetched, and kept"]

    /// How much is kept of what was fetched, so that it need not be fetched again: packages, which composes are
    /// hardlinked from, and metadata. It is in `.content` below `target_dir`.
    ///
    /// What no compose uses makes room for what is fetched, what was not used for longest first. Where that is
    /// not enough, composes fail. `odcs store` shows what is there.
    store_bytes: Size = Size(20 << 30), option "store-bytes", within 1_048_576.0..=1_125_899_906_842_624.0;

    /// The largest package that is fetched, where nobody says its size before.
    package_bytes: Size = Size(8 << 30), within 65_536.0..=1_099_511_627_776.0;

    /// How many packages of a compose are fetched at once.
    fetches: usize = 16, within 1.0..=1024.0;

    /// How many connections there are to one host at once.
    fetch_connections: usize = 8, within 1.0..=256.0;

    /// How often a file is asked for, the first time included, where the server or the way to it fails. Attempts
    /// that brought another megabyte of it are not counted.
    fetch_attempts: u32 = 4, within 1.0..=100.0;

    /// How long nothing at all may come before a connection is given up, in seconds.
    fetch_timeout: Duration = Duration::from_secs(30), within 1.0..=3600.0;

    /// What everything is fetched through, but from hosts of `no_proxy`. Variables like `http_proxy` are not
    /// looked at.
    ///
    /// `odcs config` does not show the password.
    proxy: Option<ProxyUrl> = None;

    /// What is fetched from without the proxy.
    no_proxy: Vec<Direct> = Vec::new();

    /// Certificates of authorities that are trusted besides those of the system.
    ca_files: Vec<PemFile> = Vec::new();

    /// The certificate that is shown to servers that ask for one; `client_key` has its key.
    client_certificate: Option<PemFile> = None;

    /// The private key of `client_certificate`, without a password.
    client_key: Option<PemFile> = None;

    ["Which signatures are believed"]

    /// OpenPGP public keys that signatures of packages are verified against: a file, or a directory with files,
    /// armoured or not, like those in `/etc/pki/rpm-gpg`. They are read when the service starts.
    ///
    /// Without them a package is signed with the keys that its signatures name, which anybody can write there.
    keyring: Option<KeyringPath> = None;

    /// What has to be verified. With `untrusted` and `always`, keys that a request asks for are looked for among the
    /// signatures that a key of the keyring verifies, and the payload is compared with the header that is signed.
    ///
    /// With `untrusted` every package from below `untrusted_repo_roots`, or from a URL that is not one of `trusted_urls`,
    /// must have such a signature, with `always`
    /// every package of every source, whatever a request says about unsigned ones. With `never` signatures are
    /// believed.
    verify_signatures: Verify = if keyring.is_some() { Verify::Untrusted } else { Verify::Never },
        shown "`untrusted` with a keyring, `never` without";

    ["What requests get that do not ask for it"]

    /// How long a compose is kept, in seconds.
    seconds_to_live: Lifetime = Lifetime::DEFAULT, within 1.0..=LONGEST;

    /// The longest that a compose is kept, in seconds; requests for more are cut to it.
    max_seconds_to_live: Lifetime = Lifetime::DEFAULT_MAXIMUM, within 1.0..=LONGEST;

    /// The arches that a compose is made for.
    arches: Vec<TreeArch> = super::default_arches();

    ["How the work is done"]

    /// How many composes are made at once.
    concurrency: usize = 1, option "concurrency", within 1.0..=256.0;

    /// How many dry runs are worked out at once; whoever asks for another one is told to come again.
    dry_runs: usize = 2, within 1.0..=256.0;

    /// How long a dry run may take, in seconds.
    dry_run_timeout: Duration = Duration::from_secs(60), within 1.0..=3600.0;

    /// Threads that read packages.
    threads: u16 = machine.processors, option "threads", within 1.0..=1024.0, shown "one for each processor";

    /// How much is kept of what was found out about packages, so that the next compose need not read them again. It is
    /// in `.cache` below `target_dir`; with 0 nothing is kept.
    ///
    /// A package takes about 10 KiB, and twice that where it has many files. What was not used for longest makes room. What
    /// is damaged or missing is found out again: nothing is lost with it but time. `odcs cache` shows what is there.
    cache_bytes: Size = Size(2 << 30), option "cache-bytes", within 0.0..=1_125_899_906_842_624.0;

    /// How long a worker may go without a sign of life before its compose is taken over, in seconds.
    lease: Duration = Duration::from_secs(20), within 1.0..=86_400.0;

    /// How many workers may die over a compose before it fails.
    attempts: u32 = 3, within 1.0..=1000.0;

    /// How often a worker looks for work that it was not told of, in seconds.
    poll: Duration = Duration::from_secs(1), within 0.01..=3600.0;

    /// How often expired composes are looked for, in seconds.
    sweep: Duration = Duration::from_secs(60), option "sweep", within 1.0..=31_536_000.0;

    /// How long running composes may take to finish after SIGTERM, in seconds; then they are handed
    /// back, and the next start takes them up again.
    grace: Duration = Duration::from_secs(30), option "grace", within 0.0..=31_536_000.0;

    /// The program that makes ISO images: a path, or a name that is looked for in `PATH` when the service starts.
    /// Where it is not found, requests for the result `iso` are refused.
    xorriso: Program = Program::xorriso();

    ["Who may ask for what"]

    /// Source types that requests may have.
    allowed_source_types: Allowed<SourceKind> = Allowed::Anything;

    /// Sources that requests may name: tags, modules, paths.
    allowed_sources: Allowed<SourceName> = Allowed::Anything;

    /// Flags that requests may set. Requests without flags need no permission.
    allowed_flags: Allowed<Flag> = Allowed::Anything;

    /// Results that requests may ask for.
    allowed_results: Allowed<ComposeResult> = Allowed::Anything;

    /// Arches that requests may ask for.
    allowed_arches: Allowed<TreeArch> = Allowed::Anything;

    /// Types that composes may have.
    allowed_compose_types: Allowed<ComposeType> = Allowed::Anything;

    /// Target directories that requests may name.
    allowed_target_dirs: Allowed<TargetDirName> = Allowed::Only(vec![TargetDirName::default()]);

    /// Pungi configurations that requests may name.
    allowed_raw_config_keys: Allowed<RawConfigKey> = Allowed::Anything;
}
