//! What names and provides decide, whatever files a package has.

use crate::Package;

/// Tools of which the 64-bit build is the one to have.
const PREFER_64_BITS: &[&str] = &[
    "frysk",
    "gdb",
    "ltrace",
    "strace",
    "systemtap",
    "systemtap-runtime",
];

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
