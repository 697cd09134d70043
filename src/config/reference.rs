//! The reference documentation.

use std::fmt::{self, Write};

use super::elsewhere::Mirrors;
use super::keys::{CALLERS, KEYS, Key};
use super::setting::Item;
use super::tables::TargetDir;

const INTRODUCTION: &str = "\
# Configuration

This is the output of `odcs config --reference`.

Every key has a default; `odcs serve` needs no configuration. A value is taken from the first of these that has one:

1. the option of the command line;
2. the environment variable: `ODCS_` and the name of the key in upper case. One that is empty counts as not set;
3. the configuration file: the one that `--config FILE` or `ODCS_CONFIG` names, else `odcs.toml` in the current directory
   if it is there, else `/etc/odcs/odcs.toml` if it is there;
4. the default.

The file is [TOML](https://toml.io/en/v1.0.0); all keys are at its top. Relative paths begin at the directory of the file, those of
options and variables at the current directory. Lists in variables are parted by commas or white space, or are TOML arrays
(`[\"a\", \"b\"]`); directories and files are parted by colons. Tables in variables are TOML inline tables. A list or table replaces the one
that it overrides.

Unknown keys and impossible values are refused at start, each with its place and what is expected. `odcs config --check`
does only that; `odcs config` prints the configuration in effect, and where each value comes from.

```toml
listen = \"0.0.0.0:5000\"
public_url = \"https://odcs.example.com/composes\"
trusted_proxies = [\"10.0.0.0/8\"]
data_dir = \"/srv/odcs\"
repo_roots = [\"/mnt/koji/repos\"]
sweep = 300

[extra_target_dirs]
releases = { path = \"/srv/odcs/releases\", url = \"https://odcs.example.com/releases\" }

[raw_config_urls.rawhide]
url = \"https://git.example.com/pungi-fedora.git\"
config_filename = \"fedora.conf\"
max_seconds_to_live = 1209600
```
";

/// Of which keys the last chapter says that they have no effect yet.
const POLICY: &str = "\
These are the rules for everybody who has no rules of their own. They have no effect while nobody is asked who they are, which is
all that there is yet; a warning at start says so where one is set. An empty list allows nothing.
";

/// The reference documentation in Markdown.
pub(crate) fn markdown() -> String {
    let mut text = INTRODUCTION.to_owned();
    // Writing to a text cannot fail.
    let _ = write(&mut text);
    text
}

fn write(text: &mut String) -> fmt::Result {
    let defaults = super::defaults();
    let mut group = "";
    for key in KEYS {
        if key.group != group {
            group = key.group;
            writeln!(text, "\n## {group}")?;
            if group == CALLERS {
                write!(text, "{POLICY}")?;
            }
        }
        writeln!(text, "\n### `{}`", key.name)?;
        for (n, paragraph) in key.paragraphs().iter().enumerate() {
            writeln!(text, "{}{paragraph}", if n > 0 { "\n" } else { "" })?;
        }
        writeln!(text, "\n- type: {}{}", (key.kind)(), range(key))?;
        for (name, meaning) in fields(key) {
            writeln!(text, "  - `{name}`: {meaning}")?;
        }
        writeln!(text, "- default: {}", key.default_text(&defaults))?;
        writeln!(text, "- environment: `{}`", key.variable())?;
        if let Some(option) = key.option {
            writeln!(text, "- option: `--{option} {}`", key.placeholder)?;
        }
    }
    Ok(())
}

fn range(key: &Key) -> String {
    key.limits
        .map(|limits| format!(",{}", (key.range)(limits)))
        .unwrap_or_default()
}

fn fields(key: &Key) -> &'static [(&'static str, &'static str)] {
    match key.name {
        "extra_target_dirs" => TargetDir::FIELDS,
        "mirrors" => Mirrors::FIELDS,
        "raw_config_urls" => odcs_core::engine::RawConfig::FIELDS,
        _ => &[],
    }
}
