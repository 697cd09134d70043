//! What kind of file a published file is, and how long it may be kept.

use http::HeaderValue;
use odcs_core::files::RelativePath;

/// The content type, by name. Nothing is served as a page, and nothing as compressed on the way:
/// `primary.xml.gz` is a gzip file to whoever asks for it.
pub(super) fn content_type(path: &RelativePath) -> HeaderValue {
    let name = path.file_name();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    HeaderValue::from_static(match extension {
        "xml" => "application/xml",
        "json" => "application/json",
        "gz" => "application/gzip",
        "zst" | "zck" => "application/zstd",
        "xz" => "application/x-xz",
        "bz2" => "application/x-bzip2",
        "rpm" => "application/x-rpm",
        "iso" => "application/vnd.efi.iso",
        "repo" | "log" | "txt" | "conf" | "treeinfo" | "discinfo" | "asc" | "manifest" | "SHA256SUM" => {
            "text/plain; charset=utf-8"
        }
        "" if !name.contains('.') => match name {
            "COMPOSE_ID" | "STATUS" | "CHECKSUM" | "SHA256SUM" => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        },
        _ => "application/octet-stream",
    })
}

/// How long it may be kept. What is named by its own checksum never changes; everything else is asked
/// for again, which costs a 304.
pub(super) fn cache_control(path: &RelativePath) -> HeaderValue {
    let in_repodata = path.as_str().rsplit('/').nth(1) == Some("repodata");
    HeaderValue::from_static(if in_repodata && is_named_by_checksum(path.file_name()) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    })
}

fn is_named_by_checksum(name: &str) -> bool {
    name.split_once('-').is_some_and(|(checksum, _)| {
        matches!(checksum.len(), 32 | 40 | 56 | 64 | 96 | 128)
            && checksum
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_go_by_names() {
        for (path, kind) in [
            ("repodata/repomd.xml", "application/xml"),
            ("repodata/0a-primary.xml.gz", "application/gzip"),
            ("repodata/0a-primary.xml.zst", "application/zstd"),
            ("Packages/e/ed-1-1.x86_64.rpm", "application/x-rpm"),
            ("odcs-1.repo", "text/plain; charset=utf-8"),
            ("metadata/rpms.json", "application/json"),
            ("pungi-stderr.log", "text/plain; charset=utf-8"),
            ("os/.treeinfo", "text/plain; charset=utf-8"),
            ("COMPOSE_ID", "text/plain; charset=utf-8"),
            ("iso/x.iso", "application/vnd.efi.iso"),
            ("iso/x.iso.manifest", "text/plain; charset=utf-8"),
            ("iso/x.iso.SHA256SUM", "text/plain; charset=utf-8"),
            ("iso/SHA256SUM", "text/plain; charset=utf-8"),
            ("evil.html", "application/octet-stream"),
            ("evil.svg", "application/octet-stream"),
            ("vmlinuz", "application/octet-stream"),
        ] {
            assert_eq!(content_type(&path.parse().unwrap()), kind, "{path}");
        }
    }

    #[test]
    fn only_what_never_changes_is_kept() {
        let cache = |path: &str| cache_control(&path.parse().unwrap());
        let sum = "0123456789abcdef".repeat(4);
        let kept = "public, max-age=31536000, immutable";
        assert_eq!(cache(&format!("os/repodata/{sum}-primary.xml.gz")), kept);
        assert_eq!(cache(&format!("os/{sum}-primary.xml.gz")), "no-cache");
        assert_eq!(cache("os/repodata/primary.xml.gz"), "no-cache");
        assert_eq!(cache("os/repodata/abc-primary.xml.gz"), "no-cache");
        assert_eq!(cache("os/repodata/repomd.xml"), "no-cache");
        assert_eq!(cache("odcs-1/pungi-stderr.log"), "no-cache");
    }
}
