//! Writing what surrounds the packages: repodata, the small files of each tree, and the metadata of
//! the whole compose.

use std::collections::{BTreeSet, HashMap};

use odcs_core::plan::Plan;
use odcs_core::productmd::{
    ComposeIdent, ComposeInfo, DiscInfo, MediaRepo, Modules, Rpm, Rpms, TreeInfo, VARIANT, source_nevra,
};
use odcs_core::{Compose, Links};
use odcs_rpm::comps::write_comps;
use odcs_rpm::repodata::UpdateInfo;
use odcs_rpm::{Digest, DigestAlgorithm, Nevra};
use rayon::prelude::*;

use crate::arrange::Layout;
use crate::dir::Dir;
use crate::error::Result;
use crate::iso::{self, IsoImage};
use crate::layout::{self, Tree};
use crate::packages::Placement;
use crate::repofile::repo_file;

/// Makes the directories of all trees: for each, those below `Packages` by number, as far as it needs them.
pub(crate) fn make_directories(compose: &Dir, layout: &Layout) -> Result<Vec<Vec<Option<Dir>>>> {
    let contents = layout.contents();
    let trees: Vec<_> = layout.trees.iter().zip(contents).collect();
    // Those above belong to several trees.
    let roots: Vec<Dir> = trees
        .iter()
        .map(|(tree, _)| compose.make_path(&tree.segments())?.make(layout::PACKAGES))
        .collect::<Result<_>>()?;
    let make = |((_, (_, letters)), packages): (&(&Tree, (u64, BTreeSet<usize>)), &Dir)| {
        let names = layout.letters.iter().enumerate();
        names
            .map(|(number, name)| letters.contains(&number).then(|| packages.make(name)).transpose())
            .collect::<Result<Vec<_>>>()
    };
    trees.par_iter().zip(&roots).map(make).collect()
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

/// Writes `compose/metadata/` and the `.repo` file; `rpms` is the content of `rpms.json`, `images` are the ISO images, if such were asked for.
pub(crate) fn write_metadata(
    directory: &Dir,
    compose: &Compose,
    links: &Links,
    plan: &Plan,
    rpms: &[u8],
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
        ("modules.json", Modules::none(&ident).to_json()?),
    ]);
    let files = files.iter().map(|(name, json)| (*name, json.as_slice()));
    let mut written: Vec<_> = files
        .chain([("rpms.json", rpms)])
        .map(|(name, json)| WrittenFile::write(&metadata, &[layout::METADATA], name, json))
        .collect::<Result<_>>()?;
    let text = repo_file(compose, links)?;
    let (variant, name) = (directory.open(VARIANT)?, layout::repo_file(compose.id));
    written.push(WrittenFile::write(&variant, &[VARIANT], name, text.as_bytes())?);
    Ok(written)
}

/// The bytes of `rpms.json`, the list of all packages. A source package stands under each arch that it was planned for.
pub(crate) fn rpms(ident: &ComposeIdent, placement: Placement<'_>) -> Result<Vec<u8>> {
    let mut sources: HashMap<String, &Nevra> = HashMap::new();
    for package in placement.packages {
        if package.nevra.arch().is_source() {
            sources.insert(package.nevra.file_name(), &package.nevra);
        }
    }
    let mut rpms = Rpms::new(ident);
    for taken in placement.iter() {
        let Some(placed) = taken.placed else { continue };
        let nevra = &placed.nevra;
        let source = match &placed.source_rpm {
            Some(file_name) => sources
                .get(&**file_name)
                .map(ToString::to_string)
                .or_else(|| source_nevra(file_name).map(|nevra| nevra.to_string()))
                .unwrap_or_else(|| nevra.to_string()),
            None => nevra.to_string(),
        };
        let rpm = Rpm {
            category: taken.planned.kind.into(),
            path: format!("{}/{}", Tree::of(taken.planned.kind, taken.arch), placed.location),
            sigkey: placed.sigkey.clone(),
        };
        rpms.add(VARIANT, taken.arch.as_str(), &source, nevra, rpm);
    }
    Ok(rpms.to_json()?)
}
