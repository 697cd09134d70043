//! Using the tree of an equal compose rather than making the same once more.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};

use odcs_rpm::digest::Hasher;
use odcs_rpm::repodata::UpdateInfo;
use odcs_rpm::{Digest, DigestAlgorithm};
use serde::Serialize;

use super::{Parts, lease, run};
use crate::build::{Phase, Progress};
use crate::compose::{Compose, ComposeId};
use crate::manifest::Fingerprint;
use crate::plan::{Plan, PlannedPackage, SignatureIdentity};
use crate::request::{ComposeRequest, Flag};
use crate::source::{Candidate, Pins};
use crate::store::{Equal, Lease, Outcome};
use crate::{Error, ErrorKind, Result};

/// Looks for an equal compose, waits for one that is being made, and records that it is used: this compose is
/// done then. `None` if
/// there is none, or it is of no use: then the compose has to be made.
pub(super) async fn reuse(
    parts: &Parts,
    compose: &Compose,
    request: &ComposeRequest,
    plan: &Plan,
    lease: &Lease,
    progress: &dyn Progress,
) -> Result<Option<Compose>> {
    let base = parts.links.base_of(request.target_dir.as_str());
    let layout = parts.builder.capability().layout;
    let fingerprint = fingerprint(request, plan, compose.pins.as_ref(), base, &layout)?;
    let mut waiting_for = None;
    loop {
        // Asked even if nothing is to be reused: others may want to reuse this one.
        let look = || parts.store.find_equal(lease, &fingerprint, parts.clock.now());
        let equal = lease::insist(parts, lease, look)
            .await
            .map_err(run::not_its_fault)?;
        if request.flags.contains(Flag::NoReuse) {
            return Ok(None);
        }
        match equal {
            None => return Ok(None),
            Some(Equal::Running(id)) => {
                if waiting_for.replace(id) != Some(id) {
                    progress.step(
                        Phase::Gather,
                        &format!("compose {id} is going to be the same; waiting for it"),
                    );
                }
                parts.clock.sleep(parts.settings.poll).await;
            }
            Some(Equal::Done(of)) => {
                if !is_there(parts, of).await? {
                    progress.step(
                        Phase::Gather,
                        &format!("compose {of} is the same, but its tree is not what it should be"),
                    );
                    return Ok(None);
                }
                match take(parts, lease, of).await {
                    Ok(compose) => {
                        progress.step(Phase::Publish, &format!("compose {of} is the same, and is used"));
                        return Ok(Some(compose));
                    }
                    // It has been removed meanwhile; there may be another one.
                    Err(error) if error.kind() == ErrorKind::Gone => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

/// Whether the tree is really on disk.
async fn is_there(parts: &Parts, of: ComposeId) -> Result<bool> {
    let record = parts.store.get(of).await.map_err(run::not_its_fault)?;
    Ok(match record {
        Some(record) => run::is_published(parts, &record).await,
        None => false,
    })
}

async fn take(parts: &Parts, lease: &Lease, of: ComposeId) -> Result<Compose> {
    let record = || {
        let outcome = Outcome::Reused {
            at: parts.clock.now(),
            reason: run::DONE.to_owned(),
            of,
        };
        parts.store.finish(lease, outcome)
    };
    lease::insist(parts, lease, record)
        .await
        .map_err(run::not_its_fault)
}

/// Everything that two composes must have in common to be the same.
#[derive(Serialize)]
struct Identity<'a> {
    /// To be raised when this engine makes something else of the same things.
    version: u32,
    /// Lists are sorted where their order does not show in the compose.
    request: &'a ComposeRequest,
    description: &'a str,
    timestamp: u64,
    arches: Vec<(&'a str, Vec<Package<'a>>)>,
    /// The URL in the `.repo` file, which an administrator may have changed since.
    base: Option<&'a str>,
    /// How the builder lays it out, which an administrator may have changed, too.
    layout: &'a str,
    /// What signatures are verified against, where they are: what only claims to be signed is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    signatures: Option<SignatureIdentity>,
    /// SHA-256 of the document with the updates: it may change while the packages stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    updateinfo: Option<&'a Digest>,
    /// Where files have no checksum, all that the source pinned: it knows what it goes by.
    pins: Option<&'a Pins>,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Package<'a> {
    kind: odcs_rpm::PackageKind,
    nevra: String,
    files: Vec<File<'a>>,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct File<'a> {
    /// Files with a checksum are what they are, wherever they are.
    digest: Option<&'a Digest>,
    path: Option<String>,
    size: u64,
    time: Option<u64>,
    signatures: Vec<&'a str>,
}

fn fingerprint(
    request: &ComposeRequest,
    plan: &Plan,
    pins: Option<&Pins>,
    base: Option<&str>,
    layout: &str,
) -> Result<Fingerprint> {
    let request = canonical(request);
    let mut arches: Vec<_> = plan
        .arches
        .iter()
        .map(|arch| {
            let mut packages: Vec<_> = arch.packages.iter().map(package).collect();
            packages.sort();
            (arch.arch.as_str(), packages)
        })
        .collect();
    arches.sort();
    let mut planned = plan.arches.iter().flat_map(|arch| &arch.packages);
    let by_checksum = planned.all(|planned| candidates(planned).all(|it| it.checksum.is_some()));
    let identity = Identity {
        version: 1,
        request: &request,
        description: &plan.source_description,
        timestamp: plan.timestamp,
        arches,
        base,
        layout,
        signatures: plan.signatures.identity(),
        updateinfo: plan.updateinfo.as_deref().map(UpdateInfo::digest),
        pins: if by_checksum { None } else { pins },
    };
    let mut hasher = BufWriter::with_capacity(HASHED, Hashing(Hasher::new(DigestAlgorithm::Sha256)));
    let written = serde_json::to_writer(&mut hasher, &identity).map_err(|error| error.to_string());
    let hashed = written.and_then(|()| hasher.into_inner().map_err(|error| error.to_string()));
    let Hashing(hasher) = hashed.map_err(|error| {
        let message = "what goes into the compose cannot be written down; this is a fault in this program";
        Error::new(ErrorKind::Internal, "compare composes", "", message).with_source(error)
    })?;
    Ok(Fingerprint::new(&hasher.finish()))
}

/// Bytes of the identity that are hashed at once.
const HASHED: usize = 32 << 10;

/// The identity of a large compose has megabytes, of which nothing but the checksum is wanted.
struct Hashing(Hasher);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The request without what does not show in the compose: how long it is kept, and where the point in time
/// came from, for that is in the packages.
fn canonical(request: &ComposeRequest) -> ComposeRequest {
    let mut request = request.clone();
    request.lifetime = None;
    request.koji_event = None;
    request.flags = request
        .flags
        .iter()
        .filter(|flag| *flag != Flag::NoReuse)
        .collect();
    request.arches = sorted(request.arches);
    request.multilib_arches = sorted(request.multilib_arches);
    request.lookaside_repos = sorted(request.lookaside_repos);
    request.packages = request.packages.filter(|list| !list.is_empty()).map(sorted);
    request.builds = request.builds.filter(|list| !list.is_empty()).map(sorted);
    request.sigkeys = request.sigkeys.filter(|list| !list.is_empty());
    request
}

/// Sorted by what is written, each once.
fn sorted<T: ToString>(list: Vec<T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    let mut list: Vec<_> = list
        .into_iter()
        .filter(|item| seen.insert(item.to_string()))
        .collect();
    list.sort_by_cached_key(ToString::to_string);
    list
}

fn package(planned: &PlannedPackage) -> Package<'_> {
    Package {
        kind: planned.kind,
        nevra: planned.candidate.package.nevra.to_string(),
        files: candidates(planned).map(file).collect(),
    }
}

/// Which of the copies is taken depends on their signatures, so all of them count.
fn candidates(planned: &PlannedPackage) -> impl Iterator<Item = &Candidate> {
    std::iter::once(&planned.candidate)
        .chain(&planned.copies)
        .map(|candidate| &**candidate)
}

fn file(candidate: &Candidate) -> File<'_> {
    let package = &candidate.package;
    let known = candidate.checksum.is_some();
    File {
        digest: candidate.checksum.as_ref(),
        path: (!known).then(|| candidate.file.to_string()),
        size: package.sizes.package,
        time: (!known).then_some(package.file_time),
        signatures: package.signatures.iter().map(odcs_rpm::Sigkey::as_str).collect(),
    }
}
