//! A source that says itself which packages belong, what it has on record of them, and what was meant by the request.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use odcs_core::engine::EngineSettings;
use odcs_core::request::{Flag, Renewal, SourceKind, SourceSpec};
use odcs_core::service::Outlook;
use odcs_core::source::{Candidate, Capability, Content, Pins, Resolved, SourceRecord};
use odcs_core::{
    Compose, ComposeRequest, ComposeSource, ComposeState, ComposeStore, Engine, Error, ErrorKind, Links,
    Manifest, Result, SourceRegistry,
};
use odcs_rpm::{Digest, DigestAlgorithm, PackagePattern};
use odcs_sources::repo::{RepoSettings, RepoSource};
use odcs_storage::{NativeBuilder, StorageSettings};

use crate::support::{Lab, packages};

const BINARY: [&str; 2] = ["ed-1.20-1.x86_64.rpm", "ed-doc-1.20-1.noarch.rpm"];

/// What became of the source, as tests see and change it.
#[derive(Debug, Default)]
struct Calls {
    resolved: AtomicUsize,
    /// How many checksums were asked for at once, all calls added up.
    asked: AtomicUsize,
    /// The next call for checksums is interrupted, as if the service was told to stop.
    is_interrupted: AtomicBool,
    /// The checksums are those of other files.
    are_wrong: AtomicBool,
}

/// A variant of something that was composed before: packages by arch.
#[derive(Clone, Debug)]
struct Variant {
    repo: RepoSource,
    path: PathBuf,
    calls: Arc<Calls>,
}

impl Variant {
    fn kind() -> SourceKind {
        SourceKind::custom("variant", 100).unwrap()
    }

    fn repo_request(&self) -> ComposeRequest {
        ComposeRequest::new(SourceSpec::Repo(self.path.to_str().unwrap().parse().unwrap()))
    }
}

fn file_name(candidate: &Candidate) -> String {
    candidate.package.nevra.file_name()
}

#[async_trait]
impl ComposeSource for Variant {
    fn kind(&self) -> SourceKind {
        Self::kind()
    }

    fn capability(&self) -> Capability {
        Capability::default()
    }

    fn check(&self, _: &ComposeRequest) -> Result<()> {
        Ok(())
    }

    async fn resolve(&self, request: &ComposeRequest) -> Result<Resolved> {
        self.calls.resolved.fetch_add(1, Ordering::Relaxed);
        assert_eq!(
            request.packages(),
            Vec::<PackagePattern>::new(),
            "the source is told what was asked for"
        );
        let mut resolved = self.repo.resolve(&self.repo_request()).await?;
        resolved.fields.koji_event = None;
        resolved.fields.arches = Some(["x86_64", "aarch64"].map(|arch| arch.parse().unwrap()).to_vec());
        resolved.fields.builds = Some(vec!["ed-1.20-1".parse().unwrap()]);
        resolved.fields.packages = Some(["ed", "ed-doc"].map(|name| name.parse().unwrap()).to_vec());
        resolved.fields.sigkeys = Some(vec!["9f8d0467".parse().unwrap(), "".parse().unwrap()]);
        Ok(resolved)
    }

    async fn content(&self, pins: &Pins) -> Result<Content> {
        let Content::Packages(mut content) = self.repo.complete_content(pins).await? else {
            panic!("there are packages")
        };
        for (number, candidate) in (17..).zip(&mut content.candidates) {
            let record = SourceRecord::new(file_name(candidate)).with_rpm_id(number);
            candidate.record = Some(Arc::new(record));
            candidate.checksum = None;
            // What the records of a build system do not say.
            Arc::make_mut(&mut candidate.package).file_time = 0;
        }
        let numbers = |names: &[&str]| {
            let named = |candidate: &Candidate| names.contains(&&*file_name(candidate));
            let all = content.candidates.iter().enumerate();
            all.filter(|(_, it)| named(it))
                .map(|(number, _)| number)
                .collect()
        };
        content.assigned = Some(BTreeMap::from([
            (
                "x86_64".parse().unwrap(),
                numbers(&[BINARY[0], BINARY[1], "ed-1.20-1.src.rpm"]),
            ),
            ("aarch64".parse().unwrap(), numbers(&[BINARY[1]])),
        ]));
        Ok(Content::Packages(content))
    }

    async fn replay(&self, manifest: &Manifest) -> Result<Content> {
        self.repo.replay(manifest).await
    }

    async fn checksums(&self, chosen: &[Arc<Candidate>]) -> Result<Vec<Option<Digest>>> {
        if self.calls.is_interrupted.swap(false, Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Cancelled, "test", "", "the service stops"));
        }
        self.calls.asked.fetch_add(chosen.len(), Ordering::Relaxed);
        let digest = |candidate: &Arc<Candidate>| {
            if self.calls.are_wrong.load(Ordering::Relaxed) {
                return Some(Digest::of_bytes(DigestAlgorithm::Sha256, b"another file"));
            }
            let opened = candidate.file.open().unwrap();
            let (digest, _) = Digest::of_reader(DigestAlgorithm::Sha256, opened).unwrap();
            // Not all of them are known.
            Some(digest).filter(|_| candidate.package.nevra.arch().is_noarch())
        };
        Ok(chosen.iter().map(digest).collect())
    }
}

/// An engine at the store and the directory of a lab.
struct Variants {
    lab: Lab,
    calls: Arc<Calls>,
    engine: Engine,
}

impl Variants {
    async fn new() -> Self {
        let lab = Lab::new().await;
        let calls = Arc::new(Calls::default());
        let source = Variant {
            repo: RepoSource::new(RepoSettings::new([lab.repository.parent().unwrap()])).unwrap(),
            path: lab.repository.clone(),
            calls: Arc::clone(&calls),
        };
        let mut sources = SourceRegistry::new();
        sources.register(source).unwrap();
        let storage = StorageSettings::new(&lab.target_dir).with_threads(1);
        let builder = NativeBuilder::open(storage, Arc::new(lab.clock.clone())).unwrap();
        let engine = Engine::with_clock(
            Arc::new(lab.store.clone()),
            sources,
            Arc::new(builder),
            Links::new(&"http://localhost/composes".parse().unwrap()),
            EngineSettings::new().unwrap(),
            Arc::new(lab.clock.clone()),
        );
        Self { lab, calls, engine }
    }

    fn request() -> ComposeRequest {
        ComposeRequest::new(SourceSpec::custom(&Variant::kind(), "Everything"))
    }

    async fn submit(&self) {
        let submitted = self.engine.submit(Self::request(), "me").await.unwrap();
        assert_eq!(submitted.compose.requested.arches, "x86_64");
    }

    async fn run_one(&self) -> Compose {
        self.engine
            .worker()
            .run_one()
            .await
            .unwrap()
            .expect("something waits")
    }

    fn asked(&self) -> usize {
        self.calls.asked.load(Ordering::Relaxed)
    }

    fn packages(&self, compose: &Compose, tree: &str) -> Vec<String> {
        let path = format!("compose/Temporary/{tree}/Packages");
        packages(&self.lab.target(compose.id, &path))
    }

    fn assert_made(&self, compose: &Compose) {
        assert_eq!(compose.state, ComposeState::Done, "{compose:?}");
        let requested = &compose.requested;
        assert_eq!(
            (&*requested.arches, requested.packages.as_deref()),
            ("x86_64 aarch64", Some("ed ed-doc"))
        );
        assert_eq!(
            (requested.builds.as_deref(), requested.sigkeys.as_deref()),
            (Some("ed-1.20-1"), Some("9f8d0467 "))
        );
        assert_eq!(self.packages(compose, "x86_64/os"), BINARY);
        assert_eq!(self.packages(compose, "aarch64/os"), [BINARY[1]]);
        assert_eq!(self.packages(compose, "source/tree"), ["ed-1.20-1.src.rpm"]);
    }
}

#[tokio::test]
async fn what_is_assigned_is_laid_out() {
    let variants = Variants::new().await;
    variants.submit().await;
    let compose = variants.run_one().await;
    variants.assert_made(&compose);
    assert_eq!(variants.asked(), 3, "each file that belongs once");
    let request = compose.request.as_ref().unwrap();
    assert_eq!(request.arches.len(), 1, "what was asked for stays on record");
    let log = std::fs::read_to_string(variants.lab.target(compose.id, "pungi-stderr.log")).unwrap();
    assert!(log.contains("asking for the checksums of 3 packages"), "{log}");

    let manifest = variants.lab.store.manifest(compose.id).await.unwrap().unwrap();
    let said: Vec<_> = manifest
        .packages
        .iter()
        .map(|package| {
            assert!(package.rpm_id >= Some(17), "{package:?}");
            let why: Vec<_> = package.why.values().map(ToString::to_string).collect();
            (package.nevra.file_name(), package.arches.len(), why.join("; "))
        })
        .collect();
    let by_ed = "asked for by ed".to_owned();
    assert_eq!(
        said,
        [
            (BINARY[0].to_owned(), 1, by_ed.clone()),
            (
                BINARY[1].to_owned(),
                2,
                "asked for by ed-doc; asked for by ed-doc".to_owned()
            ),
            ("ed-1.20-1.src.rpm".to_owned(), 1, by_ed),
        ]
    );

    // An equal one needs no checksums.
    variants.submit().await;
    let again = variants.run_one().await;
    assert_eq!(again.reused_id, Some(compose.id));
    assert_eq!(variants.asked(), 3);
}

#[tokio::test]
async fn one_that_is_taken_up_again_is_of_the_same_request() {
    let variants = Variants::new().await;
    variants.submit().await;
    variants.calls.is_interrupted.store(true, Ordering::Relaxed);
    assert_eq!(variants.run_one().await.state, ComposeState::Wait);
    let compose = variants.run_one().await;
    variants.assert_made(&compose);
    assert_eq!(variants.calls.resolved.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn one_that_is_made_again_is_of_the_same_request() {
    let variants = Variants::new().await;
    variants.submit().await;
    let first = variants.run_one().await;
    let manifest = |compose: &Compose| variants.lab.store.manifest(compose.id);
    let before = manifest(&first).await.unwrap().unwrap();
    variants.engine.delete(first.id, "me").await.unwrap();
    variants
        .engine
        .sweeper(variants.lab.trees())
        .sweep()
        .await
        .unwrap();
    let renewed = variants
        .engine
        .renew(first.id, Renewal::default(), "me")
        .await
        .unwrap();
    assert_eq!(renewed.compose.renews, Some(first.id));
    let second = variants.run_one().await;
    variants.assert_made(&second);
    let digests = |manifest: &Manifest| {
        let packages = manifest.packages.iter();
        packages
            .map(|it| (it.nevra.clone(), it.arches.clone(), it.digest.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        digests(&manifest(&second).await.unwrap().unwrap()),
        digests(&before)
    );
    assert_eq!(variants.calls.resolved.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_has_another_checksum_than_is_on_record_is_refused() {
    let variants = Variants::new().await;
    variants.calls.are_wrong.store(true, Ordering::Relaxed);
    variants.submit().await;
    let failed = variants.run_one().await;
    assert_eq!(failed.state, ComposeState::Failed, "{failed:?}");
    let reason = failed.state_reason.unwrap();
    assert!(reason.contains("has the wrong checksum"), "{reason}");
    assert!(!Path::new(&variants.lab.target(failed.id, "compose")).exists());
}

#[tokio::test]
async fn what_is_assigned_is_foreseen_and_checked() {
    let variants = Variants::new().await;
    let preview = variants.engine.preview(Variants::request()).await.unwrap();
    let Outlook::Made { packages, .. } = preview.outlook else {
        panic!("it would fail: {:?}", preview.outlook)
    };
    let foreseen: Vec<_> = packages
        .iter()
        .map(|package| (package.nevra.file_name(), package.arches.len()))
        .collect();
    let expected = [(BINARY[0], 1), (BINARY[1], 2), ("ed-1.20-1.src.rpm", 1)];
    assert_eq!(foreseen, expected.map(|(name, arches)| (name.to_owned(), arches)));
    assert_eq!(variants.asked(), 0, "dry runs do without checksums");

    let mut checked = Variants::request();
    checked.flags = [Flag::CheckDeps].into_iter().collect();
    let preview = variants.engine.preview(checked).await.unwrap();
    let Outlook::Failed { reason } = preview.outlook else {
        panic!("ed requires what is not assigned: {:?}", preview.outlook)
    };
    assert!(reason.contains("requires"), "{reason}");
}
