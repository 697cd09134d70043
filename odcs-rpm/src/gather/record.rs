//! The rows of tables as numbers.

use super::build::Multilib;
use super::index::{Offer, Range, Requirement, Target};
use super::set::{Entry, Name, Origin};
use super::table::{Id, PackageId, RequirementId, TextId};
use crate::{Comparison, PackageKind};

/// Stands for no id, in a place where there may be none.
const NONE: u32 = u32::MAX;

/// So many bits of an entry are flags, and the rest the number of its arch.
const FLAGS: u32 = 4;

/// How many arches a set may have.
pub(super) const MAX_ARCHES: usize = 1 << (u32::BITS - FLAGS);

/// A row of a table.
pub(super) trait Record: Copy {
    /// So many numbers.
    type Words: AsRef<[u32]> + AsMut<[u32]> + Default;
    const WORDS: usize;
    fn write(&self) -> Self::Words;
    /// `None` if the numbers are none of such a row.
    fn read(words: &[u32]) -> Option<Self>;

    /// Reads a row of little-endian numbers.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut words = Self::Words::default();
        for (word, bytes) in words.as_mut().iter_mut().zip(bytes.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self::read(words.as_ref())
    }
}

impl Record for u32 {
    type Words = [Self; 1];
    const WORDS: usize = 1;

    fn write(&self) -> Self::Words {
        [*self]
    }

    fn read(words: &[u32]) -> Option<Self> {
        words.first().copied()
    }
}

/// Ids are their numbers.
macro_rules! ids {
    ($($id:ty),*) => {$(
        impl Record for $id {
            type Words = [u32; 1];
            const WORDS: usize = 1;

            fn write(&self) -> Self::Words {
                [self.number()]
            }

            fn read(words: &[u32]) -> Option<Self> {
                words.first().copied().map(Self::from_number)
            }
        }
    )*};
}

ids!(PackageId, RequirementId, TextId);

impl Record for Name {
    type Words = [u32; Self::WORDS];
    const WORDS: usize = 2;

    fn write(&self) -> Self::Words {
        [self.text.number(), self.end]
    }

    fn read(words: &[u32]) -> Option<Self> {
        let &[text, end] = words else { return None };
        Some(Self {
            text: Id::from_number(text),
            end,
        })
    }
}

impl Record for Origin {
    type Words = [u32; 1];
    const WORDS: usize = 1;

    fn write(&self) -> Self::Words {
        [match *self {
            Self::PackageSet => 0,
            Self::Lookaside(number) => number.saturating_add(1),
        }]
    }

    fn read(words: &[u32]) -> Option<Self> {
        let lookaside = words.first()?.checked_sub(1);
        Some(lookaside.map_or(Self::PackageSet, Self::Lookaside))
    }
}

/// Without the origin, which stands in a table of its own if it is another than the package set for some.
impl Record for Entry {
    type Words = [u32; Self::WORDS];
    const WORDS: usize = 4;

    fn write(&self) -> Self::Words {
        let kind = match self.kind {
            PackageKind::Binary => 0,
            PackageKind::Debug => 1,
            PackageKind::Source => 2,
        };
        let flags = kind | u32::from(self.multilib.runtime) << 2 | u32::from(self.multilib.devel) << 3;
        [
            self.name.number(),
            flags | self.arch.number() << FLAGS,
            self.version.number(),
            write_option(self.source),
        ]
    }

    fn read(words: &[u32]) -> Option<Self> {
        let &[name, flags, version, source] = words else {
            return None;
        };
        Some(Self {
            name: Id::from_number(name),
            origin: Origin::PackageSet,
            kind: match flags & 3 {
                0 => PackageKind::Binary,
                1 => PackageKind::Debug,
                2 => PackageKind::Source,
                _ => return None,
            },
            multilib: Multilib {
                runtime: flags & 4 != 0,
                devel: flags & 8 != 0,
            },
            arch: Id::from_number(flags >> FLAGS),
            version: Id::from_number(version),
            source: read_option(source),
        })
    }
}

impl Record for Range {
    type Words = [u32; Self::WORDS];
    const WORDS: usize = 4;

    fn write(&self) -> Self::Words {
        let comparison = match self.comparison {
            Comparison::Less => 0,
            Comparison::LessOrEqual => 1,
            Comparison::Equal => 2,
            Comparison::GreaterOrEqual => 3,
            Comparison::Greater => 4,
        };
        [
            comparison,
            self.epoch,
            self.version.number(),
            write_option(self.release),
        ]
    }

    fn read(words: &[u32]) -> Option<Self> {
        let &[comparison, epoch, version, release] = words else {
            return None;
        };
        Some(Self {
            comparison: match comparison {
                0 => Comparison::Less,
                1 => Comparison::LessOrEqual,
                2 => Comparison::Equal,
                3 => Comparison::GreaterOrEqual,
                4 => Comparison::Greater,
                _ => return None,
            },
            epoch,
            version: Id::from_number(version),
            release: read_option(release),
        })
    }
}

impl Record for Requirement {
    type Words = [u32; Self::WORDS];
    const WORDS: usize = 4;

    fn write(&self) -> Self::Words {
        let (kind, target) = match self.target {
            Target::Capability(id) => (0, id.number()),
            Target::Rich(id) => (1, id.number()),
            Target::Malformed => (2, NONE),
        };
        let flags = kind | u32::from(self.is_pre) << 2;
        [self.name.number(), write_option(self.range), flags, target]
    }

    fn read(words: &[u32]) -> Option<Self> {
        let &[name, range, flags, target] = words else {
            return None;
        };
        Some(Self {
            name: Id::from_number(name),
            range: read_option(range),
            is_pre: flags & 4 != 0,
            target: match flags & 3 {
                0 => Target::Capability(Id::from_number(target)),
                1 => Target::Rich(Id::from_number(target)),
                2 => Target::Malformed,
                _ => return None,
            },
        })
    }
}

impl Record for Offer {
    type Words = [u32; Self::WORDS];
    const WORDS: usize = 2;

    fn write(&self) -> Self::Words {
        [self.package.number(), write_option(self.range)]
    }

    fn read(words: &[u32]) -> Option<Self> {
        let &[package, range] = words else { return None };
        Some(Self {
            package: PackageId::from_number(package),
            range: read_option(range),
        })
    }
}

fn write_option<I: Id>(id: Option<I>) -> u32 {
    id.map_or(NONE, Id::number)
}

fn read_option<I: Id>(number: u32) -> Option<I> {
    (number != NONE).then(|| I::from_number(number))
}
