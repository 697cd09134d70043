//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use odcs_rpm::compression::WriteCompression;

/// The words after the program's name: a command, what it is about, and options.
pub(crate) struct Words {
    words: Vec<String>,
}

impl Words {
    pub(crate) fn of_process() -> Self {
        Self {
            words: std::env::args().skip(1).collect(),
        }
    }

    /// Takes the first word.
    pub(crate) fn command(&mut self) -> Result<String, String> {
        self.first("a command")
    }

    /// Takes the next word that is a path.
    pub(crate) fn path(&mut self, what: &str) -> Result<PathBuf, String> {
        self.first(what).map(PathBuf::from)
    }

    fn first(&mut self, what: &str) -> Result<String, String> {
        if self.words.first().is_none_or(|word| word.starts_with("--")) {
            return Err(format!("{what} is needed"));
        }
        Ok(self.words.remove(0))
    }

    /// Takes an option that stands alone.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let position = self.words.iter().position(|word| word == name);
        position.map(|position| self.words.remove(position)).is_some()
    }

    /// Takes an option with its value.
    pub(crate) fn option<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        let Some(position) = self.words.iter().position(|word| word == name) else {
            return Ok(None);
        };
        self.words.remove(position);
        if position == self.words.len() {
            return Err(format!("{name} needs a value"));
        }
        let value = self.words.remove(position);
        let parsed = value
            .parse()
            .map_err(|_| format!("{name}: {value:?} cannot be"))?;
        Ok(Some(parsed))
    }

    /// How many threads may work.
    pub(crate) fn threads(&mut self) -> Result<usize, String> {
        Ok(self.option("--threads")?.unwrap_or(2))
    }

    /// How the files of repodata are compressed.
    pub(crate) fn compression(&mut self) -> Result<WriteCompression, String> {
        match self.option::<String>("--compression")?.as_deref() {
            Some("zstd") => Ok(WriteCompression::Zstd),
            Some("gz") => Ok(WriteCompression::Gzip),
            _ => Err("--compression is zstd or gz".into()),
        }
    }

    /// Nothing is left.
    pub(crate) fn end(self) -> Result<(), String> {
        match self.words.first() {
            Some(word) => Err(format!("{word:?} is one too many")),
            None => Ok(()),
        }
    }
}
