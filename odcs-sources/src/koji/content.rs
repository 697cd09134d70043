//! What Koji has for a compose, as candidates.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use odcs_core::fetch::{Expected, FetchExt, Get};
use odcs_core::files::SourceFile;
use odcs_core::source::local::{blocking, io_error};
use odcs_core::source::{Candidate, PackageContent, PackageLocation};
use odcs_core::{ErrorKind, FileStamp, Result};
use odcs_rpm::{Package, Sigkey};
use rayon::prelude::*;

use super::Koji;
use super::copies::{Choice, Decision, Looked, Policies, Seen};
use super::headers::Headers;
use super::offers::{Copy, Offer};
use super::pins::KojiPins;
use super::selection::{self, BuildRpms};
use super::volume::{Files, Volume};
use crate::catalog::Amount;

/// RPMs that signed copies are looked for at once.
const TOGETHER: usize = 64;

impl Koji {
    /// The candidates for a compose: of each RPM one for every copy that its arches want.
    ///
    /// # Errors
    /// Those of the hub and of the volume; `NotFound` for files that are not there, `Gone` for builds.
    pub(super) async fn content(&self, pins: &KojiPins, amount: Amount) -> Result<PackageContent> {
        let builds = self.pinned(pins).await?;
        self.check_asked(pins, &builds).await?;
        let files = self.files().await?;
        let copies = self.copies(pins, builds, &files).await?;
        let mut content = PackageContent::default();
        content.description.clone_from(&pins.description);
        let packages = match amount {
            Amount::Brief if pins.no_deps => self.recorded(&copies).await?,
            Amount::Brief => {
                let catalog = self.headers(copies.clone()).catalog().await?;
                content.set = Some(catalog.set);
                catalog.items.into_iter().map(|item| item.package).collect()
            }
            Amount::Complete => self.headers(copies.clone()).complete().await?,
        };
        content.candidates = copies
            .iter()
            .zip(packages)
            .map(|(copy, package)| candidate(copy, package))
            .collect();
        Ok(content)
    }

    /// The copies of everything that was listed.
    async fn copies(&self, pins: &KojiPins, builds: Vec<BuildRpms>, files: &Files) -> Result<Arc<[Copy]>> {
        let scratch = self.scratch_offers(&pins.scratch, &pins.arches)?;
        let (hub, only) = (self.hub.server().to_owned(), pins.only.clone());
        let (policies, at) = (pins.signatures.clone(), files.clone());
        let (mut copies, undecided) = blocking(move || {
            let (beside, wanted): (Vec<_>, Vec<_>) = builds
                .into_iter()
                .partition(|build| selection::is_beside(only.as_deref(), build));
            // Of several files for one package the first is taken.
            let wanted = [scratch, selection::offers(&hub, wanted)?].concat();
            // These cannot belong, so it does not matter which copies there are.
            let mut copies = unsigned(&selection::offers(&hub, beside)?, &at)?;
            match &at {
                _ if !policies.matter() => copies.extend(unsigned(&wanted, &at)?),
                Files::Mounted(volume) => copies.extend(mounted(&policies, &wanted, volume, &at)?),
                Files::Served(..) => return Ok((copies, wanted)),
            }
            Ok((copies, Vec::new()))
        })
        .await?;
        // Which files a server has, only asking tells.
        let choosing: Vec<_> = undecided
            .iter()
            .map(|offer| self.served(&pins.signatures, offer, files))
            .collect();
        let chosen: Vec<Vec<Copy>> = stream::iter(choosing)
            .buffered(self.settings.headers_at_once.max(1))
            .try_collect()
            .await?;
        copies.extend(chosen.into_iter().flatten());
        Ok(copies.into())
    }

    /// The copies that policies choose of an RPM whose files are on a server.
    async fn served(&self, policies: &Policies, offer: &Offer, files: &Files) -> Result<Vec<Copy>> {
        let mut looked = Looked::new();
        loop {
            match policies.decide(&offer.keys, &looked) {
                Decision::Made(choices) => return copies_of(offer, choices, files),
                Decision::Depends(key) => {
                    let seen = self.seen(offer, &key, files).await?;
                    looked.insert(key, seen);
                }
            }
        }
    }

    /// Whether a server has the copy that is signed with a key. It is asked for one byte each time: signed copies are
    /// removed some day, and made anew.
    async fn seen(&self, offer: &Offer, key: &Sigkey, files: &Files) -> Result<Option<Seen>> {
        let file = files.locate(offer.path(Some(key))?)?;
        let (Some(fetch), PackageLocation::Remote(remote)) = (&self.settings.fetch, &file) else {
            return Ok(None);
        };
        let get = Get::of_any(remote.places()?, u64::MAX).with_range(0, 0);
        let expected = Expected::at_most(1, remote.url()?.as_str());
        match fetch.bytes(&get, expected).await {
            Ok((head, _)) => Ok(Some(Seen {
                size: head.size,
                modified: head.modified,
            })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Packages by what Koji has on record; the header is read of those alone that it has nothing of.
    async fn recorded(&self, copies: &Arc<[Copy]>) -> Result<Vec<Arc<Package>>> {
        let unknown: Arc<[Copy]> = copies
            .iter()
            .filter(|copy| copy.record.rpm_id.is_none())
            .cloned()
            .collect();
        let mut read = match unknown.is_empty() {
            true => Vec::new(),
            false => self.headers(unknown).complete().await?,
        }
        .into_iter();
        let packages = copies.iter().filter_map(|copy| match copy.record.rpm_id {
            Some(_) => Some(Arc::new(copy.recorded())),
            None => read.next(),
        });
        Ok(packages.collect())
    }

    /// Reads the headers of copies.
    pub(super) fn headers(&self, copies: Arc<[Copy]>) -> Arc<Headers> {
        Arc::new(Headers {
            copies,
            cache: self.settings.cache.clone(),
            fetch: self.settings.fetch.clone(),
            at_once: self.settings.headers_at_once,
        })
    }
}

/// What is seen of a file of the volume, if it is there.
fn seen(file: &SourceFile) -> Result<Option<Seen>> {
    let metadata = file.open().and_then(|file| file.metadata());
    match metadata.map_err(|error| io_error(error, file)) {
        Ok(metadata) => {
            let facts = FileStamp::of(&metadata).facts();
            Ok(Some(Seen {
                size: Some(facts.size),
                modified: Some(facts.modified),
            }))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The copies that policies choose, as far as they are on the volume.
fn mounted(policies: &Policies, offers: &[Offer], volume: &Volume, files: &Files) -> Result<Vec<Copy>> {
    let choose = |offer: &Offer| {
        let mut looked = Looked::new();
        loop {
            match policies.decide(&offer.keys, &looked) {
                Decision::Made(choices) => return copies_of(offer, choices, files),
                Decision::Depends(key) => {
                    let seen = seen(&volume.file(offer.path(Some(&key))?)?)?;
                    looked.insert(key, seen);
                }
            }
        }
    };
    let chosen: Result<Vec<Vec<Copy>>> = offers.par_iter().with_min_len(TOGETHER).map(choose).collect();
    Ok(chosen?.into_iter().flatten().collect())
}

fn unsigned(offers: &[Offer], files: &Files) -> Result<Vec<Copy>> {
    let copy = |offer: &Offer| Ok(offer.copy(files.locate(offer.path(None)?)?, None, Vec::new()));
    offers.iter().map(copy).collect()
}

fn copies_of(offer: &Offer, choices: Vec<Choice>, files: &Files) -> Result<Vec<Copy>> {
    let copy = |Choice { signed, missing }: Choice| {
        let key = signed.as_ref().map(|(key, _)| key);
        let file = files.locate(offer.path(key)?)?;
        Ok(offer.copy(file, signed, missing))
    };
    choices.into_iter().map(copy).collect()
}

pub(super) fn candidate(copy: &Copy, package: Arc<Package>) -> Candidate {
    let file: PackageLocation = copy.file.clone();
    Candidate::new(package, file).with_record(Arc::clone(&copy.record))
}
