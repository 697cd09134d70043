//! What goes into repodata besides the packages.

use odcs_rpm::compression::WriteCompression;
use odcs_rpm::comps;
use odcs_rpm::header::FileDigests;
use odcs_rpm::repodata::{Entry, RepodataOptions, Repomd, UpdateInfo, write_repodata};

use crate::support::decompress;

#[test]
fn a_comps_file_goes_in_plain_and_compressed() {
    let xml = comps::write_comps(&["ed".parse().unwrap()]);
    let options = RepodataOptions::new(7).with_comps("comps-Temporary.x86_64.xml", &xml);
    let files = write_repodata(&[], options).unwrap();
    assert_eq!(files, write_repodata(&[], options).unwrap());
    let repomd = Repomd::parse(&files.last().unwrap().bytes).unwrap();
    let kinds: Vec<_> = repomd.records.iter().map(|record| record.kind.as_str()).collect();
    assert_eq!(kinds, ["primary", "filelists", "other", "group", "group_gz"]);
    let group = repomd.record("group").unwrap();
    assert_eq!(group.open_checksum, None);
    assert_eq!(
        repomd.record("group_gz").unwrap().open_checksum.as_ref(),
        Some(&group.checksum)
    );
    assert_eq!(
        files[3].name,
        format!("{}-comps-Temporary.x86_64.xml", group.checksum.hex())
    );
    assert_eq!(decompress(&files[4].name, &files[4].bytes).as_bytes(), xml);
}

#[test]
fn everything_there_is_compressed_as_chosen() {
    let xml = comps::write_comps(&["ed".parse().unwrap()]);
    let updates = UpdateInfo::parse("<updates><update/></updates>".into()).unwrap();
    let digests = |_: &Entry<'_>| Ok(FileDigests::default());
    let options = RepodataOptions::new(7)
        .with_comps("comps.xml", &xml)
        .with_updateinfo(&updates)
        .with_compression(WriteCompression::Zstd)
        .with_filelists_ext(&digests);
    let files = write_repodata(&[], options).unwrap();
    assert_eq!(files, write_repodata(&[], options).unwrap());
    let repomd = Repomd::parse(&files.last().unwrap().bytes).unwrap();
    let kinds: Vec<_> = repomd.records.iter().map(|record| record.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "primary",
            "filelists",
            "other",
            "filelists-ext",
            "group",
            "group_zst",
            "updateinfo"
        ]
    );
    for (record, file) in repomd.records.iter().zip(&files) {
        assert_eq!(record.location, format!("repodata/{}", file.name));
        assert_eq!(
            record.kind != "group",
            file.name.ends_with(".zst"),
            "{}",
            file.name
        );
        assert_eq!(record.open_checksum.is_some(), record.kind != "group");
    }
    let updateinfo = repomd.record("updateinfo").unwrap();
    assert_eq!(updateinfo.open_checksum.as_ref(), Some(updates.digest()));
    assert_eq!(
        decompress(&files[6].name, &files[6].bytes).as_bytes(),
        updates.bytes()
    );
}
