//! What every [`ComposeSource`] must do, as a suite that any source can be put through.

mod cases;
mod change;
mod complete;
mod content;
mod errors;
#[cfg(doctest)]
mod guide;
mod records;
mod replay;
mod requests;

pub use cases::Cases;

use std::fmt;
use std::sync::Arc;

use crate::content_store::{ContentStore, Wanted};
use crate::request::ComposeRequest;
use crate::source::{Candidate, ComposeSource, Content, PackageContent, PackageLocation, Pins, Resolved};
use crate::{Error, Result};

/// Bytes that a package may have that is fetched to be looked at.
const FETCHED: u64 = 1 << 30;

/// Puts a source through the whole suite. `open` makes one more instance each time, as another process would: all
/// of them look at the same things. Needs a Tokio runtime with its timer.
///
/// ```no_run
/// use odcs_core::request::{ComposeRequest, SourceSpec};
/// use odcs_core::testing::source::{Cases, conformance};
/// use odcs_core::{ComposeSource, Result};
///
/// /// To be called from a test, with what opens a source of yours.
/// async fn conforms<S: ComposeSource>(open: impl Fn() -> Result<S>) -> Result<()> {
///     let kind = open()?.kind();
///     let request = |source: &str| ComposeRequest::new(SourceSpec::custom(&kind, source));
///     let cases = Cases::new(request("build-7"))
///         .refused(request("../etc"))
///         .not_found(request("build-8"))
///         .changing("a package is added", async || { /* … */ });
///     conformance(async || open(), cases).await;
///     Ok(())
/// }
/// ```
///
/// # Panics
/// When the source does not do what [`ComposeSource`] says, with what it did instead.
pub async fn conformance<S, E>(open: impl AsyncFn() -> Result<S, E>, cases: Cases<'_>)
where
    S: ComposeSource,
    E: fmt::Debug,
{
    let open = async || -> Subject {
        let source = open().await;
        let source = source.unwrap_or_else(|error| panic!("the source does not open: {error:?}"));
        Subject(Arc::new(source), cases.contents.clone())
    };
    requests::the_type_is_one(&open().await, &open().await, &cases);
    requests::checking_is_thinking(&open().await, &cases);

    content::resolving_is_repeatable(&open().await, &open().await, &cases).await;
    requests::what_is_off_changes_nothing(&open().await, &cases).await;
    let found = content::pins_say_it_all(&open().await, &open().await, &cases).await;
    content::is_what_it_says(&open().await, &found).await;
    records::what_is_assigned_is_there(&found);
    records::are_true(&open().await, &found).await;
    records::checksums_are_those_of_the_files(&open().await, &open().await, &found).await;
    let pins = open().await.must_resolve(&cases.works).await.pins;
    complete::brief_and_complete_agree(&open().await, &pins, &found).await;
    content::survives_company(&open().await, &cases, &found).await;
    content::what_is_not_there_is_not_found(&open().await, &cases).await;
    content::pins_of_others_are_refused(&open().await).await;

    let manifest = replay::manifest_of(&open().await, &found).await;
    replay::everything_comes_back(&open().await, &manifest).await;
    replay::what_is_missing_is_named(&open().await, &manifest).await;
    replay::nothing_else_is_read(&open().await, &manifest).await;

    // Composes begun before each change; they are still made, and made again, after all that follow.
    let mut begun = Vec::new();
    for (what, change) in cases.changes {
        let veteran = open().await;
        begun.extend(change::before(&veteran, &cases.works).await);
        change().await;
        for before in &begun {
            change::never_something_else(&[veteran.clone(), open().await], before, what).await;
        }
    }
}

/// The source under test, as the engine has it.
#[derive(Clone, Debug)]
struct Subject(Arc<dyn ComposeSource>, Option<Arc<dyn ContentStore>>);

impl Subject {
    fn source(&self) -> &dyn ComposeSource {
        &*self.0
    }

    async fn must_resolve(&self, request: &ComposeRequest) -> Resolved {
        let resolved = self.source().resolve(request).await;
        resolved.unwrap_or_else(|error| panic!("a request that is to work does not resolve: {error:?}"))
    }

    async fn content(&self, pins: &Pins) -> Result<PackageContent> {
        let Content::Packages(content) = self.source().content(pins).await?;
        Ok(content)
    }

    /// Candidates with their files on this machine, as the engine has them when it lays a compose out.
    async fn fetched(&self, candidates: &[Candidate]) -> Vec<Candidate> {
        let mut fetched = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            let mut candidate = candidate.clone();
            if let PackageLocation::Remote(remote) = &candidate.file {
                let contents = self.1.as_ref().unwrap_or_else(|| {
                    panic!("{remote} is elsewhere: the cases need a content store, see Cases::fetching")
                });
                let places = remote.places();
                let places = places.unwrap_or_else(|error| panic!("{remote} has no URL: {error:?}"));
                let wanted = Wanted::new(places, candidate.checksum.clone(), FETCHED);
                let obtained = contents.obtain(&wanted).await;
                let obtained =
                    obtained.unwrap_or_else(|error| panic!("{remote} cannot be fetched: {error:?}"));
                candidate.file = PackageLocation::Fetched(remote.clone(), obtained.file);
            }
            fetched.push(candidate);
        }
        fetched
    }

    async fn must_have(&self, pins: &Pins) -> PackageContent {
        let content = self.content(pins).await;
        content.unwrap_or_else(|error| panic!("what was resolved a moment ago has no content: {error:?}"))
    }
}

/// Reads and hashes files on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("{error}"),
        },
    }
}

fn must_fail<T>(result: Result<T>, what: &str) -> Error {
    // What is there instead is long.
    let Err(error) = result else {
        panic!("{what}, but this worked")
    };
    errors::is_well_formed(&error);
    error
}
