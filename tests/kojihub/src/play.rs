//! What can happen while a hub runs.

use std::path::PathBuf;

use sha2::Digest;

use crate::Hub;
use crate::calls::nvr_of;
use crate::state::{
    Build, COMPLETE, DELETED, Event, Life, Listing, Named, RpmInfo, RpmSig, State, TagPackage, TagUpdate,
    id_of,
};
use crate::volume::{digests_of, with_signature};

impl Hub {
    /// The last event.
    pub fn last_event(&self) -> i64 {
        last_event(&self.shared.base.lock().unwrap().state)
    }

    /// Tags a build; the event of it. One that is tagged already becomes the one tagged last.
    pub fn tag(&self, tag: &str, nvr: &str) -> i64 {
        self.change(|state, event| {
            let (tag_id, build_id) = (tag_of(state, tag), build_of(state, nvr).id);
            revoke_listings(state, event, |row| {
                row.tag_id == tag_id && row.build_id == build_id
            });
            state.tag_listing.push(Listing {
                build_id,
                tag_id,
                life: Life::from(event),
            });
        })
    }

    /// Untags a build; the event of it.
    pub fn untag(&self, tag: &str, nvr: &str) -> i64 {
        self.change(|state, event| {
            let (tag_id, build_id) = (tag_of(state, tag), build_of(state, nvr).id);
            revoke_listings(state, event, |row| {
                row.tag_id == tag_id && row.build_id == build_id
            });
        })
    }

    /// Puts a package into the list of a tag, blocked or not; the event of it.
    pub fn list_package(&self, tag: &str, package: &str, is_blocked: bool) -> i64 {
        self.change(|state, event| {
            let tag_id = tag_of(state, tag);
            let package_id = id_of(&state.package, package).expect("there is such a package");
            for row in &mut state.tag_packages {
                if row.tag_id == tag_id && row.package_id == package_id && row.life.is_visible(None) {
                    row.life.revoke(event);
                }
            }
            state.tag_packages.push(TagPackage {
                package_id,
                tag_id,
                blocked: is_blocked,
                extra_arches: None,
                life: Life::from(event),
            });
        })
    }

    /// Deletes a build: its files, its signatures, and what says that it is tagged now; the event of it.
    pub fn delete_build(&self, nvr: &str) -> i64 {
        let directory = self.build_directory(nvr);
        std::fs::remove_dir_all(directory).unwrap();
        let mut rpms = Vec::new();
        let event = self.change(|state, event| {
            let id = build_of(state, nvr).id;
            revoke_listings(state, event, |row| row.build_id == id);
            rpms = ids_of_rpms(state, id);
            state.rpmsigs.retain(|sig| !rpms.contains(&sig.rpm_id));
            for build in state.build.iter_mut().filter(|build| build.id == id) {
                build.state = DELETED;
            }
        });
        let mut base = self.shared.base.lock().unwrap();
        base.digests.retain(|rpm, _| !rpms.contains(rpm));
        event
    }

    /// Moves a build to another volume. Where it was on the default one, a relative link is left behind.
    pub fn move_build(&self, nvr: &str, volume: &str) -> i64 {
        let from = self.build_directory(nvr);
        let event = self.change(|state, event| {
            let volume_id = id_of(&state.volume, volume).unwrap_or_else(|| {
                let id = state.volume.iter().map(|volume| volume.id).max().unwrap_or(0) + 1;
                state.volume.push(Named {
                    id,
                    name: volume.to_owned(),
                });
                id
            });
            let id = build_of(state, nvr).id;
            for build in state.build.iter_mut().filter(|build| build.id == id) {
                build.volume_id = volume_id;
            }
            let tags: Vec<_> = state
                .tag_listing
                .iter()
                .filter(|row| row.build_id == id && row.life.is_visible(None))
                .map(|row| row.tag_id)
                .collect();
            state.tag_updates.extend(tags.into_iter().map(|tag_id| TagUpdate {
                tag_id,
                update_event: event,
            }));
        });
        let base = self.shared.base.lock().unwrap();
        let build = build_of(&base.state, nvr);
        let usual = self.volume.build_on(&base.state, build, "DEFAULT");
        let to = self.volume.build(&base.state, build);
        if usual.is_symlink() {
            std::fs::remove_file(&usual).unwrap();
        }
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::rename(from, &to).unwrap();
        if to != usual {
            let below = to.strip_prefix(self.topdir()).unwrap();
            std::os::unix::fs::symlink(PathBuf::from("../../..").join(below), usual).unwrap();
        }
        event
    }

    /// Signs a build with a key whose signatures Koji has kept headers of: rows and signed copies. There is no event of it.
    pub fn sign(&self, nvr: &str, key: &str) {
        self.import_signature(nvr, key);
        self.write_signed(nvr, key);
    }

    /// Puts a signature on record, and makes no signed copies.
    pub fn import_signature(&self, nvr: &str, key: &str) {
        self.forget_signature_rows(nvr, key);
        let mut base = self.shared.base.lock().unwrap();
        let rows: Vec<_> = rpms_of(&base.state, nvr)
            .map(|rpm| {
                let header = std::fs::read(self.volume.sigcache(&base.state, rpm, key))
                    .expect("the header of the signature is kept");
                let hash = md5::Md5::digest(&header);
                RpmSig {
                    rpm_id: rpm.id,
                    sigkey: key.to_owned(),
                    sighash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
                }
            })
            .collect();
        base.state.rpmsigs.extend(rows);
    }

    /// Makes the signed copies of a build. The hub knows their digests from then on.
    pub fn write_signed(&self, nvr: &str, key: &str) {
        let mut base = self.shared.base.lock().unwrap();
        let mut digests = Vec::new();
        for rpm in rpms_of(&base.state, nvr) {
            let header = std::fs::read(self.volume.sigcache(&base.state, rpm, key))
                .expect("the header of the signature is kept");
            let plain = std::fs::read(self.volume.rpm(&base.state, rpm, "")).unwrap();
            let signed = with_signature(&plain, &header);
            digests.push((rpm.id, digests_of(&signed)));
            let to = self.volume.rpm(&base.state, rpm, key);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::write(to, signed).unwrap();
        }
        for (rpm, both) in digests {
            base.digests.entry(rpm).or_default().insert(key.to_owned(), both);
        }
    }

    /// Removes the signatures of a key and makes them again: the signed copies have other bytes in their signature headers,
    /// and the hub other digests.
    pub fn sign_again(&self, nvr: &str, key: &str) {
        let headers: Vec<PathBuf> = {
            let base = self.shared.base.lock().unwrap();
            let rpms = rpms_of(&base.state, nvr);
            rpms.map(|rpm| self.volume.sigcache(&base.state, rpm, key))
                .collect()
        };
        for path in headers {
            let mut header = std::fs::read(&path).unwrap();
            // The space that is kept free for signatures: nobody reads what is there.
            const FREE: usize = 1000;
            let free = header
                .windows(FREE)
                .rposition(|bytes| bytes.iter().all(|byte| *byte == 0));
            header[free.expect("there is free space") + FREE / 2] = 1;
            std::fs::write(path, header).unwrap();
        }
        self.unsign(nvr, key);
        self.sign(nvr, key);
    }

    /// As if a build had never been signed with a key: no rows, no signed copies. [`sign`](Self::sign) undoes it.
    pub fn unsign(&self, nvr: &str, key: &str) {
        self.forget_signature_rows(nvr, key);
        self.remove_signed(nvr, key);
    }

    /// Removes the signed copies of a build, and says nothing of it: they can be made again.
    pub fn remove_signed(&self, nvr: &str, key: &str) {
        let mut base = self.shared.base.lock().unwrap();
        let mut ids = Vec::new();
        for rpm in rpms_of(&base.state, nvr) {
            let _ = std::fs::remove_file(self.volume.rpm(&base.state, rpm, key));
            ids.push(rpm.id);
        }
        for id in ids {
            if let Some(known) = base.digests.get_mut(&id) {
                known.remove(key);
            }
        }
    }

    fn forget_signature_rows(&self, nvr: &str, key: &str) {
        let mut base = self.shared.base.lock().unwrap();
        let build = build_of(&base.state, nvr).id;
        let rpms = ids_of_rpms(&base.state, build);
        base.state
            .rpmsigs
            .retain(|sig| sig.sigkey != key || !rpms.contains(&sig.rpm_id));
    }

    /// Where a build is on the volume.
    pub fn build_directory(&self, nvr: &str) -> PathBuf {
        let base = self.shared.base.lock().unwrap();
        self.volume.build(&base.state, build_of(&base.state, nvr))
    }

    /// The file of an RPM `NAME-VERSION-RELEASE.ARCH`: the copy that is signed with a key, or the unsigned one if it is empty.
    pub fn rpm_path(&self, nvra: &str, key: &str) -> PathBuf {
        let base = self.shared.base.lock().unwrap();
        let file = format!("{nvra}.rpm");
        let rpm = base.state.rpminfo.iter().find(|rpm| rpm.file_name() == file);
        self.volume
            .rpm(&base.state, rpm.unwrap_or_else(|| panic!("no {nvra}")), key)
    }

    /// Changes the database at a new event.
    fn change(&self, change: impl FnOnce(&mut State, i64)) -> i64 {
        let mut base = self.shared.base.lock().unwrap();
        let state = &mut base.state;
        let event = last_event(state) + 1;
        // A second later: what is recorded must not depend on when it runs.
        let ts = state.events.last().map_or(0.0, |event| event.ts) + 1.0;
        let time = jiff::Timestamp::from_second(0).unwrap() + jiff::SignedDuration::from_secs_f64(ts);
        state.events.push(Event {
            id: event,
            time: time.strftime("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string(),
            ts,
        });
        change(state, event);
        event
    }
}

fn last_event(state: &State) -> i64 {
    state.events.iter().map(|event| event.id).max().unwrap_or(0)
}

fn tag_of(state: &State, name: &str) -> i64 {
    id_of(&state.tag, name).unwrap_or_else(|| panic!("no tag {name}"))
}

fn build_of<'s>(state: &'s State, nvr: &str) -> &'s Build {
    let (name, version, release) = nvr_of(nvr).unwrap();
    let build = state.build_by_nvr(name, version, release);
    let build = build.unwrap_or_else(|| panic!("no build {nvr}"));
    assert_eq!(build.state, COMPLETE, "{nvr} is complete");
    build
}

fn rpms_of<'s>(state: &'s State, nvr: &str) -> impl Iterator<Item = &'s RpmInfo> {
    let build = build_of(state, nvr).id;
    state.rpminfo.iter().filter(move |rpm| rpm.build_id == build)
}

fn ids_of_rpms(state: &State, build: i64) -> Vec<i64> {
    let rpms = state.rpminfo.iter().filter(|rpm| rpm.build_id == build);
    rpms.map(|rpm| rpm.id).collect()
}

fn revoke_listings(state: &mut State, event: i64, is_meant: impl Fn(&Listing) -> bool) {
    for row in &mut state.tag_listing {
        if is_meant(row) && row.life.is_visible(None) {
            row.life.revoke(event);
        }
    }
}
