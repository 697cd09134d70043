//! What is kept of packages.

use odcs_rpm::{Error, Package, facts};

/// The facts of one package.
pub(crate) fn facts(input: &[u8]) {
    let brief = facts::decode_brief(input);
    let package = match facts::decode(input) {
        Ok(package) => package,
        Err(error) => {
            assert!(matches!(error, Error::Encoded { .. }), "{error:?}");
            return;
        }
    };
    let brief = brief.expect("it is the beginning of what was read");
    assert!(brief.files.is_empty() && brief.provides.is_empty());
    assert_eq!(brief.nevra, package.nevra);
    assert_eq!(brief.signatures, package.signatures);
    is_in_proportion(&package, input.len());
    let mut bytes = Vec::new();
    facts::encode(&package, &mut bytes);
    assert_eq!(facts::decode(&bytes).expect("it was encoded"), package);
}

/// A few bytes ask for no memory: every file has two, and what paths share has an end.
fn is_in_proportion(package: &Package, bytes: usize) {
    assert!(package.files.len() * 2 <= bytes);
    let paths: usize = package.files.iter().map(|file| file.path.len()).sum();
    assert!(
        paths <= bytes + (64 << 20),
        "{paths} bytes of paths from {bytes} bytes"
    );
}
