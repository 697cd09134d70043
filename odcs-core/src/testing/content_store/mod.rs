//! What every [`ContentStore`] must do, as a suite that any store can be put through.

mod server;

use std::fmt;
use std::io::Read as _;
use std::sync::Arc;

use bytes::Bytes;
use odcs_rpm::{Digest, DigestAlgorithm};

use crate::content_store::{ContentStore, Obtained, Wanted};
use crate::fetch::Fetch;
use crate::files::SourceFile;
use crate::{ErrorKind, Result};

pub use server::Server;

/// Puts a content store through the whole suite. `fresh` makes an empty one for each part, which fetches by what it is
/// given: a [`Server`] of the suite's own, nothing leaves the machine. There has to be room for a few megabytes. Needs
/// a Tokio runtime with several threads and its timer.
///
/// ```no_run
/// use std::sync::Arc;
/// use odcs_core::testing::content_store::conformance;
/// use odcs_core::{ContentStore, Fetch, Result};
///
/// /// To be called from a test, with what opens an empty store of yours.
/// async fn conforms<S: ContentStore>(open: impl Fn(Arc<dyn Fetch>) -> Result<S>) {
///     conformance(async |fetch| open(fetch)).await;
/// }
/// ```
///
/// # Panics
/// When the store does not do what [`ContentStore`] says, with what it did instead.
pub async fn conformance<S, E>(fresh: impl AsyncFn(Arc<dyn Fetch>) -> Result<S, E>)
where
    S: ContentStore,
    E: fmt::Debug,
{
    let fresh = async || -> Case {
        let server = Arc::new(Server::default());
        let store = fresh(server.clone()).await;
        let store = store.unwrap_or_else(|error| panic!("the store does not open: {error:?}"));
        Case {
            store: Arc::new(store),
            server,
        }
    };
    nothing_is_there_before(&fresh().await).await;
    what_was_fetched_is_there(&fresh().await).await;
    every_kind_of_checksum_will_do(&fresh().await).await;
    what_is_kept_is_found(&fresh().await).await;
    one_fetches_for_all(&fresh().await).await;
    something_else_is_never_there(&fresh().await).await;
    a_failure_leaves_nothing(&fresh().await).await;
    what_was_cut_is_gone_on_with(&fresh().await).await;
    without_a_checksum_it_is_fetched_each_time(&fresh().await).await;
    damage_is_noticed_and_mended(&fresh().await).await;
}

struct Case {
    store: Arc<dyn ContentStore>,
    server: Arc<Server>,
}

impl Case {
    async fn must_obtain(&self, wanted: &Wanted) -> Obtained {
        let obtained = self.store.obtain(wanted).await;
        obtained.unwrap_or_else(|error| panic!("{} is not to be had: {error:?}", wanted.places[0]))
    }

    async fn find(&self, digest: &Digest) -> Option<SourceFile> {
        let found = self.store.find(digest).await;
        found.unwrap_or_else(|error| panic!("the store cannot be searched: {error:?}"))
    }
}

/// A file that the server has: this many bytes, different for each name.
fn wanted(server: &Server, size: usize, name: &str, algorithm: DigestAlgorithm) -> (Wanted, Vec<u8>) {
    let bytes: Vec<u8> = name
        .bytes()
        .cycle()
        .zip((0..=250).cycle())
        .map(|(a, b)| a ^ b)
        .take(size)
        .collect();
    let url = server.put(name, bytes.clone());
    let digest = Digest::of_bytes(algorithm, &bytes);
    let wanted = Wanted::new(vec![url], Some(digest), 1 << 30).with_size(Some(size as u64));
    (wanted, bytes)
}

fn usual(server: &Server, size: usize, name: &str) -> (Wanted, Vec<u8>, Digest) {
    let (wanted, bytes) = wanted(server, size, name, DigestAlgorithm::Sha256);
    let digest = Digest::of_bytes(DigestAlgorithm::Sha256, &bytes);
    (wanted, bytes, digest)
}

/// Sizes around which stores tend to do things in another way.
const SIZES: [usize; 5] = [1, 4_096, 256 << 10, (256 << 10) + 1, 3_000_000];

fn read(file: &SourceFile) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = file.open().and_then(|mut file| file.read_to_end(&mut bytes));
    read.unwrap_or_else(|error| panic!("{file} cannot be read: {error}"));
    bytes
}

async fn nothing_is_there_before(case: &Case) {
    let (_, _, digest) = usual(&case.server, 100, "ed");
    assert!(
        case.find(&digest).await.is_none(),
        "an empty store has found something"
    );
    let damaged = case.store.recheck(std::slice::from_ref(&digest)).await.unwrap();
    assert_eq!(damaged, [digest], "what is not there is said to be well");
    assert_eq!(case.server.gets(), 0, "looking for a file has fetched it");
}

async fn what_was_fetched_is_there(case: &Case) {
    for size in SIZES {
        let (wanted, bytes, digest) = usual(&case.server, size, &format!("file-{size}"));
        let wanted = wanted.with_modified(Some(1_500_000_000));
        let obtained = case.must_obtain(&wanted).await;
        assert_eq!(obtained.fetched, size as u64, "bytes that were fetched");
        assert!(read(&obtained.file) == bytes, "{size} bytes are others");
        let metadata = obtained.file.open().unwrap().metadata().unwrap();
        let modified = metadata.modified().unwrap().duration_since(std::time::UNIX_EPOCH);
        assert_eq!(modified.unwrap().as_secs(), 1_500_000_000);
        let found = case.find(&digest).await.expect("what was fetched is found");
        assert!(read(&found) == bytes, "{size} bytes are others");
        let again = case.must_obtain(&wanted).await;
        assert_eq!(again.fetched, 0, "a file that is there is fetched again");
    }
    assert_eq!(case.server.gets(), SIZES.len());
}

async fn every_kind_of_checksum_will_do(case: &Case) {
    for algorithm in [
        DigestAlgorithm::Sha1,
        DigestAlgorithm::Sha224,
        DigestAlgorithm::Sha384,
        DigestAlgorithm::Sha512,
    ] {
        let before = case.server.gets();
        let (wanted, bytes) = wanted(&case.server, 700, algorithm.as_str(), algorithm);
        for fetched in [700, 0] {
            let obtained = case.must_obtain(&wanted).await;
            assert!(read(&obtained.file) == bytes);
            assert_eq!(obtained.fetched, fetched, "{algorithm}");
        }
        assert_eq!(case.server.gets(), before + 1, "{algorithm}: fetched twice");
        let sha256 = Digest::of_bytes(DigestAlgorithm::Sha256, &bytes);
        assert!(
            case.find(&sha256).await.is_some(),
            "{algorithm}: not found by SHA-256"
        );
        let digest = wanted.digest.unwrap();
        // Anybody can make two files with the same SHA-1: whether it finds a file is for the store to say.
        if algorithm != DigestAlgorithm::Sha1 {
            assert!(case.find(&digest).await.is_some(), "not found by {digest}");
        }
        assert_eq!(case.store.recheck(&[digest]).await.unwrap(), []);
    }
}

async fn what_is_kept_is_found(case: &Case) {
    for bytes in [Bytes::new(), Bytes::from_static(b"an editor")] {
        let digest = Digest::of_bytes(DigestAlgorithm::Sha256, &bytes);
        for _ in 0..2 {
            let kept = case.store.keep(bytes.clone()).await.unwrap();
            assert_eq!(read(&kept), bytes);
        }
        let found = case.find(&digest).await.expect("what is kept is found");
        assert_eq!(read(&found), bytes);
    }
    assert_eq!(case.server.gets(), 0);
}

async fn one_fetches_for_all(case: &Case) {
    let (wanted, bytes, _) = usual(&case.server, 500_000, "popular");
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (store, wanted) = (Arc::clone(&case.store), wanted.clone());
            tokio::spawn(async move { store.obtain(&wanted).await })
        })
        .collect();
    let mut fetched = 0;
    for task in tasks {
        let obtained = task.await.unwrap().unwrap();
        assert!(read(&obtained.file) == bytes);
        fetched += obtained.fetched;
    }
    assert_eq!(
        (fetched, case.server.gets()),
        (500_000, 1),
        "bytes and fetches for fifty who ask"
    );
}

async fn something_else_is_never_there(case: &Case) {
    for size in SIZES {
        let (wanted, bytes, digest) = usual(&case.server, size, &format!("other-{size}"));
        let mut other = bytes.clone();
        other[size / 2] ^= 1;
        case.server.put(&format!("other-{size}"), other);
        let error = case.store.obtain(&wanted).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(case.find(&digest).await.is_none(), "a wrong file is there");
        // From another place it is right.
        let mirror = case.server.put(&format!("mirror-{size}"), bytes.clone());
        let mut both = wanted.clone();
        both.places.push(mirror);
        assert!(read(&case.must_obtain(&both).await.file) == bytes);
    }
    // Of another size than announced, or of more than is allowed.
    let (wanted, _, digest) = usual(&case.server, 5_000, "short");
    for wanted in [
        wanted.clone().with_size(Some(4_999)),
        wanted.clone().with_size(Some(5_001)),
        Wanted::new(wanted.places.clone(), wanted.digest.clone(), 4_999),
    ] {
        let error = case.store.obtain(&wanted).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(case.find(&digest).await.is_none());
    }
}

async fn a_failure_leaves_nothing(case: &Case) {
    let (wanted, bytes, digest) = usual(&case.server, 900_000, "late");
    case.server.remove("late");
    let error = case.store.obtain(&wanted).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(case.find(&digest).await.is_none());
    case.server.put("late", bytes.clone());
    assert!(read(&case.must_obtain(&wanted).await.file) == bytes);
}

async fn what_was_cut_is_gone_on_with(case: &Case) {
    let (wanted, bytes, digest) = usual(&case.server, 2_000_000, "long");
    case.server.cut_after(Some(1_200_000));
    let error = case.store.obtain(&wanted).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(case.find(&digest).await.is_none(), "half a file is there");
    case.server.cut_after(None);
    let obtained = case.must_obtain(&wanted).await;
    assert!(read(&obtained.file) == bytes);
    assert!(obtained.fetched < 2_000_000, "it was fetched from the beginning");

    // What was there turns out to be of another file.
    let (wanted, bytes, digest) = usual(&case.server, 2_000_000, "changing");
    case.server.put("changing", vec![7; 2_000_000]);
    case.server.cut_after(Some(1_200_000));
    case.store.obtain(&wanted).await.unwrap_err();
    case.server.cut_after(None);
    case.server.put("changing", bytes.clone());
    match case.store.obtain(&wanted).await {
        Ok(obtained) => assert!(read(&obtained.file) == bytes),
        Err(_) => {
            assert!(case.find(&digest).await.is_none());
            assert!(read(&case.must_obtain(&wanted).await.file) == bytes);
        }
    }
}

async fn without_a_checksum_it_is_fetched_each_time(case: &Case) {
    let (mut wanted, bytes, digest) = usual(&case.server, 3_000, "index");
    wanted.digest = None;
    wanted.size = None;
    assert!(read(&case.must_obtain(&wanted).await.file) == bytes);
    assert!(
        case.find(&digest).await.is_some(),
        "it is not known by what it turned out to be"
    );
    case.server.put("index", b"something new".to_vec());
    assert_eq!(read(&case.must_obtain(&wanted).await.file), b"something new");
    assert_eq!(case.server.gets(), 2);
    // The one that was there before is what it was.
    let before = case.find(&digest).await.expect("it is not gone");
    assert!(read(&before) == bytes);
}

async fn damage_is_noticed_and_mended(case: &Case) {
    let (wanted, bytes, digest) = usual(&case.server, 10_000, "fragile");
    let (_, _, well) = usual(&case.server, 10, "well");
    case.store
        .keep(Bytes::from(usual(&case.server, 10, "well").1))
        .await
        .unwrap();
    let obtained = case.must_obtain(&wanted).await;
    assert_eq!(
        case.store.recheck(&[digest.clone(), well.clone()]).await.unwrap(),
        []
    );
    #[expect(
        clippy::disallowed_methods,
        reason = "somebody damages a file behind the store's back"
    )]
    std::fs::write(obtained.file.to_string(), vec![0; 10_000]).expect("the file can be damaged");
    let damaged = case.store.recheck(&[digest.clone(), well]).await.unwrap();
    assert_eq!(damaged, std::slice::from_ref(&digest));
    assert!(
        case.find(&digest).await.is_none(),
        "what is damaged is still there"
    );
    assert!(read(&case.must_obtain(&wanted).await.file) == bytes);
}
