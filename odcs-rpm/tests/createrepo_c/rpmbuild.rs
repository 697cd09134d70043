//! Packages from the real `rpmbuild`, byte for byte.

use std::fs;
use std::process::Command;

use odcs_rpm::Package;
use odcs_rpm::header::{FileFacts, read_file};
use odcs_rpm::repodata::{self, Entry, Limits, RepodataOptions, Repomd, write_repodata};
use test_support::has;

use crate::common::open;
use crate::support::{build, decompress, read};

/// Everything odd that a spec file can hold without a compiler.
const ALPHA: &str = r#"
Name: alpha
Version: 1.2~rc1
Release: 3
Epoch: 2
Summary: Alpha & <beta> "quoted" 'apos' ünï
License: MIT & "GPL" <x>
URL: https://example.org/?a=1&b=2
Group: Applications/Text
Vendor: Ven & dor
Packager: Päck <p@x>
BuildArch: noarch
Provides: alpha(virtual) = 1:5-6
Provides: /usr/bin/alpha
Provides: selfreq = 3
Provides: aprov
Provides: nö(x)
Requires: selfreq = 3, selfreq, selfreq >= 2, aprov
Requires: /usr/bin/alpha, /usr/share/alpha/data, /etc/alpha.conf
Requires: libc.so.6, libc.so.6(GLIBC_2.2.5), libc.so.6(GLIBC_2.10), libc.so.6(GLIBC_2.9)
Requires: libc.so.6(GLIBC_2.4)(64bit), libc.so.6(GLIBC_2.34)(64bit), libc.so.6()(64bit)
Requires: libc.so.6(GLIBC_PRIVATE)(64bit), libcrypt.so.1
Requires: zzz, zzz, zzz >= 1, t"q&'
Requires: (foo if bar), ((foo and baz) or qux >= 2)
Requires(pre): shadow-utils
Requires(post): /bin/sh, zzz, aa
Requires(verify): aa
Requires: aa
Requires(preun): zzz > 3
Requires(pretrans): pt
Requires(posttrans): ptt
Requires(postun): pu
Requires(interp): interpx
Requires: shadow-utils
Conflicts: conf < 3
Obsoletes: obs <= 1:3-4
Recommends: rec, (recrich if x)
Suggests: sug > 1
Supplements: sup
Enhances: enh = 5
Prereq: old

%description
Line one & <two> "q"
	tab here
é non-ascii ☃ 😀

last line

%package lib
Summary: A subpackage without epoch
Epoch: 0
Requires: libc.so.6, libc.so.6()(64bit)
%description lib
Other.

%package debuginfo
Summary: Debug information
%description debuginfo
Nothing.

%install
cd %{buildroot}
mkdir -p usr/bin etc/alpha.d usr/share/alpha usr/lib opt/bin/sub sbin var/log gd
for f in usr/bin/alpha etc/alpha.conf usr/lib/sendmail usr/lib/sendmail2 opt/bin/sub/x sbin/s \
    usr/share/alpha/data 'usr/share/alpha/sp ace & <n> "q" ü' var/log/alpha.log etc/ghosted; do
  echo some content > "$f"
done
ln -s alpha usr/bin/al

%post
echo

%files
/usr/bin/alpha
/usr/bin/al
%config /etc/alpha.conf
%dir /etc/alpha.d
/usr/lib/sendmail
/usr/lib/sendmail2
/opt/bin/sub
/sbin/s
/usr/share/alpha
%ghost /var/log/alpha.log
%ghost /etc/ghosted
%ghost %dir /gd

%files lib

%files debuginfo

%changelog
* Thu Jan 14 2021 A Ü "q" <a@b> - 14
- fourteen & <x> "y"
  more
* Thu Jan 14 2021 A B <a@b> - 13
- same day
* Thu Jan 14 2021 A B <a@b> - 12
- same day
* Wed Jan 13 2021 A B <a@b> - 11
* Tue Jan 12 2021 A B <a@b> - 10
- 10
* Tue Jan 12 2021 A B <a@b> - 9
- 9
* Sun Jan 10 2021 A B <a@b> - 8
- 8
* Sat Jan 09 2021 A B <a@b> - 7
- 7
* Fri Jan 08 2021 A B <a@b> - 6
- 6
* Thu Jan 07 2021 A B <a@b> - 5
- 5
* Wed Jan 06 2021 A B <a@b> - 4
- 4
* Tue Jan 05 2021 A B <a@b> - 3
- 3
"#;

/// Text that is not UTF-8 comes from the macro: the spec file itself is a Rust string.
pub(crate) const BETA: &str = r#"
%global latin %{lua: print("\233\255")}
Name: beta
Version: 1
Release: 1
Summary: Latin %{latin}
License: x
BuildArch: noarch
Source0: nothing.txt
NoSource: 0
BuildRequires: make
%description
Old %{latin} text%{lua: print("\13")} here.
%files
%changelog
* Thu Jan 14 2021 J%{latin} <a@b> - 1
- Not %{latin}
"#;

/// `createrepo_c` refuses this one.
const CONTROL: &str = r#"
Name: control
Version: 1
Release: 1
Summary: Bell%{lua: print("\7")}
License: x
BuildArch: noarch
%description
Escape%{lua: print("\27")}[0m
%files
"#;

#[test]
fn our_repodata_is_that_of_createrepo_c_byte_for_byte() {
    if !(has("rpmbuild") && has("createrepo_c")) {
        return;
    }
    let top = tempfile::tempdir().unwrap();
    let repository = top.path().join("repository");
    fs::create_dir(&repository).unwrap();
    let mut paths = build(top.path(), "alpha", ALPHA);
    paths.extend(build(top.path(), "beta", BETA));
    assert_eq!(paths.len(), 6);
    for path in &paths {
        let bytes = fs::read(path).unwrap();
        let facts = FileFacts {
            size: bytes.len() as u64 - 1,
            modified: 0,
        };
        let error = read_file(&bytes[..bytes.len() - 1], facts, None)
            .unwrap_err()
            .to_string();
        assert!(error.contains("the file is cut off"), "{error}");
    }
    let mut names = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        fs::copy(&path, repository.join(&name)).unwrap();
        names.push(name);
    }
    // The order in which createrepo_c walks a folder.
    names.sort();
    let output = Command::new("createrepo_c")
        .args([
            "--no-database",
            "--revision",
            "1795254151",
            "--set-timestamp-to-revision",
        ])
        .arg(&repository)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let files: Vec<_> = names.iter().map(|name| read(&repository.join(name))).collect();
    let entries: Vec<_> = files
        .iter()
        .zip(&names)
        .map(|(file, location)| Entry {
            package: &file.package,
            checksum: &file.sha256,
            location,
        })
        .collect();
    let options = RepodataOptions::new(1_795_254_151);
    let ours = write_repodata(&entries, options).unwrap();
    let repomd_path = repository.join("repodata/repomd.xml");
    let theirs = Repomd::parse(&fs::read(&repomd_path).unwrap()).unwrap();
    for (our_file, kind) in ours.iter().zip(["primary", "filelists", "other"]) {
        let their_location = &theirs.record(kind).unwrap().location;
        let their_bytes = fs::read(repository.join(their_location)).unwrap();
        let (ours, theirs) = (
            decompress(&our_file.name, &our_file.bytes),
            decompress(their_location, &their_bytes),
        );
        for (our_line, their_line) in ours.lines().zip(theirs.lines()) {
            assert_eq!(our_line, their_line, "{kind}");
        }
        assert_eq!(ours, theirs, "{kind}");
        println!("ok {kind}: {} bytes", ours.len());
    }

    // What is written is what is read: only what primary leaves out may differ.
    let open = |kind: &str| open(&repository.join(&theirs.record(kind).unwrap().location));
    let mut packages = repodata::read_primary(open("primary"), Limits::default()).unwrap();
    assert_eq!(
        repodata::read_filelists(open("filelists"), &mut packages, Limits::default()).unwrap(),
        6
    );
    assert_eq!(
        repodata::read_other(open("other"), &mut packages, Limits::default()).unwrap(),
        6
    );
    for (read, file) in packages.into_iter().zip(&files) {
        assert_eq!(read.checksum, file.sha256);
        let expected = &file.package;
        let is_nosrc = expected.nevra.arch().as_str() == "nosrc";
        assert_eq!(expected.signatures, []);
        assert!(read.package.changelogs.len() <= 10);
        let same_but_for_what_is_left_out = Package {
            nevra: if is_nosrc {
                read.package.nevra.clone()
            } else {
                expected.nevra.clone()
            },
            changelogs: read.package.changelogs.clone(),
            ..expected.clone()
        };
        assert_eq!(read.package, same_but_for_what_is_left_out);
    }

    // And our repomd.xml differs from theirs in checksum, name and size of the compressed files alone.
    let ours = Repomd::parse(&ours.last().unwrap().bytes).unwrap();
    assert_eq!(ours.revision, theirs.revision);
    for (our_record, their_record) in ours.records.iter().zip(&theirs.records) {
        assert_eq!(our_record.kind, their_record.kind);
        assert_eq!(our_record.open_checksum, their_record.open_checksum);
        assert_eq!(our_record.open_size, their_record.open_size);
        assert_eq!(our_record.timestamp, their_record.timestamp);
    }
    assert_eq!(fs::read(&repomd_path).unwrap(), theirs.to_xml());
}

#[test]
fn control_characters_become_valid_xml() {
    if !has("rpmbuild") {
        return;
    }
    let top = tempfile::tempdir().unwrap();
    let path = build(top.path(), "control", CONTROL).remove(0);
    let file = read(&path);
    assert_eq!(&*file.package.summary, "Bell\u{7}");
    let entry = Entry {
        package: &file.package,
        checksum: &file.sha256,
        location: "x.rpm",
    };
    let mut bytes = Vec::new();
    repodata::write_primary(&[entry], &mut bytes).unwrap();
    let read = repodata::read_primary(bytes.as_slice(), Limits::default())
        .unwrap()
        .remove(0);
    assert_eq!(&*read.package.summary, "Bell\u{fffd}");
    assert_eq!(&*read.package.description, "Escape\u{fffd}[0m");
}
