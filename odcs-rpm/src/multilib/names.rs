//! What names and provides decide, whatever files a package has.

use crate::Package;

/// Packages that `runtime` always takes.
pub(super) const RUNTIME_ALWAYS: &[&str] = &[
    "libflashsupport",
    "libgnat",
    "lmms-vst",
    "nspluginwrapper",
    "perl-libs",
    "redhat-lsb",
    "syslinux-extlinux-nonlinux",
    "syslinux-nonlinux",
    "syslinux-tftpboot",
    "valgrind",
    "wine",
    "yaboot",
];

/// Packages that `runtime` never takes.
pub(super) const RUNTIME_NEVER: &[&str] = &["httpd", "php", "tomcat-native"];

/// Packages that `devel` never takes.
pub(super) const DEVEL_NEVER: &[&str] = &[
    "dmraid-devel",
    "httpd-devel",
    "java-1.5.0-gcj-devel",
    "java-1.6.0-openjdk-devel",
    "java-1.7.0-icedtea-devel",
    "java-1.7.0-openjdk-devel",
    "java-1.8.0-openjdk-devel",
    "kdeutils-devel",
    "mkinitrd-devel",
    "php-devel",
];

/// Tools of which the 64-bit build is the one to have.
const PREFER_64_BITS: &[&str] = &[
    "frysk",
    "gdb",
    "ltrace",
    "strace",
    "systemtap",
    "systemtap-runtime",
];

/// Whether a list names the package.
///
/// The lists are one text each to python-multilib, in which it looks for the name: `perl` is found in `perl-libs`.
/// No name has the line breaks that stand between two entries.
pub(super) fn is_listed(list: &[&str], name: &str) -> bool {
    list.iter().any(|entry| entry.contains(name))
}

/// Whether it is a 64-bit build that stands beside the 32-bit one as a matter of course.
pub(super) fn prefers_64_bits(package: &Package) -> bool {
    let name = package.nevra.name().as_str();
    package.nevra.arch().as_str().contains("64")
        && (PREFER_64_BITS.contains(&name)
            || (name.starts_with("kernel")
                && provided_names(package).any(|provided| matches!(provided, "kernel" | "kernel-devel"))))
}

/// Whether it is a kernel, of which there is but one.
pub(super) fn is_kernel(package: &Package) -> bool {
    package.nevra.name().as_str().starts_with("kernel")
        && provided_names(package).any(|provided| provided == "kernel")
}

/// Whether its name, or that of something it provides, says that it is for building. The first telling provide of a
/// kernel decides.
pub(super) fn is_for_development(package: &Package) -> bool {
    let name = package.nevra.name().as_str();
    let is_devel = |name: &str| name.ends_with("-devel") || name.ends_with("-static");
    if name.starts_with("ghc-") {
        return false;
    }
    if name.starts_with("kernel")
        && let Some(telling) = provided_names(package).find(|name| is_devel(name))
    {
        return telling != "kernel-devel";
    }
    is_devel(name)
}

/// Names of provides, up to the first blank.
fn provided_names(package: &Package) -> impl Iterator<Item = &str> {
    package
        .provides
        .iter()
        .filter_map(|provide| provide.name.split_whitespace().next())
}
