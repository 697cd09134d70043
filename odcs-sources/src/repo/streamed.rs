//! Reading `primary` and `filelists` side by side.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::BufRead;
use std::sync::mpsc::{Receiver, SyncSender};

use odcs_rpm::repodata::{FilelistsReader, Limits, ListedPackage, PrimaryReader, RepoPackage};
use odcs_rpm::{FileEntry, Result};

use super::error::RepoError;
use super::metadata::check_base;
use crate::catalog::{Catalog, CatalogBuilder};

/// Packages that are handed over at once.
const BATCH: usize = 64;

/// Batches that wait to be taken at most.
pub(super) const AHEAD: usize = 4;

/// The files of a package.
pub(super) type Files = (ListedPackage, Vec<FileEntry>);

/// Hands over what `filelists` says, as long as somebody takes it.
pub(super) fn send_files(reader: &mut dyn BufRead, to: &SyncSender<Vec<Files>>) -> Result<()> {
    let mut batch = Vec::with_capacity(BATCH);
    for files in FilelistsReader::new(reader, Limits::default())? {
        batch.push(files?);
        if batch.len() == BATCH
            && to
                .send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))
                .is_err()
        {
            return Ok(());
        }
    }
    // Nobody takes it if there is a package too many: then that is found out without it.
    let _ = to.send(batch);
    Ok(())
}

/// Indexes what `primary` says. Nothing if the two do not list the same packages in the same order, each once: of
/// several lists for one package the last counts, which is not known before the end.
pub(super) fn index(
    reader: &mut dyn BufRead,
    files: Receiver<Vec<Files>>,
    primary: &str,
) -> Result<std::result::Result<Option<Catalog>, RepoError>> {
    let mut files = files.into_iter().flatten();
    let mut builder = CatalogBuilder::new();
    let mut is_short = false;
    let (hashes, mut seen) = (RandomState::new(), HashSet::new());
    for listed in PrimaryReader::new(reader, Limits::default())? {
        let mut listed = listed?;
        if let Err(error) = check_base(primary, &listed) {
            return Ok(Err(error));
        }
        if is_short {
            continue;
        }
        let key = (listed.checksum.hex(), &listed.package.nevra);
        // Two that happen to have one hash cost time only.
        let is_new = seen.insert(hashes.hash_one(key));
        match files.next() {
            Some((of, list)) if is_new && key == (&*of.id, &of.nevra) => listed.package.files = list,
            Some(_) => return Ok(Ok(None)),
            // It lists fewer, or is damaged. Should `primary` be, too, that is what is said: it has to be read to the
            // end to know.
            None => {
                is_short = true;
                continue;
            }
        }
        add(&mut builder, listed);
    }
    if is_short || files.next().is_some() {
        return Ok(Ok(None));
    }
    Ok(Ok(Some(builder.finish()?)))
}

/// Adds a package as a repository lists it.
pub(super) fn add(builder: &mut CatalogBuilder, listed: RepoPackage) {
    let RepoPackage {
        package,
        checksum,
        location,
        ..
    } = listed;
    builder.add(&package, location.into(), Some(checksum));
}
