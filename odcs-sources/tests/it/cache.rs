//! What is known of a repository is not read again, and is never wrong.

use std::fs::{File, FileTimes};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::support::Lab;
use odcs_core::source::{Content, PackageContent};
use odcs_core::testing::{ManualClock, MemoryCache};
use odcs_core::{ComposeSource, ErrorKind, Timestamp};
use odcs_rpm::gather::{Gathered, Options, PackageSet, Request, gather};
use odcs_rpm::repodata::Repomd;
use odcs_rpm::{Digest, DigestAlgorithm};
use odcs_sources::repo::{RepoSettings, RepoSource};

/// A lab whose source has a cache.
fn lab() -> (Lab, Arc<MemoryCache>) {
    let (mut lab, cache) = (Lab::new(), Arc::new(MemoryCache::default()));
    lab.source = with(&lab, Some(&cache));
    (lab, cache)
}

/// Another source over the same root.
fn with(lab: &Lab, cache: Option<&Arc<MemoryCache>>) -> RepoSource {
    let settings = RepoSettings::new([lab.dir.path()]);
    RepoSource::new(match cache {
        Some(cache) => settings.with_cache(cache.clone()),
        None => settings,
    })
    .unwrap()
}

async fn read(lab: &Lab, repository: &Path) -> PackageContent {
    let resolved = lab.resolve(repository).await.unwrap();
    lab.content(&resolved).await.unwrap()
}

/// Everything that is said of the candidates, without what is not said in brief.
fn said(content: &PackageContent) -> Vec<String> {
    let candidates = content.candidates.iter();
    candidates
        .map(|it| {
            let package = &it.package;
            let (nevra, source, sizes) = (&package.nevra, &package.source_rpm, package.sizes);
            let times = (package.build_time, package.file_time);
            format!(
                "{nevra} {source:?} {sizes:?} {times:?} {} {:?}",
                it.file, it.checksum
            )
        })
        .collect()
}

fn gathered(set: &PackageSet) -> String {
    let Gathered { members, broken, .. } = gather(
        set,
        &Request::Everything,
        &Options::new("x86_64".parse().unwrap()),
    );
    let members: Vec<_> = members.iter().map(|it| it.package.nevra.to_string()).collect();
    format!("{members:?} {broken:?}")
}

/// What is gathered from what has no set.
async fn gathered_completely(lab: &Lab, repository: &Path) -> String {
    let resolved = lab.resolve(repository).await.unwrap();
    let content = lab.complete_content(&resolved).await.unwrap();
    let packages = content.candidates.into_iter().map(|it| it.package).collect();
    gathered(&PackageSet::new(packages, Vec::new()).unwrap())
}

/// Writes other bytes into a file, as many as it has, and hides it.
fn overwrite(path: &Path) {
    let metadata = std::fs::metadata(path).unwrap();
    std::fs::write(path, vec![0; usize::try_from(metadata.len()).unwrap()]).unwrap();
    set_modified(path, metadata.modified().unwrap());
}

fn set_modified(path: &Path, time: SystemTime) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
}

/// A listing stands for its directory for a moment, once, and for the content of its own pins only.
#[tokio::test]
async fn a_directory_is_listed_once_for_pins_and_content() {
    let (mut lab, cache) = (Lab::new(), Arc::new(MemoryCache::default()));
    let clock = ManualClock::new(Timestamp::from_seconds(1 << 40));
    let mut settings = RepoSettings::new([lab.dir.path()]).with_cache(cache);
    settings.clock = Arc::new(clock.clone());
    lab.source = RepoSource::new(settings).unwrap();
    let directory = |name| {
        let directory = lab.repository(name);
        std::fs::remove_dir_all(directory.join("repodata")).unwrap();
        directory
    };
    let (directory, other) = (directory("repo"), directory("other"));
    let packages = directory.join("Packages");
    let (ed, common) = (
        packages.join("ed-1.20-1.x86_64.rpm"),
        packages.join("line-editor-common-2.1-3.noarch.rpm"),
    );
    let aside = lab.dir.path().join("aside");
    let changes: [(&str, &dyn Fn(), &dyn Fn()); 3] = [
        (
            "replaced",
            &|| {
                std::fs::copy(&ed, &aside).unwrap();
                std::fs::copy(&common, packages.join("new")).unwrap();
                std::fs::rename(packages.join("new"), &ed).unwrap();
            },
            &|| std::fs::rename(&aside, &ed).unwrap(),
        ),
        (
            "added",
            &|| {
                std::fs::copy(&ed, packages.join("again.rpm")).unwrap();
            },
            &|| std::fs::remove_file(packages.join("again.rpm")).unwrap(),
        ),
        ("removed", &|| std::fs::rename(&ed, &aside).unwrap(), &|| {
            std::fs::rename(&aside, &ed).unwrap()
        }),
    ];
    for (what, change, undo) in changes {
        let before = said(&read(&lab, &directory).await);
        let gone = async |pins| {
            let error = lab.content(pins).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Gone, "{what}: {error}");
        };
        let pinned = lab.resolve(&directory).await.unwrap();
        // That of a lookaside repository takes nothing away.
        lab.resolve(&other).await.unwrap();
        change();
        let content = lab.content(&pinned).await.unwrap();
        assert_eq!(said(&content), before, "{what}");
        gone(&pinned).await;
        undo();

        let late = lab.resolve(&directory).await.unwrap();
        change();
        clock.advance(Duration::from_secs(3));
        gone(&late).await;
        // What is pinned now says nothing of what was pinned then.
        lab.resolve(&directory).await.unwrap();
        gone(&late).await;
        undo();
    }
}

#[tokio::test]
async fn headers_are_read_once() {
    let (lab, cache) = lab();
    let repository = lab.repository("repo");
    std::fs::remove_dir_all(repository.join("repodata")).unwrap();
    let before = read(&lab, &repository).await;
    let puts = cache.puts();
    assert_eq!(puts, before.candidates.len() + 1, "each package, and all of them");
    // Would be noticed if it were read.
    overwrite(&repository.join("Packages/ed-1.20-1.x86_64.rpm"));
    let again = read(&lab, &repository).await;
    assert_eq!(said(&before), said(&again));
    assert_eq!(cache.puts(), puts);
    // One more package: that one is read, and no other.
    let packages = repository.join("Packages");
    std::fs::copy(packages.join("ed-1.20-1.i686.rpm"), packages.join("again.rpm")).unwrap();
    let more = read(&lab, &repository).await;
    assert_eq!(more.candidates.len(), before.candidates.len() + 1);
    assert_eq!(cache.puts(), puts + 2);
    // Complete packages come from what is known of each.
    let resolved = lab.resolve(&repository).await.unwrap();
    let complete = lab.complete_content(&resolved).await.unwrap();
    assert!(
        complete
            .candidates
            .iter()
            .all(|it| !it.package.provides.is_empty())
    );
    assert_eq!(cache.puts(), puts + 2);
    // Without a cache it is noticed.
    let resolved = lab.resolve(&repository).await.unwrap();
    let error = with(&lab, None).content(&resolved.pins).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

#[tokio::test]
async fn a_file_that_looks_the_same_is_another_one() {
    let (lab, _cache) = lab();
    let repository = lab.repository("repo");
    std::fs::remove_dir_all(repository.join("repodata")).unwrap();
    let (one, other) = (repository.join("Packages/one.rpm"), repository.join("other"));
    std::fs::copy(repository.join("Packages/ed-1.20-1.i686.rpm"), &one).unwrap();
    std::fs::copy(repository.join("Packages/ed-1.20-1.aarch64.rpm"), &other).unwrap();
    let size = std::fs::metadata(&one)
        .unwrap()
        .len()
        .max(std::fs::metadata(&other).unwrap().len());
    for path in [&one, &other] {
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(size)
            .unwrap();
        set_modified(path, SystemTime::UNIX_EPOCH + Duration::from_secs(7));
    }
    let arch = |content: &PackageContent| {
        let is_one = |path: String| path.ends_with("one.rpm");
        let one = content.candidates.iter().find(|it| is_one(it.file.to_string()));
        one.unwrap().package.nevra.arch().to_string()
    };
    let resolved = lab.resolve(&repository).await.unwrap();
    assert_eq!(arch(&lab.content(&resolved).await.unwrap()), "i686");
    std::fs::rename(&other, &one).unwrap();
    // Names, sizes and times are as they were: the pins hold, and what is said of the file is true.
    assert_eq!(arch(&lab.content(&resolved).await.unwrap()), "aarch64");
}

#[tokio::test]
async fn metadata_is_read_once() {
    let (lab, cache) = lab();
    let repository = lab.repository("repo");
    let resolved = lab.resolve(&repository).await.unwrap();
    let before = lab.content(&resolved).await.unwrap();
    assert_eq!(cache.puts(), 1);
    let primary = repository.join("repodata/primary.xml.gz");
    std::fs::rename(&primary, repository.join("hidden")).unwrap();
    assert_eq!(said(&before), said(&lab.content(&resolved).await.unwrap()));
    let error = with(&lab, None).content(&resolved.pins).await.unwrap_err();
    assert!(
        error.to_string().contains("primary.xml.gz is not there"),
        "{error}"
    );
    // The metadata of one repository says nothing about another one.
    let elsewhere = lab.repository("elsewhere");
    std::fs::rename(
        elsewhere.join("repodata/primary.xml.gz"),
        elsewhere.join("hidden"),
    )
    .unwrap();
    let resolved = lab.resolve(&elsewhere).await.unwrap();
    assert!(lab.content(&resolved).await.is_err());
}

#[tokio::test]
async fn whatever_the_cache_says_nobody_panics() {
    for with_metadata in [true, false] {
        let (lab, cache) = lab();
        let repository = lab.repository("repo");
        if !with_metadata {
            std::fs::remove_dir_all(repository.join("repodata")).unwrap();
        }
        let resolved = lab.resolve(&repository).await.unwrap();
        let before = lab.content(&resolved).await.unwrap();
        for step in 1..60_usize {
            // A cache finds what was put or nothing; one that is broken beyond that has its packages refused when
            // they are laid out.
            cache.spoil(|bytes| {
                let at = step * 7919 % bytes.len().max(1);
                match step % 3 {
                    0 => bytes.truncate(at),
                    1 => bytes.extend_from_slice(&step.to_le_bytes()),
                    _ => bytes
                        .iter_mut()
                        .skip(at)
                        .take(1)
                        .for_each(|byte| *byte ^= 1 << (step % 8)),
                }
            });
            if let Ok(Content::Packages(content)) = lab.source.content(&resolved.pins).await
                && let Some(set) = &content.set
            {
                gathered(set);
            }
        }
        cache.spoil(Vec::clear);
        assert_eq!(said(&before), said(&lab.content(&resolved).await.unwrap()));
    }
}

/// Writes the packages of `filelists` in another order or number.
fn rearrange(repository: &Path, change: impl FnOnce(&mut Vec<String>)) {
    let repodata = repository.join("repodata");
    let mut text = String::new();
    let packed = File::open(repodata.join("filelists.xml.gz")).unwrap();
    let decoder = odcs_rpm::compression::Compression::of_file_name("x.gz");
    let mut input = std::io::BufReader::new(packed);
    let mut decoder = odcs_rpm::compression::decoder(&mut input, decoder, "filelists", 1 << 20).unwrap();
    std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
    let mut parts = text.split("<package ").map(str::to_owned);
    let head = parts.next().unwrap();
    let mut packages: Vec<_> = parts.map(|part| part.replace("</filelists>", "")).collect();
    change(&mut packages);
    let packages: Vec<_> = packages.iter().map(|part| format!("<package {part}")).collect();
    let text = format!("{head}{}</filelists>", packages.concat());
    std::fs::write(repodata.join("filelists.xml"), &text).unwrap();
    let mut repomd = Repomd::parse(&std::fs::read(repodata.join("repomd.xml")).unwrap()).unwrap();
    let record = repomd
        .records
        .iter_mut()
        .find(|it| it.kind == "filelists")
        .unwrap();
    record.location = "repodata/filelists.xml".to_owned();
    record.checksum = Digest::of_bytes(DigestAlgorithm::Sha256, text.as_bytes());
    record.open_checksum = None;
    (record.size, record.open_size) = (None, None);
    std::fs::write(repodata.join("repomd.xml"), repomd.to_xml()).unwrap();
}

#[tokio::test]
async fn in_whatever_order_files_are_listed() {
    let lab = Lab::new();
    let repository = lab.repository("usual");
    let usual = gathered(&read(&lab, &repository).await.set.unwrap());
    assert_eq!(usual, gathered_completely(&lab, &repository).await);
    type Change = fn(&mut Vec<String>);
    let changes: [(&str, Change); 4] = [
        ("reversed", |packages| packages.reverse()),
        ("one more", |packages| {
            let first = packages[0].replace("name=\"ed\"", "name=\"other\"");
            packages.push(first);
        }),
        ("one less", |packages| drop(packages.pop())),
        ("one twice", |packages| {
            // The last counts.
            let again = packages[0].replace("/usr/bin/ed", "/usr/bin/other");
            packages.push(again);
        }),
    ];
    for (name, change) in changes {
        let repository = lab.repository(name);
        rearrange(&repository, change);
        let content = read(&lab, &repository).await;
        assert_eq!(content.candidates.len(), 13, "{name}");
        let found = gathered(&content.set.unwrap());
        assert_eq!(found, gathered_completely(&lab, &repository).await, "{name}");
    }
}
