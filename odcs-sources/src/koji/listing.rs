//! What the hub has for a compose: asked of it, and put together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use odcs_core::request::KojiTag;
use odcs_core::source::local::blocking;
use odcs_core::{Error, ErrorKind, Result};
use odcs_rpm::{Arch, TreeArch};

use super::Koji;
use super::client::{Build, BuildId, BuildState, Rpm, RpmId, Signatures, TaggedBuilds, TaggedRpms};
use super::error::KojiSourceError;
use super::pins::KojiPins;
use super::scratch;
use super::selection::{self, BuildRpms};

impl Koji {
    /// All builds that a compose may take packages from, with their RPMs for its arches.
    ///
    /// # Errors
    /// Those of the hub; `Gone` for builds that are not there any more.
    pub(super) async fn builds_of(&self, pins: &KojiPins) -> Result<Vec<BuildRpms>> {
        let mut tags = Vec::with_capacity(pins.tags.len());
        for tag in &pins.tags {
            tags.push(self.tagged(tag, pins).await?);
        }
        let given = self.given(pins).await?;
        let made = scratch::sources_of(&pins.scratch)?;
        blocking(move || {
            let tagged = selection::in_order_of_preference(tags);
            Ok(selection::with_given(tagged, given, &made))
        })
        .await
    }

    /// What a tag has.
    async fn tagged(&self, tag: &KojiTag, pins: &KojiPins) -> Result<Vec<BuildRpms>> {
        let mut query = TaggedRpms::new(tag.as_str());
        query.event = Some(pins.event);
        query.inherit = pins.inherit;
        query.latest = true;
        query.signatures = pins.signatures.matter();
        query.arches = arches_of(&pins.arches)?;
        let mut listing = self.hub.tagged_rpms(&query).await?;
        // Nothing for any of the arches: what there is instead is worth knowing.
        if !has_any_of(&pins.arches, listing.rpms.iter()) {
            query.arches.clear();
            listing = self.hub.tagged_rpms(&query).await?;
        }
        let builds = blocking(move || Ok(selection::of_listing(listing))).await?;
        if pins.embargoed.is_empty() {
            return Ok(builds);
        }
        self.without_embargoed(tag, pins, builds).await
    }

    /// The same, with builds under embargo replaced by those that were tagged before them: by the newest one in the
    /// first tag in the order of inheritance that has one.
    async fn without_embargoed(
        &self,
        tag: &KojiTag,
        pins: &KojiPins,
        builds: Vec<BuildRpms>,
    ) -> Result<Vec<BuildRpms>> {
        let is_embargoed = |build: &BuildRpms| pins.embargoed.contains(&build.build.id);
        let (embargoed, mut kept): (Vec<_>, Vec<_>) = builds.into_iter().partition(is_embargoed);
        let before: Vec<_> = embargoed
            .iter()
            .map(|embargoed| self.before(tag, pins, &embargoed.build))
            .collect();
        let before: Vec<Option<Build>> = stream::iter(before)
            .buffered(self.settings.hub.connections.max(1))
            .try_collect()
            .await?;
        let instead = before.into_iter().flatten().collect();
        kept.extend(self.with_rpms(instead, pins).await?);
        Ok(kept)
    }

    /// The build of a package that was tagged last before all that are under embargo.
    async fn before(&self, tag: &KojiTag, pins: &KojiPins, embargoed: &Build) -> Result<Option<Build>> {
        let mut query = TaggedBuilds::new(tag.as_str());
        query.event = Some(pins.event);
        query.inherit = pins.inherit;
        query.package = Some(embargoed.nvr.name().as_str().into());
        let tagged = self.hub.tagged_builds(&query).await?;
        let mut tagged = tagged.into_iter().map(|tagged| tagged.build);
        let found = tagged.find(|older| !pins.embargoed.contains(&older.id));
        if found.is_none() {
            tracing::info!(%tag, build = %embargoed.nvr, "under embargo, and no build before it is in the tag");
        }
        Ok(found)
    }

    /// The builds that were asked for by themselves, as they are now: they may have been moved.
    async fn given(&self, pins: &KojiPins) -> Result<Vec<BuildRpms>> {
        if pins.builds.is_empty() {
            return Ok(Vec::new());
        }
        let (mut builds, mut gone) = (Vec::new(), Vec::new());
        for (id, build) in pins.builds.iter().zip(self.builds_by_id(&pins.builds).await?) {
            match build {
                Some(build) if build.state == BuildState::Complete => builds.push(build),
                Some(build) => gone.push(build.nvr.to_string()),
                None => gone.push(format!("build {id}")),
            }
        }
        if !gone.is_empty() {
            return Err(KojiSourceError::BuildsGone(gone).into());
        }
        self.with_rpms(builds, pins).await
    }

    /// Builds with their RPMs for the arches of a compose, and with signatures where those matter.
    async fn with_rpms(&self, builds: Vec<Build>, pins: &KojiPins) -> Result<Vec<BuildRpms>> {
        if builds.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<BuildId> = builds.iter().map(|build| build.id).collect();
        let lists = self.rpms_of(&ids).await?;
        let wanted: BTreeSet<Arch> = arches_of(&pins.arches)?.into_iter().collect();
        let is_any = has_any_of(&pins.arches, lists.iter().flatten());
        let mut found: Vec<BuildRpms> = builds
            .into_iter()
            .zip(lists)
            .map(|(build, mut rpms)| {
                rpms.retain(|rpm| !is_any || wanted.contains(rpm.nevra.arch()));
                BuildRpms { build, rpms }
            })
            .collect();
        if pins.signatures.matter() {
            let ids: Vec<RpmId> = found
                .iter()
                .flat_map(|build| &build.rpms)
                .map(|rpm| rpm.id)
                .collect();
            let signatures = self.hub.rpm_signatures(&ids).await?;
            let signatures: Vec<Signatures> = signatures.into_iter().collect::<Result<_, _>>()?;
            let mut signatures: HashMap<RpmId, _> = ids.into_iter().zip(signatures).collect();
            for rpm in found.iter_mut().flat_map(|build| &mut build.rpms) {
                rpm.signatures = signatures.remove(&rpm.id).unwrap_or_default();
            }
        }
        Ok(found)
    }

    /// All RPMs of builds.
    pub(super) async fn rpms_of(&self, builds: &[BuildId]) -> Result<Vec<Vec<Rpm>>> {
        let lists = self.hub.build_rpms(builds).await?;
        Ok(lists.into_iter().collect::<Result<_, _>>()?)
    }

    /// Builds by their ids, `None` for those that the hub does not know.
    pub(super) async fn builds_by_id(&self, ids: &[BuildId]) -> Result<Vec<Option<Build>>> {
        let asked: Vec<_> = ids.iter().map(|id| (*id).into()).collect();
        let found = self.hub.builds(&asked).await?;
        Ok(found.into_iter().collect::<Result<_, _>>()?)
    }

    /// What RPMs are by their numbers, with the builds they are of; those are left out that are not there any more.
    ///
    /// # Errors
    /// Those of the hub.
    pub(super) async fn rpms_by_id(&self, ids: &[RpmId]) -> Result<BTreeMap<RpmId, (Rpm, Build)>> {
        let found = self.hub.rpms_by_id(ids).await?;
        let found: Vec<Option<Rpm>> = found.into_iter().collect::<Result<_, _>>()?;
        let rpms: Vec<Rpm> = found.into_iter().flatten().collect();
        let builds: BTreeSet<BuildId> = rpms.iter().map(|rpm| rpm.build_id).collect();
        let builds: Vec<BuildId> = builds.into_iter().collect();
        let found = self.builds_by_id(&builds).await?;
        let found: BTreeMap<BuildId, Build> = builds
            .into_iter()
            .zip(found)
            .filter_map(|(id, build)| Some((id, build?)))
            .collect();
        let of_build = |rpm: Rpm| {
            let build = found.get(&rpm.build_id)?.clone();
            Some((rpm.id, (rpm, build)))
        };
        Ok(rpms.into_iter().filter_map(of_build).collect())
    }
}

/// The arches of packages that may stand in the trees of a compose, sources included.
fn arches_of(trees: &[TreeArch]) -> Result<Vec<Arch>> {
    let names = trees.iter().flat_map(TreeArch::package_arches);
    let names: BTreeSet<&str> = names.chain(["noarch", "src", "nosrc"]).collect();
    let parse = |name: &str| {
        name.parse().map_err(|error: odcs_rpm::Error| {
            Error::new(ErrorKind::Internal, "list packages", name, error.to_string())
        })
    };
    names.into_iter().map(parse).collect()
}

/// Whether there is a package that is of one of the arches itself. Where there is none but of `noarch`, all arches are
/// served by those.
fn has_any_of<'a>(trees: &[TreeArch], mut rpms: impl Iterator<Item = &'a Rpm>) -> bool {
    rpms.any(|rpm| {
        let arch = rpm.nevra.arch();
        !arch.is_noarch() && !arch.is_source() && trees.iter().any(|tree| tree.admits(arch))
    })
}
