//! `images.json`: the images of the compose, and where they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ComposeIdent, ComposeInfoSection, json};
use crate::Result;

const KIND: &str = "productmd.images";

/// The payload of `images.json`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Images {
    /// Which compose.
    pub compose: ComposeInfoSection,
    /// Variant → arch of the tree → images, sorted by path. Images of source packages stand under each arch.
    pub images: BTreeMap<String, BTreeMap<String, Vec<Image>>>,
}

/// One image. Fields in alphabetical order, which is the order they are written in.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// The arch of what is in it, `src` for sources.
    pub arch: String,
    /// Whether a machine can be started from it.
    pub bootable: bool,
    /// Its checksums by algorithm: `sha256` → hex digits.
    pub checksums: BTreeMap<String, String>,
    /// How many discs belong together.
    pub disc_count: u32,
    /// Which one of them it is, from 1.
    pub disc_number: u32,
    /// The format of the file: `iso`, `qcow2`, …
    pub format: String,
    /// The MD5 that is written into the image for checking media, as `checkisomd5` does; `None` if it has none.
    pub implant_md5: Option<String>,
    /// When it was made, in seconds since 1970.
    pub mtime: u64,
    /// Where it is below `compose/`.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// What is in it; the variant, usually.
    pub subvariant: String,
    /// What it is: `dvd`, `boot`, `live`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The name that it is mounted under.
    pub volume_id: Option<String>,
}

impl Images {
    /// The metadata of a compose without images.
    pub fn new(ident: &ComposeIdent) -> Self {
        Self {
            compose: ident.section(),
            images: BTreeMap::new(),
        }
    }

    /// Adds an image to an arch of a variant.
    pub fn add(&mut self, variant: &str, arch: &str, image: Image) {
        let images = self
            .images
            .entry(variant.into())
            .or_default()
            .entry(arch.into())
            .or_default();
        let place = images.partition_point(|other| other.path <= image.path);
        images.insert(place, image);
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// None in practice: the type has a JSON form.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        json::write(KIND, self)
    }

    /// Reads a file. Its size is for the caller to limit.
    ///
    /// # Errors
    /// `Invalid` if it is none.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        json::read(KIND, bytes)
    }
}
