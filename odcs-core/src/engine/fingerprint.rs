//! What tells composes apart that would be different: a checksum over everything that shows in them.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::ops::Range;

use odcs_rpm::digest::Hasher;
use odcs_rpm::repodata::UpdateInfo;
use odcs_rpm::{Digest, DigestAlgorithm, PackageKind, Sigkey};
use serde::{Serialize, Serializer};

use crate::manifest::Fingerprint;
use crate::plan::{ArchPlan, Plan, PlannedPackage, SignatureIdentity};
use crate::request::{ComposeRequest, Embargo, Flag};
use crate::source::{Candidate, PackageLocation, Pins, SourceRecord};
use crate::{Error, ErrorKind, Result};

/// Everything that two composes must have in common to be the same.
#[derive(Serialize)]
struct Identity<'a> {
    /// To be raised when this engine makes something else of the same things.
    version: u32,
    /// Lists are sorted where their order does not show in the compose.
    request: &'a ComposeRequest,
    description: &'a str,
    timestamp: u64,
    arches: &'a [Packages<'a>],
    /// The URL in the `.repo` file, which an administrator may have changed since.
    base: Option<&'a str>,
    /// How the builder lays it out, which an administrator may have changed, too.
    layout: &'a str,
    /// What signatures are verified against, where they are: what only claims to be signed is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    signatures: Option<SignatureIdentity>,
    /// SHA-256 of the document with the updates: it may change while the packages stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    updateinfo: Option<&'a Digest>,
    /// Where files have neither a checksum nor a name in their source's records, all that the source pinned: it knows
    /// what it goes by.
    pins: Option<&'a Pins>,
}

/// The fingerprint of a compose that is to be laid out like that. Takes a while for many packages.
///
/// # Errors
/// `Internal` if something of it cannot be written down.
pub(super) fn fingerprint(
    request: &ComposeRequest,
    plan: &Plan,
    pins: Option<&Pins>,
    base: Option<&str>,
    layout: &str,
) -> Result<Fingerprint> {
    let request = canonical(request);
    let mut arches: Vec<_> = plan.arches.iter().map(Packages::of).collect();
    arches.sort_by_key(|packages| packages.arch);
    let is_known = arches.iter().all(|packages| packages.is_known);
    let identity = Identity {
        version: 1,
        request: &request,
        description: &plan.source_description,
        timestamp: plan.timestamp,
        arches: &arches,
        base,
        layout,
        // One service has one keyring; what arches accept is in the request.
        signatures: plan.arches.iter().find_map(|arch| arch.signatures.identity()),
        updateinfo: plan.updateinfo.as_deref().map(UpdateInfo::digest),
        pins: if is_known { None } else { pins },
    };
    let mut hasher = BufWriter::with_capacity(HASHED, Hashing(Hasher::new(DigestAlgorithm::Sha256)));
    let written = serde_json::to_writer(&mut hasher, &identity).map_err(|error| error.to_string());
    let hashed = written.and_then(|()| hasher.into_inner().map_err(|error| error.to_string()));
    let Hashing(hasher) = hashed.map_err(|error| {
        let message = "what goes into the compose cannot be written down; this is a fault in this program";
        Error::new(ErrorKind::Internal, "compare composes", "", message).with_source(error)
    })?;
    Ok(Fingerprint::new(&hasher.finish()))
}

/// Bytes of the identity that are hashed at once.
const HASHED: usize = 32 << 10;

/// The identity of a large compose has megabytes, of which nothing but the checksum is wanted.
struct Hashing(Hasher);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The request without what does not show in the compose: how long it is kept, and where the point in time
/// came from, for that is in the packages.
fn canonical(request: &ComposeRequest) -> ComposeRequest {
    let mut request = request.clone();
    request.lifetime = None;
    request.koji_event = None;
    request.flags = request
        .flags
        .iter()
        .filter(|flag| *flag != Flag::NoReuse)
        .collect();
    request.arches = sorted(request.arches);
    request.multilib_arches = sorted(request.multilib_arches);
    request.lookaside_repos = sorted(request.lookaside_repos);
    request.packages = request.packages.filter(|list| !list.is_empty()).map(sorted);
    request.builds = request.builds.filter(|list| !list.is_empty()).map(sorted);
    request.sigkeys = request.sigkeys.filter(|list| !list.is_empty());
    let (arches, of_others) = (request.arches.clone(), request.sigkeys().to_vec());
    request
        .arch_sigkeys
        .retain(|arch, keys| arches.contains(arch) && *keys != of_others);
    if let Some(Embargo::Builds(builds)) = &mut request.embargo {
        *builds = sorted(std::mem::take(builds));
    }
    request
}

/// Sorted by what is written, each once.
fn sorted<T: ToString>(list: Vec<T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    let mut list: Vec<_> = list
        .into_iter()
        .filter(|item| seen.insert(item.to_string()))
        .collect();
    list.sort_by_cached_key(ToString::to_string);
    list
}

/// The packages for an arch, sorted by what is written.
struct Packages<'a> {
    arch: &'a str,
    /// Their NEVRAs, one after the other.
    nevras: String,
    /// Where the NEVRA of each is.
    sorted: Vec<(&'a PlannedPackage, Range<usize>)>,
    /// Whether all files are known by what they are, wherever they are.
    is_known: bool,
}

impl<'a> Packages<'a> {
    fn of(arch: &'a ArchPlan) -> Self {
        let mut nevras = String::with_capacity(arch.packages.len() * NEVRA);
        let mut is_known = true;
        let mut sorted: Vec<_> = arch
            .packages
            .iter()
            .map(|planned| {
                let begin = nevras.len();
                // Writing to a string cannot fail.
                let _ = write!(nevras, "{}", planned.candidate.package.nevra);
                is_known &= candidates(planned).all(|it| it.record.is_some() || it.checksum.is_some());
                (planned, begin..nevras.len())
            })
            .collect();
        let text = |range: &Range<usize>| nevras.get(range.clone());
        // They nearly are: by NEVRA, which is another order than that of their texts.
        sorted.sort_by(|(one, its_nevra), (other, nevra)| {
            let first = (one.kind, text(its_nevra)).cmp(&(other.kind, text(nevra)));
            first.then_with(|| compare_files(one, other))
        });
        Self {
            arch: arch.arch.as_str(),
            sorted,
            nevras,
            is_known,
        }
    }
}

/// Bytes of a NEVRA, as a rule.
const NEVRA: usize = 48;

impl Serialize for Packages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        (self.arch, List(self)).serialize(serializer)
    }
}

struct List<'a>(&'a Packages<'a>);

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let packages = self.0.sorted.iter().map(|(planned, nevra)| Package {
            kind: planned.kind,
            nevra: self.0.nevras.get(nevra.clone()).unwrap_or_default(),
            files: Files(planned),
        });
        serializer.collect_seq(packages)
    }
}

#[derive(Serialize)]
struct Package<'a> {
    kind: PackageKind,
    nevra: &'a str,
    files: Files<'a>,
}

/// Which of the copies is taken depends on their signatures, so all of them count.
struct Files<'a>(&'a PlannedPackage);

impl Serialize for Files<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(candidates(self.0).map(File::of))
    }
}

fn candidates(planned: &PlannedPackage) -> impl Iterator<Item = &Candidate> {
    std::iter::once(&planned.candidate)
        .chain(&planned.copies)
        .map(|candidate| &**candidate)
}

/// What a file is.
#[derive(Serialize)]
#[serde(untagged)]
enum File<'a> {
    Found(Found<'a>),
    Recorded(Recorded<'a>),
}

#[derive(Serialize)]
struct Found<'a> {
    /// Files with a checksum are what they are, wherever they are.
    digest: Option<&'a Digest>,
    #[serde(serialize_with = "text")]
    path: Option<&'a PackageLocation>,
    size: u64,
    time: Option<u64>,
    signatures: &'a [Sigkey],
}

/// A file that its source never gives another content. Size, time and checksum are found out later, or never.
#[derive(Serialize)]
struct Recorded<'a> {
    name: &'a str,
    sigkey: Option<&'a Sigkey>,
    /// What repodata says of it, where that is not what the file says.
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<u64>,
}

impl<'a> File<'a> {
    fn of(candidate: &'a Candidate) -> Self {
        if let Some(record) = &candidate.record {
            let SourceRecord {
                name,
                sigkey,
                modified,
                ..
            } = &**record;
            return Self::Recorded(Recorded {
                name,
                sigkey: sigkey.as_ref(),
                modified: *modified,
            });
        }
        let package = &candidate.package;
        let known = candidate.checksum.is_some();
        Self::Found(Found {
            digest: candidate.checksum.as_ref(),
            path: (!known).then_some(&candidate.file),
            size: package.sizes.package,
            time: (!known).then_some(package.file_time),
            signatures: &package.signatures,
        })
    }
}

fn text<S: Serializer>(
    path: &Option<&PackageLocation>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    match path {
        Some(path) => serializer.collect_str(path),
        None => serializer.serialize_none(),
    }
}

/// Of packages with one NEVRA: by what is written of their files.
fn compare_files(one: &PlannedPackage, other: &PlannedPackage) -> Ordering {
    let keys = |planned| {
        let files = candidates(planned).map(File::of);
        let key = |file: File<'_>| {
            let text = |keys: &[Sigkey]| keys.iter().map(|key| key.as_str().to_owned()).collect();
            match file {
                File::Recorded(recorded) => {
                    let key = recorded.sigkey.map(std::slice::from_ref);
                    let keys: Vec<String> = text(key.unwrap_or_default());
                    (None, Some(recorded.name.to_owned()), 0, recorded.modified, keys)
                }
                File::Found(file) => {
                    let path = file.path.map(ToString::to_string);
                    let keys = text(file.signatures);
                    (file.digest.cloned(), path, file.size, file.time, keys)
                }
            }
        };
        files.map(key).collect::<Vec<_>>()
    };
    keys(one).cmp(&keys(other))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::plan::SignaturePolicy;
    use crate::request::SourceSpec;
    use crate::source::{RemoteFile, Site};

    /// Name, version, checksum, and the key it is signed with.
    type File = (
        &'static str,
        &'static str,
        Option<&'static str>,
        Option<&'static str>,
    );

    fn candidate(&(name, version, checksum, key): &File) -> Arc<Candidate> {
        let mut package = odcs_rpm::Package::new(format!("{name}-{version}-1.noarch").parse().unwrap());
        package.sizes.package = 7;
        package.file_time = 5;
        package.signatures = key.iter().map(|key| key.parse().unwrap()).collect();
        let site = Site::new("https://example.com/\u{fc}/".parse().unwrap()).unwrap();
        let path = format!("{name} {version}.rpm").parse().unwrap();
        let checksum = checksum.map(|text| Digest::of_bytes(DigestAlgorithm::Sha256, text.as_bytes()));
        let candidate = Candidate::new(Arc::new(package), RemoteFile::new(Arc::new(site), path));
        Arc::new(candidate.with_checksum(checksum))
    }

    fn plan(arches: &[(&str, Vec<Vec<File>>)]) -> Plan {
        let arches = arches.iter().map(|(arch, packages)| ArchPlan {
            arch: arch.parse().unwrap(),
            packages: packages
                .iter()
                .map(|files| {
                    let mut files = files.iter().map(candidate);
                    let candidate = files.next().unwrap();
                    PlannedPackage {
                        kind: match candidate.package.nevra.name().as_str() {
                            "c" => PackageKind::Debug,
                            _ => PackageKind::Binary,
                        },
                        candidate,
                        copies: files.collect(),
                        why: None,
                    }
                })
                .collect(),
            signatures: SignaturePolicy::default(),
            lookaside: Vec::new(),
        });
        Plan {
            arches: arches.collect(),
            timestamp: 3,
            comps_packages: Vec::new(),
            updateinfo: None,
            source_description: "\"the\" repository".to_owned(),
        }
    }

    /// As it is recorded since the first version: the checksum of a document that is put together as plainly as
    /// can be.
    fn plainly(request: &ComposeRequest, plan: &Plan, pins: &Pins) -> String {
        let all = || {
            plan.arches
                .iter()
                .flat_map(|arch| &arch.packages)
                .flat_map(candidates)
        };
        let by_checksum = all().all(|candidate| candidate.checksum.is_some());
        let file = |candidate: &Candidate| {
            let package = &candidate.package;
            let unknown = candidate.checksum.is_none();
            let digest = candidate.checksum.as_ref();
            let digest = digest.map_or("null".to_owned(), |digest| {
                format!(r#"{{"algorithm":"sha256","hex":"{}"}}"#, digest.hex())
            });
            let path = unknown.then(|| candidate.file.to_string());
            let keys: Vec<_> = package.signatures.iter().map(Sigkey::as_str).collect();
            format!(
                r#"{{"digest":{digest},"path":{},"size":{},"time":{},"signatures":{}}}"#,
                json!(path),
                package.sizes.package,
                json!(unknown.then_some(package.file_time)),
                json!(keys),
            )
        };
        let mut arches: Vec<_> = plan
            .arches
            .iter()
            .map(|arch| {
                let mut packages: Vec<_> = arch
                    .packages
                    .iter()
                    .map(|planned| {
                        let nevra = planned.candidate.package.nevra.to_string();
                        let order: Vec<_> = candidates(planned)
                            .map(|it| {
                                let path = it.checksum.is_none().then(|| it.file.to_string());
                                (it.checksum.clone(), path, it.package.signatures.clone())
                            })
                            .collect();
                        let files: Vec<_> = candidates(planned).map(file).collect();
                        (planned.kind, nevra, order, files.join(","))
                    })
                    .collect();
                packages.sort();
                let packages: Vec<_> = packages
                    .iter()
                    .map(|(kind, nevra, _, files)| {
                        format!(
                            r#"{{"kind":{},"nevra":"{nevra}","files":[{files}]}}"#,
                            json!(kind)
                        )
                    })
                    .collect();
                format!(r#"["{}",[{}]]"#, arch.arch, packages.join(","))
            })
            .collect();
        arches.sort();
        let text = format!(
            r#"{{"version":1,"request":{},"description":{},"timestamp":3,"arches":[{}],"base":"x","layout":"y","pins":{}}}"#,
            serde_json::to_string(&canonical(request)).unwrap(),
            json!(plan.source_description),
            arches.join(","),
            if by_checksum { Value::Null } else { json!(pins) },
        );
        Digest::of_bytes(DigestAlgorithm::Sha256, text.as_bytes())
            .hex()
            .to_owned()
    }

    fn files() -> impl Strategy<Value = Vec<Vec<File>>> {
        let name = prop::sample::select(vec!["a", "a+", "a-b", "ab", "c"]);
        let version = prop::sample::select(vec!["1", "9", "10", "1:1"]);
        let checksum = prop::sample::select(vec![None, Some("x"), Some("y")]);
        let key = prop::sample::select(vec![None, Some("fd431d51"), Some("aaaaaaaa")]);
        let package = prop::collection::vec((name, version, checksum, key), 1..3);
        prop::collection::vec(package, 0..6)
    }

    /// A file that its source has on record, in two places, and found out more or less of.
    fn recorded(name: &str, sigkey: Option<&str>, is_known: bool) -> Plan {
        let mut plan = plan(&[("x86_64", vec![vec![("a", "1", None, None)]])]);
        let candidate = &mut plan.arches[0].packages[0].candidate;
        let candidate = Arc::make_mut(candidate);
        let record = SourceRecord::new(name).with_rpm_id(i64::from(is_known));
        candidate.record = Some(Arc::new(match sigkey {
            Some(key) => record.with_sigkey(key.parse().unwrap()),
            None => record,
        }));
        if is_known {
            let package = Arc::make_mut(&mut candidate.package);
            package.sizes.package = 17;
            package.file_time = 77;
            package.signatures = vec!["fd431d51".parse().unwrap()];
            let site = Site::new("https://elsewhere.example.com/".parse().unwrap()).unwrap();
            candidate.file = RemoteFile::new(Arc::new(site), "b.rpm".parse().unwrap()).into();
            candidate.checksum = Some(Digest::of_bytes(DigestAlgorithm::Sha256, b"a"));
        }
        plan
    }

    #[test]
    fn what_is_on_record_is_known_by_its_name_and_its_key() {
        let request = ComposeRequest::new(SourceSpec::Tag(vec!["f36".parse().unwrap()]));
        let of = |plan: &Plan, pins: u32| {
            let pins = Pins::new(&("event", pins)).unwrap();
            fingerprint(&request, plan, Some(&pins), None, "").unwrap()
        };
        let unsigned = of(&recorded("1/a.rpm", None, false), 5);
        assert_eq!(of(&recorded("1/a.rpm", None, true), 6), unsigned);
        assert_ne!(of(&recorded("2/a.rpm", None, false), 5), unsigned);
        let signed = of(&recorded("1/a.rpm", Some("fd431d51"), false), 5);
        assert_ne!(signed, unsigned);
        assert_ne!(of(&recorded("1/a.rpm", Some("aaaaaaaa"), false), 5), signed);
        // What is made again is to say the same time.
        let at = |seconds| {
            let mut plan = recorded("1/a.rpm", None, false);
            let candidate = Arc::make_mut(&mut plan.arches[0].packages[0].candidate);
            let record = candidate.record.take().unwrap();
            candidate.record = Some(Arc::new((*record).clone().with_modified(Some(seconds))));
            of(&plan, 5)
        };
        assert_ne!(at(7), unsigned);
        assert_ne!(at(7), at(8));
        // Of what nobody has on record, the pins tell.
        let without = plan(&[("x86_64", vec![vec![("a", "1", None, None)]])]);
        assert_ne!(of(&without, 5), of(&without, 6));
    }

    #[test]
    fn keys_of_arches_count_where_they_differ() {
        let of = |sigkeys: &[&str], own: &[(&str, &str)]| {
            let mut request = ComposeRequest::new(SourceSpec::Tag(vec!["f36".parse().unwrap()]));
            request.arches = vec!["x86_64".parse().unwrap()];
            request.sigkeys = Some(sigkeys.iter().map(|key| key.parse().unwrap()).collect());
            let own = own.iter();
            request.arch_sigkeys = own
                .map(|(arch, key)| (arch.parse().unwrap(), vec![key.parse().unwrap()]))
                .collect();
            fingerprint(&request, &plan(&[]), None, None, "").unwrap()
        };
        let plain = of(&["fd431d51"], &[]);
        assert_eq!(
            of(&["fd431d51"], &[("s390x", "aaaaaaaa"), ("x86_64", "fd431d51")]),
            plain
        );
        assert_ne!(of(&["fd431d51"], &[("x86_64", "aaaaaaaa")]), plain);
    }

    proptest! {
        #[test]
        fn it_is_the_checksum_of_what_was_always_written(x86_64 in files(), aarch64 in files()) {
            let mut request = ComposeRequest::new(SourceSpec::Repo("/srv/repo".parse().unwrap()));
            request.flags = [Flag::NoReuse, Flag::NoDeps].into_iter().collect();
            let pins = Pins::new(&("repomd", 5)).unwrap();
            let plan = plan(&[("x86_64", x86_64), ("aarch64", aarch64)]);
            let found = fingerprint(&request, &plan, Some(&pins), Some("x"), "y").unwrap();
            prop_assert_eq!(found.as_str(), plainly(&request, &plan, &pins));
        }
    }
}
