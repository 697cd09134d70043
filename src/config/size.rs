//! Sizes in bytes.

use std::fmt;

use toml::Value;

use super::node::{Limits, Node, Shape};
use super::origin::Problem;
use super::setting::Setting;

/// Units by their names in lower case, those that sizes are shown in first, the largest at the front.
const UNITS: [(&str, &str, u64); 9] = [
    ("tib", "TiB", 1 << 40),
    ("gib", "GiB", 1 << 30),
    ("mib", "MiB", 1 << 20),
    ("kib", "KiB", 1 << 10),
    ("tb", "TB", 1_000_000_000_000),
    ("gb", "GB", 1_000_000_000),
    ("mb", "MB", 1_000_000),
    ("kb", "kB", 1_000),
    ("b", "B", 1),
];

/// A number of bytes: written as one, or as a text with a unit (`20 GiB`).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct Size(pub(crate) u64);

impl Size {
    /// Reads a whole number with a unit; without one it is of bytes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits)?;
        let number: u64 = number.parse().ok()?;
        let unit = unit.trim_start().to_ascii_lowercase();
        let unit = if unit.is_empty() { "b" } else { &unit };
        let (_, _, bytes) = UNITS.iter().find(|(name, ..)| *name == unit)?;
        number.checked_mul(*bytes).map(Self)
    }
}

/// In the largest of the units by which it is a whole number.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(size) = self;
        let whole = |bytes: u64| *size >= bytes && size.is_multiple_of(bytes);
        let unit = UNITS.iter().take(4).find(|(.., bytes)| whole(*bytes));
        match unit {
            Some((_, name, bytes)) => write!(f, "{} {name}", size / bytes),
            None => write!(f, "{size} B"),
        }
    }
}

impl Setting for Size {
    const SHAPE: Shape = Shape::Single;
    const PLACEHOLDER: &'static str = "SIZE";

    fn kind() -> String {
        "number of bytes, or text: a size as in `20 GiB`".to_owned()
    }

    fn read(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
        let size = match node.text() {
            Some(text) => Self::parse(text),
            None => node
                .integer()
                .and_then(|bytes| u64::try_from(bytes).ok())
                .map(Self),
        };
        size.filter(|size| node.limits.is_none_or(|limits| size.is_within(limits)))
            .ok_or_else(|| {
                let range = node.limits.map(range).unwrap_or_default();
                vec![node.unexpected(&format!("a size{range} is expected, as in 20 GiB"))]
            })
    }

    fn show(&self) -> Option<Value> {
        Some(Value::String(self.to_string()))
    }

    fn range(limits: Limits) -> String {
        range(limits)
    }
}

impl Size {
    #[allow(clippy::cast_precision_loss, reason = "limits are powers of two")]
    fn is_within(self, (least, most): Limits) -> bool {
        (least..=most).contains(&(self.0 as f64))
    }
}

fn range((least, most): Limits) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "limits are whole and positive"
    )]
    let size = |limit: f64| Size(limit as u64);
    format!(" from {} to {}", size(least), size(most))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_those_of_ten_and_of_two() {
        for (text, bytes) in [
            ("20 GiB", 20 << 30),
            ("20GB", 20_000_000_000),
            (" 7 kb ", 7_000),
            ("1KiB", 1024),
            ("512", 512),
            ("0 B", 0),
        ] {
            assert_eq!(Size::parse(text), Some(Size(bytes)), "{text}");
        }
        for text in [
            "",
            "GiB",
            "1.5 GiB",
            "-1",
            "1 G",
            "1 GiB more",
            "99999999 TiB",
            "٣ MB",
        ] {
            assert_eq!(Size::parse(text), None, "{text}");
        }
        assert_eq!(Size(1536).to_string(), "1536 B");
        assert_eq!(Size(3 << 20).to_string(), "3 MiB");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read(bytes in any::<u64>(), shift in 0_u32..64) {
            let size = Size(bytes >> shift << (shift / 2));
            prop_assert_eq!(Size::parse(&size.to_string()), Some(size));
        }

        #[test]
        fn nothing_panics(text in ".{0,20}") {
            let _ = Size::parse(&text);
        }
    }
}
