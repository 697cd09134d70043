//! Writing what surrounds the packages: repodata, the small files of each tree, and the metadata of
//! the whole compose.

use std::collections::HashMap;

use odcs_core::plan::Plan;
use odcs_core::productmd::{
    ComposeIdent, ComposeInfo, DiscInfo, MediaRepo, Modules, RpmEntry, Rpms, TreeInfo, VARIANT, source_nevra,
};
use odcs_core::{Compose, Links};
use odcs_rpm::comps::write_comps;
use odcs_rpm::repodata::UpdateInfo;
use odcs_rpm::{Digest, DigestAlgorithm, Nevra, PackageKind};
use rayon::prelude::*;

use crate::arrange::{Layout, TreeContents};
use crate::dir::Dir;
use crate::error::Result;
use crate::iso::{self, IsoImage};
use crate::layout::{self, Tree};
use crate::packages::{PlacedPackage, Placement};
use crate::repofile::repo_file;

/// Makes the directories of all trees: for each, those below `Packages` by number, as far as it needs them.
pub(crate) fn make_directories(compose: &Dir, layout: &Layout) -> Result<Vec<Vec<Option<Dir>>>> {
    // Those above belong to several trees.
    let roots: Vec<Dir> = layout
        .trees
        .iter()
        .map(|tree| compose.make_path(&tree.segments())?.make(layout::PACKAGES))
        .collect::<Result<_>>()?;
    let make = |(contents, packages): (&TreeContents, &Dir)| {
        let names = layout.letters.iter().zip(&contents.letters);
        names
            .map(|(name, is_needed)| is_needed.then(|| packages.make(name)).transpose())
            .collect::<Result<Vec<_>>>()
    };
    layout.contents.par_iter().zip(&roots).map(make).collect()
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

/// Writes what is in `compose/metadata/` but `rpms.json`; `images` are the ISO images, if such were asked for.
pub(crate) fn write_metadata(
    metadata: &Dir,
    compose: &Compose,
    plan: &Plan,
    images: Option<&[IsoImage]>,
) -> Result<Vec<WrittenFile>> {
    let ident = ComposeIdent::of(compose);
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
        ("modules.json", Modules::none(&ident).to_json()?),
    ]);
    let files = files.iter();
    files
        .map(|(name, json)| WrittenFile::write(metadata, &[layout::METADATA], *name, json))
        .collect()
}

/// Writes the `.repo` file.
pub(crate) fn write_repo_file(directory: &Dir, compose: &Compose, links: &Links) -> Result<WrittenFile> {
    let text = repo_file(compose, links)?;
    let (variant, name) = (directory.open(VARIANT)?, layout::repo_file(compose.id));
    WrittenFile::write(&variant, &[VARIANT], name, text.as_bytes())
}

/// Writes `rpms.json` into `compose/metadata/`.
pub(crate) fn write_rpms(
    metadata: &Dir,
    ident: &ComposeIdent,
    placement: Placement<'_>,
) -> Result<WrittenFile> {
    let json = rpms(ident, placement)?;
    WrittenFile::write(metadata, &[layout::METADATA], "rpms.json", &json)
}

/// The bytes of `rpms.json`, the list of all packages. A source package stands under each arch that it was planned for.
fn rpms(ident: &ComposeIdent, placement: Placement<'_>) -> Result<Vec<u8>> {
    let (sources, source_of) = sources(placement.packages);
    let kinds = [PackageKind::Binary, PackageKind::Debug, PackageKind::Source];
    let arches = placement.plan.arches.iter().map(|arch| &arch.arch);
    let trees: Vec<_> = arches
        .flat_map(|arch| kinds.map(|kind| (arch, kind, Tree::of(kind, arch).to_string())))
        .collect();
    let entries: Vec<_> = placement
        .iter()
        .filter_map(|taken| {
            let placed = taken.placed?;
            let kind = taken.planned.kind;
            let mut trees = trees.iter();
            let (.., tree) = trees.find(|(arch, of, _)| *of == kind && *arch == taken.arch)?;
            Some(RpmEntry {
                arch: taken.arch.as_str(),
                source: sources.get(*source_of.get(taken.number)?)?,
                nevra: &placed.nevra,
                category: kind.into(),
                tree,
                location: &placed.location,
                sigkey: placed.sigkey.as_deref(),
            })
        })
        .collect();
    Ok(Rpms::json_of(ident, VARIANT, &entries)?)
}

/// The NEVRAs of source packages as text, and for each package the place of its source package's among them: its own
/// for a source package, and where the source package is not known.
fn sources(packages: &[PlacedPackage]) -> (Vec<String>, Vec<usize>) {
    let there = packages.iter().filter(|package| package.nevra.arch().is_source());
    let there: HashMap<String, &Nevra> = there
        .map(|package| (package.nevra.file_name(), &package.nevra))
        .collect();
    let mut texts: Vec<String> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut last: Option<(&str, usize)> = None;
    let mut source_of = Vec::with_capacity(packages.len());
    for package in packages {
        let Some(file_name) = package.source_rpm.as_deref() else {
            source_of.push(texts.len());
            texts.push(package.nevra.to_string());
            continue;
        };
        // Packages of one source package are mostly neighbours.
        if let Some((name, at)) = last
            && name == file_name
        {
            source_of.push(at);
            continue;
        }
        let at = match known.get(file_name) {
            Some(&at) => at,
            None => {
                let at = texts.len();
                let found = there.get(file_name).map(ToString::to_string);
                let named = || source_nevra(file_name).map(|nevra| nevra.to_string());
                match found.or_else(named) {
                    Some(text) => {
                        known.insert(file_name, at);
                        texts.push(text);
                    }
                    None => {
                        // Whatever it says is no source package: each stands for itself.
                        source_of.push(at);
                        texts.push(package.nevra.to_string());
                        continue;
                    }
                }
                at
            }
        };
        last = Some((file_name, at));
        source_of.push(at);
    }
    (texts, source_of)
}
