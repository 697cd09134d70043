//! RPM files.

use std::cell::RefCell;
use std::sync::LazyLock;

use odcs_rpm::header::{FileFacts, HeaderReader, read_file, read_header, read_verified};
use odcs_rpm::keyring::Keyring;
use odcs_rpm::multilib::Method;
use odcs_rpm::repodata::RepoPackage;
use odcs_rpm::{Digest, DigestAlgorithm, Error, Package};

use crate::same::round_trip;
use crate::seeds;

fn facts(input: &[u8]) -> FileFacts {
    FileFacts {
        size: input.len() as u64,
        modified: 1_700_000_000,
    }
}

thread_local! {
    /// One that has read all inputs before.
    static READER: RefCell<HeaderReader> = RefCell::new(HeaderReader::new());
}

/// A whole file: lead, signature header, main header, anything.
pub(crate) fn header(input: &[u8]) {
    let read = read_header(input, facts(input));
    let again = READER.with_borrow_mut(|reader| reader.read_header(input, facts(input)));
    assert_eq!(again.as_ref().ok(), read.as_ref().ok());
    let package = match read {
        Ok(package) => package,
        Err(error) => {
            assert!(matches!(error, Error::Package { .. }), "{error:?}");
            assert!(crate::is_brief(&error), "{error}");
            return;
        }
    };
    let file =
        read_file(input, facts(input), Some(DigestAlgorithm::Sha512)).expect("the same header once more");
    assert_eq!(file.package, package);
    assert_eq!(file.sha256, Digest::of_bytes(DigestAlgorithm::Sha256, input));
    assert_eq!(file.other, Some(Digest::of_bytes(DigestAlgorithm::Sha512, input)));
    let (start, end) = package.header_range;
    assert!(start.is_multiple_of(8) && start < end && end <= input.len() as u64);
    is_in_proportion(&package, input.len());
    for method in Method::ALL {
        method.selects(&package);
    }
    round_trip(&[RepoPackage {
        location: format!("Packages/{}", package.nevra.file_name()),
        location_base: None,
        checksum: file.sha256,
        package,
    }]);
}

/// What came out of a header is not many times as large as the header: a few bytes ask for no memory.
fn is_in_proportion(package: &Package, bytes: usize) {
    let paths: usize = package.files.iter().map(|file| file.path.len()).sum();
    assert!(paths <= bytes * 512, "{paths} bytes of paths from {bytes} bytes");
    let lists = [
        &package.provides,
        &package.requires,
        &package.obsoletes,
        &package.enhances,
    ];
    let names: usize = lists
        .iter()
        .flat_map(|list| list.iter())
        .map(|item| item.name.len())
        .sum();
    assert!(names <= bytes * 2, "{names} bytes of names from {bytes} bytes");
}

/// The value of one signature tag, which the first byte chooses.
pub(crate) fn signature(input: &[u8]) {
    let Some((first, value)) = input.split_first() else {
        return;
    };
    let file = seeds::signed(*first, value);
    let Ok(package) = read_header(&*file, facts(&file)) else {
        return;
    };
    assert!(package.signatures.iter().all(|key| key.as_str().len() == 16));
    assert_eq!(package.nevra.to_string(), "ed-0:1-1.x86_64");
    let (file, verification) =
        read_verified(&*file, facts(&file), None, &KEYRING).expect("it was read before");
    assert_eq!(file.package, package);
    // Nobody has ever signed this package.
    assert_eq!(verification.verified, []);
}

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| Keyring::from_bytes(seeds::KEY).expect("it is a key"));

/// A file of keys.
pub(crate) fn keyring(input: &[u8]) {
    match Keyring::from_bytes(input) {
        Ok(keyring) => {
            assert_eq!(
                keyring.identity(),
                Keyring::from_bytes(input)
                    .expect("read once, read twice")
                    .identity()
            );
            assert!(keyring.fingerprints().all(|fingerprint| keyring.has(fingerprint)));
            assert!(!keyring.is_empty());
        }
        Err(error) => assert!(crate::is_brief(&error), "{error}"),
    }
}
