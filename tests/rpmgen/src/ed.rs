//! Five packages of a module: a line editor with debug information and source, and the macros that the
//! module was built with.

use crate::{ChangelogSpec, FileSpec, PackageSpec, Relation, RelationFlags};

const RELEASE: &str = "2.module_fd8ca23e";
const EDITOR_SOURCE: &str = "ed-1.14.1-2.module_fd8ca23e.src.rpm";
const MACROS_SOURCE: &str = "module-build-macros-0.1-1.module_fd8ca23e.src.rpm";

/// `ed` and `ed-debuginfo` for x86_64, noarch `module-build-macros`, and the source packages of both:
/// the NEVRAs, requirements, provides and files of an early module build of GNU ed. `ed` needs `/bin/sh`,
/// `/sbin/install-info` and a C library, none of which is among the five; source packages provide nothing.
///
/// Contents, texts, dates of changelogs and the compression (gzip) are made up, and so the digests and
/// sizes are those of no other package.
pub fn ed_repository() -> Vec<PackageSpec> {
    vec![
        editor_source(),
        described(editor(), "The GNU line editor", "Applications/Text"),
        described(
            debug_information(),
            "Debug information for package ed",
            "Development/Debug",
        ),
        described(
            macros(),
            "Macros that a module was built with",
            "System Environment/Base",
        ),
        described(
            macros_source(),
            "Macros that a module was built with",
            "System Environment/Base",
        ),
    ]
}

fn described(spec: PackageSpec, summary: &str, group: &str) -> PackageSpec {
    PackageSpec {
        summary: summary.into(),
        description: format!("{summary}.\nThis copy is made up for tests; there is no program in it."),
        group: group.into(),
        license: "GPLv3+, GFDL".into(),
        url: Some("http://www.gnu.org/software/ed/".into()),
        build_time: if spec.is_source() {
            1_496_834_151
        } else {
            1_496_834_153
        },
        changelogs: vec![
            ChangelogSpec {
                time: 1_485_950_400,
                author: "Test Packager <packager@example.com> - 1.14.1-2".into(),
                text: "- Mark the licence as one".into(),
            },
            ChangelogSpec {
                time: 1_484_222_400,
                author: "Test Packager <packager@example.com> - 1.14-1".into(),
                text: "- update to 1.14".into(),
            },
        ],
        ..spec
    }
}

fn editor_source() -> PackageSpec {
    let spec = PackageSpec::source("ed", "1.14.1", RELEASE, "x86_64")
        .with(FileSpec::filled("ed-1.14.1.tar.bz2", 400))
        .with_file("ed.spec", "Name: ed\nVersion: 1.14.1\n");
    described(spec, "The GNU line editor", "Applications/Text")
}

fn editor() -> PackageSpec {
    let pre = |name: &str, flags| Relation::from(name).with_flags(flags);
    let library = |symbol: &str| Relation::from(symbol).with_flags(RelationFlags::FIND_REQUIRES);
    PackageSpec {
        requires: vec![
            pre("/bin/sh", RelationFlags::SCRIPT_POST),
            pre("/bin/sh", RelationFlags::SCRIPT_PREUN),
            library("/bin/sh"),
            pre("/sbin/install-info", RelationFlags::SCRIPT_POST),
            pre("/sbin/install-info", RelationFlags::SCRIPT_PREUN),
            library("libc.so.6()(64bit)"),
            library("libc.so.6(GLIBC_2.11)(64bit)"),
            library("libc.so.6(GLIBC_2.14)(64bit)"),
            library("libc.so.6(GLIBC_2.2.5)(64bit)"),
            library("libc.so.6(GLIBC_2.3)(64bit)"),
            library("libc.so.6(GLIBC_2.3.4)(64bit)"),
            library("libc.so.6(GLIBC_2.4)(64bit)"),
            library("rtld(GNU_HASH)"),
        ],
        files: vec![
            FileSpec::filled("/bin/ed", 900),
            FileSpec::symlink("/bin/red", "ed"),
            FileSpec::directory("/usr/share/doc/ed"),
            FileSpec::filled("/usr/share/doc/ed/AUTHORS", 90),
            FileSpec::filled("/usr/share/doc/ed/ChangeLog", 600),
            FileSpec::filled("/usr/share/doc/ed/NEWS", 100),
            FileSpec::filled("/usr/share/doc/ed/README", 200),
            FileSpec::filled("/usr/share/doc/ed/TODO", 30),
            FileSpec::filled("/usr/share/info/ed.info.gz", 300),
            FileSpec::directory("/usr/share/licenses/ed"),
            FileSpec::filled("/usr/share/licenses/ed/COPYING", 500),
            FileSpec::filled("/usr/share/man/man1/ed.1.gz", 150),
            FileSpec::symlink("/usr/share/man/man1/red.1.gz", "ed.1.gz"),
        ],
        ..PackageSpec::binary("ed", "1.14.1", RELEASE, "x86_64").built_from(EDITOR_SOURCE)
    }
}

fn debug_information() -> PackageSpec {
    let mut spec = PackageSpec::binary("ed-debuginfo", "1.14.1", RELEASE, "x86_64").built_from(EDITOR_SOURCE);
    let build_id = "/usr/lib/debug/.build-id/4e/55be50aea29403e79dc9270a0981886f614797";
    let directories = [
        "/usr/lib/debug",
        "/usr/lib/debug/.build-id",
        "/usr/lib/debug/.build-id/4e",
        "/usr/lib/debug/bin",
        "/usr/src/debug/ed-1.14.1",
    ];
    let sources = [
        "buffer.c",
        "carg_parser.c",
        "carg_parser.h",
        "ed.h",
        "global.c",
        "io.c",
        "main.c",
        "main_loop.c",
        "regex.c",
        "signal.c",
    ];
    spec.files.extend(directories.map(FileSpec::directory));
    spec.files
        .push(FileSpec::symlink(build_id, "../../../../../bin/ed"));
    spec.files.push(FileSpec::symlink(
        format!("{build_id}.debug"),
        "../../bin/ed.debug",
    ));
    spec.files
        .push(FileSpec::filled("/usr/lib/debug/bin/ed.debug", 1200));
    spec.files
        .extend(sources.map(|source| FileSpec::filled(format!("/usr/src/debug/ed-1.14.1/{source}"), 120)));
    spec
}

fn macros() -> PackageSpec {
    PackageSpec::binary("module-build-macros", "0.1", "1.module_fd8ca23e", "noarch")
        .built_from(MACROS_SOURCE)
        .with_file("/usr/lib/rpm/macros.d/macros.modules", "%dist .module_fd8ca23e\n")
}

fn macros_source() -> PackageSpec {
    PackageSpec::source("module-build-macros", "0.1", "1.module_fd8ca23e", "noarch")
        .with_file("macros.modules", "%dist .module_fd8ca23e\n")
        .with_file(
            "module-build-macros.spec",
            "Name: module-build-macros\nVersion: 0.1\n",
        )
}
