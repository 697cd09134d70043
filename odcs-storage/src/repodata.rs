//! The repodata of one tree, written while its packages are placed.

use std::fs::File;
use std::io;

use odcs_core::KeptBlocks;
use odcs_core::plan::Plan;
use odcs_rpm::repodata::{Described, Finished, RepodataOptions, RepodataWriter};
use rustix::io::Errno;

use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::layout::{self, Tree};
use crate::settings::RepodataSettings;
use crate::tree::{comps_of, updateinfo_of};

/// The name of `repomd.xml`.
pub(crate) const REPOMD: &str = "repomd.xml";

/// The repodata of a tree that is being written. Its files have names of their own until their checksums are known.
#[derive(Debug)]
pub(crate) struct TreeRepodata<'a> {
    tree: &'a Tree,
    directory: Dir,
    writer: RepodataWriter<'a, File>,
}

impl<'a> TreeRepodata<'a> {
    /// Begins the repodata of a tree that is going to have so many packages. Blocks of it may be known.
    pub(crate) fn begin(
        compose: &Dir,
        tree: &'a Tree,
        plan: &Plan,
        packages: u64,
        settings: RepodataSettings,
        blocks: Option<&'a KeptBlocks<'a>>,
    ) -> Result<Self> {
        let directory = compose.open_path(&tree.segments())?.make(layout::REPODATA)?;
        let comps = comps_of(tree, plan);
        let mut options = RepodataOptions::new(plan.timestamp).with_compression(settings.compression);
        options.comps = comps.as_ref().map(|(name, xml)| (name.as_str(), xml.as_slice()));
        options.updateinfo = updateinfo_of(tree, plan);
        if settings.filelists_ext {
            options = options.with_described_digests();
        }
        let mut refused = None;
        let open = |kind: &'static str| {
            directory.create(temporary(kind)).map_err(|error| {
                refused = Some(error);
                odcs_rpm::Error::Io(io::ErrorKind::Other.into())
            })
        };
        let writer = RepodataWriter::begin(packages, options, open);
        let writer = match (writer, refused) {
            (Ok(writer), _) => match blocks {
                Some(blocks) => writer.with_blocks(blocks),
                None => writer,
            },
            (Err(_), Some(error)) => return Err(error),
            (Err(reason), None) => return Err(failed(tree, &directory, reason)),
        };
        Ok(Self {
            tree,
            directory,
            writer,
        })
    }

    /// Adds packages, which are in its tree.
    pub(crate) fn write(&mut self, packages: &[Described<'_>]) -> Result<()> {
        let written = self.writer.write(packages);
        written.map_err(|reason| failed(self.tree, &self.directory, reason))
    }

    /// Gives the files their names, and writes `repomd.xml`. Says what was written.
    pub(crate) fn finish(self) -> Result<Finished<File>> {
        let Self {
            tree,
            directory,
            writer,
        } = self;
        let finished = writer
            .finish()
            .map_err(|reason| failed(tree, &directory, reason))?;
        for file in &finished.files {
            directory.rename(&temporary(file.written.kind), &directory, &file.written.name)?;
        }
        directory.write(REPOMD, &finished.repomd)?;
        Ok(finished)
    }
}

/// The name of a file whose checksum is not known yet.
fn temporary(kind: &str) -> String {
    format!(".{kind}")
}

/// What the operating system says is about the directory; everything else about the packages.
fn failed(tree: &Tree, directory: &Dir, reason: odcs_rpm::Error) -> Error {
    match reason {
        odcs_rpm::Error::Io(error) if Errno::from_io_error(&error).is_some() => {
            directory.io_failed("write", "", error)
        }
        reason => Error::Repodata {
            tree: tree.to_string(),
            reason,
        },
    }
}
