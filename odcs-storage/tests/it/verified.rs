//! Packages whose signatures are verified.

use std::path::Path;
use std::sync::Arc;

use odcs_core::ErrorKind;
use odcs_core::plan::{Plan, PlannedPackage, Required, SignaturePolicy, SignatureRules};
use odcs_core::source::{Candidate, Trust};
use odcs_rpm::keyring::Keyring;
use odcs_rpm::{PackageKind, Sigkey};

use crate::support::{Repository, Target, job, signed_repository};

/// The key of the test repository, in a keyring.
fn rules() -> SignatureRules {
    let path = test_support::test_repository().join("RPM-GPG-KEY-odcs-test");
    SignatureRules::verified(Arc::new(Keyring::open(&path).unwrap()), Required::Untrusted)
}

fn policy(accepted: &[&str], trust: Trust) -> SignaturePolicy {
    let accepted: Vec<_> = accepted.iter().map(|text| text.parse().unwrap()).collect();
    rules().policy(&accepted, trust)
}

/// The signed package with another payload, in a directory of its own: it claims the same key.
fn forged(directory: &Path, signed: &Candidate) -> Arc<Candidate> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut signed.file.open().unwrap(), &mut bytes).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(directory.join("forged.rpm"), bytes).unwrap();
    let candidate = Repository::read(directory).candidates.remove(0);
    assert_eq!(candidate.package.signatures, signed.package.signatures);
    candidate
}

fn plan_of(first: &Arc<Candidate>, copies: &[&Arc<Candidate>], signatures: SignaturePolicy) -> Plan {
    let mut plan = signed_repository().plan(&["x86_64"], "line-editor-common");
    plan.arches[0].packages = vec![PlannedPackage {
        candidate: Arc::clone(first),
        copies: copies.iter().map(|copy| Arc::clone(copy)).collect(),
        kind: PackageKind::Binary,
        why: None,
    }];
    plan = plan.with_signatures(&signatures);
    plan
}

#[test]
fn a_copy_is_worth_what_its_signatures_are() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let signed = signed_repository().candidate("line-editor-common", "noarch");
    let forged = forged(source.path(), &signed);
    let key = signed.package.signatures[0].short().to_owned();
    let target = Target::open(target.path());
    let file = |lease, plan: Plan| {
        let staged = target.stage(job(1, lease, plan)).unwrap();
        let manifest = staged.manifest().read().unwrap();
        let package = &manifest.packages[0];
        (package.file.clone(), package.sigkey.clone())
    };
    let (good, bad, some) = (
        signed.file.to_string(),
        forged.file.to_string(),
        Some(key.clone()),
    );
    // By what they claim, one is as good as the other.
    let claimed = SignaturePolicy::new(vec![key.parse().unwrap()]);
    assert_eq!(
        file(1, plan_of(&forged, &[&signed], claimed)),
        (bad, some.clone())
    );
    for (lease, policy) in [
        policy(&[&key], Trust::Trusted),
        policy(&[&key, ""], Trust::Trusted),
        policy(&["fd431d51", &key], Trust::Trusted),
        policy(&[&key], Trust::Untrusted),
        policy(&[], Trust::Untrusted),
        policy(&[""], Trust::Untrusted),
    ]
    .into_iter()
    .enumerate()
    {
        let lease = i64::try_from(lease).unwrap() + 2;
        let plan = plan_of(&forged, &[&signed], policy);
        assert_eq!(file(lease, plan), (good.clone(), some.clone()), "{lease}");
    }
    // Nobody asks for a signature of a package that is trusted.
    let plan = plan_of(&forged, &[&signed], policy(&[], Trust::Trusted));
    assert_eq!(file(9, plan), (forged.file.to_string(), None));
}

#[test]
fn what_does_not_verify_is_named_with_the_reason() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = signed_repository();
    let signed = repository.candidate("line-editor-common", "noarch");
    let forged = forged(source.path(), &signed);
    let key = signed.package.signatures[0].short().to_owned();
    let target = Target::open(target.path());
    let fails = |lease, plan: Plan| {
        let error = target.build(job(1, lease, plan)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        target.assert_nothing_half_made();
        error.message().to_owned()
    };
    let nevra = "line-editor-common-0:2.1-3.noarch";
    let because =
        format!("a signature that names {key} does not count: the payload is not the one that was signed");
    assert_eq!(
        fails(1, plan_of(&forged, &[], policy(&[&key], Trust::Trusted))),
        format!(
            "a package that the compose needs is not signed with any of the keys {key}, as far as the service's \
             keyring can verify it: {nevra} ({because})"
        )
    );
    for (lease, accepted) in [(2, &[][..]), (3, &[""]), (4, &[key.as_str(), ""])] {
        assert_eq!(
            fails(lease, plan_of(&forged, &[], policy(accepted, Trust::Untrusted))),
            format!(
                "a package that the compose needs is not signed with any key of the service's keyring: {nevra} \
                 ({because})"
            )
        );
    }
    let mut everything = repository.plan(&["x86_64"], "");
    everything = everything.with_signatures(&policy(&[], Trust::Untrusted));
    let message = fails(5, everything);
    assert!(message.contains("ed-0:1.20-1.x86_64 (not signed)"), "{message}");
    assert!(!message.contains(nevra), "{message}");
    let other: Sigkey = "fd431d51".parse().unwrap();
    let message = fails(
        6,
        plan_of(&signed, &[], policy(&[other.as_str()], Trust::Trusted)),
    );
    assert!(
        message.ends_with(&format!("{nevra} (signed with {key})")),
        "{message}"
    );
}
