//! What of a package `primary` lists: not all of its files.

/// Whether `primary` lists a path: configuration, programs and, for old time's sake, one program that
/// other packages require by its path. The rule is yum's, and all tools keep it.
pub fn is_primary_file(path: &str) -> bool {
    path.starts_with("/etc/") || has_bin(path.as_bytes()) || path == "/usr/lib/sendmail"
}

/// Whether there is a `bin/`. Paths are too short for a search that prepares itself.
fn has_bin(path: &[u8]) -> bool {
    path.windows(4).any(|window| window == b"bin/")
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
