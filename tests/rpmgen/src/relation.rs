//! Relations between packages.

/// Bits that say what a [`Relation`] means, as RPM stores them.
///
/// ```
/// use rpmgen::RelationFlags;
/// let flags = RelationFlags::GREATER | RelationFlags::EQUAL;
/// assert_eq!(flags.bits(), 12);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct RelationFlags(u32);

impl RelationFlags {
    /// No version, no scriptlet.
    pub const ANY: Self = Self(0);
    /// Older than the version.
    pub const LESS: Self = Self(1 << 1);
    /// Newer than the version.
    pub const GREATER: Self = Self(1 << 2);
    /// Exactly the version.
    pub const EQUAL: Self = Self(1 << 3);
    /// Needed by the `%pre` scriptlet.
    pub const SCRIPT_PRE: Self = Self(1 << 9);
    /// Needed by the `%post` scriptlet.
    pub const SCRIPT_POST: Self = Self(1 << 10);
    /// Needed by the `%preun` scriptlet.
    pub const SCRIPT_PREUN: Self = Self(1 << 11);
    /// Needed by the `%postun` scriptlet.
    pub const SCRIPT_POSTUN: Self = Self(1 << 12);
    /// Found by looking at the package's files, as shared libraries are.
    pub const FIND_REQUIRES: Self = Self(1 << 14);
    /// A feature of rpm itself.
    pub const RPMLIB: Self = Self(1 << 24);
    /// A package's own `config(NAME)`.
    pub const CONFIG: Self = Self(1 << 28);

    /// One bit by its number, from 0 to 31; none of them past that.
    pub const fn bit(number: u32) -> Self {
        match 1_u32.checked_shl(number) {
            Some(bit) => Self(bit),
            None => Self::ANY,
        }
    }

    /// The number in the header.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Both sets of bits.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for RelationFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

/// A provide, requirement, conflict, ...: a name, and perhaps a comparison with an EVR.
///
/// The text form is the one of spec files. Anything that is not `NAME OPERATOR EVR` is a name as a
/// whole, rich dependencies included:
///
/// ```
/// use rpmgen::{Relation, RelationFlags};
/// let relation = Relation::from("ed >= 1:1.20-1");
/// assert_eq!(relation.name, "ed");
/// assert_eq!(relation.evr, "1:1.20-1");
/// assert_eq!(relation.flags, RelationFlags::GREATER | RelationFlags::EQUAL);
/// assert_eq!(Relation::from("(a if b)").name, "(a if b)");
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Relation {
    /// Name of a capability, path of a file, or a rich dependency.
    pub name: String,
    /// Comparison and scriptlet bits.
    pub flags: RelationFlags,
    /// `[EPOCH:]VERSION[-RELEASE]`; empty without comparison.
    pub evr: String,
}

impl Relation {
    /// A relation with a comparison.
    pub fn new(name: impl Into<String>, flags: RelationFlags, evr: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            flags,
            evr: evr.into(),
        }
    }

    /// `name = evr`.
    pub fn equal(name: impl Into<String>, evr: impl Into<String>) -> Self {
        Self::new(name, RelationFlags::EQUAL, evr)
    }

    /// The same with more bits set.
    #[must_use]
    pub fn with_flags(mut self, flags: RelationFlags) -> Self {
        self.flags = self.flags | flags;
        self
    }
}

impl From<&str> for Relation {
    fn from(text: &str) -> Self {
        let mut words = text.split_whitespace();
        if let (Some(name), Some(operator), Some(evr), None) =
            (words.next(), words.next(), words.next(), words.next())
        {
            let flags = match operator {
                "<" => Some(RelationFlags::LESS),
                "<=" => Some(RelationFlags::LESS | RelationFlags::EQUAL),
                "=" => Some(RelationFlags::EQUAL),
                ">=" => Some(RelationFlags::GREATER | RelationFlags::EQUAL),
                ">" => Some(RelationFlags::GREATER),
                _ => None,
            };
            if let Some(flags) = flags {
                return Self::new(name, flags, evr);
            }
        }
        Self::new(text, RelationFlags::ANY, "")
    }
}

impl From<String> for Relation {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_operator_is_part_of_the_name() {
        assert_eq!(Relation::from("a => 1").name, "a => 1");
        assert_eq!(Relation::from("a < 1").flags, RelationFlags::LESS);
        assert_eq!(Relation::from("a > 1").flags, RelationFlags::GREATER);
    }
}
