//! What of a package `primary` lists: not all of its files.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// Asked of every path there is: the search is set up once.
static BIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("bin/"));

/// Whether `primary` lists a path: configuration, programs and, for old time's sake, one program that
/// other packages require by its path. The rule is yum's, and all tools keep it.
pub fn is_primary_file(path: &str) -> bool {
    path.starts_with("/etc/") || BIN.find(path.as_bytes()).is_some() || path == "/usr/lib/sendmail"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primary_files() {
        for path in [
            "/etc/x",
            "/bin/sh",
            "/opt/x/bin/y/z",
            "/usr/lib/sendmail",
            "/usr/sbin/x",
        ] {
            assert!(is_primary_file(path), "{path}");
        }
        for path in ["/etc", "/usr/bin", "/usr/lib/sendmail2", "ed.spec", "/usr/etc/x"] {
            assert!(!is_primary_file(path), "{path}");
        }
    }
}
