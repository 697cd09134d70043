use super::*;
use crate::{Dependency, Evr, FileEntry, FileKind, Nevra};

fn package(name: &str, arch: &str, provides: &[&str], files: &[&str]) -> Package {
    let evr = Evr::new(0, "1", "1").unwrap();
    let mut package = Package::new(Nevra::new(name.parse().unwrap(), evr, arch.parse().unwrap()));
    package.provides = provides
        .iter()
        .map(|name| Dependency::unversioned(*name))
        .collect();
    let file = |path: &&str| FileEntry {
        path: (*path).into(),
        kind: FileKind::Ghost,
    };
    package.files = files.iter().map(file).collect();
    package
}

#[track_caller]
fn decides(package: &Package, runtime: bool, devel: bool) {
    assert_eq!(Method::Runtime.selects(package), runtime, "runtime");
    assert_eq!(Method::Devel.selects(package), devel, "devel");
    assert!(Method::All.selects(package));
}

#[test]
fn libraries_are_for_both_and_headers_for_devel() {
    decides(&package("zlib", "i686", &[], &["/usr/lib/libz.so.1"]), true, true);
    decides(&package("zlib-devel", "i686", &[], &[]), false, true);
    decides(&package("zlib-static", "i686", &[], &[]), false, true);
    decides(&package("zlib-doc", "i686", &[], &[]), false, false);
    decides(&package("ghc-zlib-devel", "i686", &[], &[]), false, false);
    decides(&package("ghc-zlib", "i686", &[], &["/lib/libz.so.1"]), true, true);
}

#[test]
fn no_name_is_listed() {
    let library = ["/usr/lib/libz.so.1"];
    decides(&package("httpd", "i686", &[], &library), true, true);
    decides(&package("php-devel", "i686", &[], &library), true, true);
    decides(&package("valgrind", "i686", &[], &[]), false, false);
    decides(&package("perl-libs", "i686", &[], &[]), false, false);
}

#[test]
fn kernels_are_64_bits_wide() {
    decides(&package("kernel", "x86_64", &["kernel"], &[]), true, true);
    decides(
        &package("kernel", "i686", &["kernel"], &["/lib/libz.so.1"]),
        false,
        false,
    );
    decides(
        &package("kernel-devel", "i686", &["kernel-devel"], &[]),
        false,
        false,
    );
    let both = ["kernel-x-devel", "kernel-devel"];
    decides(&package("kernel-x", "i686", &both, &[]), false, true);
    decides(
        &package("kernel-x", "i686", &["kernel-devel", both[0]], &[]),
        false,
        false,
    );
    decides(
        &package("kernel-headers", "i686", &["a-static"], &[]),
        false,
        true,
    );
    decides(&package("gdb", "ppc64", &[], &[]), true, true);
    decides(&package("gdb", "ppc", &[], &[]), false, false);
}

#[test]
fn a_set_selects_what_one_of_it_selects() {
    let zlib_devel = package("zlib-devel", "i686", &[], &[]);
    let set = |methods: &[Method]| methods.iter().copied().collect::<Methods>();
    assert!(set(&[]).is_empty() && !set(&[]).selects(&zlib_devel));
    assert!(!set(&[Method::Runtime]).selects(&zlib_devel));
    assert!(set(&[Method::Runtime, Method::Devel]).selects(&zlib_devel));
    assert!(set(&[Method::All]).selects(&zlib_devel));
    assert_eq!(set(&Method::ALL).iter().collect::<Vec<_>>(), Method::ALL);
    for method in Method::ALL {
        assert_eq!(method.to_string().parse::<Method>().unwrap(), method);
        assert!(set(&[method]).contains(method) && !set(&[method]).is_empty());
    }
    assert!("none".parse::<Method>().is_err());
}
