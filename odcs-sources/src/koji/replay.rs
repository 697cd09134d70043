//! What went into a compose once, from where it was; or from where Koji has it now.

use std::collections::BTreeMap;
use std::sync::Arc;

use odcs_core::files::RelativePath;
use odcs_core::manifest::ManifestPackage;
use odcs_core::source::local::{blocking, recorded_file};
use odcs_core::source::{Candidate, PackageContent, RemoteFile, SourceRecord};
use odcs_core::{Error, ErrorKind, Manifest, Result};
use odcs_rpm::Sigkey;
use percent_encoding::percent_decode_str;
use rayon::prelude::*;

use super::Koji;
use super::client::{Build, BuildState, RpmId};
use super::paths;
use super::volume::Files;

/// What became of each package, by its place in the manifest.
type Found = Vec<Result<Candidate>>;

impl Koji {
    /// The packages of a manifest as they were, or which of them are gone. Koji moves builds to other volumes: what is
    /// not where it was is looked for where the hub has it now.
    ///
    /// # Errors
    /// As [`Manifest::replayed`]; those of the volume and the hub.
    pub(crate) async fn replay(&self, manifest: &Manifest) -> Result<PackageContent> {
        let files = self.files().await?;
        let packages: Arc<[ManifestPackage]> = manifest.packages.clone().into();
        let places = packages.iter().map(|_| None).collect();
        let mut found = self.look(&files, Arc::clone(&packages), places).await?;
        let is_lost = |result: &Result<Candidate>| matches!(result, Err(error) if !error.is_retryable());
        let lost: Vec<RpmId> = packages
            .iter()
            .zip(&found)
            .filter(|(_, result)| is_lost(result))
            .filter_map(|(package, _)| package.rpm_id.map(RpmId))
            .collect();
        if !lost.is_empty() {
            let now = self.rpms_by_id(&lost).await?;
            let moved: Vec<(usize, RelativePath)> = packages
                .iter()
                .zip(&found)
                .enumerate()
                .filter(|(_, (_, result))| is_lost(result))
                .filter_map(|(at, (package, _))| {
                    let (rpm, build) = now.get(&RpmId(package.rpm_id?))?;
                    let is_there = build.state == BuildState::Complete && rpm.nevra == package.nevra;
                    let place = place_of(package, build).ok().filter(|_| is_there)?;
                    Some((at, place))
                })
                .collect();
            let chosen: Arc<[ManifestPackage]> = moved
                .iter()
                .filter_map(|(at, _)| packages.get(*at).cloned())
                .collect();
            let (at, places): (Vec<usize>, Vec<_>) =
                moved.into_iter().map(|(at, place)| (at, Some(place))).unzip();
            let again = self.look(&files, chosen, places).await?;
            for (at, result) in at.into_iter().zip(again) {
                if let (Some(slot), true) = (found.get_mut(at), result.is_ok()) {
                    *slot = result;
                }
            }
        }
        let mut found = found.into_iter();
        manifest.replayed(|package| {
            let candidate = found.next().unwrap_or_else(|| Err(not_looked_for(package)))?;
            Ok(candidate.with_record(Arc::new(self.record_of(package))))
        })
    }

    /// Looks at packages where they were recorded, or at the places given.
    async fn look(
        &self,
        files: &Files,
        packages: Arc<[ManifestPackage]>,
        places: Vec<Option<RelativePath>>,
    ) -> Result<Found> {
        match files.clone() {
            Files::Mounted(volume) => {
                blocking(move || {
                    let recorded: Vec<&str> = packages.iter().map(|package| package.file.as_str()).collect();
                    let roots = volume.roots(&recorded)?;
                    let one = |(package, place): (&ManifestPackage, &Option<RelativePath>)| {
                        let file = match place {
                            Some(place) => volume.file(place.clone())?,
                            None => recorded_file(&roots, &package.file)?,
                        };
                        Candidate::read_recorded(package, file)
                    };
                    Ok(packages.par_iter().zip(&places).map(one).collect())
                })
                .await
            }
            Files::Served(site, fetch) => {
                let (mut found, mut asked): (BTreeMap<usize, _>, Vec<_>) = (BTreeMap::new(), Vec::new());
                for (at, (package, place)) in packages.iter().zip(places).enumerate() {
                    let place = place.map_or_else(|| recorded_below(site.url().as_str(), package), Ok);
                    match place {
                        Ok(place) => asked.push((at, package, RemoteFile::new(Arc::clone(&site), place))),
                        Err(error) => {
                            found.insert(at, Err(error));
                        }
                    }
                }
                let numbers: Vec<usize> = asked.iter().map(|(at, ..)| *at).collect();
                let asked = asked
                    .into_iter()
                    .map(|(_, package, remote)| (package, remote))
                    .collect();
                let at_once = self.settings.headers_at_once;
                let read = Candidate::read_all_recorded_remote(&*fetch, asked, at_once).await;
                found.extend(numbers.into_iter().zip(read));
                Ok(found.into_values().collect())
            }
        }
    }

    /// What is on record of a package that was in a compose.
    fn record_of(&self, package: &ManifestPackage) -> SourceRecord {
        let number = package.rpm_id.map(|id| id.to_string()).unwrap_or_default();
        let name = format!(
            "{} rpm {number} {} {}",
            self.hub.server(),
            package.nevra,
            package.digest
        );
        let mut record = SourceRecord::new(name);
        record.rpm_id = package.rpm_id;
        // A signed copy may have been removed, and made anew.
        record.modified = package.modified;
        record.sigkey = package.sigkey.as_ref().and_then(|key| key.parse().ok());
        record
    }
}

/// Where the hub has a package now.
fn place_of(package: &ManifestPackage, build: &Build) -> Result<RelativePath> {
    let nvr = &build.nvr;
    let directory = paths::build(
        build.volume.as_str(),
        nvr.name().as_str(),
        nvr.version(),
        nvr.release(),
    )?;
    let key: Option<Sigkey> = package.sigkey.as_ref().and_then(|key| key.parse().ok());
    paths::rpm(&directory, &package.nevra, key.as_ref())
}

/// Where a file was below `topurl`.
fn recorded_below(top: &str, package: &ManifestPackage) -> Result<RelativePath> {
    let below = package.file.strip_prefix(top);
    // As it was written when it was recorded: encoded.
    let path = below.and_then(|below| percent_decode_str(below).decode_utf8().ok()?.parse().ok());
    path.ok_or_else(|| {
        let shown: String = package.file.chars().take(200).collect();
        let message = format!("{shown:?} is not below {top}");
        Error::new(ErrorKind::Forbidden, "replay manifest", shown, message)
    })
}

fn not_looked_for(package: &ManifestPackage) -> Error {
    let message = "it was not looked for because of a fault in this program";
    let subject = package.nevra.to_string();
    Error::new(ErrorKind::Internal, "replay manifest", subject, message)
}
