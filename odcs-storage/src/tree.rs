//! Writing what surrounds the packages: repodata, the small files of each tree, and the metadata of
//! the whole compose.

use std::collections::BTreeMap;

use odcs_core::plan::Plan;
use odcs_core::productmd::{
    ComposeIdent, ComposeInfo, DiscInfo, MediaRepo, Modules, Rpm, Rpms, TreeInfo, VARIANT, source_nevra,
};
use odcs_core::{Compose, Links};
use odcs_rpm::comps::write_comps;
use odcs_rpm::header::{FileDigests, read_file_digests};
use odcs_rpm::repodata::{Entry, RepodataOptions, UpdateInfo, write_repodata};
use odcs_rpm::{Digest, DigestAlgorithm, Nevra, PackageKind};

use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::iso::{self, IsoImage};
use crate::layout::{self, Tree};
use crate::packages::{Layout, PlacedPackage, by_place};
use crate::repofile::repo_file;
use crate::settings::RepodataSettings;

/// Makes the directories of all trees, and opens the one for packages in each.
pub(crate) fn make_directories(compose: &Dir, layout: &Layout) -> Result<BTreeMap<Tree, Dir>> {
    let mut directories = BTreeMap::new();
    for tree in &layout.trees {
        let packages = compose.make_path(&tree.segments())?.make(layout::PACKAGES)?;
        for name in layout.package_directories(tree) {
            packages.make(&name)?;
        }
        directories.insert(tree.clone(), packages);
    }
    Ok(directories)
}

/// The packages of a tree, in the order of the list.
pub(crate) fn packages_of<'a>(
    tree: &'a Tree,
    packages: &'a [PlacedPackage],
) -> impl Iterator<Item = &'a PlacedPackage> {
    packages.iter().filter(|placed| placed.places.contains(tree))
}

/// The comps file of a tree: its name, and the XML.
pub(crate) fn comps_of(tree: &Tree, plan: &Plan) -> Option<(String, Vec<u8>)> {
    match tree {
        Tree::Os(arch) => {
            let name = format!("comps-{VARIANT}.{arch}.xml");
            Some((name, write_comps(&plan.comps_packages)))
        }
        Tree::Debug(_) | Tree::Source => None,
    }
}

/// The updates that the packages of a tree belong to. Readers look at the updates of all repositories together:
/// one tree of each arch is enough.
pub(crate) fn updateinfo_of<'a>(tree: &Tree, plan: &'a Plan) -> Option<&'a UpdateInfo> {
    match tree {
        Tree::Os(_) => plan.updateinfo.as_deref(),
        Tree::Debug(_) | Tree::Source => None,
    }
}

/// Writes the repodata of one tree, whose packages are there.
pub(crate) fn write_tree_repodata(
    compose: &Dir,
    tree: &Tree,
    plan: &Plan,
    packages: &[PlacedPackage],
    settings: RepodataSettings,
) -> Result<()> {
    let failed = |reason| Error::Repodata {
        tree: tree.to_string(),
        reason,
    };
    let entries: Vec<Entry<'_>> = packages_of(tree, packages)
        .map(|placed| Entry {
            package: &placed.package,
            checksum: &placed.sha256,
            location: &placed.location,
        })
        .collect();
    let comps = comps_of(tree, plan);
    let directory = compose.open_path(&tree.segments())?;
    // Digests are long: they are read when they are written, and not kept.
    let digests = |entry: &Entry<'_>| file_digests(&directory, entry);
    let mut options = RepodataOptions::new(plan.timestamp).with_compression(settings.compression);
    options.comps = comps.as_ref().map(|(name, xml)| (name.as_str(), xml.as_slice()));
    options.updateinfo = updateinfo_of(tree, plan);
    if settings.filelists_ext {
        options = options.with_filelists_ext(&digests);
    }
    let repodata = directory.make(layout::REPODATA)?;
    for file in write_repodata(&entries, options).map_err(failed)? {
        repodata.write(&file.name, &file.bytes)?;
    }
    Ok(())
}

/// What the header of a placed package says of the content of its files.
fn file_digests(tree: &Dir, entry: &Entry<'_>) -> odcs_rpm::Result<FileDigests> {
    let mut directory: Vec<&str> = entry.location.split('/').collect();
    let name = directory.pop().unwrap_or_default();
    let file = tree
        .open_path(&directory)
        .and_then(|directory| directory.open_file(name));
    let (file, _) = file.map_err(|error| odcs_rpm::Error::Io(std::io::Error::other(error)))?;
    read_file_digests(file)
}

/// A small file as it was written, to be read back at the end.
#[derive(Debug)]
pub(crate) struct WrittenFile {
    /// The directories below `compose/` that it is in.
    pub(crate) segments: Vec<String>,
    pub(crate) name: String,
    pub(crate) digest: Digest,
}

impl WrittenFile {
    fn write(directory: &Dir, segments: &[&str], name: impl Into<String>, bytes: &[u8]) -> Result<Self> {
        let name = name.into();
        directory.write(&name, bytes)?;
        Ok(Self {
            segments: segments.iter().map(ToString::to_string).collect(),
            name,
            digest: Digest::of_bytes(DigestAlgorithm::Sha256, bytes),
        })
    }
}

/// Writes what installers look for at the top of a tree.
pub(crate) fn write_tree_files(
    compose: &Dir,
    tree: &Tree,
    ident: &ComposeIdent,
    timestamp: u64,
) -> Result<Vec<WrittenFile>> {
    if !tree.is_installable() {
        return Ok(Vec::new());
    }
    let segments = tree.segments();
    let directory = compose.open_path(&segments)?;
    let disc = DiscInfo {
        timestamp,
        description: ident.release_text(),
        arch: tree.arch().into(),
        disc: None,
    };
    let media = MediaRepo {
        name: ident.release_text(),
        media_id: disc.media_id(),
    };
    let info = TreeInfo::new(ident, tree.arch(), timestamp);
    [
        (".treeinfo", info.to_text()?),
        (".discinfo", disc.to_text()),
        ("media.repo", media.to_text()?),
    ]
    .into_iter()
    .map(|(name, text)| WrittenFile::write(&directory, &segments, name, text.as_bytes()))
    .collect()
}

/// Writes `compose/metadata/` and the `.repo` file; `images` are the ISO images, if such were asked for.
pub(crate) fn write_metadata(
    directory: &Dir,
    compose: &Compose,
    links: &Links,
    plan: &Plan,
    packages: &[PlacedPackage],
    images: Option<&[IsoImage]>,
) -> Result<Vec<WrittenFile>> {
    let ident = ComposeIdent::of(compose);
    let metadata = directory.make(layout::METADATA)?;
    let mut info = ComposeInfo::new(&ident, plan.arches.iter().map(|arch| &arch.arch));
    let mut files = Vec::new();
    if let Some(made) = images {
        let arches = made.iter().filter_map(|image| match &image.tree {
            Tree::Os(arch) => Some(arch),
            Tree::Debug(_) | Tree::Source => None,
        });
        let sources = made.iter().any(|image| image.tree == Tree::Source);
        info = info.with_isos(arches, sources);
        let arches = plan.arches.iter().map(|arch| arch.arch.as_str());
        let images = iso::images(&ident, arches, made, plan.timestamp);
        files.push(("images.json", images.to_json()?));
    }
    files.extend([
        ("composeinfo.json", info.to_json()?),
        ("rpms.json", rpms(&ident, plan, packages).to_json()?),
        ("modules.json", Modules::none(&ident).to_json()?),
    ]);
    let mut written: Vec<_> = files
        .into_iter()
        .map(|(name, json)| WrittenFile::write(&metadata, &[layout::METADATA], name, &json))
        .collect::<Result<_>>()?;
    let text = repo_file(compose, links)?;
    let (variant, name) = (directory.open(VARIANT)?, layout::repo_file(compose.id));
    written.push(WrittenFile::write(&variant, &[VARIANT], name, text.as_bytes())?);
    Ok(written)
}

/// The list of all packages. A source package stands under each arch that it was planned for.
fn rpms(ident: &ComposeIdent, plan: &Plan, packages: &[PlacedPackage]) -> Rpms {
    let placed = by_place(packages);
    let mut sources: BTreeMap<String, &Nevra> = BTreeMap::new();
    for package in packages {
        if package.package.kind() == PackageKind::Source {
            let nevra = &package.package.nevra;
            sources.insert(nevra.file_name(), nevra);
        }
    }
    let mut rpms = Rpms::new(ident);
    for arch in &plan.arches {
        for planned in &arch.packages {
            let tree = Tree::of(planned.kind, &arch.arch);
            let Some(placed) = placed.get(&(&tree, &planned.candidate.package.nevra)) else {
                continue;
            };
            let nevra = &placed.package.nevra;
            let source = match &placed.package.source_rpm {
                Some(file_name) => sources
                    .get(&**file_name)
                    .map(ToString::to_string)
                    .or_else(|| source_nevra(file_name).map(|nevra| nevra.to_string()))
                    .unwrap_or_else(|| nevra.to_string()),
                None => nevra.to_string(),
            };
            let rpm = Rpm {
                category: planned.kind.into(),
                path: format!("{tree}/{}", placed.location),
                sigkey: placed.sigkey.clone(),
            };
            rpms.add(VARIANT, arch.arch.as_str(), &source, nevra, rpm);
        }
    }
    rpms
}
