//! Encoder of RPM header structures: an index of tags, sorted, and a store of data, both closed off
//! by a region that says "these bytes are as they were built".

/// Numbers of the tags written, as `rpmtag.h` has them.
pub(crate) mod tag {
    pub(crate) const HEADER_SIGNATURES: u32 = 62;
    pub(crate) const HEADER_IMMUTABLE: u32 = 63;
    pub(crate) const HEADER_I18N_TABLE: u32 = 100;

    pub(crate) const SIGNATURE_SHA256: u32 = 273;
    pub(crate) const SIGNATURE_SIZE: u32 = 1000;
    pub(crate) const SIGNATURE_PAYLOAD_SIZE: u32 = 1007;

    pub(crate) const NAME: u32 = 1000;
    pub(crate) const VERSION: u32 = 1001;
    pub(crate) const RELEASE: u32 = 1002;
    pub(crate) const EPOCH: u32 = 1003;
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
    pub(crate) const OS: u32 = 1021;
    pub(crate) const ARCH: u32 = 1022;
    pub(crate) const FILE_SIZES: u32 = 1028;
    pub(crate) const FILE_MODES: u32 = 1030;
    pub(crate) const FILE_RDEVS: u32 = 1033;
    pub(crate) const FILE_MTIMES: u32 = 1034;
    pub(crate) const FILE_DIGESTS: u32 = 1035;
    pub(crate) const FILE_LINKTOS: u32 = 1036;
    pub(crate) const FILE_FLAGS: u32 = 1037;
    pub(crate) const FILE_USER_NAME: u32 = 1039;
    pub(crate) const FILE_GROUP_NAME: u32 = 1040;
    pub(crate) const SOURCE_RPM: u32 = 1044;
    pub(crate) const FILE_VERIFY_FLAGS: u32 = 1045;
    pub(crate) const PROVIDE_NAME: u32 = 1047;
    pub(crate) const REQUIRE_FLAGS: u32 = 1048;
    pub(crate) const REQUIRE_NAME: u32 = 1049;
    pub(crate) const REQUIRE_VERSION: u32 = 1050;
    pub(crate) const NO_SOURCE: u32 = 1051;
    pub(crate) const CONFLICT_FLAGS: u32 = 1053;
    pub(crate) const CONFLICT_NAME: u32 = 1054;
    pub(crate) const CONFLICT_VERSION: u32 = 1055;
    pub(crate) const RPM_VERSION: u32 = 1064;
    pub(crate) const CHANGELOG_TIME: u32 = 1080;
    pub(crate) const CHANGELOG_NAME: u32 = 1081;
    pub(crate) const CHANGELOG_TEXT: u32 = 1082;
    pub(crate) const OBSOLETE_NAME: u32 = 1090;
    pub(crate) const FILE_DEVICES: u32 = 1095;
    pub(crate) const FILE_INODES: u32 = 1096;
    pub(crate) const FILE_LANGS: u32 = 1097;
    pub(crate) const SOURCE_PACKAGE: u32 = 1106;
    pub(crate) const PROVIDE_FLAGS: u32 = 1112;
    pub(crate) const PROVIDE_VERSION: u32 = 1113;
    pub(crate) const OBSOLETE_FLAGS: u32 = 1114;
    pub(crate) const OBSOLETE_VERSION: u32 = 1115;
    pub(crate) const DIR_INDEXES: u32 = 1116;
    pub(crate) const BASE_NAMES: u32 = 1117;
    pub(crate) const DIR_NAMES: u32 = 1118;
    pub(crate) const PAYLOAD_FORMAT: u32 = 1124;
    pub(crate) const PAYLOAD_COMPRESSOR: u32 = 1125;
    pub(crate) const PAYLOAD_FLAGS: u32 = 1126;
    pub(crate) const FILE_COLORS: u32 = 1140;
    pub(crate) const FILE_DIGEST_ALGO: u32 = 5011;
    pub(crate) const RECOMMEND_NAME: u32 = 5046;
    pub(crate) const RECOMMEND_VERSION: u32 = 5047;
    pub(crate) const RECOMMEND_FLAGS: u32 = 5048;
    pub(crate) const SUGGEST_NAME: u32 = 5049;
    pub(crate) const SUGGEST_VERSION: u32 = 5050;
    pub(crate) const SUGGEST_FLAGS: u32 = 5051;
    pub(crate) const SUPPLEMENT_NAME: u32 = 5052;
    pub(crate) const SUPPLEMENT_VERSION: u32 = 5053;
    pub(crate) const SUPPLEMENT_FLAGS: u32 = 5054;
    pub(crate) const ENHANCE_NAME: u32 = 5055;
    pub(crate) const ENHANCE_VERSION: u32 = 5056;
    pub(crate) const ENHANCE_FLAGS: u32 = 5057;
    pub(crate) const ENCODING: u32 = 5062;
    pub(crate) const PAYLOAD_DIGEST: u32 = 5092;
    pub(crate) const PAYLOAD_DIGEST_ALGO: u32 = 5093;
    pub(crate) const PAYLOAD_DIGEST_ALT: u32 = 5097;
}

const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
const ENTRY_BYTES: usize = 16;

const INT16: u32 = 3;
const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const BIN: u32 = 7;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

struct Entry {
    tag: u32,
    kind: u32,
    count: usize,
    data: Vec<u8>,
}

/// Collects the tags of one header; the order of calls does not matter. Empty arrays are left out,
/// because a count of zero is not allowed.
#[derive(Default)]
pub(crate) struct HeaderBuilder {
    entries: Vec<Entry>,
}

impl HeaderBuilder {
    fn push(&mut self, tag: u32, kind: u32, count: usize, data: Vec<u8>) {
        if count > 0 {
            self.entries.push(Entry {
                tag,
                kind,
                count,
                data,
            });
        }
    }

    pub(crate) fn int16(&mut self, tag: u32, values: &[u16]) {
        self.push(
            tag,
            INT16,
            values.len(),
            values.iter().flat_map(|value| value.to_be_bytes()).collect(),
        );
    }

    pub(crate) fn int32(&mut self, tag: u32, values: &[u32]) {
        self.push(
            tag,
            INT32,
            values.len(),
            values.iter().flat_map(|value| value.to_be_bytes()).collect(),
        );
    }

    pub(crate) fn int64(&mut self, tag: u32, values: &[u64]) {
        self.push(
            tag,
            INT64,
            values.len(),
            values.iter().flat_map(|value| value.to_be_bytes()).collect(),
        );
    }

    pub(crate) fn string(&mut self, tag: u32, value: &str) {
        self.push(tag, STRING, 1, terminated([value]));
    }

    /// A string with translations, of which there is only the untranslated one.
    pub(crate) fn i18n_string(&mut self, tag: u32, value: &str) {
        self.push(tag, I18N_STRING, 1, terminated([value]));
    }

    pub(crate) fn strings<'a>(&mut self, tag: u32, values: impl ExactSizeIterator<Item = &'a str>) {
        self.push(tag, STRING_ARRAY, values.len(), terminated(values));
    }

    /// A text that need not be UTF-8.
    pub(crate) fn raw_string(&mut self, tag: u32, value: &[u8]) {
        self.push(tag, STRING, 1, terminated_bytes([value]));
    }

    /// Texts that need not be UTF-8.
    pub(crate) fn raw_strings(&mut self, tag: u32, values: &[Vec<u8>]) {
        self.push(
            tag,
            STRING_ARRAY,
            values.len(),
            terminated_bytes(values.iter().map(Vec::as_slice)),
        );
    }

    /// A text in several languages.
    pub(crate) fn raw_i18n_strings(&mut self, tag: u32, values: &[Vec<u8>]) {
        self.push(
            tag,
            I18N_STRING,
            values.len(),
            terminated_bytes(values.iter().map(Vec::as_slice)),
        );
    }

    /// Takes back what was said of a tag.
    pub(crate) fn remove(&mut self, tag: u32) {
        self.entries.retain(|entry| entry.tag != tag);
    }

    /// The header's bytes, with `region` around everything. `None` if a number does not fit.
    pub(crate) fn finish(mut self, region: u32) -> Option<Vec<u8>> {
        self.entries.sort_by_key(|entry| entry.tag);
        let index_length = self.entries.len() + 1;
        let mut store = Vec::with_capacity(self.entries.iter().map(|entry| entry.data.len() + 4).sum());
        let mut index = Vec::with_capacity(index_length * ENTRY_BYTES);
        for entry in &self.entries {
            let alignment = match entry.kind {
                INT16 => 2,
                INT32 => 4,
                INT64 => 8,
                _ => 1,
            };
            store.resize(store.len().next_multiple_of(alignment), 0);
            index.extend(index_entry(
                entry.tag,
                entry.kind,
                i32::try_from(store.len()).ok()?,
                u32::try_from(entry.count).ok()?,
            ));
            store.extend_from_slice(&entry.data);
        }
        // The region's data is an index entry of its own that points back to the start of the index.
        let region_length = u32::try_from(ENTRY_BYTES).ok()?;
        let trailer_offset = i32::try_from(store.len()).ok()?;
        let back = i32::try_from(index_length * ENTRY_BYTES).ok()?.checked_neg()?;
        store.extend(index_entry(region, BIN, back, region_length));

        let mut bytes = Vec::with_capacity(MAGIC.len() + 8 + ENTRY_BYTES + index.len() + store.len());
        bytes.extend(MAGIC);
        bytes.extend(u32::try_from(index_length).ok()?.to_be_bytes());
        bytes.extend(u32::try_from(store.len()).ok()?.to_be_bytes());
        bytes.extend(index_entry(region, BIN, trailer_offset, region_length));
        bytes.extend(index);
        bytes.extend(store);
        Some(bytes)
    }
}

fn terminated<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    terminated_bytes(values.into_iter().map(str::as_bytes))
}

/// A text ends at its first NUL, which none of these can hold therefore.
fn terminated_bytes<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut data = Vec::new();
    for value in values {
        data.extend(value.iter().filter(|byte| **byte != 0));
        data.push(0);
    }
    data
}

fn index_entry(tag: u32, kind: u32, offset: i32, count: u32) -> impl Iterator<Item = u8> {
    let words = [
        tag.to_be_bytes(),
        kind.to_be_bytes(),
        offset.to_be_bytes(),
        count.to_be_bytes(),
    ];
    words.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_byte_by_byte() {
        let mut header = HeaderBuilder::default();
        header.int32(tag::EPOCH, &[7]);
        header.string(tag::NAME, "ed");
        header.strings(tag::DIR_NAMES, [].into_iter());
        let bytes = header.finish(tag::HEADER_IMMUTABLE).unwrap();
        let mut expected = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
        expected.extend([0, 0, 0, 3, 0, 0, 0, 24]);
        expected.extend([0, 0, 0, 63, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 16]);
        expected.extend([0, 0, 3, 232, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1]);
        expected.extend([0, 0, 3, 235, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 1]);
        expected.extend(*b"ed\0\0");
        expected.extend([0, 0, 0, 7]);
        expected.extend([0, 0, 0, 63, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xd0, 0, 0, 0, 16]);
        assert_eq!(bytes, expected);
    }
}
