//! Gathering from an index that is kept.

use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};

use odcs_core::{CacheKey, FileStamp, MetadataCache};
use odcs_rpm::PackageKind;
use odcs_rpm::gather::{Gathered, Options, PackageSet, Request, gather};
use odcs_rpm::header::HeaderReader;

use crate::repodata::{open_cache, places};
use crate::spent::{Begun, Spent};
use crate::words::Words;

pub(crate) struct Work {
    directory: PathBuf,
    out: PathBuf,
    cache: PathBuf,
    packages: PathBuf,
}

impl Work {
    pub(crate) fn parse(mut words: Words) -> Result<Self, String> {
        let work = Self {
            directory: words.path("a directory")?,
            out: words.path("where to write to")?,
            cache: words.option("--cache")?.ok_or("--cache is needed")?,
            packages: words.option("--packages")?.ok_or("--packages is needed")?,
        };
        words.end()?;
        Ok(work)
    }
}

pub(crate) fn run(work: &Work) {
    let asked = std::fs::read_to_string(&work.packages).unwrap();
    let (gathered, spent) = gathered(work, &asked).unwrap_or_else(|| {
        let (cache, packages) = (open_cache(&work.cache), index(&work.directory));
        cache.put(&key(work), &[packages.as_encoded()]);
        drop(cache);
        gathered(work, &asked).unwrap()
    });
    spent.print("");
    assert!(gathered.unmatched.is_empty(), "{:?}", gathered.unmatched);
    let mut out = String::new();
    for member in gathered.packages(PackageKind::Binary) {
        writeln!(out, "{}", member.package.nevra).unwrap();
    }
    std::fs::write(&work.out, out).unwrap();
}

/// What is gathered from the index in the cache, and what that took; nothing if there is none.
///
/// The same is measured as of libsolv: from before the index is opened until the packages are known. Neither that a
/// process starts nor that it cleans up belongs to it. And the same is asked for: packages with what they need,
/// without the source and debug packages that a compose adds to them.
fn gathered(work: &Work, asked: &str) -> Option<(Gathered, Spent)> {
    let begun = Begun::now();
    let cache = open_cache(&work.cache);
    // What libsolv reads is a file with all packages of a repository, too: neither looks whether they are still there.
    let mut kept = Vec::new();
    if !cache.get(&key(work), &mut kept) {
        return None;
    }
    let set = PackageSet::from_encoded(kept).ok()?;
    let names = asked.split_whitespace().map(|name| name.parse().unwrap());
    let mut options = Options::new("x86_64".parse().unwrap());
    (options.exclude_source, options.exclude_debug) = (true, true);
    let gathered = gather(&set, &Request::Packages(names.collect()), &options);
    Some((gathered, begun.spent()))
}

fn key(work: &Work) -> CacheKey {
    CacheKey::new("bench-set", &[work.directory.as_os_str().as_encoded_bytes()])
}

/// What has to be known of all packages.
fn index(directory: &Path) -> PackageSet {
    let mut builder = PackageSet::builder();
    let mut headers = HeaderReader::new();
    for place in places(directory) {
        let file = File::open(directory.join(place)).unwrap();
        let facts = FileStamp::of(&file.metadata().unwrap()).facts();
        builder.add_brief(&headers.read_header(&file, facts).unwrap());
    }
    builder.finish().unwrap()
}
