//! What files decide: shared libraries and the modules that programs load at run time.

/// What the last part of a path has to be.
enum FileName {
    Any,
    StartsWith(&'static [&'static str]),
    Contains(&'static str),
    EndsWith(&'static str),
}

impl FileName {
    fn admits(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::StartsWith(starts) => starts.iter().any(|start| name.starts_with(start)),
            Self::Contains(part) => name.contains(part),
            Self::EndsWith(end) => name.ends_with(end),
        }
    }
}

/// Directories, exactly as they are, and which names in them count.
const IN_DIRECTORY: &[(&[&str], FileName)] = &[
    // Libraries, where the loader looks.
    (
        &["/lib", "/lib64", "/usr/lib", "/usr/lib64"],
        FileName::Contains(".so."),
    ),
    // Modules of the name service and of Berkeley DB may end in `.so` alone.
    (&["/lib", "/lib64"], FileName::StartsWith(&["libnss_", "libdb-"])),
    // PAM, ALSA, OpenGL drivers, GTK, Kerberos, SASL, VDPAU, LSB.
    (
        &[
            "/lib/security",
            "/lib64/security",
            "/usr/lib/alsa-lib",
            "/usr/lib64/alsa-lib",
            "/usr/lib/dri",
            "/usr/lib64/dri",
            "/usr/lib/gtk-2.0/modules",
            "/usr/lib64/gtk-2.0/modules",
            "/usr/lib/gtk-2.0/immodules",
            "/usr/lib64/gtk-2.0/immodules",
            "/usr/lib/krb5/plugins",
            "/usr/lib64/krb5/plugins",
            "/usr/lib/sasl2",
            "/usr/lib64/sasl2",
            "/usr/lib/vdpau",
            "/usr/lib64/vdpau",
            "/etc/lsb-release.d",
        ],
        FileName::Any,
    ),
    // More directories for the loader.
    (&["/etc/ld.so.conf.d"], FileName::EndsWith(".conf")),
    (
        &["/usr/lib/oprofile", "/usr/lib64/oprofile"],
        FileName::Contains(".so."),
    ),
    (&["/usr/lib/wine", "/usr/lib64/wine"], FileName::EndsWith(".so")),
    (
        &["/usr/lib/sane", "/usr/lib64/sane"],
        FileName::StartsWith(&["libsane-"]),
    ),
];

/// Directories that begin like this are GTK's: none of [`ELSEWHERE`] is looked for in them.
const GTK: &[&str] = &["/usr/lib/gtk-2.0", "/usr/lib64/gtk-2.0"];

/// Patterns of directories of GTK. `*` stands for anything, slashes too.
const OF_GTK: &[&str] = &[
    "/usr/lib*/gtk-2.0/*/engines",
    "/usr/lib*/gtk-2.0/*/filesystems",
    "/usr/lib*/gtk-2.0/*/immodules",
    "/usr/lib*/gtk-2.0/*/loaders",
    "/usr/lib*/gtk-2.0/*/modules",
    "/usr/lib*/gtk-2.0/*/printbackends",
];

/// Patterns of other directories.
const ELSEWHERE: &[&str] = &[
    "/usr/lib/gstreamer-*",
    "/usr/lib64/gstreamer-*",
    "/usr/lib*/gdk-pixbuf-2.0/*/loaders",
    "/usr/lib*/kde*/plugins/*",
    "/usr/lib*/qt*/plugins/*",
    "/usr/lib*/qt5/qml/*",
    "/usr/lib*/xine/plugins/*",
];

/// Whether a package with this path is needed at run time. A path without a slash, which some repositories hold, is
/// nowhere.
pub(super) fn is_for_runtime(path: &str) -> bool {
    let Some((directory, name)) = path.rsplit_once('/') else {
        return false;
    };
    let is_in =
        |(directories, names): &(&[&str], FileName)| directories.contains(&directory) && names.admits(name);
    if IN_DIRECTORY.iter().any(is_in) {
        return true;
    }
    // Every pattern begins with it, most paths do not.
    directory.starts_with("/usr/lib") && {
        let is_gtk = GTK.iter().any(|start| directory.starts_with(start));
        let patterns = if is_gtk { OF_GTK } else { ELSEWHERE };
        patterns.iter().any(|pattern| matches(pattern, directory))
    }
}

/// Whether a pattern, in which `*` stands for any text, describes the whole of `text`.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        // The first place leaves most to the parts that follow.
        let Some((_, behind)) = text.split_once(part) else {
            return false;
        };
        text = behind;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::glob_matches;
    use proptest::prelude::*;

    #[test]
    fn paths_decide_by_directory_and_name() {
        for (path, expected) in [
            ("/usr/lib/libz.so.1", true),
            ("/usr/lib/libz.so", false),
            ("/usr/lib/.so.", true),
            ("/usr/lib/sub/libz.so.1", false),
            ("/lib/libnss_files.so", true),
            ("/usr/lib/libnss_files.so", false),
            ("/lib/libdb-5.so", true),
            ("/lib/security/pam_unix.so", true),
            ("/usr/lib/security/pam_unix.so", false),
            ("/etc/ld.so.conf.d/mysql.conf", true),
            ("/etc/ld.so.conf.d/mysql", false),
            ("/usr/lib/gtk-2.0/modules/x", true),
            ("/usr/lib/gtk-2.0/2.10.0/engines/x", true),
            ("/usr/lib/gtk-2.0/engines/x", false),
            ("/usr/lib/gtk-2.0/qt/plugins/x/y", false),
            ("/usr/lib/gtk-3.0/qt/plugins/x/y", true),
            ("/usr/libexec/qt5/plugins/x/y", true),
            ("/usr/lib/qt5/plugins/x", false),
            ("/usr/lib/qt5/qml/a/b", true),
            ("/usr/lib/gstreamer-1.0/x", true),
            ("/usr/lib/gstreamer-1.0", false),
            ("/usr/lib/wine/x.so", true),
            ("/usr/lib/wine/x.so.1", false),
            ("/usr/lib/oprofile/x.so.1", true),
            ("/usr/lib/sane/libsane-x", true),
            ("/usr/lib/pkgconfig/x.pc", false),
            ("libz.so.1", false),
            ("/", false),
            ("", false),
        ] {
            assert_eq!(is_for_runtime(path), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn patterns_match_as_globs_do(pattern in "[ab*]{0,7}", text in "[ab]{0,7}") {
            prop_assert_eq!(matches(&pattern, &text), glob_matches(&pattern, &text));
        }
    }
}
