//! The `Range` header (RFC 9110, section 14).
//!
//! The parser is ours because what is wrong with a range matters: one that cannot be read is to be
//! ignored, one that lies past the end is to be refused, and overlapping ones are fine as long as the
//! answer does not become larger than the file.

/// Most ranges that are answered one by one.
pub(super) const MAX_RANGES: usize = 16;

/// A range of a file, at least one byte, inside of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct ByteRange {
    first: u64,
    last: u64,
}

impl ByteRange {
    /// Where it starts.
    pub(super) fn start(self) -> u64 {
        self.first
    }

    /// How many bytes it has.
    pub(super) fn length(self) -> u64 {
        self.last - self.first + 1
    }

    /// The value of `Content-Range` for a file of this size.
    pub(super) fn content_range(self, size: u64) -> String {
        format!("bytes {}-{}/{size}", self.first, self.last)
    }
}

/// What to answer with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Ranges {
    /// The whole file: nothing else was asked for, or nothing that can be understood.
    Whole,
    /// One range.
    One(ByteRange),
    /// Several, in the order they were asked for.
    Several(Vec<ByteRange>),
    /// No byte of what was asked for is there.
    Unsatisfiable,
}

/// What of a file of this size a `Range` header asks for.
pub(super) fn select(header: &str, size: u64) -> Ranges {
    let Some(specs) = parse(header) else {
        return Ranges::Whole;
    };
    let ranges: Vec<_> = specs.into_iter().filter_map(|spec| spec.within(size)).collect();
    // Wider than a size: a sum that stops at its limit would pass for one that fits.
    let total: u128 = ranges.iter().map(|range| u128::from(range.length())).sum();
    match ranges.as_slice() {
        [] => Ranges::Unsatisfiable,
        [range] => Ranges::One(*range),
        _ if total > u128::from(size) => Ranges::Whole,
        _ => Ranges::Several(ranges),
    }
}

#[derive(Clone, Copy, Debug)]
enum Spec {
    /// From a byte to another one, or to the end.
    From(u64, Option<u64>),
    /// So many bytes at the end.
    Last(u64),
}

impl Spec {
    fn within(self, size: u64) -> Option<ByteRange> {
        let end = size.checked_sub(1)?;
        let (first, last) = match self {
            Self::From(first, last) => (first, last.map_or(end, |last| last.min(end))),
            Self::Last(0) => return None,
            Self::Last(length) => (size.saturating_sub(length), end),
        };
        (first <= end).then_some(ByteRange { first, last })
    }
}

/// The ranges as written; `None` if the header is not to be followed.
fn parse(header: &str) -> Option<Vec<Spec>> {
    let (unit, set) = header.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut specs = Vec::new();
    // Lists may have empty items.
    for item in set
        .split(',')
        .map(|item| item.trim_matches([' ', '\t']))
        .filter(|item| !item.is_empty())
    {
        if specs.len() == MAX_RANGES {
            return None;
        }
        specs.push(parse_spec(item)?);
    }
    (!specs.is_empty()).then_some(specs)
}

fn parse_spec(item: &str) -> Option<Spec> {
    let (first, last) = item.split_once('-')?;
    if first.is_empty() {
        return Some(Spec::Last(number(last)?));
    }
    let first = number(first)?;
    if last.is_empty() {
        return Some(Spec::From(first, None));
    }
    let last = number(last)?;
    (first <= last).then_some(Spec::From(first, Some(last)))
}

/// Digits. What is too large is past the end of any file all the same.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(first: u64, last: u64) -> Ranges {
        Ranges::One(ByteRange { first, last })
    }

    #[test]
    fn one_range() {
        assert_eq!(select("bytes=0-4", 10), one(0, 4));
        assert_eq!(select("bytes=0-0", 10), one(0, 0));
        assert_eq!(select("bytes=9-9", 10), one(9, 9));
        assert_eq!(select("bytes=5-", 10), one(5, 9));
        assert_eq!(select("bytes=5-99999999999999999999999", 10), one(5, 9));
        assert_eq!(select("bytes=-3", 10), one(7, 9));
        assert_eq!(select("bytes=-99999999999999999999999", 10), one(0, 9));
        assert_eq!(select("Bytes= 0-4\t, ,", 10), one(0, 4));
    }

    #[test]
    fn past_the_end() {
        for header in [
            "bytes=10-",
            "bytes=10-20",
            "bytes=-0",
            "bytes=99999999999999999999999-",
            "bytes=10-,-0",
        ] {
            assert_eq!(select(header, 10), Ranges::Unsatisfiable, "{header}");
        }
        for header in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
            assert_eq!(select(header, 0), Ranges::Unsatisfiable, "{header}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_ignored() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=a-b",
            "bytes=4-2",
            "bytes=+1-2",
            "bytes=1-+2",
            "bytes=1 - 2",
            "bytes=0x1-2",
            "bytes 0-4",
            "bytes =0-4",
            " bytes=0-4",
            "items=0-4",
            "bytes=--1",
            "bytes=1-2-3",
            "bytes=0-1,x",
            "bytes=１-2",
            "bytes==0-1",
        ] {
            assert_eq!(select(header, 10), Ranges::Whole, "{header}");
        }
    }

    #[test]
    fn several_ranges() {
        let ranges = |list: &[(u64, u64)]| {
            Ranges::Several(
                list.iter()
                    .map(|&(first, last)| ByteRange { first, last })
                    .collect(),
            )
        };
        assert_eq!(select("bytes=5-6,0-1", 10), ranges(&[(5, 6), (0, 1)]));
        assert_eq!(select("bytes=0-3,2-5", 10), ranges(&[(0, 3), (2, 5)]));
        assert_eq!(select("bytes=0-1,20-30,-1", 10), ranges(&[(0, 1), (9, 9)]));
        assert_eq!(select("bytes=0-1,20-30", 10), one(0, 1));
        // More than the file itself is not worth it.
        assert_eq!(select("bytes=-8,0-", u64::MAX), Ranges::Whole);
        assert_eq!(select("bytes=0-9,0-9", 10), Ranges::Whole);
        let list = |count| format!("bytes={}", vec!["0-0"; count].join(","));
        assert_eq!(select(&list(16), 100), ranges(&[(0, 0); 16]));
        assert_eq!(select(&list(17), 100), Ranges::Whole);
    }

    proptest! {
        #[test]
        fn never_panics_and_stays_inside(header in "(bytes=)?[-0-9, ]{0,60}|.*", size in prop_oneof![0_u64..200, Just(u64::MAX)]) {
            let ranges = match select(&header, size) {
                Ranges::Whole | Ranges::Unsatisfiable => Vec::new(),
                Ranges::One(range) => vec![range],
                Ranges::Several(ranges) => ranges,
            };
            prop_assert!(ranges.len() <= MAX_RANGES);
            for range in &ranges {
                prop_assert!(range.first <= range.last && range.last < size);
            }
            let total = ranges.iter().map(|range| u128::from(range.length())).sum::<u128>();
            prop_assert!(total <= u128::from(size));
        }
    }
}
