//! What things are called in the content store.

use std::fmt;

use odcs_core::content_store::Wanted;
use odcs_rpm::{Digest, DigestAlgorithm};

/// Where files are, by their SHA-256.
pub(super) const SHA256: &str = "sha256";
/// Where files are made.
pub(super) const PARTIAL: &str = "partial";
/// Where it is written down how many bytes there are.
pub(super) const USAGE: &str = "usage";
/// Where the other names of files are.
pub(super) const ALIASES: [DigestAlgorithm; 4] = [
    DigestAlgorithm::Sha1,
    DigestAlgorithm::Sha224,
    DigestAlgorithm::Sha384,
    DigestAlgorithm::Sha512,
];

/// The only file that may have no bytes.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The place of a file: the hex digits of its SHA-256.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(super) struct Address(Box<str>);

impl Address {
    /// The place of the file with this checksum, which is not of another kind.
    pub(super) fn of(sha256: &Digest) -> Option<Self> {
        (sha256.algorithm() == DigestAlgorithm::Sha256).then(|| Self(sha256.hex().into()))
    }

    /// The place that a directory and a name in it stand for.
    pub(super) fn parse(shard: &str, rest: &str) -> Option<Self> {
        let hex = format!("{shard}{rest}");
        let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        (shard.len() == 2 && hex.len() == 64 && hex.bytes().all(is_hex)).then(|| Self(hex.into()))
    }

    /// The place that another name leads to: nothing but what [`target`](Self::target) writes is read.
    pub(super) fn parse_target(text: &str) -> Option<Self> {
        let (shard, rest) = text
            .strip_prefix("../../")?
            .strip_prefix(SHA256)?
            .strip_prefix('/')?
            .split_once('/')?;
        Self::parse(shard, rest)
    }

    /// What a symbolic link has to say to lead here from the directories of other kinds of checksums.
    pub(super) fn target(&self) -> String {
        format!("../../{SHA256}/{}/{}", self.shard(), self.rest())
    }

    /// The directory.
    pub(super) fn shard(&self) -> &str {
        split(&self.0).0
    }

    /// The name in it.
    pub(super) fn rest(&self) -> &str {
        split(&self.0).1
    }

    /// The path below the store.
    pub(super) fn path(&self) -> String {
        format!("{SHA256}/{}/{}", self.shard(), self.rest())
    }

    /// The checksum.
    pub(super) fn digest(&self) -> Option<Digest> {
        Digest::new(DigestAlgorithm::Sha256, &self.0).ok()
    }

    /// Whether a file of this size could be the one. Files are not forced to the disk when they are written: after a
    /// power cut, some may be there without what was in them.
    pub(super) fn may_have(&self, size: u64) -> bool {
        size > 0 || &*self.0 == EMPTY
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A checksum in hex as a directory and a name in it.
fn split(hex: &str) -> (&str, &str) {
    hex.split_at_checked(2).unwrap_or((hex, ""))
}

/// The name by which a file is found that is asked for by a checksum of another kind than SHA-256.
///
/// Two files with the same SHA-1 can be made by anybody who cares to. So that nobody gets what somebody else has put
/// there under a checksum that theirs has, too, such a name is one of a SHA-1 *and* the places that the file may be
/// fetched from: what is found by it came from there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Alias {
    pub(super) kind: &'static str,
    pub(super) shard: String,
    pub(super) name: String,
}

impl Alias {
    /// The name of a file that is known by a checksum alone; there is none for SHA-1, nor for SHA-256, which is a place.
    pub(super) fn of(digest: &Digest) -> Option<Self> {
        let is_unique = !matches!(
            digest.algorithm(),
            DigestAlgorithm::Sha1 | DigestAlgorithm::Sha256
        );
        is_unique.then(|| Self::new(digest, ""))
    }

    /// The name of a file that is asked for.
    pub(super) fn of_wanted(wanted: &Wanted) -> Option<Self> {
        let digest = wanted.digest.as_ref()?;
        match digest.algorithm() {
            DigestAlgorithm::Sha1 => Some(Self::new(digest, &format!(".{}", places(wanted)))),
            _ => Self::of(digest),
        }
    }

    fn new(digest: &Digest, suffix: &str) -> Self {
        let (shard, rest) = split(digest.hex());
        Self {
            kind: digest.algorithm().as_str(),
            shard: shard.to_owned(),
            name: format!("{rest}{suffix}"),
        }
    }

    /// Where the names for a SHA-1 are, and how all of them begin.
    pub(super) fn all_of_sha1(digest: &Digest) -> Option<Self> {
        (digest.algorithm() == DigestAlgorithm::Sha1).then(|| Self::new(digest, "."))
    }
}

/// What a file is called while it is being fetched: the same for all who may share it. A file without a checksum is
/// nobody else's, and has no such name.
pub(super) fn partial_name(wanted: &Wanted) -> Option<String> {
    let digest = wanted.digest.as_ref()?;
    let mut name = format!("{}-{}", digest.algorithm(), digest.hex());
    if digest.algorithm() == DigestAlgorithm::Sha1 {
        name.push('-');
        name.push_str(&places(wanted));
    }
    Some(name)
}

/// The beginning of names of files that nobody can go on from.
pub(super) const UNNAMED: &str = "new-";

/// All places of a file in any order, in a few characters.
fn places(wanted: &Wanted) -> String {
    let mut places: Vec<&str> = wanted.places.iter().map(url::Url::as_str).collect();
    places.sort_unstable();
    let digest = Digest::of_bytes(DigestAlgorithm::Sha256, places.join("\n").as_bytes());
    digest.hex().chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(algorithm: DigestAlgorithm, places: &[&str]) -> Wanted {
        let places = places.iter().map(|place| place.parse().unwrap()).collect();
        Wanted::new(places, Some(Digest::of_bytes(algorithm, b"ed")), 10)
    }

    #[test]
    fn places_are_read_as_they_are_written_and_no_other_way() {
        let address = Address::of(&Digest::of_bytes(DigestAlgorithm::Sha256, b"")).unwrap();
        assert_eq!(address.to_string(), EMPTY);
        assert!(address.may_have(0));
        assert_eq!(
            Address::parse(address.shard(), address.rest()),
            Some(address.clone())
        );
        assert_eq!(Address::parse_target(&address.target()), Some(address.clone()));
        let target = address.target();
        for other in [
            target.replace("../../", "../"),
            target.replace("../../", "/"),
            target.replace("sha256", "sha512"),
            format!("{target}/"),
            format!("{target}0"),
            target.to_uppercase(),
            target.replace("/e3/", "/e3//"),
            target.replace("/e3/", "/../"),
            String::new(),
        ] {
            assert_eq!(Address::parse_target(&other), None, "{other}");
        }
        let other = Address::of(&Digest::of_bytes(DigestAlgorithm::Sha256, b"x")).unwrap();
        assert!(!other.may_have(0) && other.may_have(1));
    }

    #[test]
    fn a_sha1_is_worth_what_its_place_is_worth() {
        let of = |places: &[&str]| {
            let wanted = wanted(DigestAlgorithm::Sha1, places);
            (Alias::of_wanted(&wanted).unwrap(), partial_name(&wanted).unwrap())
        };
        assert_eq!(
            of(&["http://a/x", "http://b/x"]),
            of(&["http://b/x", "http://a/x"])
        );
        assert_ne!(of(&["http://a/x"]).0, of(&["http://b/x"]).0);
        assert_ne!(of(&["http://a/x"]).1, of(&["http://b/x"]).1);
        let digest = Digest::of_bytes(DigestAlgorithm::Sha1, b"ed");
        assert_eq!(Alias::of(&digest), None);
        let all = Alias::all_of_sha1(&digest).unwrap();
        assert!(of(&["http://a/x"]).0.name.starts_with(&all.name));

        let of = |places: &[&str]| partial_name(&wanted(DigestAlgorithm::Sha512, places));
        assert_eq!(of(&["http://a/x"]), of(&["http://b/x"]));
    }
}
