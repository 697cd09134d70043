//! The conformance suite finds what is wrong: the `repo` source, spoilt in one way each.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::Lab;
use async_trait::async_trait;
use odcs_core::request::{SourceKind, SourceSpec};
use odcs_core::source::{Candidate, Capability, Content, PackageContent, Pins, Resolved, SourceRecord};
use odcs_core::testing::source::{Cases, conformance};
use odcs_core::{ComposeRequest, ComposeSource, Error, ErrorKind, Manifest, Result};
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_sources::repo::{RepoPins, RepoSettings, RepoSource};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    None,
    CheckAllowsAll,
    CheckNeedsARuntime,
    PinsDiffer,
    ContentIsOfToday,
    OrderDiffers,
    ChecksumsAreWrong,
    SizesAreWrong,
    NotFoundIsInvalid,
    MessageIsNoSentence,
    GoneIsRetryable,
    CompleteIsBrief,
    CompleteIsLess,
    CompleteIsEmpty,
    ReplayWithoutChecksums,
    ReplayLeavesOut,
    ReplayReadsAnything,
    /// None: the source has its files on record, and their checksums when it is asked.
    Recorded,
    RecordsShareNames,
    RecordsNameKeys,
    RecordsAreBrief,
    LateChecksumsAreWrong,
    LateChecksumsAreFewer,
    AssignedIsNotThere,
}

#[derive(Debug)]
struct Spoilt {
    source: RepoSource,
    fault: Fault,
    request: ComposeRequest,
    calls: Arc<AtomicUsize>,
}

impl Spoilt {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn is_recorded(&self) -> bool {
        matches!(
            self.fault,
            Fault::Recorded
                | Fault::RecordsShareNames
                | Fault::RecordsNameKeys
                | Fault::RecordsAreBrief
                | Fault::LateChecksumsAreWrong
                | Fault::LateChecksumsAreFewer
        )
    }

    /// What a source says that keeps records.
    fn record(&self, content: &mut PackageContent) {
        for candidate in &mut content.candidates {
            let name = match self.fault {
                Fault::RecordsShareNames => "one for all".to_owned(),
                _ => candidate.file.to_string(),
            };
            let mut record = SourceRecord::new(name);
            if self.is(Fault::RecordsNameKeys) {
                record = record.with_sigkey("deadbeef".parse().unwrap());
            }
            candidate.record = Some(Arc::new(record));
        }
    }

    fn spoil(&self, mut content: PackageContent) -> PackageContent {
        if self.is_recorded() {
            self.record(&mut content);
        }
        if self.is(Fault::AssignedIsNotThere) {
            let numbers = vec![0, content.candidates.len()];
            content.assigned = Some(BTreeMap::from([("x86_64".parse().unwrap(), numbers)]));
        }
        let wrong = Digest::of_bytes(DigestAlgorithm::Sha256, b"wrong");
        if self.is(Fault::OrderDiffers) && self.calls.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
            content.candidates.reverse();
        }
        for candidate in &mut content.candidates {
            if self.is(Fault::ChecksumsAreWrong) {
                candidate.checksum = Some(wrong.clone());
            }
            if self.is(Fault::SizesAreWrong) {
                Arc::make_mut(&mut candidate.package).sizes.package += 1;
            }
        }
        content
    }
}

#[async_trait]
impl ComposeSource for Spoilt {
    fn kind(&self) -> SourceKind {
        self.source.kind()
    }

    fn capability(&self) -> Capability {
        self.source.capability()
    }

    fn check(&self, request: &ComposeRequest) -> Result<()> {
        match self.fault {
            Fault::CheckAllowsAll => Ok(()),
            Fault::CheckNeedsARuntime => {
                drop(tokio::runtime::Handle::current());
                self.source.check(request)
            }
            _ => self.source.check(request),
        }
    }

    async fn resolve(&self, request: &ComposeRequest) -> Result<Resolved> {
        let resolved = self.source.resolve(request).await;
        match self.fault {
            Fault::PinsDiffer => Ok(Resolved {
                pins: Pins::new(&self.calls.fetch_add(1, Ordering::Relaxed))?,
                ..resolved?
            }),
            Fault::NotFoundIsInvalid => resolved.map_err(|error| Error::invalid("source", error.to_string())),
            Fault::MessageIsNoSentence => {
                resolved.map_err(|error| Error::new(error.kind(), "resolve", "source", "ENOENT"))
            }
            _ => resolved,
        }
    }

    async fn content(&self, pins: &Pins) -> Result<Content> {
        let today = match self.fault {
            Fault::ContentIsOfToday if pins.read::<RepoPins>().is_ok() => {
                self.source.resolve(&self.request).await?.pins
            }
            _ => pins.clone(),
        };
        let content = self.source.content(&today).await;
        let content = content.map_err(|error| error.with_retryable(self.is(Fault::GoneIsRetryable)));
        let Content::Packages(content) = content? else {
            return Err(Error::new(
                ErrorKind::Internal,
                "test",
                "content",
                "there are packages",
            ));
        };
        Ok(Content::Packages(self.spoil(content)))
    }

    async fn complete_content(&self, pins: &Pins) -> Result<Content> {
        let mut complete = self.source.complete_content(pins).await?;
        if let Content::Packages(content) = &mut complete
            && self.is_recorded()
            && !self.is(Fault::RecordsAreBrief)
        {
            self.record(content);
        }
        Ok(match self.fault {
            Fault::CompleteIsBrief => self.source.content(pins).await?,
            Fault::CompleteIsLess => {
                let Content::Packages(mut content) = complete else {
                    return Ok(complete);
                };
                content.candidates.pop();
                Content::Packages(content)
            }
            // Nothing requires anything any more.
            Fault::CompleteIsEmpty => {
                let Content::Packages(mut content) = complete else {
                    return Ok(complete);
                };
                for candidate in &mut content.candidates {
                    Arc::make_mut(&mut candidate.package).requires.clear();
                }
                Content::Packages(content)
            }
            _ => complete,
        })
    }

    async fn checksums(&self, chosen: &[Arc<Candidate>]) -> Result<Vec<Option<Digest>>> {
        let mut known: Vec<_> = chosen
            .iter()
            .map(|candidate| {
                let opened = candidate.file.open().unwrap();
                Some(Digest::of_reader(DigestAlgorithm::Sha1, opened).unwrap().0)
            })
            .collect();
        // Not all of them are known.
        let is_known = |candidate: &Arc<Candidate>| candidate.package.nevra.name().as_str() != "ed";
        for (known, candidate) in known.iter_mut().zip(chosen) {
            *known = known.take().filter(|_| is_known(candidate));
        }
        if self.is(Fault::LateChecksumsAreWrong) {
            known.sort();
        }
        if self.is(Fault::LateChecksumsAreFewer) {
            known.pop();
        }
        Ok(known)
    }

    async fn replay(&self, manifest: &Manifest) -> Result<Content> {
        let mut manifest = manifest.clone();
        if self.is(Fault::ReplayLeavesOut) {
            manifest.packages.pop();
        }
        if self.is(Fault::ReplayReadsAnything) {
            let candidates = manifest.packages.iter().filter_map(|package| {
                let file = odcs_core::files::SourceFile {
                    root: Arc::new(odcs_core::files::Root::open("/").ok()?),
                    path: package.file.strip_prefix('/')?.parse().ok()?,
                };
                let mut candidate = Candidate::read(file).ok()?;
                candidate.checksum = Some(package.digest.clone());
                Some(candidate)
            });
            return Ok(Content::packages(candidates.collect(), "anything"));
        }
        let Content::Packages(mut content) = self.source.replay(&manifest).await? else {
            return Err(Error::new(
                ErrorKind::Internal,
                "test",
                "replay",
                "there are packages",
            ));
        };
        if self.is(Fault::ReplayWithoutChecksums) {
            for candidate in &mut content.candidates {
                candidate.checksum = None;
            }
        }
        Ok(Content::Packages(content))
    }
}

/// What the suite says to a source with a fault; `None` if it has nothing to say.
fn verdict(fault: Fault) -> Option<String> {
    let lab = Lab::new();
    let repository = lab.repository("repo");
    std::fs::remove_dir_all(repository.join("repodata")).unwrap();
    let request = |path: &str| ComposeRequest::new(SourceSpec::Repo(path.parse().unwrap()));
    let works = request(repository.to_str().unwrap());
    let cases = Cases::new(works.clone())
        .refused(request("/etc"))
        .not_found(request(lab.dir.path().join("absent").to_str().unwrap()))
        .changing("a package is removed", async || {
            std::fs::remove_file(repository.join("Packages/ed-1.20-1.i686.rpm")).unwrap();
        });
    let calls = Arc::new(AtomicUsize::new(0));
    let open = async || -> Result<Spoilt> {
        Ok(Spoilt {
            source: RepoSource::new(RepoSettings::new([lab.dir.path()]))?,
            fault,
            request: works.clone(),
            calls: Arc::clone(&calls),
        })
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let tried = catch_unwind(AssertUnwindSafe(|| runtime.block_on(conformance(open, cases))));
    tried.err().map(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap()
    })
}

#[test]
fn every_fault_is_found_and_named() {
    assert_eq!(verdict(Fault::None), None);
    assert_eq!(verdict(Fault::Recorded), None);
    for (fault, expected) in [
        (Fault::CheckAllowsAll, "can never work is refused"),
        (Fault::CheckNeedsARuntime, "checking needs no runtime"),
        (Fault::PinsDiffer, "the pins neither"),
        (Fault::ContentIsOfToday, "after a package is removed"),
        (Fault::OrderDiffers, "in the same order"),
        (Fault::ChecksumsAreWrong, "the checksum of"),
        (Fault::SizesAreWrong, "the size of"),
        (Fault::NotFoundIsInvalid, "NotFound"),
        (Fault::MessageIsNoSentence, "a sentence for the person who asked"),
        (Fault::GoneIsRetryable, "may work another time"),
        (Fault::CompleteIsBrief, "has no set"),
        (Fault::CompleteIsLess, "has as many packages"),
        (Fault::CompleteIsEmpty, "the set of the source"),
        (Fault::ReplayWithoutChecksums, "with its recorded checksum"),
        (Fault::ReplayLeavesOut, "a candidate for each package"),
        (Fault::ReplayReadsAnything, "a package is missing"),
        (Fault::RecordsShareNames, "one name on record"),
        (Fault::RecordsNameKeys, "signed with deadbeef"),
        (Fault::RecordsAreBrief, "the record of"),
        (Fault::LateChecksumsAreWrong, "where the files stood"),
        (Fault::LateChecksumsAreFewer, "one answer for each"),
        (Fault::AssignedIsNotThere, "of 13 packages"),
    ] {
        let verdict = verdict(fault).unwrap_or_else(|| panic!("{fault:?} is not found"));
        assert!(verdict.contains(expected), "{fault:?}: {verdict}");
    }
}
