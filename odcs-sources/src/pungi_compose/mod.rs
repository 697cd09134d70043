//! The packages of a variant of an existing Pungi compose, taken from Koji once more: the same RPMs, for the same arches
//! and signed with the same keys, as its `rpms.json` says.
//!
//! The source is the URL of the variant, `…/compose/Server`; the document is beside it, in `…/compose/metadata/`. It may
//! be a `file` URL of a directory of this machine, below one of the configured roots. What the document says is pinned
//! as a whole: composes are removed some day.

mod config;
mod error;
mod rpms;

pub use config::PungiComposeSettings;
pub use error::PungiComposeError;
pub use rpms::{VariantRpm, VariantRpms};

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use odcs_core::fetch::{Expected, FetchExt, Get};
use odcs_core::files::{RelativePath, Root};
use odcs_core::request::{ComposeRequest, KeyOrUnsigned, SourceKind, SourceSpec};
use odcs_core::source::local::{blocking, io_error};
use odcs_core::source::{Candidate, Capability, Content, PackageContent, Pins, Resolved, ResolvedFields};
use odcs_core::{ComposeSource, Manifest, Result};
use odcs_rpm::{Digest, PackagePattern, TreeArch};
use serde::{Deserialize, Serialize};
use url::Url;

use self::error::Reason;
use crate::catalog::Amount;
use crate::koji::Koji;
use crate::koji::client::BuildId;
use crate::koji::named::Named;

/// The `pungi_compose` source.
#[derive(Clone, Debug)]
pub struct PungiComposeSource {
    koji: Koji,
    settings: Arc<PungiComposeSettings>,
}

/// What a compose goes by.
#[derive(Debug, Serialize, Deserialize)]
struct PungiComposePins {
    /// The variant asked for.
    url: Url,
    /// What it has.
    rpms: VariantRpms,
    /// The numbers of its builds, in their order.
    builds: Vec<BuildId>,
}

impl PungiComposeSource {
    /// Composes whose packages are in this Koji.
    pub fn new(koji: Koji, settings: PungiComposeSettings) -> Self {
        Self {
            koji,
            settings: Arc::new(settings),
        }
    }

    /// The document about the packages of a variant.
    async fn document(&self, url: &Url) -> Result<bytes::Bytes> {
        let limit = self.settings.document_bytes;
        if url.scheme() == "file" {
            let (root, path) = self.local(url)?;
            return blocking(move || {
                let root = Root::open(&root).map_err(|error| io_error(error, root.display()))?;
                let shown = || format!("{}/{path}", root.path().display());
                let file = root.open_file(&path).map_err(|error| io_error(error, shown()))?;
                let mut bytes = Vec::new();
                let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
                read.map_err(|error| io_error(error, shown()))?;
                if bytes.len() as u64 > limit {
                    let why = format!("it is larger than the limit of {limit} bytes");
                    return Err(PungiComposeError::new(Reason::Damaged(why), shown()).into());
                }
                Ok(bytes.into())
            })
            .await;
        }
        let place = document_url(url)?;
        let expected = Expected::at_most(limit, place.as_str());
        let get = Get::new(place, limit);
        let (_, bytes) = self.settings.fetch.bytes(&get, expected).await?;
        Ok(bytes)
    }

    /// Where the document is on this machine: below which root, and how. Paths are only compared.
    fn local(&self, url: &Url) -> Result<(PathBuf, RelativePath), PungiComposeError> {
        let outside = || PungiComposeError::new(Reason::Outside, url.as_str());
        let path = document_url(url)?.to_file_path().map_err(|()| outside())?;
        let below = |root: &PathBuf| {
            let below = path.strip_prefix(root).ok()?.to_str()?.parse().ok()?;
            Some((root.clone(), below))
        };
        self.settings.roots.iter().find_map(below).ok_or_else(outside)
    }

    async fn read(&self, pins: &Pins, amount: Amount) -> Result<Content> {
        let pins: PungiComposePins = pins.read()?;
        let builds = pins.rpms.builds.values().zip(&pins.builds);
        let rpms: Vec<_> = builds
            .flat_map(|(rpms, build)| rpms.iter().map(|rpm| (*build, rpm)))
            .collect();
        let named: Vec<Named> = rpms
            .iter()
            .map(|(build, rpm)| Named {
                build: *build,
                nevra: rpm.nevra.clone(),
                sigkey: rpm.sigkey.clone(),
            })
            .collect();
        let candidates = self.koji.named(named, amount).await?.map_err(|missing| {
            let count = missing.len();
            let shown = missing.into_iter().take(SHOWN).collect();
            PungiComposeError::new(Reason::Missing { count, shown }, pins.url.as_str())
        })?;
        let mut assigned: BTreeMap<TreeArch, Vec<usize>> = BTreeMap::new();
        for (number, (_, rpm)) in rpms.iter().enumerate() {
            for arch in &rpm.arches {
                assigned.entry(arch.clone()).or_default().push(number);
            }
        }
        Ok(Content::Packages(PackageContent {
            candidates,
            description: format!("the Pungi compose {}", pins.url),
            assigned: Some(assigned),
            ..PackageContent::default()
        }))
    }
}

/// Packages that a message names.
const SHOWN: usize = 20;

/// The variant's name: the last part of its URL.
fn variant_of(url: &Url) -> Result<String, PungiComposeError> {
    let mut segments = url.path().trim_end_matches('/').rsplit('/');
    let name = segments.next().filter(|name| !name.is_empty());
    let has_parent = segments.next().is_some_and(|parent| !parent.is_empty());
    let name = name.filter(|_| has_parent).map(str::to_owned);
    name.ok_or_else(|| PungiComposeError::new(Reason::NoName, url.as_str()))
}

/// Where the document is that tells the packages.
fn document_url(variant: &Url) -> Result<Url, PungiComposeError> {
    variant_of(variant)?;
    let mut url = variant.clone();
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/');
    let above = path.rsplit_once('/').map_or("", |(above, _)| above);
    let path = format!("{above}/metadata/rpms.json");
    url.set_path(&path);
    Ok(url)
}

fn url_of(request: &ComposeRequest) -> Result<&Url, PungiComposeError> {
    match &request.source {
        SourceSpec::PungiCompose(url) => Ok(url.url()),
        other => Err(PungiComposeError::new(Reason::OtherSource, other.kind().name())),
    }
}

#[async_trait]
impl ComposeSource for PungiComposeSource {
    fn kind(&self) -> SourceKind {
        SourceKind::PUNGI_COMPOSE
    }

    fn capability(&self) -> Capability {
        // The compose says which packages, and with which keys.
        Capability::default()
    }

    fn check(&self, request: &ComposeRequest) -> Result<()> {
        let url = url_of(request)?;
        let document = document_url(url)?;
        if url.scheme() == "file" {
            self.local(url)?;
        } else {
            self.settings.fetch.check(&document)?;
        }
        Ok(())
    }

    async fn resolve(&self, request: &ComposeRequest) -> Result<Resolved> {
        let url = url_of(request)?.clone();
        let (document, variant) = (self.document(&url).await?, variant_of(&url)?);
        let rpms = blocking(move || Ok(VariantRpms::read(&document, &variant)?)).await?;
        let names: Vec<_> = rpms.builds.keys().cloned().collect();
        let builds = self.koji.complete_builds(&names).await?;
        let mut fields = ResolvedFields::default();
        fields.arches = Some(rpms.arches.clone());
        fields.sigkeys = Some(keys_of(&rpms));
        fields.packages = Some(packages_of(&rpms)?);
        fields.builds = Some(names);
        Ok(Resolved {
            pins: Pins::new(&PungiComposePins { url, rpms, builds })?,
            fields,
        })
    }

    async fn content(&self, pins: &Pins) -> Result<Content> {
        self.read(pins, Amount::Brief).await
    }

    async fn complete_content(&self, pins: &Pins) -> Result<Content> {
        self.read(pins, Amount::Complete).await
    }

    async fn replay(&self, manifest: &Manifest) -> Result<Content> {
        Ok(Content::Packages(self.koji.replay(manifest).await?))
    }

    async fn checksums(&self, chosen: &[Arc<Candidate>]) -> Result<Vec<Option<Digest>>> {
        self.koji.checksums(chosen).await
    }
}

/// The keys that its packages are signed with, sorted; the permission to be unsigned comes last, if some are.
fn keys_of(rpms: &VariantRpms) -> Vec<KeyOrUnsigned> {
    let keys: BTreeSet<_> = rpms.rpms().map(|rpm| rpm.sigkey.as_ref()).collect();
    let signed = keys.iter().filter_map(|key| key.as_ref()?.as_str().parse().ok());
    let unsigned = keys.contains(&None).then_some(KeyOrUnsigned::Unsigned);
    signed.chain(unsigned).collect()
}

/// The names of its packages, each once.
fn packages_of(rpms: &VariantRpms) -> Result<Vec<PackagePattern>> {
    let names: BTreeSet<_> = rpms.rpms().map(|rpm| rpm.nevra.name().as_str()).collect();
    let parse = |name: &str| {
        let parsed = name.parse::<PackagePattern>();
        parsed.map_err(|error| odcs_core::Error::invalid("packages", error.to_string()))
    };
    names.into_iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_beside_the_variant() {
        let document = |url: &str| document_url(&url.parse().unwrap()).map(String::from);
        for url in ["https://a/F-36/compose/Server", "https://a/F-36/compose/Server/"] {
            assert_eq!(
                document(url).unwrap(),
                "https://a/F-36/compose/metadata/rpms.json"
            );
        }
        assert_eq!(
            document("file:///srv/F-36/compose/Server").unwrap(),
            "file:///srv/F-36/compose/metadata/rpms.json"
        );
        for url in ["https://a/", "https://a", "https://a/Server"] {
            assert!(document(url).is_err(), "{url}");
        }
    }
}
