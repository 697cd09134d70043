//! INI files, for `.treeinfo`, `media.repo` and `.repo` files.

use crate::{Error, Result};

/// How keys and values are parted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Style {
    /// `key=value`, an empty line between sections (`.repo` files).
    Compact,
    /// `key = value`, an empty line after each section (`.treeinfo`).
    Spaced,
}

/// Writes an INI file. There is no escaping in this format, so what would break out of its line is
/// refused.
///
/// ```
/// use odcs_core::productmd::ini::{IniWriter, Style};
/// let mut ini = IniWriter::new(Style::Compact);
/// ini.section("odcs-1")?.entry("enabled", "1")?;
/// assert!(ini.entry("name", "a\n[other]").is_err());
/// assert_eq!(ini.finish(), "[odcs-1]\nenabled=1\n");
/// # Ok::<(), odcs_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct IniWriter {
    style: Style,
    text: String,
    open: bool,
}

impl IniWriter {
    /// An empty file.
    pub fn new(style: Style) -> Self {
        Self {
            style,
            text: String::new(),
            open: false,
        }
    }

    /// Begins a section.
    ///
    /// # Errors
    /// `Invalid` for a name that is empty, has control characters or brackets.
    pub fn section(&mut self, name: &str) -> Result<&mut Self> {
        if name.is_empty() || !is_line(name) || name.contains(['[', ']']) {
            return Err(refused("the name of a section", name));
        }
        self.close();
        self.text += &format!("[{name}]\n");
        self.open = true;
        Ok(self)
    }

    /// Adds a comment line.
    ///
    /// # Errors
    /// `Invalid` for text with control characters.
    pub fn comment(&mut self, text: &str) -> Result<&mut Self> {
        if !is_line(text) {
            return Err(refused("a comment", text));
        }
        self.text += &format!("; {text}\n");
        Ok(self)
    }

    /// Adds a key and its value.
    ///
    /// # Errors
    /// `Invalid` for a key that is no plain word, or a value that is not one line without space around.
    pub fn entry(&mut self, key: &str, value: &str) -> Result<&mut Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if key.is_empty() || !key.chars().all(plain) {
            return Err(refused("a key", key));
        }
        if !is_line(value) || value.trim() != value {
            return Err(refused("a value", value));
        }
        self.text += &match self.style {
            Style::Compact => format!("{key}={value}\n"),
            Style::Spaced => format!("{key} = {value}\n"),
        };
        Ok(self)
    }

    /// The whole file.
    pub fn finish(mut self) -> String {
        if self.style == Style::Spaced {
            self.close();
        }
        self.text
    }

    fn close(&mut self) {
        if self.open {
            self.text.push('\n');
            self.open = false;
        }
    }
}

/// Beyond what Rust calls control characters, two separators end a line for some readers.
fn is_line(text: &str) -> bool {
    !text
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

fn refused(what: &str, text: &str) -> Error {
    let shown: String = text.chars().take(80).collect();
    Error::invalid("value", format!("{shown:?} cannot be {what} of an INI file"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_leaves_its_line(value in any::<String>(), key in "[a-z=\n\\[ ]{0,6}") {
            let mut ini = IniWriter::new(Style::Compact);
            ini.section("s").unwrap();
            let lines = if ini.entry(&key, &value).is_ok() { 2 } else { 1 };
            let text = ini.finish();
            prop_assert_eq!(text.lines().count(), lines);
            prop_assert_eq!(text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']).count(), lines + 1);
        }
    }
}
