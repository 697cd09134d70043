//! The database of a hub: its tables, with everything that was ever in those that have a history.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// The tables. Names and columns are those of Koji's schema.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    pub(crate) events: Vec<Event>,
    pub(crate) users: Vec<Named>,
    pub(crate) tag: Vec<Named>,
    pub(crate) tag_config: Vec<TagConfig>,
    pub(crate) tag_extra: Vec<TagExtra>,
    pub(crate) tag_inheritance: Vec<Inheritance>,
    pub(crate) tag_updates: Vec<TagUpdate>,
    pub(crate) package: Vec<Named>,
    pub(crate) tag_packages: Vec<TagPackage>,
    pub(crate) tag_package_owners: Vec<TagPackageOwner>,
    pub(crate) tag_external_repos: Vec<OfTag>,
    pub(crate) group_config: Vec<OfTag>,
    pub(crate) group_package_listing: Vec<OfTag>,
    pub(crate) volume: Vec<Named>,
    pub(crate) btype: Vec<Named>,
    pub(crate) content_generator: Vec<Named>,
    pub(crate) build: Vec<Build>,
    pub(crate) build_types: Vec<BuildType>,
    pub(crate) tag_listing: Vec<Listing>,
    pub(crate) rpminfo: Vec<RpmInfo>,
    pub(crate) rpmsigs: Vec<RpmSig>,
    pub(crate) task: Vec<Task>,
    pub(crate) external_repo: Vec<Named>,
}

/// A row with an id and a name.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) id: i64,
    pub(crate) name: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: i64,
    pub(crate) time: String,
    pub(crate) ts: f64,
}

/// When a row was there.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Life {
    pub(crate) create_event: i64,
    pub(crate) revoke_event: Option<i64>,
    pub(crate) active: Option<bool>,
}

impl Life {
    /// Begins at an event.
    pub(crate) fn from(event: i64) -> Self {
        Self {
            create_event: event,
            revoke_event: None,
            active: Some(true),
        }
    }

    /// Ends at an event.
    pub(crate) fn revoke(&mut self, event: i64) {
        self.revoke_event = Some(event);
        self.active = None;
    }

    /// Whether the row can be seen at an event, or now.
    pub(crate) fn is_visible(&self, event: Option<i64>) -> bool {
        match event {
            None => self.active == Some(true),
            Some(event) => self.create_event <= event && self.revoke_event.is_none_or(|end| event < end),
        }
    }

    /// Whether it began or ended after an event.
    pub(crate) fn changed_since(&self, event: i64) -> bool {
        self.create_event > event || self.revoke_event.is_some_and(|end| end > event)
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TagConfig {
    pub(crate) tag_id: i64,
    pub(crate) arches: Option<String>,
    pub(crate) perm_id: Option<i64>,
    pub(crate) locked: bool,
    pub(crate) maven_support: bool,
    pub(crate) maven_include_all: bool,
    #[serde(flatten)]
    pub(crate) life: Life,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TagExtra {
    pub(crate) tag_id: i64,
    pub(crate) key: String,
    pub(crate) value: Option<String>,
    #[serde(flatten)]
    pub(crate) life: Life,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Inheritance {
    pub(crate) tag_id: i64,
    pub(crate) parent_id: i64,
    pub(crate) priority: i64,
    pub(crate) maxdepth: Option<i64>,
    pub(crate) intransitive: bool,
    pub(crate) noconfig: bool,
    pub(crate) pkg_filter: String,
    #[serde(flatten)]
    pub(crate) life: Life,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TagUpdate {
    pub(crate) tag_id: i64,
    pub(crate) update_event: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TagPackage {
    pub(crate) package_id: i64,
    pub(crate) tag_id: i64,
    pub(crate) blocked: bool,
    pub(crate) extra_arches: Option<String>,
    #[serde(flatten)]
    pub(crate) life: Life,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TagPackageOwner {
    pub(crate) package_id: i64,
    pub(crate) tag_id: i64,
    pub(crate) owner: i64,
    #[serde(flatten)]
    pub(crate) life: Life,
}

/// A row of which nothing is served but that it changed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct OfTag {
    pub(crate) tag_id: i64,
    #[serde(flatten)]
    pub(crate) life: Life,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Build {
    pub(crate) id: i64,
    pub(crate) volume_id: i64,
    pub(crate) pkg_id: i64,
    pub(crate) version: String,
    pub(crate) release: String,
    pub(crate) epoch: Option<i64>,
    pub(crate) draft: bool,
    pub(crate) source: Option<String>,
    pub(crate) create_event: i64,
    pub(crate) start_time: Option<String>,
    pub(crate) completion_time: Option<String>,
    pub(crate) state: i64,
    pub(crate) task_id: Option<i64>,
    pub(crate) owner: i64,
    pub(crate) cg_id: Option<i64>,
    /// A JSON document.
    pub(crate) extra: Option<String>,
}

/// The states of builds.
pub(crate) const COMPLETE: i64 = 1;
pub(crate) const DELETED: i64 = 2;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct BuildType {
    pub(crate) build_id: i64,
    pub(crate) btype_id: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Listing {
    pub(crate) build_id: i64,
    pub(crate) tag_id: i64,
    #[serde(flatten)]
    pub(crate) life: Life,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RpmInfo {
    pub(crate) id: i64,
    pub(crate) build_id: i64,
    pub(crate) buildroot_id: Option<i64>,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) release: String,
    pub(crate) epoch: Option<i64>,
    pub(crate) arch: String,
    pub(crate) draft: Option<bool>,
    pub(crate) external_repo_id: i64,
    pub(crate) payloadhash: String,
    pub(crate) size: i64,
    pub(crate) buildtime: i64,
    pub(crate) metadata_only: bool,
    pub(crate) extra: Option<String>,
}

impl RpmInfo {
    /// The name of its file.
    pub(crate) fn file_name(&self) -> String {
        format!(
            "{}-{}-{}.{}.rpm",
            self.name, self.version, self.release, self.arch
        )
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RpmSig {
    pub(crate) rpm_id: i64,
    /// Empty: the header as it was before anybody signed it.
    pub(crate) sigkey: String,
    pub(crate) sighash: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Task {
    pub(crate) id: i64,
    pub(crate) state: i64,
    pub(crate) create_time: Option<String>,
    pub(crate) start_time: Option<String>,
    pub(crate) completion_time: Option<String>,
    pub(crate) channel_id: Option<i64>,
    pub(crate) host_id: Option<i64>,
    pub(crate) parent: Option<i64>,
    pub(crate) label: Option<String>,
    pub(crate) waiting: Option<bool>,
    pub(crate) awaited: Option<bool>,
    pub(crate) owner: Option<i64>,
    pub(crate) method: String,
    pub(crate) request: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) arch: Option<String>,
    pub(crate) priority: Option<i64>,
    pub(crate) weight: Option<f64>,
}

impl State {
    /// Reads the tables of a file.
    pub(crate) fn read(path: &Path) -> Self {
        let json = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_slice(&json).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn build_by_id(&self, id: i64) -> Option<&Build> {
        // Ids count up from one in most states.
        let guess = usize::try_from(id - 1)
            .ok()
            .and_then(|index| self.build.get(index));
        guess
            .filter(|build| build.id == id)
            .or_else(|| self.build.iter().find(|build| build.id == id))
    }

    pub(crate) fn build_by_nvr(&self, name: &str, version: &str, release: &str) -> Option<&Build> {
        self.build.iter().find(|build| {
            build.version == version && build.release == release && self.package_name(build.pkg_id) == name
        })
    }

    /// `NAME-VERSION-RELEASE`.
    pub(crate) fn nvr(&self, build: &Build) -> String {
        format!(
            "{}-{}-{}",
            self.package_name(build.pkg_id),
            build.version,
            build.release
        )
    }

    pub(crate) fn package_name(&self, id: i64) -> &str {
        name_of(&self.package, id).unwrap_or_default()
    }

    pub(crate) fn volume_name(&self, id: i64) -> &str {
        name_of(&self.volume, id).unwrap_or_default()
    }

    pub(crate) fn event(&self, id: i64) -> Option<&Event> {
        self.events.iter().find(|event| event.id == id)
    }

    /// The RPMs of each build, in the order of the table.
    pub(crate) fn rpms_by_build(&self) -> BTreeMap<i64, Vec<&RpmInfo>> {
        let mut rpms: BTreeMap<i64, Vec<&RpmInfo>> = BTreeMap::new();
        for rpm in &self.rpminfo {
            rpms.entry(rpm.build_id).or_default().push(rpm);
        }
        rpms
    }

    /// The keys of each RPM.
    pub(crate) fn keys_by_rpm(&self) -> BTreeMap<i64, Vec<&str>> {
        let mut keys: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
        for sig in &self.rpmsigs {
            keys.entry(sig.rpm_id).or_default().push(&sig.sigkey);
        }
        keys
    }
}

pub(crate) fn name_of(rows: &[Named], id: i64) -> Option<&str> {
    let guess = usize::try_from(id - 1).ok().and_then(|index| rows.get(index));
    guess
        .filter(|row| row.id == id)
        .or_else(|| rows.iter().find(|row| row.id == id))
        .map(|row| row.name.as_str())
}

pub(crate) fn id_of(rows: &[Named], name: &str) -> Option<i64> {
    rows.iter().find(|row| row.name == name).map(|row| row.id)
}

/// Seconds since 1970 of a time as the database prints it.
pub(crate) fn seconds(time: &str) -> f64 {
    let time: jiff::Timestamp = time.parse().unwrap_or_else(|error| panic!("{time}: {error}"));
    // Exact: fewer than 2⁵³ microseconds.
    time.as_microsecond() as f64 / 1e6
}
