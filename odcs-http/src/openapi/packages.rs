//! What is in composes.

#![allow(dead_code, reason = "these types describe what others write")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

use super::answers::ListMeta;

/// Packages of a compose, sorted by kind and NEVRA.
#[derive(ToSchema)]
pub(super) struct PackageList {
    /// The id of the compose.
    compose: i64,
    items: Vec<Package>,
    meta: ListMeta,
    /// The id of the compose that was made with them: this one, or the one whose tree it uses.
    tree_of: i64,
}

/// A package of a compose, and why it is there.
#[derive(ToSchema)]
pub(super) struct Package {
    /// The arches of the compose that it is there for.
    arches: Vec<String>,
    kind: PackageKind,
    /// `NAME-EPOCH:VERSION-RELEASE.ARCH`
    #[schema(example = "ed-0:1.20-1.x86_64")]
    nevra: String,
    /// SHA-256 of its file; null where that is not known.
    #[schema(required)]
    sha256: Option<String>,
    /// The key that it was chosen for; null if signatures did not matter, it goes as unsigned, or nothing is made.
    #[schema(required)]
    sigkey: Option<String>,
    /// Size of its file in bytes; null for packages of lookaside repositories.
    #[schema(required)]
    size: Option<u64>,
    /// Why it is there, by arch. Empty where that was not recorded: in composes made by older versions.
    why: BTreeMap<String, Why>,
}

/// Which of the trees of a compose a package is in; `lookaside` are those that are in none, but that others are there
/// for.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum PackageKind {
    Binary,
    Debug,
    Source,
    Lookaside,
}

/// Why a package is there. Whoever goes on to the package named by `by`, and its reason for the same arch, comes to what
/// was asked for.
#[derive(ToSchema)]
pub(super) struct Why {
    /// The package that pulled it in, by its NEVRA; missing where the chain ends.
    #[schema(nullable = false, example = "ed-0:1.20-1.x86_64")]
    by: Option<String>,
    /// True if that package is in a lookaside repository and not in the compose; missing otherwise.
    #[schema(nullable = false)]
    by_lookaside: Option<bool>,
    /// The entry of the request that it matches, if it was asked for.
    #[schema(nullable = false)]
    pattern: Option<String>,
    /// `asked`, `everything`, `requires`, `build_requires`, `source_of`, `debug_of`, `conditional`, `built_with`,
    /// `langpack`, `multilib`, `prepopulated`; there may be more.
    #[schema(example = "requires")]
    reason: String,
    /// The requirement of the other package that it satisfies.
    #[schema(nullable = false, example = "libedit >= 3")]
    requirement: Option<String>,
    /// What selects a multilib package: `devel`, `runtime`, `all`, or an entry of a list of names.
    #[schema(nullable = false)]
    rule: Option<String>,
    /// The same as a sentence.
    #[schema(example = "ed-1.20-1.x86_64 requires libedit >= 3")]
    text: String,
}

/// What went into a compose, file by file, as it is recorded.
#[derive(ToSchema)]
pub(super) struct Manifest {
    /// What the packages are from, as people call it.
    #[schema(example = "the repository /srv/repo")]
    description: String,
    /// Packages that are not in it but in lookaside repositories, and that others are there for, sorted by NEVRA.
    #[schema(nullable = false)]
    lookaside: Option<Vec<LookasidePackage>>,
    /// The packages, sorted by kind and NEVRA.
    packages: Vec<ManifestPackage>,
    /// The type of its source, by name.
    #[schema(example = "repo")]
    source_type: String,
    /// The time that published files carry, in seconds since 1970.
    timestamp: u64,
    /// Checksum of the document with the updates that was handed on with the packages, uncompressed.
    #[schema(nullable = false)]
    updateinfo: Option<Digest>,
}

/// A package of a compose, and the file it was.
#[derive(ToSchema)]
pub(super) struct ManifestPackage {
    /// The arches of the compose that it is there for.
    arches: Vec<String>,
    /// SHA-256 of the file.
    digest: Digest,
    /// Where its file was, as the source names it.
    file: String,
    kind: PackageKind,
    /// The time that repodata says it was modified at, in seconds since 1970: of files that were fetched, and of those that
    /// Koji has on record; missing for other files of the server.
    #[schema(nullable = false)]
    modified: Option<u64>,
    /// `NAME-EPOCH:VERSION-RELEASE.ARCH`
    nevra: String,
    /// The number of the RPM in Koji; missing for packages that are not from there.
    #[schema(nullable = false)]
    rpm_id: Option<i64>,
    /// The key that it was chosen for; null if signatures did not matter, or it goes as unsigned.
    #[schema(required)]
    sigkey: Option<String>,
    /// Size of the file in bytes.
    size: u64,
    /// Why it is there, by arch; missing in composes made by older versions.
    #[schema(nullable = false)]
    why: Option<BTreeMap<String, RecordedWhy>>,
}

/// A package of a lookaside repository.
#[derive(ToSchema)]
pub(super) struct LookasidePackage {
    /// `NAME-EPOCH:VERSION-RELEASE.ARCH`
    nevra: String,
    /// Why it was met, by arch.
    why: BTreeMap<String, RecordedWhy>,
}

/// Why a package is there, as it is recorded.
#[derive(ToSchema)]
pub(super) struct RecordedWhy {
    /// The package that pulled it in, by its NEVRA; missing where the chain ends.
    #[schema(nullable = false)]
    by: Option<String>,
    /// The entry of the request that it matches, if it was asked for.
    #[schema(nullable = false)]
    pattern: Option<String>,
    /// As in the answer for the packages.
    reason: String,
    /// The requirement of the other package that it satisfies.
    #[schema(nullable = false)]
    requirement: Option<String>,
    /// What selects a multilib package: `devel`, `runtime`, `all`, or an entry of a list of names.
    #[schema(nullable = false)]
    rule: Option<String>,
}

/// A checksum.
#[derive(ToSchema)]
pub(super) struct Digest {
    /// `sha256`, mostly.
    algorithm: String,
    /// The checksum in hexadecimal digits.
    hex: String,
}

/// What is different between two composes. What is the same is left out.
#[derive(ToSchema)]
pub(super) struct Difference {
    /// The id of the compose that is compared with.
    after: i64,
    /// The id of the compose that is compared.
    before: i64,
    counts: DifferenceCounts,
    /// Sorted by kind, then by name.
    items: Vec<PackageDifference>,
}

/// How many packages, each counted once for all of its arches.
#[derive(ToSchema)]
pub(super) struct DifferenceCounts {
    added: u64,
    changed: u64,
    downgraded: u64,
    removed: u64,
    upgraded: u64,
}

/// What became of a package. Where a name has several versions, those that are in both composes are left out, and of the
/// others the newest are counterparts, and so on; those without one were added or removed.
#[derive(ToSchema)]
pub(super) struct PackageDifference {
    /// What is there now; null if it was removed.
    #[schema(required)]
    after: Option<PackageFile>,
    /// The arches of the composes that this happened for.
    arches: Vec<String>,
    /// What was there before; null if it was added.
    #[schema(required)]
    before: Option<PackageFile>,
    change: PackageChange,
    kind: PackageKind,
    name: String,
}

/// What became of a package. `changed` is the same version, but another file, another key, or another architecture.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum PackageChange {
    Added,
    Removed,
    Upgraded,
    Downgraded,
    Changed,
}

/// A package and the file it was.
#[derive(ToSchema)]
pub(super) struct PackageFile {
    /// `NAME-EPOCH:VERSION-RELEASE.ARCH`
    nevra: String,
    /// SHA-256 of the file.
    #[schema(required)]
    sha256: Option<String>,
    /// The key that it was chosen for, if signatures mattered.
    #[schema(required)]
    sigkey: Option<String>,
    size: u64,
}

/// What would be in a compose. Nothing is made, nothing recorded, no id is given.
#[derive(ToSchema)]
pub(super) struct DryRun {
    /// What the packages are from, as people call it.
    description: String,
    /// Always true: this is no record of a compose.
    dry_run: bool,
    /// The packages, sorted by kind and NEVRA.
    items: Vec<Package>,
    /// What the log of the compose would say until its packages are chosen.
    log: Vec<String>,
    /// Packages of lookaside repositories that others would be there for.
    lookaside: Vec<Package>,
    /// What of the request was not understood or has no effect, and what only making the compose can tell.
    warnings: Vec<String>,
}
