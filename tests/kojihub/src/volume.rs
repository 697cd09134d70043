//! The volume: where the RPMs of builds are.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::Digest;

use crate::calls::Digests;
use crate::state::{Build, RpmInfo, State};

/// A directory that is laid out as Koji lays its volume out.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(crate) topdir: PathBuf,
}

impl Volume {
    /// Unpacks an archive with a directory `topdir`, links and times included.
    pub(crate) fn unpack(archive: &Path, into: &Path) -> Self {
        let packed = std::fs::read(archive).unwrap_or_else(|error| panic!("{}: {error}", archive.display()));
        let tar = zstd::decode_all(packed.as_slice()).unwrap();
        let mut child = Command::new("tar")
            .args(["--extract", "--no-same-owner", "--directory"])
            .arg(into)
            .stdin(Stdio::piped())
            .spawn()
            .expect("tar is installed");
        child.stdin.take().unwrap().write_all(&tar).unwrap();
        assert!(child.wait().unwrap().success(), "the volume is unpacked");
        Self {
            topdir: into.join("topdir"),
        }
    }

    /// The directory of a build on a volume.
    pub(crate) fn build_on(&self, state: &State, build: &Build, volume: &str) -> PathBuf {
        let below = match volume {
            "DEFAULT" => self.topdir.clone(),
            other => self.topdir.join("vol").join(other),
        };
        below
            .join("packages")
            .join(state.package_name(build.pkg_id))
            .join(&build.version)
            .join(&build.release)
    }

    pub(crate) fn build(&self, state: &State, build: &Build) -> PathBuf {
        self.build_on(state, build, state.volume_name(build.volume_id))
    }

    /// The file of an RPM: unsigned if the key is empty.
    pub(crate) fn rpm(&self, state: &State, rpm: &RpmInfo, key: &str) -> PathBuf {
        let build = state.build_by_id(rpm.build_id).unwrap();
        let mut path = self.build(state, build);
        if !key.is_empty() {
            path = path.join("data/signed").join(key);
        }
        path.join(&rpm.arch).join(rpm.file_name())
    }

    /// Where Koji keeps the header of a signature: that of one key, or as it was before any.
    pub(crate) fn sigcache(&self, state: &State, rpm: &RpmInfo, key: &str) -> PathBuf {
        let build = state.build_by_id(rpm.build_id).unwrap();
        let mut path = self.build(state, build).join("data/sigcache");
        if !key.is_empty() {
            path = path.join(key);
        }
        path.join(&rpm.arch).join(format!("{}.sig", rpm.file_name()))
    }

    /// The digests of all files that the rows speak of and that are there.
    pub(crate) fn digests(&self, state: &State) -> Digests {
        let keys = state.keys_by_rpm();
        let mut digests = Digests::new();
        for rpm in &state.rpminfo {
            let keys = keys.get(&rpm.id).into_iter().flatten().copied();
            for key in std::iter::once("").chain(keys.filter(|key| !key.is_empty())) {
                if let Ok(bytes) = std::fs::read(self.rpm(state, rpm, key)) {
                    let known = digests.entry(rpm.id).or_default();
                    known.insert(key.to_owned(), digests_of(&bytes));
                }
            }
        }
        digests
    }
}

/// md5 and sha256 in hexadecimal.
pub(crate) fn digests_of(bytes: &[u8]) -> (String, String) {
    (hex(&md5::Md5::digest(bytes)), hex(&sha2::Sha256::digest(bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A package with another signature header: what Koji makes of an unsigned file and a header it has kept.
pub(crate) fn with_signature(rpm: &[u8], header: &[u8]) -> Vec<u8> {
    const LEAD: usize = 96;
    let own = signature_length(&rpm[LEAD..]);
    [&rpm[..LEAD], header, &rpm[LEAD + own..]].concat()
}

/// The bytes of a signature header, filled up to a multiple of eight.
fn signature_length(from: &[u8]) -> usize {
    let number = |at: usize| u32::from_be_bytes(from[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(&from[..3], &[0x8e, 0xad, 0xe8], "a header begins here");
    let length = 16 + 16 * number(8) + number(12);
    length.next_multiple_of(8)
}
