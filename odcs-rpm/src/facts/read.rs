//! Reading facts. Nothing is believed of the bytes: whatever they are, the answer is a package or an error, and what
//! is made of them is in proportion to them.

use super::{COMPARISON, FORMAT, HAS_EPOCH, HAS_RELEASE, IS_OWN, IS_PRE, MAX_SHARED};
use crate::{
    Comparison, Dependency, DependencyVersion, Error, Evr, FileEntry, FileKind, Nevra, Package, Result,
    Sigkey, Sizes,
};

/// Reads all that [`encode`](super::encode) wrote.
///
/// # Errors
/// [`Error::Encoded`] if the bytes are not the facts of one package, in this version's format.
pub fn decode(bytes: &[u8]) -> Result<Package> {
    let mut input = Input(bytes);
    let package = brief(&mut input).and_then(|mut package| {
        lists(&mut input, &mut package)?;
        input.0.is_empty().then_some(package)
    });
    package.ok_or_else(damaged)
}

/// Reads the brief package alone: its lists of dependencies and files are empty. That they could be read is not known.
///
/// # Errors
/// As [`decode`], of the bytes that are looked at.
pub fn decode_brief(bytes: &[u8]) -> Result<Package> {
    brief(&mut Input(bytes)).ok_or_else(damaged)
}

fn damaged() -> Error {
    Error::Encoded {
        what: "facts of a package",
        reason: "they are damaged, or of another version",
    }
}

fn brief(input: &mut Input<'_>) -> Option<Package> {
    if input.byte()? != FORMAT {
        return None;
    }
    let name = input.text()?.parse().ok()?;
    let epoch = input.number()?.try_into().ok()?;
    let evr = Evr::new(epoch, input.text()?, input.text()?).ok()?;
    let arch = input.text()?.parse().ok()?;
    Some(Package {
        source_rpm: match input.number()? {
            0 => None,
            1 => Some(input.text()?.into()),
            _ => return None,
        },
        build_time: input.number()?,
        file_time: input.number()?,
        sizes: Sizes {
            package: input.number()?,
            installed: input.number()?,
            archive: input.number()?,
        },
        header_range: (input.number()?, input.number()?),
        signatures: input.list(|input| input.text()?.parse::<Sigkey>().ok())?,
        ..Package::new(Nevra::new(name, evr, arch))
    })
}

fn lists(input: &mut Input<'_>, package: &mut Package) -> Option<()> {
    let Package {
        nevra,
        provides,
        requires,
        conflicts,
        obsoletes,
        recommends,
        suggests,
        supplements,
        enhances,
        files,
        ..
    } = package;
    for list in [
        provides,
        requires,
        conflicts,
        obsoletes,
        recommends,
        suggests,
        supplements,
        enhances,
    ] {
        *list = input.list(|input| dependency(input, nevra.evr()))?;
    }
    *files = self::files(input)?;
    Some(())
}

fn dependency(input: &mut Input<'_>, own: &Evr) -> Option<Dependency> {
    let flags = input.byte()?;
    let name = input.text()?.into();
    let comparison = match flags & COMPARISON {
        0 => None,
        1 => Some(Comparison::Less),
        2 => Some(Comparison::LessOrEqual),
        3 => Some(Comparison::Equal),
        4 => Some(Comparison::GreaterOrEqual),
        5 => Some(Comparison::Greater),
        _ => return None,
    };
    let version = match comparison {
        None => None,
        Some(comparison) if flags & IS_OWN != 0 => Some(DependencyVersion {
            comparison,
            epoch: own.epoch(),
            version: own.version().into(),
            release: Some(own.release().into()),
        }),
        Some(comparison) => Some(DependencyVersion {
            comparison,
            epoch: match flags & HAS_EPOCH {
                0 => 0,
                _ => input.number()?.try_into().ok()?,
            },
            version: input.text()?.into(),
            release: match flags & HAS_RELEASE {
                0 => None,
                _ => Some(input.text()?.into()),
            },
        }),
    };
    Some(Dependency {
        name,
        version,
        is_pre: flags & IS_PRE != 0,
    })
}

fn files(input: &mut Input<'_>) -> Option<Vec<FileEntry>> {
    let count = input.count()?;
    let mut files: Vec<FileEntry> = Vec::with_capacity(count);
    let mut left = MAX_SHARED;
    for _ in 0..count {
        let number = input.number()?;
        let kind = match number & 3 {
            0 => FileKind::File,
            1 => FileKind::Directory,
            2 => FileKind::Ghost,
            _ => return None,
        };
        let shared = usize::try_from(number >> 2).ok()?;
        left = left.checked_sub(shared)?;
        let rest = input.text()?;
        let before = files.last().map_or("", |file| &file.path).get(..shared)?;
        let mut path = String::with_capacity(before.len() + rest.len());
        path.push_str(before);
        path.push_str(rest);
        files.push(FileEntry {
            path: path.into(),
            kind,
        });
    }
    Some(files)
}

/// Bytes that were not read yet.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // Of the tenth byte one bit is left.
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    /// How many elements follow: each has two bytes at least.
    fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len() / 2).then_some(count)
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.count()?;
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(read(self)?);
        }
        Some(list)
    }
}
