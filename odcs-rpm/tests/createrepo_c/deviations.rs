//! Where what we write is not what `createrepo_c` writes, package by package, and why: its own output is not XML,
//! or says less than the package does.

use crate::support::Peer;

/// Packages that both versions leave out of the repository: there are characters in them that XML does not have.
/// With us such a character becomes U+FFFD, and the package is there.
pub(crate) const REFUSED: [&str; 4] = ["control-0", "control-1", "control-2", "control-4"];

/// Packages that make the XML of 0.17 unreadable as a whole: bytes that are neither UTF-8 nor characters go into it as
/// they are. With us they are taken for Latin-1, as it takes other bytes that are no UTF-8.
pub(crate) const UNREADABLE: [&str; 7] = [
    "encoding-4",
    "encoding-4-said-to-be-utf8",
    "encoding-5",
    "encoding-5-said-to-be-utf8",
    "encoding-6",
    "encoding-6-said-to-be-utf8",
    "control-3",
];

/// A package of which something else is said.
pub(crate) struct Deviation {
    /// The peers that it is one from.
    pub(crate) from: &'static [Peer],
    /// The packages.
    pub(crate) packages: &'static [&'static str],
    /// The elements that differ; none stands for all with text in them.
    pub(crate) elements: &'static [&'static str],
    /// What they have, and why we do not.
    pub(crate) why: &'static str,
}

const BOTH: &[Peer] = &[Peer::Old, Peer::New];
const NEW: &[Peer] = &[Peer::New];
const OLD: &[Peer] = &[Peer::Old];

/// All of them.
pub(crate) const DEVIATIONS: &[Deviation] = &[
    Deviation {
        from: BOTH,
        packages: &[
            "encoding-1",
            "encoding-1-said-to-be-utf8",
            "encoding-2",
            "encoding-2-said-to-be-utf8",
            "encoding-3",
            "encoding-3-said-to-be-utf8",
            "encoding-7",
            "encoding-7-said-to-be-utf8",
        ],
        elements: &[],
        why: "of text that it takes for Latin-1 the characters from U+0080 to U+00BF are lost",
    },
    Deviation {
        from: BOTH,
        packages: &["libc-like", "libc-broken", "libc-broken-too"],
        elements: &["rpm:requires"],
        why: "it takes all that begins with libc.so.6 for glibc's, other libraries as well, and keeps one of them",
    },
    Deviation {
        from: BOTH,
        packages: &[
            "odd-versions",
            "odd-flags",
            "encoding-13",
            "encoding-13-said-to-be-utf8",
        ],
        elements: &["rpm:provides", "rpm:requires", "rpm:conflicts", "rpm:obsoletes"],
        why: "flags without a version are none to rpm; epochs that are no 32-bit numbers are none; what has a colon \
              behind something else than a number is left out by it, and is a version to rpm; bit 0 of the flags \
              makes it forget the others",
    },
    Deviation {
        from: BOTH,
        packages: &["provides-as-in-rpm-3"],
        elements: &["rpm:provides"],
        why: "names without flags and versions are left out by it",
    },
    Deviation {
        from: OLD,
        packages: &["scriptlets"],
        elements: &["rpm:requires"],
        why: "bit 0 of the flags, which means nothing, makes it forget the version",
    },
    Deviation {
        from: NEW,
        packages: &["scriptlets"],
        elements: &["rpm:requires"],
        why: "as 0.17; and 1.2 calls requirements of %pretrans and %posttrans pre, too",
    },
    Deviation {
        from: BOTH,
        packages: &["no-file-flags", "no-file-modes"],
        elements: &["file"],
        why: "a tag about files that is not there makes it forget the files",
    },
    Deviation {
        from: NEW,
        packages: &["no-digests", "directories-out-of-order", "file-names-as-in-rpm-3"],
        elements: &["file"],
        why: "to 1.2 digests are such a tag",
    },
    Deviation {
        from: BOTH,
        packages: &["a-source-with-a-source"],
        elements: &["rpm:sourcerpm"],
        why: "a source package has no source package, whatever its header says",
    },
    Deviation {
        from: BOTH,
        packages: &["a-source-by-its-lead"],
        elements: &["package", "arch", "rpm:sourcerpm"],
        why: "source packages from before rpm 4.6 are none to it, since a tag is not there; their leads say it",
    },
    Deviation {
        from: BOTH,
        packages: &["of-no-source"],
        elements: &["rpm:sourcerpm"],
        why: "\"(none)\" is no source package: librpm puts it there for packages that name none",
    },
    Deviation {
        from: BOTH,
        packages: &["seconds-as-large-as-can-be"],
        elements: &["changelog"],
        why: "after 2038 it does not tell entries of one second apart",
    },
];

/// The reason for a difference, if it is one of them.
pub(crate) fn reason(from: Peer, package: &str, element: &str) -> Option<&'static Deviation> {
    DEVIATIONS.iter().find(|deviation| {
        deviation.from.contains(&from)
            && deviation.packages.contains(&package)
            && (deviation.elements.is_empty() || deviation.elements.contains(&element))
    })
}

/// Whether something else is said of a package by anybody.
pub(crate) fn deviates(package: &str) -> bool {
    REFUSED.contains(&package)
        || UNREADABLE.contains(&package)
        || DEVIATIONS
            .iter()
            .any(|deviation| deviation.packages.contains(&package))
}
