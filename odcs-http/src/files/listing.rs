//! The page that lists a directory.

use std::fmt::Write as _;

use axum::response::Response;
use odcs_core::Timestamp;
use odcs_core::files::{DirectoryEntry, RelativePath};

use super::path::encode_segment;
use crate::pages::{Escaped, page};

/// The page for a directory; without a path, the directory of the composes itself.
pub(super) fn directory(mount: &str, path: Option<&RelativePath>, entries: &[DirectoryEntry]) -> Response {
    let title = match path {
        Some(path) => format!("Index of {mount}/{path}/"),
        None => format!("Index of {mount}/"),
    };
    page(&title, &table(path.is_some(), entries))
}

/// Directories first, each kind in the order given.
fn table(has_parent: bool, entries: &[DirectoryEntry]) -> String {
    let mut html = String::from(
        "<table>\n<thead>\n<tr><th scope=\"col\">Name</th><th scope=\"col\" class=\"n\">Size</th>\
         <th scope=\"col\">Modified (UTC)</th></tr>\n</thead>\n<tbody>\n",
    );
    if has_parent {
        html.push_str("<tr><td><a href=\"../\">Parent directory</a></td><td></td><td></td></tr>\n");
    }
    let directories = entries.iter().filter(|entry| entry.is_directory);
    for entry in directories.chain(entries.iter().filter(|entry| !entry.is_directory)) {
        // Writing into a string does not fail.
        let _ = writeln!(html, "{}", row(entry));
    }
    html.push_str("</tbody>\n</table>\n");
    html
}

fn row(entry: &DirectoryEntry) -> String {
    let slash = if entry.is_directory { "/" } else { "" };
    let (link, name) = (encode_segment(&entry.name), Escaped(&entry.name));
    let size = if entry.is_directory {
        "<td></td>".to_owned()
    } else {
        format!(
            "<td class=\"n\"><data value=\"{}\">{}</data></td>",
            entry.size,
            human(entry.size)
        )
    };
    let time = Timestamp::from_seconds(entry.modified).to_string();
    let shown = time.replace('T', " ").replace('Z', "");
    // "./" in front: a name like "a:b" would be taken for a scheme.
    format!(
        "<tr><td><a href=\"./{link}{slash}\">{name}{slash}</a></td>{size}\
         <td><time datetime=\"{time}\">{shown}</time></td></tr>"
    )
}

/// A size for people, to a tenth: `1.4 MiB`. Tenths are cut off, not rounded.
fn human(bytes: u64) -> String {
    const UNITS: [(&str, u32); 6] = [
        ("EiB", 60),
        ("PiB", 50),
        ("TiB", 40),
        ("GiB", 30),
        ("MiB", 20),
        ("KiB", 10),
    ];
    let unit = UNITS.into_iter().find(|(_, shift)| bytes >> shift > 0);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(name, shift)| {
            let tenths = (u128::from(bytes) * 10) >> shift;
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, is_directory: bool, size: u64) -> DirectoryEntry {
        DirectoryEntry {
            name: name.to_owned(),
            is_directory,
            size,
            modified: 1_507_914_193,
        }
    }

    #[test]
    fn names_are_encoded_in_links_and_escaped_in_text() {
        let html = row(&entry("a<b>\"&c+1^2 é:%", false, 1536));
        assert!(
            html.contains("href=\"./a%3Cb%3E%22%26c%2B1%5E2%20%C3%A9%3A%25\""),
            "{html}"
        );
        assert!(html.contains(">a&lt;b&gt;&quot;&amp;c+1^2 é:%</a>"), "{html}");
        assert!(html.contains("<data value=\"1536\">1.5 KiB</data>"), "{html}");
        assert!(html.contains(">2017-10-13 17:03:13</time>"), "{html}");
    }

    #[test]
    fn directories_come_first() {
        let html = table(true, &[entry("a", false, 1), entry("z", true, 0)]);
        let at = |text: &str| html.find(text).unwrap();
        assert!(at("../") < at("./z/") && at("./z/") < at("\"./a\""));
    }

    #[test]
    fn sizes_for_people() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_575, "1023.9 KiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "15.9 EiB"),
        ] {
            assert_eq!(human(bytes), text);
        }
    }
}
