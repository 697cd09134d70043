//! Which packages a list has, by their ids, found in its bytes.

use std::fmt::Display;

use memchr::memmem::Finder;

use crate::Digest;

/// What stands before the id of a package, and what after it. Lists are made by an encoder that writes no `<` but those
/// of elements: what this looks for is an element, and is each package's.
fn around(kind: &str) -> (&'static str, u8) {
    match kind {
        "primary" => ("<checksum type=\"sha256\" pkgid=\"YES\">", b'<'),
        _ => ("<package pkgid=\"", b'"'),
    }
}

/// Digits of an id, which is a SHA-256.
const HEX: usize = 64;

/// The ids of the packages in a block that begins and ends between packages, one after the other.
pub(super) fn ids_in(kind: &str, block: &[u8]) -> Vec<u8> {
    let (before, after) = around(kind);
    let finder = Finder::new(before);
    let mut ids = Vec::new();
    for at in finder.find_iter(block) {
        let begin = at + before.len();
        let id = block.get(begin..begin + HEX).unwrap_or_default();
        if block.get(begin + HEX) == Some(&after) {
            ids.extend_from_slice(id);
        }
    }
    ids
}

/// Holds the packages of a list against those that are expected.
pub(super) struct Ids<I> {
    finder: Finder<'static>,
    expected: I,
    /// The end of what was looked through: an element may go on in what follows.
    rest: Vec<u8>,
    found: Result<(), String>,
}

impl<'a, N: Display, I: Iterator<Item = (&'a Digest, N)>> Ids<I> {
    /// Expects these packages in a list of this kind.
    pub(super) fn new(kind: &str, expected: I) -> Self {
        Self {
            finder: Finder::new(around(kind).0),
            expected,
            rest: Vec::new(),
            found: Ok(()),
        }
    }

    /// Looks through what follows of the list.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        if bytes.len() < self.whole() {
            let mut rest = std::mem::take(&mut self.rest);
            rest.extend_from_slice(bytes);
            let keep = rest.len() - self.look(&rest);
            rest.drain(..rest.len() - keep.min(self.whole() - 1));
            self.rest = rest;
            return;
        }
        // What began before and goes on here, and nothing that begins here and goes on after that.
        let seam = self.rest.len();
        self.rest.extend(bytes.iter().take(self.whole() - 1));
        let rest = std::mem::take(&mut self.rest);
        let done = self.look(&rest).max(seam) - seam;
        self.rest = rest;
        self.rest.clear();
        let Some(bytes) = bytes.get(done..) else { return };
        let done = self.look(bytes);
        // What is shorter than an element and its id may be the beginning of one.
        let keep = bytes.len().saturating_sub(done).min(self.whole() - 1);
        self.rest.extend(bytes.iter().skip(bytes.len() - keep));
    }

    /// Takes the ids of what follows, which begins and ends between packages.
    pub(super) fn known(&mut self, ids: &[u8]) {
        self.rest.clear();
        let (whole, rest) = ids.as_chunks::<HEX>();
        whole.iter().for_each(|id| self.one(id));
        if !rest.is_empty() {
            self.one(rest);
        }
    }

    /// Bytes of an element and its id.
    fn whole(&self) -> usize {
        self.finder.needle().len() + HEX
    }

    /// Looks at what is whole in some bytes, and returns where the last one of it ends.
    fn look(&mut self, bytes: &[u8]) -> usize {
        let mut done = 0;
        let finder = self.finder.clone();
        for at in finder.find_iter(bytes) {
            let begin = at + finder.needle().len();
            let Some(id) = bytes.get(begin..begin + HEX) else {
                break;
            };
            done = begin + HEX;
            self.one(id);
        }
        done
    }

    fn one(&mut self, id: &[u8]) {
        if self.found.is_err() {
            return;
        }
        self.found = match self.expected.next() {
            Some((digest, _)) if digest.hex().as_bytes() == id => Ok(()),
            Some((_, package)) => {
                let id = String::from_utf8_lossy(id);
                Err(format!("it lists {id} where {package} was written"))
            }
            None => Err("it lists more packages than were written".to_owned()),
        };
    }

    /// Says what was wrong first.
    pub(super) fn finish(mut self) -> Result<(), String> {
        self.found?;
        match self.expected.next() {
            Some((_, missing)) => Err(format!("it does not list {missing}")),
            None => Ok(()),
        }
    }
}
