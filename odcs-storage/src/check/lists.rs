//! The files of repodata, read from the disk again.

use memchr::memmem::Finder;
use odcs_rpm::repodata::WrittenFile;

use crate::dir::Dir;
use crate::packages::PlacedPackage;

/// Nothing, or what is wrong.
type Checked = Result<(), String>;

/// Checks a file: it has the bytes that were written, and they decompress to what was to be written; if it is a list
/// of packages, it has these, in this order, by their checksums.
pub(super) fn check(repodata: &Dir, written: &WrittenFile, packages: &[&PlacedPackage]) -> Checked {
    let (file, _) = repodata
        .open_file(&written.name)
        .map_err(|error| error.to_string())?;
    let Some(count) = written.packages else {
        return verified(written.verify_content(file));
    };
    if count != packages.len() as u64 {
        return Err(format!("it lists {count} packages of {}", packages.len()));
    }
    let mut listed = Listed::new(written.kind, packages);
    verified(written.verify_shown(file, |bytes| listed.add(bytes)))?;
    listed.finish()
}

fn verified(result: odcs_rpm::Result<()>) -> Checked {
    result.map_err(|error| match error {
        odcs_rpm::Error::Repodata { reason, .. } => reason,
        error => error.to_string(),
    })
}

/// Finds the packages of a list in its bytes. They were made by an encoder that writes no `<` but those of elements:
/// what this looks for is an element, and is each package's.
struct Listed<'a> {
    finder: Finder<'static>,
    expected: std::slice::Iter<'a, &'a PlacedPackage>,
    /// The end of what was looked through: an element may go on in what follows.
    rest: Vec<u8>,
    found: Checked,
}

/// Digits of a checksum.
const HEX: usize = 64;

impl<'a> Listed<'a> {
    fn new(kind: &str, packages: &'a [&'a PlacedPackage]) -> Self {
        let before = match kind {
            "primary" => "<checksum type=\"sha256\" pkgid=\"YES\">",
            _ => "<package pkgid=\"",
        };
        Self {
            finder: Finder::new(before),
            expected: packages.iter(),
            rest: Vec::new(),
            found: Ok(()),
        }
    }

    fn add(&mut self, bytes: &[u8]) {
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
        // What is shorter than an element and its checksum may be the beginning of one.
        let keep = bytes.len().saturating_sub(done).min(self.whole() - 1);
        self.rest.extend(bytes.iter().skip(bytes.len() - keep));
    }

    /// Bytes of an element and its checksum.
    fn whole(&self) -> usize {
        self.finder.needle().len() + HEX
    }

    /// Looks at what is whole in some bytes, and returns where the last one of it ends.
    fn look(&mut self, bytes: &[u8]) -> usize {
        let mut done = 0;
        for at in self.finder.find_iter(bytes) {
            let begin = at + self.finder.needle().len();
            let Some(id) = bytes.get(begin..begin + HEX) else {
                break;
            };
            done = begin + HEX;
            if self.found.is_ok() {
                self.found = match self.expected.next() {
                    Some(package) if package.sha256.hex().as_bytes() == id => Ok(()),
                    Some(package) => {
                        let id = String::from_utf8_lossy(id);
                        Err(format!("it lists {id} where {} was written", package.nevra))
                    }
                    None => Err("it lists more packages than are in the tree".to_owned()),
                };
            }
        }
        done
    }

    fn finish(mut self) -> Checked {
        self.found?;
        match self.expected.next() {
            Some(missing) => Err(format!("it does not list {}", missing.nevra)),
            None => Ok(()),
        }
    }
}
