//! Reading back what was written, before anybody is told that it is there.

use std::io::{BufRead, BufReader, Read};

use odcs_rpm::compression::{Compression, decoder};
use odcs_rpm::digest::Hasher;
use odcs_rpm::repodata::{Limits, PrimaryReader, Repomd, RepomdRecord};
use odcs_rpm::{Digest, DigestAlgorithm};
use rayon::join;
use rayon::prelude::*;

use crate::dir::{self, Dir};
use crate::error::{Error, Result};
use crate::layout::{self, Tree};
use crate::packages::PlacedPackage;

/// The lists of packages that every repository has.
const LISTS: [&str; 3] = ["primary", "filelists", "other"];

/// A `repomd.xml` of ours has five entries.
const REPOMD_LIMIT: u64 = 1 << 20;

/// Bytes of open metadata that are looked at at a time.
const BUFFER: usize = 64 << 10;

/// Nothing, or what is wrong.
type Checked = std::result::Result<(), String>;

/// Checks one tree: `repomd.xml` names the files that are there, they have the checksums it gives,
/// they list exactly these packages, and each package is there in full size.
pub(crate) fn check_tree(compose: &Dir, tree: &Tree, packages: &[&PlacedPackage]) -> Result<()> {
    let directory = compose.open_path(&tree.segments())?;
    let repodata = directory.open(layout::REPODATA)?;
    let failed = |name: &str, reason: String| Error::ReadBack {
        path: format!("{tree}/{name}"),
        reason,
    };
    let name = "repodata/repomd.xml";
    let repomd = Repomd::parse(&repodata.read("repomd.xml", REPOMD_LIMIT)?)
        .map_err(|error| failed(name, error.to_string()))?;
    let found = repodata.entries(1_000)?.len();
    if found != repomd.records.len() + 1 {
        return Err(failed(
            name,
            format!("it names {} files of {found}", repomd.records.len() + 1),
        ));
    }
    let check_list = |kind: &&str| {
        let record = repomd
            .record(kind)
            .ok_or_else(|| failed(name, format!("it names no {kind}")))?;
        read_back(&repodata, record, |content| {
            check_packages(kind, content, packages)
        })
        .map_err(|reason| failed(&record.location, reason))
    };
    let check_group = |record: &&RepomdRecord| {
        read_back(&repodata, record, |_| Ok(())).map_err(|reason| failed(&record.location, reason))
    };
    let check_file = |package: &&PlacedPackage| {
        let size = directory
            .stat(&package.location)?
            .filter(dir::is_file)
            .map(|stat| dir::size(&stat));
        if size != Some(package.package.sizes.package) {
            return Err(failed(&package.location, format!("its size is {size:?}")));
        }
        Ok(())
    };
    let groups: Vec<_> = repomd
        .records
        .iter()
        .filter(|record| record.kind.starts_with("group"))
        .collect();
    let (lists, (groups, files)) = join(
        || try_all(&LISTS, check_list),
        || join(|| try_all(&groups, check_group), || try_all(packages, check_file)),
    );
    lists.and(groups).and(files)
}

/// Checks in parallel. Of several failures the first in order is reported.
fn try_all<T: Sync>(items: &[T], check: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    let failure = items.par_iter().find_map_first(|item| check(item).err());
    failure.map_or(Ok(()), Err)
}

/// Compares size and checksums of a file of repodata, and lets `check` read its content on the way:
/// large ones are never in memory as a whole.
fn read_back(
    repodata: &Dir,
    record: &RepomdRecord,
    check: impl FnOnce(&mut dyn BufRead) -> Checked,
) -> Checked {
    let name = record.location.rsplit('/').next().unwrap_or_default();
    let size = record.size.ok_or("it has no size")?;
    let bytes = repodata.read(name, size).map_err(|error| error.to_string())?;
    if bytes.len() as u64 != size || Digest::of_bytes(DigestAlgorithm::Sha256, &bytes) != record.checksum {
        return Err("it has another checksum".into());
    }
    let Some((open_checksum, open_size)) = record.open_checksum.as_ref().zip(record.open_size) else {
        return check(&mut bytes.as_slice());
    };
    let compression = Compression::of_file_name(name);
    let decoder = decoder(bytes.as_slice(), compression, "repodata", open_size);
    let hashing = Hashing {
        reader: decoder.map_err(|error| error.to_string())?,
        hasher: Hasher::new(DigestAlgorithm::Sha256),
        size: 0,
    };
    let mut content = BufReader::with_capacity(BUFFER, hashing);
    check(&mut content)?;
    std::io::copy(&mut content, &mut std::io::sink()).map_err(|error| error.to_string())?;
    let Hashing { hasher, size, .. } = content.into_inner();
    if size != open_size || hasher.finish() != *open_checksum {
        return Err("its content has another checksum".into());
    }
    Ok(())
}

/// Hashes what passes through.
struct Hashing<R> {
    reader: R,
    hasher: Hasher,
    size: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        self.size += read as u64;
        Ok(read)
    }
}

/// Checks how many packages a list has, and in `primary` that they are these.
fn check_packages(kind: &str, mut content: &mut dyn BufRead, packages: &[&PlacedPackage]) -> Checked {
    let mut start = Vec::new();
    let read = Read::take(&mut content, 1_024).read_to_end(&mut start);
    read.map_err(|error| error.to_string())?;
    let claimed = claimed_packages(&start);
    if claimed != Some(packages.len() as u64) {
        return Err(format!("it lists {claimed:?} packages of {}", packages.len()));
    }
    if kind == "primary" {
        check_primary(start.as_slice().chain(content), packages)?;
    }
    Ok(())
}

/// The number in the attribute `packages` of the first element.
fn claimed_packages(start: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(start);
    let (_, after) = text.split_once(" packages=\"")?;
    after.split('"').next()?.parse().ok()
}

fn check_primary(xml: impl BufRead, packages: &[&PlacedPackage]) -> Checked {
    let reader = PrimaryReader::new(xml, Limits::default()).map_err(|error| error.to_string())?;
    let mut expected = packages.iter();
    for listed in reader {
        let listed = listed.map_err(|error| error.to_string())?;
        let Some(package) = expected.next() else {
            return Err(format!(
                "it lists {}, which is not in the tree",
                listed.package.nevra
            ));
        };
        let is_it = package.package.nevra.is_listed_as(&listed.package.nevra)
            && (&listed.checksum, &listed.location) == (&package.sha256, &package.location);
        if !is_it {
            let (found, nevra) = (listed.package.nevra, &package.package.nevra);
            return Err(format!("it lists {found} where {nevra} was written"));
        }
    }
    match expected.next() {
        Some(missing) => Err(format!("it does not list {}", missing.package.nevra)),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use odcs_core::plan::{Plan, SignaturePolicy};
    use odcs_rpm::header::{FileFacts, read_file};

    use super::*;
    use crate::tree::write_tree_repodata;

    const PACKAGE: &str = "Temporary/source/tree/Packages/e/ed-1.14.1-2.module_fd8ca23e.src.rpm";

    /// A tree of source packages with one package.
    fn written(root: &Path) -> (Dir, Vec<PlacedPackage>) {
        let specs = rpmgen::ed_repository();
        let spec = specs
            .iter()
            .find(|spec| spec.name == "ed" && spec.is_source())
            .unwrap();
        let bytes = rpmgen::write(spec).unwrap();
        let facts = FileFacts {
            size: bytes.len() as u64,
            modified: 5,
        };
        let read = read_file(bytes.as_slice(), facts, None).unwrap();
        let compose = Dir::open_root(root).unwrap();
        std::fs::create_dir_all(root.join(PACKAGE).parent().unwrap()).unwrap();
        std::fs::write(root.join(PACKAGE), &bytes).unwrap();
        let packages = vec![PlacedPackage {
            planned: read.package.nevra.clone(),
            location: layout::package_location(&read.package.nevra),
            package: read.package,
            file: "/srv/repo/ed.src.rpm".into(),
            size: bytes.len() as u64,
            sha256: read.sha256,
            sigkey: None,
            places: BTreeSet::from([Tree::Source]),
        }];
        let plan = Plan {
            updateinfo: None,
            arches: Vec::new(),
            signatures: SignaturePolicy::default(),
            timestamp: 7,
            comps_packages: Vec::new(),
            source_description: String::new(),
        };
        write_tree_repodata(&compose, &Tree::Source, &plan, &packages).unwrap();
        (compose, packages)
    }

    #[test]
    fn what_was_written_can_be_read_back_and_nothing_else_passes() {
        type Spoil = fn(&Path);
        let cases: [(&str, Spoil); 6] = [
            ("its size is", |root| {
                std::fs::write(root.join(PACKAGE), "short").unwrap();
            }),
            ("its size is None", |root| {
                std::fs::remove_file(root.join(PACKAGE)).unwrap();
            }),
            ("it has another checksum", |root| {
                let file = repodata(root, "filelists");
                let mut bytes = std::fs::read(&file).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                std::fs::write(file, bytes).unwrap();
            }),
            ("it has another checksum", |root| {
                let file = repodata(root, "other");
                let bytes = std::fs::read(&file).unwrap();
                std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
            }),
            ("cannot open the file", |root| {
                let file = repodata(root, "primary");
                std::fs::rename(&file, file.with_extension("moved")).unwrap();
            }),
            ("it names 4 files of 5", |root| {
                std::fs::write(root.join("Temporary/source/tree/repodata/extra"), "").unwrap();
            }),
        ];
        for (expected, spoil) in cases {
            let temporary = tempfile::tempdir().unwrap();
            let (compose, packages) = written(temporary.path());
            let here: Vec<_> = packages.iter().collect();
            check_tree(&compose, &Tree::Source, &here).unwrap();
            let error = check_tree(&compose, &Tree::Source, &[]).unwrap_err().to_string();
            assert!(error.contains("packages of 0"), "{error}");
            spoil(temporary.path());
            let error = check_tree(&compose, &Tree::Source, &here)
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn another_package_in_its_place_is_noticed() {
        let temporary = tempfile::tempdir().unwrap();
        let (compose, mut packages) = written(temporary.path());
        packages[0].sha256 = Digest::of_bytes(DigestAlgorithm::Sha256, b"other");
        let here: Vec<_> = packages.iter().collect();
        let error = check_tree(&compose, &Tree::Source, &here)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("it lists ed-0:1.14.1-2.module_fd8ca23e.src where"),
            "{error}"
        );
    }

    fn repodata(root: &Path, kind: &str) -> std::path::PathBuf {
        let directory = root.join("Temporary/source/tree/repodata");
        let entries = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let suffix = format!("-{kind}.xml.gz");
        entries
            .into_iter()
            .find(|path| path.to_str().unwrap().ends_with(&suffix))
            .unwrap()
    }
}
