//! A large hub, made up.

use std::path::Path;

use rpmgen::{PackageSpec, write};

use crate::state::{
    Build, BuildType, COMPLETE, Event, Life, Listing, Named, RpmInfo, RpmSig, State, TagConfig, TagPackage,
};
use crate::volume::{Volume, with_signature};
use crate::{Hub, signature};

/// The tag that everything generated is in.
pub const TAG: &str = "big";

/// When it all happened, in seconds since 1970.
const THEN: f64 = 1_790_000_000.0;

impl Hub {
    /// A hub with a tag `big` of at least so many RPMs, at most five more, each signed with all of these keys of eight digits. The
    /// signatures say who made them, and are worth nothing beyond that.
    pub fn generated(place: &Path, rpms: usize, keys: &[&str]) -> Self {
        let dir = tempfile::Builder::new().prefix("koji").tempdir_in(place).unwrap();
        let volume = Volume {
            topdir: dir.path().join("topdir"),
        };
        let mut state = empty();
        while state.rpminfo.len() < rpms {
            add_build(&mut state, &volume, keys);
        }
        Self::with(state, volume, dir)
    }
}

fn empty() -> State {
    let named = |id, name: &str| Named {
        id,
        name: name.to_owned(),
    };
    State {
        events: vec![Event {
            id: 1,
            time: "2026-09-21 14:13:20.000000+00:00".to_owned(),
            ts: THEN,
        }],
        users: vec![named(1, "kojiadmin")],
        tag: vec![named(1, TAG)],
        tag_config: vec![TagConfig {
            tag_id: 1,
            arches: Some("x86_64".to_owned()),
            perm_id: None,
            locked: false,
            maven_support: false,
            maven_include_all: false,
            life: Life::from(1),
        }],
        volume: vec![named(0, "DEFAULT")],
        btype: vec![named(1, "rpm")],
        external_repo: vec![named(0, "INTERNAL")],
        ..State::default()
    }
}

/// A source package, what is built from it for x86_64, and its documentation.
fn add_build(state: &mut State, volume: &Volume, keys: &[&str]) {
    let id = i64::try_from(state.build.len()).unwrap() + 1;
    let name = format!("pkg{id:05}");
    let source = format!("{name}-1.0-1.src.rpm");
    state.package.push(Named {
        id,
        name: name.clone(),
    });
    state.tag_packages.push(TagPackage {
        package_id: id,
        tag_id: 1,
        blocked: false,
        extra_arches: None,
        life: Life::from(1),
    });
    let time = state.events[0].time.clone();
    state.build.push(Build {
        id,
        volume_id: 0,
        pkg_id: id,
        version: "1.0".to_owned(),
        release: "1".to_owned(),
        epoch: None,
        draft: false,
        source: None,
        create_event: 1,
        start_time: Some(time.clone()),
        completion_time: Some(time),
        state: COMPLETE,
        task_id: None,
        owner: 1,
        cg_id: None,
        extra: None,
    });
    state.build_types.push(BuildType {
        build_id: id,
        btype_id: 1,
    });
    state.tag_listing.push(Listing {
        build_id: id,
        tag_id: 1,
        life: Life::from(1),
    });
    let binary = |part: &str, arch: &str| {
        PackageSpec::binary(format!("{name}{part}"), "1.0", "1", arch)
            .built_from(&source)
            .with_file(format!("/usr/share/{name}{part}"), name.clone())
    };
    let specs = [
        PackageSpec::source(&name, "1.0", "1", "x86_64").with_file(format!("{name}.spec"), name.clone()),
        binary("", "x86_64").with_requires(format!("{name}-libs = 1.0-1")),
        binary("-libs", "x86_64"),
        binary("-devel", "x86_64").with_requires(format!("{name} = 1.0-1")),
        binary("-debuginfo", "x86_64"),
        binary("-doc", "noarch"),
    ];
    for spec in specs {
        add_rpm(state, volume, id, &spec, keys);
    }
}

fn add_rpm(state: &mut State, volume: &Volume, build_id: i64, spec: &PackageSpec, keys: &[&str]) {
    let bytes = write(spec).unwrap();
    let id = i64::try_from(state.rpminfo.len()).unwrap() + 1;
    let rpm = RpmInfo {
        id,
        build_id,
        buildroot_id: None,
        name: spec.name.clone(),
        version: spec.version.clone(),
        release: spec.release.clone(),
        epoch: None,
        arch: spec.file_arch().to_owned(),
        draft: Some(false),
        external_repo_id: 0,
        payloadhash: format!("{id:032x}"),
        size: i64::try_from(bytes.len()).unwrap(),
        buildtime: 1_772_409_600,
        metadata_only: false,
        extra: None,
    };
    for key in std::iter::once(&"").chain(keys) {
        let path = volume.rpm(state, &rpm, key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match *key {
            "" => std::fs::write(path, &bytes).unwrap(),
            key => {
                let header = signature::signed_header(&bytes, key);
                std::fs::write(path, with_signature(&bytes, &header)).unwrap();
            }
        }
        state.rpmsigs.push(RpmSig {
            rpm_id: id,
            sigkey: (*key).to_owned(),
            sighash: format!("{id:032x}"),
        });
    }
    state.rpminfo.push(rpm);
}
