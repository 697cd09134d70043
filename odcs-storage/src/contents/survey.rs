//! Going through everything that the content store holds.

use std::collections::BTreeMap;

use rustix::fs::Stat;

use super::MAX_ENTRIES;
use super::address::{Address, UNNAMED};
use super::partial;
use super::shelf::Shelf;
use crate::dir::{self, Dir};
use crate::error::Result;

/// What there is, in bytes as the cap counts them.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) linked_files: u64,
    pub(super) linked_bytes: u64,
    pub(super) partial_files: u64,
    pub(super) partial_bytes: u64,
    /// When the file was last used that has not been used for longest, in seconds since 1970.
    pub(super) oldest_use: Option<i64>,
    /// What may be removed, least recently used first.
    pub(super) victims: Vec<Victim>,
}

/// Something that may be removed.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(super) struct Victim {
    /// When it was last used, in seconds since 1970.
    pub(super) used: i64,
    what: What,
    pub(super) bytes: u64,
}

#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
enum What {
    File(Address),
    Partial(String),
}

impl Victim {
    /// Whether nobody is going to go on from it, or has not since then.
    pub(super) fn is_leftover(&self, since: i64) -> bool {
        match &self.what {
            What::Partial(name) => self.used < since || name.starts_with(UNNAMED),
            What::File(_) => false,
        }
    }
}

impl Survey {
    /// Everything together.
    pub(super) fn total(&self) -> u64 {
        self.bytes.saturating_add(self.partial_bytes)
    }
}

impl Shelf {
    /// Looks at everything. `reserved` is what partial files of this process are going to have.
    pub(super) fn survey(&self, reserved: &BTreeMap<String, u64>) -> Result<Survey> {
        let mut survey = Survey::default();
        self.each_file(&mut |_, address, stat| {
            let size = dir::size(stat);
            survey.files += 1;
            survey.bytes = survey.bytes.saturating_add(size);
            let oldest = survey.oldest_use.get_or_insert(stat.st_atime);
            *oldest = stat.st_atime.min(*oldest);
            if stat.st_nlink > 1 {
                survey.linked_files += 1;
                survey.linked_bytes = survey.linked_bytes.saturating_add(size);
            } else {
                survey.victims.push(Victim {
                    used: stat.st_atime,
                    what: What::File(address),
                    bytes: size,
                });
            }
            Ok(true)
        })?;
        for entry in self.partial.entries(MAX_ENTRIES)? {
            let Some(name) = entry.name.to_str() else { continue };
            // What else may be there is none of ours, and nothing that could be removed to make room.
            let Some(stat) = self.partial.stat(name)?.filter(dir::is_file) else {
                continue;
            };
            let (size, own) = (dir::size(&stat), reserved.get(name));
            survey.partial_files += 1;
            let size = own.map_or(size, |own| size.max(*own));
            survey.partial_bytes = survey.partial_bytes.saturating_add(size);
            if own.is_none() {
                survey.victims.push(Victim {
                    used: stat.st_mtime,
                    what: What::Partial(name.to_owned()),
                    bytes: size,
                });
            }
        }
        survey.victims.sort_unstable();
        Ok(survey)
    }

    /// Shows all files, in the order of their checksums, until that is enough.
    pub(super) fn each_file(
        &self,
        visit: &mut dyn FnMut(&Dir, Address, &Stat) -> Result<bool>,
    ) -> Result<()> {
        for shard in self.files.entries(MAX_ENTRIES)? {
            let Some(shard_name) = shard.name.to_str().filter(|name| name.len() == 2) else {
                continue;
            };
            let Some(shard) = self.files.try_open(shard_name)? else {
                continue;
            };
            for entry in shard.entries(MAX_ENTRIES)? {
                let name = entry.name.to_str();
                let Some(address) = name.and_then(|name| Address::parse(shard_name, name)) else {
                    continue;
                };
                // It may have been evicted since.
                if let Some(stat) = shard.stat(address.rest())?.filter(dir::is_file)
                    && !visit(&shard, address, &stat)?
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Removes something, unless it has come into use since it was looked at. How many bytes that frees.
    pub(super) fn remove(&self, victim: &Victim) -> Result<u64> {
        match &victim.what {
            What::Partial(name) => partial::remove_abandoned(self, name),
            What::File(address) => {
                let Some(shard) = self.files.try_open(address.shard())? else {
                    return Ok(0);
                };
                let now = shard.stat(address.rest())?;
                let is_unused = |stat: &Stat| stat.st_nlink == 1 && stat.st_atime <= victim.used;
                match now.filter(is_unused) {
                    Some(stat) => {
                        super::shelf::unlink(&shard, address.rest())?;
                        Ok(dir::size(&stat))
                    }
                    None => Ok(0),
                }
            }
        }
    }
}
