//! What the service does for those who ask over a network: the trait between the engine and its API.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use odcs_rpm::{Digest, Nevra, PackageKind, TreeArch};

use crate::Result;
use crate::compose::{Compose, ComposeId, ComposeState};
use crate::manifest::{LookasidePackage, Manifest};
use crate::request::parse::Parsed;
use crate::request::{ComposeRequest, ComposeResults, Flags, Renewal, SourceKind};
use crate::store::{Page, Query};
use crate::why::Why;

/// The service as its callers see it. Who calls, and whether they may, has been settled before.
#[async_trait]
pub trait ComposeService: fmt::Debug + Send + Sync + 'static {
    /// Reads a request for a compose, the JSON body as it arrived, and checks all that can be checked without
    /// asking anybody. Nothing is recorded: whether the caller may have such a compose is decided upon what
    /// this returns.
    ///
    /// # Errors
    /// `Invalid` naming the field if the body is not a request this server can fulfil.
    fn read_request(&self, body: &[u8]) -> Result<Parsed<ComposeRequest>>;

    /// Takes a request for a compose, and whom the compose belongs to.
    ///
    /// # Errors
    /// As [`read_request`](Self::read_request); `Unavailable` if it cannot be recorded at the moment.
    async fn submit(&self, request: Parsed<ComposeRequest>, owner: &str) -> Result<Submitted>;

    /// What a compose of this request would consist of. Packages are chosen as for a compose; nothing is made and
    /// nothing recorded. Whoever does not want the answer any more drops the future.
    ///
    /// # Errors
    /// As [`read_request`](Self::read_request); `Unavailable` if what the packages are read from cannot be reached,
    /// if it takes too long, or (then it is worth trying again soon, [`is_retryable`](crate::Error::is_retryable))
    /// if too many ask at once. That a compose would fail is no error: the [`Outlook`] says so.
    async fn preview(&self, request: Parsed<ComposeRequest>) -> Result<Preview>;

    /// The record of an id; `None` if there never was one.
    ///
    /// # Errors
    /// `Unavailable` if records cannot be read.
    async fn get(&self, id: ComposeId) -> Result<Option<Compose>>;

    /// One page of the records that match.
    ///
    /// # Errors
    /// `Unavailable` if records cannot be read.
    async fn find(&self, query: &Query) -> Result<Page>;

    /// Reads the wish to renew a compose, the JSON body as it arrived. No body at all is the wish to keep it
    /// for the usual time from now on.
    ///
    /// # Errors
    /// `Invalid` naming the field if the body is no such wish.
    fn read_renewal(&self, body: &[u8]) -> Result<Parsed<Renewal>>;

    /// What would have been asked for if a compose were asked for anew, as it is to be renewed: whether the
    /// caller may have it is decided upon that. `None` for a record that was taken over from elsewhere and
    /// holds what nobody may ask for any more; such a compose can be kept longer, but not made again.
    fn renewed_request(&self, compose: &Compose, renewal: &Renewal) -> Option<ComposeRequest>;

    /// Keeps a compose longer, or makes it once more under a new id if it is gone, has failed, or something
    /// about it is to be different.
    ///
    /// # Errors
    /// `NotFound` for an unknown id and for a compose that has not ended; `Invalid` naming the field for what
    /// this server cannot make (any more); `Unavailable` if it cannot be recorded.
    async fn renew(&self, id: ComposeId, renewal: Parsed<Renewal>, by: &str) -> Result<Submitted>;

    /// What went into a compose; `None` if nothing is recorded (yet).
    ///
    /// # Errors
    /// `Unavailable` if records cannot be read.
    async fn manifest(&self, id: ComposeId) -> Result<Option<Manifest>>;

    /// Cancels a compose that has not ended; lets one that has ended expire now.
    ///
    /// # Errors
    /// `NotFound` for an unknown id, `Invalid` for a compose that is removed already, `Unavailable` if
    /// it cannot be recorded.
    async fn delete(&self, id: ComposeId, by: &str) -> Result<Compose>;

    /// What this server is and what it makes.
    fn about(&self) -> About;

    /// Whether the service can do its work at the moment.
    async fn ready(&self) -> Readiness;

    /// How many composes there are of each source type in each state, as
    /// [`ComposeStore::counts`](crate::ComposeStore::counts).
    ///
    /// # Errors
    /// `Unavailable` if records cannot be read.
    async fn counts(&self) -> Result<Vec<(i64, ComposeState, u64)>>;
}

/// What a service needs in order to work, and whether it has it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Readiness {
    /// One entry for each thing that was looked at.
    pub checks: Vec<ReadinessCheck>,
}

/// One thing that a service needs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReadinessCheck {
    /// What was looked at: `store`, `worker`, …
    pub name: &'static str,
    /// Why it cannot be used, as half a sentence without secrets; `None` if it can.
    pub problem: Option<String>,
}

impl Readiness {
    /// Adds what a check found.
    pub fn add(&mut self, name: &'static str, found: std::result::Result<(), String>) {
        let problem = found.err();
        self.checks.push(ReadinessCheck { name, problem });
    }

    /// Whether nothing is missing.
    ///
    /// ```
    /// use odcs_core::service::Readiness;
    /// let mut readiness = Readiness::default();
    /// readiness.add("store", Ok(()));
    /// assert!(readiness.is_ready());
    /// readiness.add("worker", Err("nobody has looked for work for 60 s".to_owned()));
    /// assert!(!readiness.is_ready());
    /// ```
    pub fn is_ready(&self) -> bool {
        self.checks.iter().all(|check| check.problem.is_none())
    }
}

/// A request that was taken.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The record of the compose.
    pub compose: Compose,
    /// What of the request was not understood or has no effect, a sentence each.
    pub warnings: Vec<String>,
}

/// What would become of a request.
#[derive(Clone, Debug)]
pub struct Preview {
    /// What would become of the compose.
    pub outlook: Outlook,
    /// What its log would say until its packages are chosen, a line each; a very long one is cut.
    pub log: Vec<String>,
    /// What of the request was not understood or has no effect, and what only making the compose can tell, a
    /// sentence each.
    pub warnings: Vec<String>,
}

/// What would become of a compose.
#[derive(Clone, Debug)]
pub enum Outlook {
    /// It would consist of these packages.
    Made {
        /// What they are from, as people call it: "the repository /srv/repo".
        description: String,
        /// The packages, sorted by kind and NEVRA.
        packages: Vec<PreviewPackage>,
        /// The packages of lookaside repositories that others are there for, sorted by NEVRA.
        lookaside: Vec<LookasidePackage>,
    },
    /// It would fail, with this sentence as the reason in its record.
    Failed {
        /// The sentence.
        reason: String,
    },
}

/// A package that would be in a compose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PreviewPackage {
    /// Which tree it would be in.
    pub kind: PackageKind,
    /// The package, as the source lists it.
    pub nevra: Nevra,
    /// The arches of the compose that it would be there for, in the order of the request.
    pub arches: Vec<TreeArch>,
    /// Size of the file in bytes, as the source lists it.
    pub size: u64,
    /// Checksum of the file, where the source knows it.
    pub digest: Option<Digest>,
    /// Why it would be there, for each of its arches.
    pub why: BTreeMap<TreeArch, Why>,
}

/// What a server is and what it makes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct About {
    /// The version of the program.
    pub version: String,
    /// The source types it can make composes from.
    pub source_types: Vec<SourceKind>,
    /// The flags that a request may have.
    pub flags: Flags,
    /// What a compose may consist of.
    pub results: ComposeResults,
    /// The arches it makes composes for.
    pub arches: Vec<TreeArch>,
}
