//! What has to hold between the values of several keys.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::keys::{Configuration, Origins};
use super::origin::{Origin, Problem};
use super::setting::{Allowed, Word};
use super::words::{PublicUrl, Verify};

/// Checks a configuration. Rules about keys that have a wrong value anyway are left out.
pub(super) fn check(
    configuration: &Configuration,
    origins: &Origins,
    failed: &BTreeSet<&'static str>,
) -> Vec<Problem> {
    let mut rules = Rules {
        configuration,
        origins,
        failed,
        problems: Vec::new(),
    };
    rules.lifetimes();
    rules.raw_configs();
    rules.target_dirs();
    rules.target_urls();
    rules.lists();
    rules.signatures();
    rules.certificates();
    rules.metadata();
    rules.koji();
    rules.problems
}

struct Rules<'a> {
    configuration: &'a Configuration,
    origins: &'a Origins,
    failed: &'a BTreeSet<&'static str>,
    problems: Vec<Problem>,
}

impl Rules<'_> {
    fn are_sound(&self, keys: &[&str]) -> bool {
        !keys.iter().any(|key| self.failed.contains(key))
    }

    /// Puts the blame on the first of the keys that somebody chose.
    fn wrong(&mut self, keys: &[&str], why: String) {
        let key = keys
            .iter()
            .find(|key| self.origins.is_chosen(key))
            .or(keys.first());
        if let Some(key) = key {
            self.wrong_within(key, key, why);
        }
    }

    /// Puts the blame on something within the value of a key; `named` is what the message calls it.
    fn wrong_within(&mut self, path: &str, named: &str, why: String) {
        self.problems.push(Problem::Value {
            at: self.origins.nearest(path).clone(),
            key: named.to_owned(),
            why,
        });
    }

    /// A number and, if that is news, where it is from.
    fn limit(&self, key: &str, seconds: u64) -> String {
        match self.origins.of(key) {
            Origin::Default => format!("{key} is {seconds} by default"),
            origin => format!("{key} is {seconds} ({origin})"),
        }
    }

    fn lifetimes(&mut self) {
        let keys = ["seconds_to_live", "max_seconds_to_live"];
        let default = self.configuration.seconds_to_live;
        let maximum = self.configuration.max_seconds_to_live;
        if !self.are_sound(&keys) || default <= maximum {
            return;
        }
        let (default, maximum) = (default.seconds(), maximum.seconds());
        if self.origins.is_chosen(keys[0]) {
            let limit = self.limit(keys[1], maximum);
            self.wrong(
                &keys,
                format!("{default} is longer than composes are ever kept: {limit}"),
            );
        } else {
            let limit = self.limit(keys[0], default);
            let why = format!("{maximum} is shorter than composes are kept that ask for nothing: {limit}");
            self.wrong(&keys, why);
        }
    }

    fn raw_configs(&mut self) {
        if !self.are_sound(&["raw_config_urls", "max_seconds_to_live"]) {
            return;
        }
        let general = self.configuration.max_seconds_to_live;
        for (name, raw) in &self.configuration.raw_config_urls {
            let Some(default) = raw.default_lifetime else {
                continue;
            };
            let limit = match raw.maximum_lifetime {
                Some(own) if default > own => {
                    format!("max_seconds_to_live of {name} is {own}", own = own.seconds())
                }
                None if default > general => self.limit("max_seconds_to_live", general.seconds()),
                _ => continue,
            };
            let seconds = default.seconds();
            let why = format!("{seconds} is longer than composes are ever kept: {limit}");
            let path = format!("raw_config_urls.{name}.seconds_to_live");
            self.wrong_within(&path, &path, why);
        }
    }

    fn target_dirs(&mut self) {
        if !self.are_sound(&["data_dir", "target_dir", "extra_target_dirs"]) {
            return;
        }
        let mut taken: BTreeMap<&Path, String> = BTreeMap::new();
        taken.insert(&self.configuration.target_dir, "target_dir".to_owned());
        for (name, dir) in &self.configuration.extra_target_dirs {
            let path = format!("extra_target_dirs.{name}");
            if name.as_str() == "default" {
                let why = "default is the name of the key target_dir; another name is expected".to_owned();
                self.wrong_within(&path, &path, why);
                continue;
            }
            if let Some(other) = taken.insert(&dir.path, name.to_string()) {
                let why = format!("{} is the path of {other} already", dir.path.display());
                self.wrong_within(&path, &path, why);
            }
        }
    }

    /// Composes of two directories under one URL: those of the second would not be found there.
    fn target_urls(&mut self) {
        if !self.are_sound(&["listen", "public_url", "extra_target_dirs"]) {
            return;
        }
        let plain = |url: &PublicUrl| url.0.as_str().trim_end_matches('/').to_owned();
        let mut taken = BTreeMap::new();
        if let Some(url) = &self.configuration.public_url {
            taken.insert(plain(url), "public_url".to_owned());
        }
        for (name, dir) in &self.configuration.extra_target_dirs {
            let Some(url) = &dir.url else { continue };
            if let Some(other) = taken.insert(plain(url), name.to_string()) {
                let path = format!("extra_target_dirs.{name}.url");
                let why = format!("{} is the URL of {other} already", url.0);
                self.wrong_within(&path, &path, why);
            }
        }
    }

    /// Whoever asks for verification gets it.
    fn signatures(&mut self) {
        if !self.are_sound(&["keyring", "verify_signatures", "untrusted_repo_roots"]) {
            return;
        }
        let configuration = self.configuration;
        let verify = configuration.verify_signatures;
        if verify != Verify::Never && configuration.keyring.is_none() {
            let why = format!(
                "{} needs keys to verify signatures with, and keyring names none",
                Word::show(&verify)
            );
            self.wrong(&["verify_signatures"], why);
        }
        if verify == Verify::Never && !configuration.untrusted_repo_roots.is_empty() {
            let why = match self.origins.of("verify_signatures") {
                Origin::Default => {
                    "packages of untrusted directories must be verified, and keyring names no keys".to_owned()
                }
                origin => format!(
                    "packages of untrusted directories must be verified, and verify_signatures is never ({origin})"
                ),
            };
            self.wrong(&["untrusted_repo_roots"], why);
        }
    }

    /// A certificate is nothing without its key.
    fn certificates(&mut self) {
        let keys = ["client_certificate", "client_key"];
        if !self.are_sound(&keys) {
            return;
        }
        match (
            &self.configuration.client_certificate,
            &self.configuration.client_key,
        ) {
            (Some(_), None) => self.wrong(&keys, "it needs its key, and client_key names none".to_owned()),
            (None, Some(_)) => self.wrong(
                &keys,
                "it belongs to a certificate, and client_certificate names none".to_owned(),
            ),
            _ => {}
        }
    }

    /// What is not compressed at all has to fit, too.
    fn metadata(&mut self) {
        let keys = ["open_metadata_bytes", "metadata_bytes"];
        let (open, packed) = (
            self.configuration.open_metadata_bytes,
            self.configuration.metadata_bytes,
        );
        if self.are_sound(&keys) && open < packed {
            let why = format!(
                "files are read up to {packed} before they are decompressed (metadata_bytes), and only to {open} after"
            );
            self.wrong(&keys, why);
        }
    }

    /// A profile says where the files are; without one, somebody else has to.
    fn koji(&mut self) {
        let configuration = self.configuration;
        let keys = ["koji_server", "koji_profile", "koji_topdir", "koji_topurl"];
        if !self.are_sound(&keys) || configuration.koji_profile.is_some() {
            return;
        }
        let has_files = configuration.koji_topdir.is_some() || configuration.koji_topurl.is_some();
        if configuration.koji_server.is_some() && !has_files {
            let why = "where its packages are has to be said, too: koji_topdir or koji_topurl";
            self.wrong(&["koji_server"], why.to_owned());
        } else if configuration.koji_server.is_none() && has_files {
            let why = "the hub that these files belong to has to be said, too: koji_server, or koji_profile";
            self.wrong(&["koji_topdir", "koji_topurl"], why.to_owned());
        }
    }

    /// Lists name what is there.
    fn lists(&mut self) {
        let configuration = self.configuration;
        if self.are_sound(&["arches"]) && configuration.arches.is_empty() {
            self.wrong(
                &["arches"],
                "at least one arch is expected, as in [\"x86_64\"]".to_owned(),
            );
        }
        if self.are_sound(&["extra_target_dirs"])
            && let Allowed::Only(names) = &configuration.allowed_target_dirs
        {
            for (n, name) in names.iter().enumerate() {
                if name.as_str() != "default" && !configuration.extra_target_dirs.contains_key(name) {
                    let why = format!("there is no {name} in extra_target_dirs");
                    let path = format!("allowed_target_dirs.{n}");
                    self.wrong_within(&path, "allowed_target_dirs", why);
                }
            }
        }
        if self.are_sound(&["raw_config_urls"])
            && let Allowed::Only(names) = &configuration.allowed_raw_config_keys
        {
            for (n, name) in names.iter().enumerate() {
                if !configuration.raw_config_urls.contains_key(name) {
                    let why = format!("there is no {name} in raw_config_urls");
                    let path = format!("allowed_raw_config_keys.{n}");
                    self.wrong_within(&path, "allowed_raw_config_keys", why);
                }
            }
        }
    }
}
