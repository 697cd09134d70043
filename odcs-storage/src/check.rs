//! Reading back what was written, before anybody is told that it is there.

use odcs_rpm::compression::{Compression, decoder};
use odcs_rpm::repodata::{Limits, PrimaryReader, Repomd, RepomdRecord};
use odcs_rpm::{Digest, DigestAlgorithm};

use crate::dir::{self, Dir};
use crate::error::{Error, Result};
use crate::layout::{self, Tree};
use crate::packages::PlacedPackage;

/// A `repomd.xml` of ours has five entries.
const REPOMD_LIMIT: u64 = 1 << 20;

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
    for kind in ["primary", "filelists", "other"] {
        let record = repomd
            .record(kind)
            .ok_or_else(|| failed(name, format!("it names no {kind}")))?;
        let bytes = opened(&repodata, record).map_err(|reason| failed(&record.location, reason))?;
        let claimed = claimed_packages(&bytes);
        if claimed != Some(packages.len() as u64) {
            let reason = format!("it lists {claimed:?} packages of {}", packages.len());
            return Err(failed(&record.location, reason));
        }
        if kind == "primary" {
            check_primary(&bytes, packages).map_err(|reason| failed(&record.location, reason))?;
        }
    }
    for record in repomd
        .records
        .iter()
        .filter(|record| record.kind.starts_with("group"))
    {
        opened(&repodata, record).map_err(|reason| failed(&record.location, reason))?;
    }
    for package in packages {
        let size = directory
            .stat(&package.location)?
            .filter(dir::is_file)
            .map(|stat| dir::size(&stat));
        if size != Some(package.package.sizes.package) {
            return Err(failed(&package.location, format!("its size is {size:?}")));
        }
    }
    Ok(())
}

/// The content of a file of repodata, its checksums compared.
fn opened(repodata: &Dir, record: &RepomdRecord) -> std::result::Result<Vec<u8>, String> {
    let name = record.location.rsplit('/').next().unwrap_or_default();
    let size = record.size.ok_or("it has no size")?;
    let bytes = repodata.read(name, size).map_err(|error| error.to_string())?;
    if bytes.len() as u64 != size || Digest::of_bytes(DigestAlgorithm::Sha256, &bytes) != record.checksum {
        return Err("it has another checksum".into());
    }
    let Some((open_checksum, open_size)) = record.open_checksum.as_ref().zip(record.open_size) else {
        return Ok(bytes);
    };
    let mut open = Vec::new();
    decoder(
        bytes.as_slice(),
        Compression::of_file_name(name),
        "repodata",
        open_size,
    )
    .map_err(|error| error.to_string())
    .and_then(|mut reader| std::io::copy(&mut reader, &mut open).map_err(|error| error.to_string()))?;
    if open.len() as u64 != open_size || Digest::of_bytes(DigestAlgorithm::Sha256, &open) != *open_checksum {
        return Err("its content has another checksum".into());
    }
    Ok(open)
}

/// The number in the attribute `packages` of the first element.
fn claimed_packages(xml: &[u8]) -> Option<u64> {
    let start = xml.get(..xml.len().min(1_024))?;
    let text = String::from_utf8_lossy(start);
    let (_, after) = text.split_once(" packages=\"")?;
    after.split('"').next()?.parse().ok()
}

fn check_primary(xml: &[u8], packages: &[&PlacedPackage]) -> std::result::Result<(), String> {
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
        if (&listed.package.nevra, &listed.checksum, &listed.location)
            != (&package.package.nevra, &package.sha256, &package.location)
        {
            let (found, nevra) = (listed.package.nevra, &package.package.nevra);
            return Err(format!("it lists {found} where {nevra} was written"));
        }
    }
    match expected.next() {
        Some(missing) => Err(format!("it does not list {}", missing.package.nevra)),
        None => Ok(()),
    }
}
