use odcs_rpm::keyring::Keyring;
use odcs_rpm::{Digest, DigestAlgorithm, PackageKind};
use rpmgen::{PackageSpec, Section, TagChange, TagValue, write};

use super::*;
use crate::fetch::served::{Manner, Served};
use crate::plan::{ArchPlan, Required, SignatureRules};
use crate::source::{SourceRecord, Trust};

const KEYS: [&str; 2] = ["199e2f91fd431d51", "aaaaaaaaaaaaaaaa"];

/// A signature packet that names the key.
fn signature(key: &str) -> TagChange {
    let base64 = match key {
        "199e2f91fd431d51" => "whQEAAEIAAoJEBmeL5H9Qx1RAAAAAA==",
        _ => "whQEAAEIAAoJEKqqqqqqqqqqAAAAAA==",
    };
    let mut tag = TagChange::main(278, TagValue::Texts(vec![base64.into()]));
    tag.section = Section::Signature;
    tag
}

fn package(version: &str, key: Option<&str>) -> Vec<u8> {
    let mut spec = PackageSpec::binary("ed", version, "1", "x86_64").built_from("ed-1-1.src.rpm");
    spec.tags.extend(key.map(signature));
    write(&spec).unwrap()
}

#[derive(Debug, Default)]
struct Steps(std::sync::Mutex<Vec<String>>);

impl Progress for Steps {
    fn step(&self, _: Phase, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

fn served() -> Served {
    Served::of([
        ("unsigned", package("1", None)),
        ("a", package("1", Some(KEYS[0]))),
        ("a2", package("1", Some(KEYS[0]))),
        ("b", package("1", Some(KEYS[1]))),
        ("other", package("2", Some(KEYS[0]))),
        ("page", b"<html>".repeat(100)),
    ])
}

fn plan(paths: &[&str], signatures: SignaturePolicy) -> Plan {
    let copies: Vec<_> = paths
        .iter()
        .map(|path| {
            let package = odcs_rpm::Package::new("ed-0:1-1.x86_64".parse().unwrap());
            let digest = Digest::of_bytes(DigestAlgorithm::Sha256, path.as_bytes());
            Arc::new(Candidate::new(Arc::new(package), Served::remote(path)).with_checksum(digest))
        })
        .collect();
    let planned = PlannedPackage {
        candidate: Arc::clone(&copies[0]),
        copies: copies[1..].to_vec(),
        kind: PackageKind::Binary,
        why: None,
    };
    let arch = ArchPlan {
        arch: "x86_64".parse().unwrap(),
        packages: vec![planned],
        signatures,
        lookaside: Vec::new(),
    };
    Plan {
        arches: vec![arch.clone(), arch],
        timestamp: 0,
        comps_packages: Vec::new(),
        updateinfo: None,
        source_description: String::new(),
    }
}

fn policy(keys: &[&str], verified: bool) -> SignaturePolicy {
    let accepted: Vec<_> = keys.iter().map(|key| key.parse().unwrap()).collect();
    let rules = match verified {
        true => SignatureRules::verified(Arc::new(Keyring::default()), Required::Untrusted),
        false => SignatureRules::claimed(),
    };
    rules.policy(&accepted, Trust::Trusted)
}

/// Which are left, and how many requests that took.
async fn narrowed(
    served: &Served,
    paths: &[&str],
    signatures: SignaturePolicy,
) -> Result<(Vec<String>, usize)> {
    let plan = plan(paths, signatures);
    let plan = narrow(served, None, plan, 4, &Steps::default()).await?;
    let left: Vec<Vec<String>> = plan
        .arches
        .iter()
        .map(|arch| {
            let names = all(&arch.packages[0]).map(|copy| copy.file.to_string());
            names
                .map(|url| url.rsplit_once('/').unwrap().1.to_owned())
                .collect()
        })
        .collect();
    assert_eq!(left[0], left[1]);
    Ok((left[0].clone(), served.requests().len()))
}

#[tokio::test]
async fn copies_that_cannot_be_chosen_are_left_out() {
    let served = served();
    let [a, b] = KEYS;
    for (paths, keys, verified, left) in [
        // By what is claimed, there is one that is chosen.
        (&["unsigned", "b", "a", "a2"][..], &[a][..], false, &["a"][..]),
        (&["unsigned", "b", "a"], &[a, b], false, &["a"]),
        (&["unsigned", "b", "a"], &[b, a], false, &["b"]),
        (&["unsigned", "b"], &["", b], false, &["b"]),
        (&["unsigned", "b"], &["", a], false, &["unsigned"]),
        (&["page", "missing", "other", "a"], &[a], false, &["a"]),
        // Claims are verified later, and may come to nothing.
        (&["unsigned", "b", "a", "a2"], &[a], true, &["a", "a2"]),
        (&["unsigned", "b", "a"], &[a, b], true, &["b", "a"]),
        // None will do: one is there to be complained of.
        (&["unsigned", "b"], &[a], false, &["unsigned"]),
        (&["page", "b"], &[a], false, &["page"]),
        (&["page", "b", "unsigned"], &[a], true, &["b"]),
        (&["page", "missing"], &[a], true, &["page"]),
    ] {
        let (found, requests) = narrowed(&served, paths, policy(keys, verified)).await.unwrap();
        assert_eq!(found, left, "{paths:?} {keys:?} {verified}");
        let there = paths.iter().filter(|path| **path != "missing").count();
        assert_eq!(requests, there, "{paths:?}, each of them once for both arches");
    }
}

/// Arches may want other copies, but there is one tree of sources.
#[tokio::test]
async fn of_sources_the_first_arch_decides() {
    let served = served();
    let [a, b] = KEYS;
    for (kind, first, second, left) in [
        (PackageKind::Binary, &[a][..], &[b][..], ["a", "b"]),
        (PackageKind::Source, &[a], &[b], ["a", "a"]),
        (PackageKind::Source, &[b, a], &[a], ["b", "b"]),
    ] {
        let mut plan = plan(&["unsigned", "b", "a"], policy(first, false));
        plan.arches[1].signatures = policy(second, false);
        for arch in &mut plan.arches {
            arch.packages[0].kind = kind;
        }
        let plan = narrow(&served, None, plan, 4, &Steps::default()).await.unwrap();
        for (arch, left) in plan.arches.iter().zip(left) {
            let found: Vec<_> = all(&arch.packages[0]).map(|it| it.file.to_string()).collect();
            assert_eq!(found.len(), 1, "{kind:?} {found:?}");
            assert!(
                found[0].ends_with(&format!("/{left}")),
                "{kind:?} {first:?} {found:?}"
            );
        }
    }
}

/// What is on record needs no look at headers.
#[tokio::test]
async fn records_say_which_copy_fits() {
    let mut served = served();
    served.manner = Manner::Down;
    let [a, b] = KEYS;
    let mut plan = plan(&["unsigned", "b", "a"], policy(&[a], false));
    let keys = [None, Some(b), Some(a)];
    for arch in &mut plan.arches {
        let planned = &mut arch.packages[0];
        let files = std::iter::once(&mut planned.candidate).chain(&mut planned.copies);
        for (file, key) in files.zip(keys) {
            let mut record = SourceRecord::new(file.file.to_string());
            if let Some(key) = key {
                record = record.with_sigkey(key.parse().unwrap());
            }
            Arc::make_mut(file).record = Some(Arc::new(record));
        }
    }
    let plan = narrow(&served, None, plan, 4, &Steps::default()).await.unwrap();
    let left: Vec<_> = all(&plan.arches[0].packages[0])
        .map(|it| it.file.to_string())
        .collect();
    assert!(matches!(&*left, [only] if only.ends_with("/a")), "{left:?}");
}

#[tokio::test]
async fn nothing_is_asked_where_there_is_nothing_to_choose() {
    let mut served = served();
    served.manner = Manner::Down;
    let all = narrowed(&served, &["unsigned", "a"], policy(&[], true))
        .await
        .unwrap();
    assert_eq!(all.0, ["unsigned", "a"], "signatures do not matter");
    let one = narrowed(&served, &["unsigned"], policy(&[KEYS[0]], true))
        .await
        .unwrap();
    assert_eq!(one.0, ["unsigned"]);
    // Here it would matter; the server may be back later.
    let error = narrowed(&served, &["unsigned", "a"], policy(&[KEYS[0]], false))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true)
    );
    assert!(
        error
            .message()
            .starts_with("the header of ed-0:1-1.x86_64 could not be read: "),
        "{error}"
    );
}
