//! The `.repo` file that clients give to their package manager.

use odcs_core::productmd::VARIANT;
use odcs_core::productmd::ini::{IniWriter, Style};
use odcs_core::{Compose, Links};

use crate::error::Result;
use crate::layout;

/// The text of a compose's `.repo` file: its packages, and, not enabled, its debug packages and its
/// sources. `$basearch` is for the package manager to fill in. In a target directory without a URL, the
/// repositories are named by their paths from the file.
pub(crate) fn repo_file(compose: &Compose, links: &Links) -> Result<String> {
    let name = compose.id.name();
    let base = match links.base_of(&compose.requested.target_dir) {
        Some(base) => format!("{base}/{name}/{}/{VARIANT}/", layout::COMPOSE),
        None => String::new(),
    };
    let mut ini = IniWriter::new(Style::Compact);
    for (suffix, path, enabled) in [
        ("", "$basearch/os", "1"),
        ("-debuginfo", "$basearch/debug/tree", "0"),
        ("-source", "source/tree", "0"),
    ] {
        ini.section(&format!("{name}{suffix}"))?
            .entry("name", &format!("ODCS repository for compose {name}{suffix}"))?
            .entry("baseurl", &format!("{base}{path}"))?
            .entry("type", "rpm-md")?
            .entry("skip_if_unavailable", "False")?
            .entry("gpgcheck", "0")?
            .entry("repo_gpgcheck", "0")?
            .entry("enabled", enabled)?
            .entry("enabled_metadata", "1")?;
    }
    Ok(ini.finish())
}
