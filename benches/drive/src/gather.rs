//! Gathering from an index that is kept.

use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};

use odcs_core::{CacheKey, FileStamp, MetadataCache};
use odcs_rpm::PackageKind;
use odcs_rpm::gather::{Options, PackageSet, Request, gather};
use odcs_rpm::header::HeaderReader;

use crate::compose::names;
use crate::repodata::{open_cache, places};
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
    let cache = open_cache(&work.cache);
    // What libsolv reads is a file with all packages of a repository, too: neither looks whether they are still there.
    let key = CacheKey::new("bench-set", &[work.directory.as_os_str().as_encoded_bytes()]);
    let mut kept = Vec::new();
    if !cache.get(&key, &mut kept) {
        kept = index(&work.directory).encode();
        cache.put(&key, &[&kept]);
        cache.flush();
    }
    let set = PackageSet::from_encoded(kept).unwrap();
    let request = Request::Packages(names(&work.packages));
    let gathered = gather(&set, &request, &Options::new("x86_64".parse().unwrap()));
    assert!(gathered.unmatched.is_empty(), "{:?}", gathered.unmatched);
    let mut out = String::new();
    for member in gathered.packages(PackageKind::Binary) {
        writeln!(out, "{}", member.package.nevra).unwrap();
    }
    std::fs::write(&work.out, out).unwrap();
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
