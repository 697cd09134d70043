//! Complete lists of files.

use std::io::Read;

use odcs_rpm::FileKind;
use odcs_rpm::repodata::{self, Limits};
use test_support::recordings;

use crate::common::open;
use crate::support::{assert_same_lines, entries};

#[test]
fn filelists_of_centos_stream_9() {
    let Some(real) = recordings("ODCS_REAL_REPODATA", "real") else {
        return;
    };
    // Its primary is not at hand: one is made of what filelists says of its packages.
    let path = real.join("cs9-baseos-filelists/filelists.xml.gz");
    let mut original = String::new();
    open(&path).read_to_string(&mut original).unwrap();
    let mut primary = String::from("<metadata>");
    let mut lines = original.lines();
    while let Some(line) = lines.next() {
        let Some(line) = line.strip_prefix("<package pkgid=\"") else {
            continue;
        };
        let [id, _, name, _, arch, _] = line.split('"').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let version = lines.next().unwrap();
        primary.push_str(&format!(
            "<package><name>{name}</name><arch>{arch}</arch>{version}<location href='x'/>\
             <checksum type='sha256'>{id}</checksum></package>"
        ));
    }
    primary.push_str("</metadata>");
    let mut packages = repodata::read_primary(primary.as_bytes(), Limits::default()).unwrap();
    let found = repodata::read_filelists(open(&path), &mut packages, Limits::default()).unwrap();
    assert_eq!(found, 4572);
    let mut written = Vec::new();
    repodata::write_filelists(&entries(&packages), &mut written).unwrap();
    assert_same_lines(&written, original.as_bytes());
    let files = &packages[0].package.files;
    assert_eq!(
        &*files[0].path,
        "/etc/dbus-1/system.d/org.freedesktop.ModemManager1.conf"
    );
    let of_kind = |kind| files.iter().filter(|file| file.kind == kind).count();
    assert!(of_kind(FileKind::Directory) > 10 && of_kind(FileKind::File) > 10);
    println!("ok cs9-baseos-filelists: {} files", files.len());
}
