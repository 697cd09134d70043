//! A hub, and a server that makes composes of what it has.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use kojihub::Hub;
use odcs_rpm::{Digest, DigestAlgorithm};
use serde_json::{Value, json};

use crate::support::{Server, Start};

/// Where the server has Koji's files from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Files {
    /// The volume is mounted.
    Topdir,
    /// They are fetched.
    Topurl,
}

pub(crate) struct Lab {
    pub(crate) hub: Hub,
    pub(crate) server: Server,
    files: Files,
}

impl Lab {
    pub(crate) fn start(files: Files) -> Self {
        Self::start_with(files, |start| start)
    }

    /// With other settings, too.
    pub(crate) fn start_with(files: Files, more: impl FnOnce(Start) -> Start) -> Self {
        let start = Start::new();
        // Beside the composes, so that they can be linked.
        let hub = Hub::start_in(start.dir().parent().unwrap());
        let start = start.variable("ODCS_KOJI_SERVER", hub.url());
        let start = match files {
            Files::Topdir => start.variable("ODCS_KOJI_TOPDIR", hub.topdir().to_str().unwrap()),
            Files::Topurl => start.variable("ODCS_KOJI_TOPURL", hub.topurl()),
        };
        Self {
            server: more(start).start(),
            hub,
            files,
        }
    }

    /// With a profile of Koji's own configuration, which has no pause between attempts.
    pub(crate) fn with_profile(files: Files, more: impl FnOnce(Start) -> Start) -> Self {
        let start = Start::new();
        let hub = Hub::start_in(start.dir().parent().unwrap());
        let place = match files {
            Files::Topdir => format!("topdir = {}", hub.topdir().display()),
            Files::Topurl => format!("topurl = {}", hub.topurl()),
        };
        let profile = format!(
            "[lab]\nserver = {}\n{place}\nmax_retries = 3\nretry_interval = 0\nanon_retry = true\n",
            hub.url()
        );
        std::fs::create_dir(start.dir().join(".koji")).unwrap();
        std::fs::write(start.dir().join(".koji/config"), profile).unwrap();
        let home = start.dir().to_str().unwrap().to_owned();
        let start = start.variable("HOME", home).variable("ODCS_KOJI_PROFILE", "lab");
        Self {
            server: more(start).start(),
            hub,
            files,
        }
    }

    /// A compose that has to come about.
    pub(crate) async fn done(&self, body: &Value) -> Made {
        let record = self.server.compose(body).await;
        self.made(&record)
    }

    /// A compose that has to fail; its reason.
    pub(crate) async fn fails(&self, body: &Value, says: &[&str]) -> String {
        let record = self.server.compose(body).await;
        let reason = record["state_reason"].as_str().unwrap_or_default().to_owned();
        assert_eq!(record["state_name"], "failed", "{record}");
        let missing: Vec<_> = says.iter().filter(|word| !reason.contains(**word)).collect();
        assert!(missing.is_empty(), "{missing:?} is not in: {reason}");
        assert!(
            !reason.contains('\n') && reason.len() < 1200,
            "a sentence: {reason}"
        );
        assert!(!reason.contains("Traceback"), "{reason}");
        let compose = self
            .server
            .target()
            .join(format!("odcs-{}/compose", record["id"]));
        assert!(!compose.exists(), "nothing of it is seen: {record}");
        reason
    }

    /// What was published for a record.
    pub(crate) fn made(&self, record: &Value) -> Made {
        assert_eq!(record["state_name"], "done", "{record}");
        // A compose that shares its tree with an earlier one leads there.
        let result = record["result_repo"].as_str().unwrap();
        let directory = result
            .split('/')
            .find(|part| part.starts_with("odcs-"))
            .unwrap_or_else(|| panic!("{result}"));
        Made::read(
            record.clone(),
            &self.server.target().join(directory).join("compose"),
        )
    }

    /// The file of a package: what a build has, or what a task has made.
    fn original(&self, nevra: &str, key: &str) -> PathBuf {
        let nvra = nvra_of(nevra);
        let of_task = self.hub.topdir().join(format!("work/tasks/3/3/{nvra}.rpm"));
        match of_task.exists() {
            true => of_task,
            false => self.hub.rpm_path(&nvra, key),
        }
    }

    /// Checks that the files of a compose are those of the volume: the same inodes, or the same bytes where they were fetched.
    pub(crate) fn check_files(&self, made: &Made) {
        for (arch, packages) in &made.trees {
            for (nevra, package) in packages {
                let ours = made.compose.join(&package.path);
                let theirs = self.original(nevra, &package.key);
                let inode = |path: &Path| std::fs::metadata(path).map(|file| (file.dev(), file.ino()));
                match self.files {
                    Files::Topdir => assert_eq!(
                        inode(&ours).unwrap(),
                        inode(&theirs).unwrap(),
                        "{nevra} in {arch} is a link"
                    ),
                    Files::Topurl => assert_eq!(
                        std::fs::read(&ours).unwrap(),
                        std::fs::read(&theirs).unwrap(),
                        "{nevra} in {arch}"
                    ),
                }
            }
        }
    }
}

/// What was published.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) record: Value,
    pub(crate) compose: PathBuf,
    /// The packages of each arch by their NEVRAs; source packages stand in each.
    pub(crate) trees: BTreeMap<String, BTreeMap<String, Package>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Package {
    /// Of the copy; empty if it is the unsigned one.
    pub(crate) key: String,
    /// `binary`, `debug` or `source`.
    pub(crate) category: String,
    /// Below the compose.
    pub(crate) path: String,
}

impl Made {
    /// Reads `rpms.json`, and makes sure that it names all RPMs of the tree and no other.
    fn read(record: Value, compose: &Path) -> Self {
        let json = std::fs::read(compose.join("metadata/rpms.json")).unwrap();
        let json: Value = serde_json::from_slice(&json).unwrap();
        let mut trees = BTreeMap::new();
        let mut named = BTreeSet::new();
        let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
        for (arch, sources) in object(&json["payload"]["rpms"]["Temporary"]) {
            let packages: &mut BTreeMap<String, Package> = trees.entry(arch).or_default();
            for (_, built) in object(&Value::Object(object(&sources))) {
                for (nevra, rpm) in object(&built) {
                    let path = rpm["path"].as_str().unwrap().to_owned();
                    named.insert(path.clone());
                    let package = Package {
                        key: rpm["sigkey"].as_str().unwrap_or_default().to_owned(),
                        category: rpm["category"].as_str().unwrap().to_owned(),
                        path,
                    };
                    packages.insert(nevra, package);
                }
            }
        }
        let there = test_support::files(compose);
        let there: BTreeSet<_> = there.into_iter().filter(|path| path.ends_with(".rpm")).collect();
        assert_eq!(there, named, "what is there, and what rpms.json has");
        for package in trees.values().flat_map(BTreeMap::values) {
            let place = match package.category.as_str() {
                "source" => "Temporary/source/tree/",
                "debug" => "/debug/tree/",
                _ => "/os/",
            };
            assert!(package.path.contains(place), "{package:?}");
        }
        Self {
            record,
            compose: compose.to_owned(),
            trees,
        }
    }

    /// NEVRAs of an arch with the key of each.
    pub(crate) fn keys(&self, arch: &str) -> BTreeMap<String, String> {
        let packages = self.trees.get(arch).cloned().unwrap_or_default();
        packages
            .into_iter()
            .map(|(nevra, package)| (nevra, package.key))
            .collect()
    }

    /// All packages and repodata by path, with the digests of their bytes.
    pub(crate) fn contents(&self) -> BTreeMap<String, String> {
        let contents = test_support::contents(&self.compose.join("Temporary"));
        let contents = contents.into_iter();
        contents
            .filter(|(path, _)| path.contains("/Packages/") || path.contains("/repodata/"))
            .map(|(path, bytes)| {
                (
                    path,
                    Digest::of_bytes(DigestAlgorithm::Sha256, &bytes).hex().to_owned(),
                )
            })
            .collect()
    }
}

/// `NAME-VERSION-RELEASE.ARCH` of a NEVRA.
fn nvra_of(nevra: &str) -> String {
    let (name, rest) = nevra.split_once(':').unwrap();
    let (name, _epoch) = name.rsplit_once('-').unwrap();
    format!("{name}-{rest}")
}

/// A request for a tag.
pub(crate) fn tag(tag: &str) -> Value {
    json!({"source": {"type": "tag", "source": tag}})
}

/// A request for builds.
pub(crate) fn builds(builds: &[&str]) -> Value {
    json!({"source": {"type": "build", "source": "", "builds": builds}})
}

/// The same with a field of its source.
pub(crate) fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body["source"][field] = value.into();
    body
}
