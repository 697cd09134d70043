//! The recorded figures.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

const HEAD: &str = "\
# Instructions of hot paths, for each compiler: see benches/guard. Recorded by
#   ODCS_UPDATE=1 cargo run --profile guard -p guard
";

/// For each toolchain, the instructions of each path.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Figures(BTreeMap<String, BTreeMap<String, u64>>);

/// What a count is, held against its figure.
pub(crate) enum Verdict {
    /// There is no figure for this toolchain.
    Unknown { count: u64 },
    /// Close enough.
    Holds { figure: u64, count: u64 },
    /// Too far away.
    Differs { figure: u64, count: u64 },
}

impl Figures {
    pub(crate) fn read(path: &Path) -> Self {
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).unwrap(),
            Err(_) => Self::default(),
        }
    }

    pub(crate) fn write(&self, path: &Path) {
        let text = toml::to_string(self).unwrap();
        std::fs::write(path, format!("{HEAD}\n{text}")).unwrap();
    }

    pub(crate) fn record(&mut self, toolchain: &str, counts: &[(String, u64)]) {
        self.0
            .insert(toolchain.to_owned(), counts.iter().cloned().collect());
    }

    /// A path without a figure differs, where other paths of the toolchain have some.
    pub(crate) fn judge(&self, toolchain: &str, name: &str, count: u64, tolerance: u64) -> Verdict {
        let Some(figures) = self.0.get(toolchain) else {
            return Verdict::Unknown { count };
        };
        let figure = figures.get(name).copied().unwrap_or(0);
        if count.abs_diff(figure) * 100 <= figure * tolerance {
            Verdict::Holds { figure, count }
        } else {
            Verdict::Differs { figure, count }
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (figure, count, word) = match *self {
            Self::Unknown { count } => {
                return write!(f, "{:>13} {count:>13} {:>8}   no figure", "", "");
            }
            Self::Holds { figure, count } => (figure, count, "ok"),
            Self::Differs { figure, count } => (figure, count, "DIFFERS"),
        };
        #[allow(clippy::cast_precision_loss, reason = "for people")]
        let percent = (count as f64 / figure as f64 - 1.0) * 100.0;
        write!(f, "{figure:>13} {count:>13} {percent:>+7.1}%   {word}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_percent_either_way_is_close_enough() {
        let mut figures = Figures::default();
        figures.record("rustc 1", &[("header".into(), 1000)]);
        let judge = |toolchain, name, count| figures.judge(toolchain, name, count, 5);
        for count in [950, 1000, 1050] {
            assert!(matches!(judge("rustc 1", "header", count), Verdict::Holds { .. }));
        }
        for count in [0, 949, 1051] {
            assert!(matches!(
                judge("rustc 1", "header", count),
                Verdict::Differs { .. }
            ));
        }
        assert!(matches!(judge("rustc 1", "new", 7), Verdict::Differs { .. }));
        assert!(matches!(judge("rustc 2", "header", 7), Verdict::Unknown { .. }));
    }

    #[test]
    fn figures_are_read_as_they_were_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("figures.toml");
        let mut figures = Figures::read(&path);
        figures.record("rustc 1.95, with AVX2", &[("a".into(), 1), ("b".into(), 2)]);
        figures.write(&path);
        assert_eq!(Figures::read(&path).0, figures.0);
    }
}
