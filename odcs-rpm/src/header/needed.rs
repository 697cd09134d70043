//! How much of a file its headers are, for whoever has the beginning of it only.

use super::raw::{INTRO, Intro, LEAD, is_lead, padding};

/// How much of a file is needed to read its headers. See [`needed`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Needed {
    /// What is there will do: more bytes do not change what [`read_header`](super::read_header) says.
    Enough,
    /// The file's first bytes, so many in all, before anything more can be said. This is where the headers end, or
    /// else, where that is not known yet, the next length in them.
    AtLeast(u64),
}

/// Says from the beginning of a `.rpm` file how much of it its headers are, so that no more of it has to be fetched
/// from somewhere else. Asked again with what it wanted, it wants more at most twice; the most that it can want
/// is half a GiB, which is for the caller to limit.
///
/// ```
/// use odcs_rpm::header::{Needed, needed};
/// assert_eq!(needed(&[]), Needed::AtLeast(112), "the lead, and how long the signature header is");
/// assert_eq!(needed(&[b' '; 112]), Needed::Enough, "this is no package, and will be none");
/// ```
pub fn needed(beginning: &[u8]) -> Needed {
    // Where a header begins that does not fit, reading ends: then all is there.
    read(beginning).unwrap_or(Needed::Enough)
}

fn read(bytes: &[u8]) -> Option<Needed> {
    let Some(signature) = bytes.get(LEAD..LEAD + INTRO) else {
        let is_hopeless = bytes.len() >= LEAD && !is_lead(bytes);
        return (!is_hopeless).then_some(at_least(LEAD + INTRO));
    };
    if !is_lead(bytes) {
        return None;
    }
    let signature = Intro::read(signature).ok()?;
    let main = LEAD + signature.length() + padding(signature.store);
    let Some(header) = bytes.get(main..main + INTRO) else {
        return Some(at_least(main + INTRO));
    };
    let end = main + Intro::read(header).ok()?.length();
    (bytes.len() < end).then(|| at_least(end))
}

fn at_least(bytes: usize) -> Needed {
    Needed::AtLeast(bytes as u64)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use rpmgen::{PackageSpec, TagChange, TagValue, write};

    use super::*;
    use crate::header::{FileFacts, read_header};

    /// Packages with headers of a few hundred bytes up to half a MiB, one of them with a large signature header.
    static PACKAGES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let ed = || PackageSpec::binary("ed", "1", "2", "x86_64").built_from("ed-1-2.src.rpm");
        let (mut long, mut many) = (ed(), ed());
        long.description = "an editor ".repeat(50_000);
        for number in 0..500 {
            many = many.with_file(format!("/usr/share/ed/{number}"), "text");
        }
        let mut signature = TagChange::main(1007, TagValue::Texts(vec![vec![b'x'; 301]; 300]));
        signature.section = rpmgen::Section::Signature;
        let specs = [ed(), long, many, ed().with_tag(signature)];
        specs.iter().map(|spec| write(spec).unwrap()).collect()
    });

    fn read(bytes: &[u8], whole: &[u8]) -> Result<crate::Package, String> {
        let size = whole.len() as u64;
        read_header(bytes, FileFacts { size, modified: 7 }).map_err(|error| error.to_string())
    }

    fn first(bytes: &[u8], length: u64) -> &[u8] {
        bytes.get(..usize::try_from(length).unwrap()).unwrap_or(bytes)
    }

    #[test]
    fn what_is_wanted_is_all_that_is_needed() {
        for whole in &*PACKAGES {
            let (mut have, mut asked) = (0, 0);
            while let Needed::AtLeast(length) = needed(first(whole, have)) {
                (have, asked) = (length, asked + 1);
            }
            assert_eq!(asked, 3);
            let package = read(first(whole, have), whole).unwrap();
            assert_eq!(package.header_range.1, have);
            assert_eq!(Ok(package), read(whole, whole));
        }
    }

    #[test]
    fn claims_are_not_taken_beyond_what_rpm_allows() {
        let mut whole = PACKAGES.first().unwrap().clone();
        whole[96 + 8..96 + 16].copy_from_slice(&[0, 0, 0xff, 0xff, 0x10, 0, 0, 0]);
        assert_eq!(
            needed(&whole),
            Needed::AtLeast(96 + 16 + 0xffff * 16 + (256 << 20) + 16)
        );
        whole[96 + 12] = 0x11;
        assert_eq!(needed(&whole), Needed::Enough);
    }

    proptest! {
        #[test]
        fn no_length_is_wrong(
            package in 0..4_usize,
            at in any::<prop::sample::Index>(),
            near in 0..400_usize,
            is_near in any::<bool>(),
            change in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let mut whole = PACKAGES[package].clone();
            if let Some((index, byte)) = change {
                let index = index.index(128.min(whole.len()));
                whole[index] = byte;
            }
            let length = if is_near { near.min(whole.len()) } else { at.index(whole.len() + 1) };
            let beginning = &whole[..length];
            match needed(beginning) {
                Needed::Enough => prop_assert_eq!(read(beginning, &whole), read(&whole, &whole)),
                Needed::AtLeast(more) => {
                    prop_assert!(more > length as u64);
                    prop_assert!(read(beginning, &whole).is_err());
                    if let Ok(package) = read(&whole, &whole) {
                        prop_assert!(more <= package.header_range.1);
                    }
                }
            }
        }
    }
}
