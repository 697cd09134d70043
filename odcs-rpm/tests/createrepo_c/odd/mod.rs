//! Packages that hold everything odd that a header can say, a name for each.

mod dependencies;
mod files;
mod rest;
mod texts;

use rpmgen::{ChangelogSpec, PackageSpec, Relation, RelationFlags, TagValue};

pub(crate) use texts::ENCODINGS;

/// Numbers of tags that the generator has no field for, as `rpmtag.h` has them.
pub(crate) mod tag {
    pub(crate) const LONG_ARCHIVE_SIZE: u32 = 271;
    pub(crate) const SIGNATURE_SIZE: u32 = 1000;
    pub(crate) const SIGNATURE_LONG_SIZE: u32 = 270;
    pub(crate) const SIGNATURE_PAYLOAD_SIZE: u32 = 1007;
    pub(crate) const SUMMARY: u32 = 1004;
    pub(crate) const DESCRIPTION: u32 = 1005;
    pub(crate) const BUILD_TIME: u32 = 1006;
    pub(crate) const BUILD_HOST: u32 = 1007;
    pub(crate) const SIZE: u32 = 1009;
    pub(crate) const VENDOR: u32 = 1011;
    pub(crate) const LICENSE: u32 = 1014;
    pub(crate) const PACKAGER: u32 = 1015;
    pub(crate) const GROUP: u32 = 1016;
    pub(crate) const URL: u32 = 1020;
    pub(crate) const OLD_FILE_NAMES: u32 = 1027;
    pub(crate) const FILE_SIZES: u32 = 1028;
    pub(crate) const FILE_MODES: u32 = 1030;
    pub(crate) const FILE_DIGESTS: u32 = 1035;
    pub(crate) const FILE_FLAGS: u32 = 1037;
    pub(crate) const SOURCE_RPM: u32 = 1044;
    pub(crate) const ARCHIVE_SIZE: u32 = 1046;
    pub(crate) const PROVIDE_NAME: u32 = 1047;
    pub(crate) const SOURCE_PACKAGE: u32 = 1106;
    pub(crate) const PROVIDE_FLAGS: u32 = 1112;
    pub(crate) const PROVIDE_VERSION: u32 = 1113;
    pub(crate) const CHANGELOG_TIME: u32 = 1080;
    pub(crate) const CHANGELOG_NAME: u32 = 1081;
    pub(crate) const CHANGELOG_TEXT: u32 = 1082;
    pub(crate) const DIR_INDEXES: u32 = 1116;
    pub(crate) const BASE_NAMES: u32 = 1117;
    pub(crate) const DIR_NAMES: u32 = 1118;
    pub(crate) const OLD_SUGGESTS: [u32; 3] = [1156, 1157, 1158];
    pub(crate) const OLD_ENHANCES: [u32; 3] = [1159, 1160, 1161];
    pub(crate) const LONG_FILE_SIZES: u32 = 5008;
    pub(crate) const LONG_SIZE: u32 = 5009;
    pub(crate) const FILE_DIGEST_ALGORITHM: u32 = 5011;
    pub(crate) const ENCODING: u32 = 5062;
}

pub(crate) fn texts<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> TagValue {
    TagValue::Texts(texts.into_iter().map(<[u8]>::to_vec).collect())
}

pub(crate) fn translated<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> TagValue {
    TagValue::Translated(texts.into_iter().map(<[u8]>::to_vec).collect())
}

fn package(name: &str) -> PackageSpec {
    let mut spec =
        PackageSpec::binary(name, "1.0", "1", "x86_64").built_from(format!("{name}-1.0-1.src.rpm"));
    spec.build_time = 1_700_000_000;
    spec
}

fn changelog(time: u32, author: &str, text: &str) -> ChangelogSpec {
    ChangelogSpec {
        time,
        author: author.into(),
        text: text.into(),
    }
}

fn flagged(name: &str, bits: RelationFlags, evr: &str) -> Relation {
    Relation::new(name, bits, evr)
}

/// Bits that the generator has no name for.
fn bits(bits: u32) -> RelationFlags {
    (0..32)
        .filter(|bit| bits & 1 << bit != 0)
        .fold(RelationFlags::ANY, |flags, bit| flags | RelationFlags::bit(bit))
}

/// All of them.
pub(crate) fn packages() -> Vec<PackageSpec> {
    let mut all = Vec::new();
    dependencies::versions(&mut all);
    dependencies::dependencies(&mut all);
    files::files(&mut all);
    files::sizes(&mut all);
    texts::encodings(&mut all);
    rest::missing(&mut all);
    rest::changelogs(&mut all);
    rest::sources(&mut all);
    all
}
