//! Profiles: Koji's own client configuration, as its command line and its libraries read it.
//!
//! Files are those of Python's `configparser`: sections, `key = value` or `key: value`, lines of comment beginning with
//! `#` or `;`, values that go on in lines that are indented, a section `DEFAULT` for all others, and `%(key)s` in values.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

/// The largest file that is read; they have a few hundred lines.
const FILE_BYTES: u64 = 1 << 20;
/// Files that are read at most.
const FILES: usize = 1_000;
/// How often a value may lead to another one.
const DEPTH: usize = 10;

/// Where profiles are read from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProfileFiles {
    /// Files, and directories whose files `*.conf` count, sorted by name. What comes later overrides what came before;
    /// what is not there is passed over.
    pub paths: Vec<PathBuf>,
    /// What a `~` in a value stands for, and where certificates are looked for that no value names.
    pub home: Option<PathBuf>,
}

impl ProfileFiles {
    /// The files that Koji's own programs read: `/etc/koji.conf.d`, `/etc/koji.conf`, and of a user `~/.koji/config.d` and
    /// `~/.koji/config`.
    pub fn system(home: Option<&Path>) -> Self {
        let mut paths = vec![PathBuf::from("/etc/koji.conf.d"), PathBuf::from("/etc/koji.conf")];
        if let Some(home) = home {
            paths.push(home.join(".koji/config.d"));
            paths.push(home.join(".koji/config"));
        }
        Self {
            paths,
            home: home.map(Path::to_owned),
        }
    }
}

/// What a profile says. Keys that are not of interest are not looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// The name of the section.
    pub name: Box<str>,
    /// The address of the hub.
    pub server: Url,
    /// Where the files of packages are to be had over HTTP.
    pub topurl: Option<Url>,
    /// Where they are mounted. `/mnt/koji`, if the profile does not say.
    pub topdir: PathBuf,
    /// Whether calls without login are tried again. They are, if the profile does not say.
    pub anon_retry: Option<bool>,
    /// How often.
    pub max_retries: Option<u32>,
    /// How long after each failure.
    pub retry_interval: Option<Duration>,
    /// Whether a call is tried again that the hub answered with being offline.
    pub offline_retry: Option<bool>,
    /// How long a call may take.
    pub timeout: Option<Duration>,
    /// A file with the certificates that the hub is trusted by.
    pub serverca: Option<PathBuf>,
    /// A file with the certificate that the hub is shown, and its key.
    pub cert: Option<PathBuf>,
}

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// No file has such a section.
    #[error("no configuration of Koji has a profile {name:?}; there are {}", list(known))]
    Unknown {
        /// The profile asked for.
        name: Box<str>,
        /// Those that there are.
        known: Vec<Box<str>>,
    },
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is no configuration.
    #[error("{}, line {line}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// A value is not what it has to be.
    #[error("the profile {profile:?} of Koji has {key} = {value:?}, which is not {expected}")]
    Value {
        /// The profile.
        profile: Box<str>,
        /// The key.
        key: &'static str,
        /// The value, shortened.
        value: Box<str>,
        /// What it has to be, as a noun phrase.
        expected: &'static str,
    },
}

fn list(names: &[Box<str>]) -> String {
    match names {
        [] => "none at all".to_owned(),
        names => names.join(", "),
    }
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// If there is none of this name, a file cannot be read, or a value cannot be used.
    pub fn read(name: &str, files: &ProfileFiles) -> Result<Self, ProfileError> {
        let mut sections = Sections::default();
        for path in expand(&files.paths)? {
            if let Some(text) = read(&path)? {
                sections.add(&path, &text)?;
            }
        }
        sections.profile(name, files.home.as_deref())
    }
}

/// The files that there are, directories expanded.
#[allow(clippy::disallowed_methods)]
fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ProfileError> {
    let mut files = Vec::new();
    for path in paths {
        let unreadable = |source| ProfileError::Unreadable {
            path: path.clone(),
            source,
        };
        match fs::read_dir(path) {
            Ok(entries) => {
                let mut names = Vec::new();
                for entry in entries.take(FILES) {
                    let file = entry.map_err(unreadable)?.path();
                    if file.extension().is_some_and(|extension| extension == "conf") {
                        names.push(file);
                    }
                }
                names.sort();
                files.append(&mut names);
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => files.push(path.clone()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    Ok(files)
}

/// The text of a file that the operator named; none if it is gone.
#[allow(clippy::disallowed_methods)]
fn read(path: &Path) -> Result<Option<String>, ProfileError> {
    let unreadable = |source| ProfileError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut text = String::new();
    match fs::File::open(path) {
        Ok(file) if file.metadata().is_ok_and(|metadata| !metadata.is_file()) => return Ok(None),
        Ok(file) => file
            .take(FILE_BYTES)
            .read_to_string(&mut text)
            .map_err(unreadable)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    Ok(Some(text))
}

type Section = BTreeMap<String, String>;

/// What all files say, by section.
#[derive(Debug, Default)]
struct Sections {
    sections: BTreeMap<String, Section>,
    defaults: Section,
}

impl Sections {
    fn add(&mut self, path: &Path, text: &str) -> Result<(), ProfileError> {
        let mut section: Option<String> = None;
        let mut key: Option<String> = None;
        for (index, line) in text.lines().enumerate() {
            let malformed = |reason| ProfileError::Malformed {
                path: path.to_owned(),
                line: index + 1,
                reason,
            };
            let content = line.trim();
            if content.is_empty() || content.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with([' ', '\t'])
                && let (Some(section), Some(key)) = (&section, &key)
            {
                if let Some(value) = self.section(section).get_mut(key) {
                    value.push('\n');
                    value.push_str(content);
                }
                continue;
            }
            if let Some(rest) = content.strip_prefix('[') {
                let (name, _) = rest
                    .rsplit_once(']')
                    .ok_or_else(|| malformed("a section without its end"))?;
                self.section(name);
                section = Some(name.to_owned());
                key = None;
                continue;
            }
            let section = section
                .as_ref()
                .ok_or_else(|| malformed("a value before any section"))?;
            let (name, value) = content
                .split_once(['=', ':'])
                .ok_or_else(|| malformed("neither a section nor a value"))?;
            let name = name.trim().to_lowercase();
            self.section(section)
                .insert(name.clone(), value.trim().to_owned());
            key = Some(name);
        }
        Ok(())
    }

    fn section(&mut self, name: &str) -> &mut Section {
        match name {
            "DEFAULT" => &mut self.defaults,
            name => self.sections.entry(name.to_owned()).or_default(),
        }
    }

    fn profile(&self, name: &str, home: Option<&Path>) -> Result<Profile, ProfileError> {
        let section = self.sections.get(name).ok_or_else(|| ProfileError::Unknown {
            name: name.into(),
            known: self.sections.keys().map(|known| known.as_str().into()).collect(),
        })?;
        let values = Values {
            profile: name,
            section,
            defaults: &self.defaults,
            home,
        };
        let url = |key: &'static str| -> Result<Option<Url>, ProfileError> {
            let parse = |text: &str| {
                Url::parse(text)
                    .ok()
                    .filter(|url| matches!(url.scheme(), "http" | "https"))
            };
            values.parsed(key, "an http or https URL", parse)
        };
        let seconds = |text: &str| text.parse().ok().map(Duration::from_secs);
        let server = match url("server")? {
            Some(server) => server,
            None => return Err(values.wrong("server", "", "an http or https URL")),
        };
        Ok(Profile {
            name: name.into(),
            server,
            topurl: url("topurl")?,
            topdir: values
                .path("topdir")?
                .unwrap_or_else(|| PathBuf::from("/mnt/koji")),
            anon_retry: values.parsed("anon_retry", "yes or no", boolean)?,
            max_retries: values.parsed("max_retries", "a number", |text| text.parse().ok())?,
            retry_interval: values.parsed("retry_interval", "a number of seconds", seconds)?,
            offline_retry: values.parsed("offline_retry", "yes or no", boolean)?,
            timeout: values.parsed("timeout", "a number of seconds", seconds)?,
            serverca: values.certificate("serverca", "serverca.crt")?,
            cert: values.certificate("cert", "client.crt")?,
        })
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Some(true),
        "0" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

/// The values of one profile.
struct Values<'a> {
    profile: &'a str,
    section: &'a Section,
    defaults: &'a Section,
    home: Option<&'a Path>,
}

impl Values<'_> {
    fn wrong(&self, key: &'static str, value: &str, expected: &'static str) -> ProfileError {
        ProfileError::Value {
            profile: self.profile.into(),
            key,
            value: value.chars().take(200).collect(),
            expected,
        }
    }

    fn raw(&self, key: &str) -> Option<&str> {
        let value = self.section.get(key).or_else(|| self.defaults.get(key));
        value.map(String::as_str)
    }

    /// A value, with what it refers to put in. One that is empty says nothing.
    fn get(&self, key: &'static str) -> Result<Option<String>, ProfileError> {
        let Some(raw) = self.raw(key) else { return Ok(None) };
        let value = self.interpolate(raw, 0);
        let value = value.ok_or_else(|| self.wrong(key, raw, "a value whose references lead somewhere"))?;
        Ok(Some(value).filter(|value| !value.is_empty()))
    }

    /// `%(key)s` is the value of that key, `%%` a percent sign.
    fn interpolate(&self, raw: &str, depth: usize) -> Option<String> {
        let mut value = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((before, after)) = rest.split_once('%') {
            value.push_str(before);
            rest = match after.strip_prefix('%') {
                Some(after) => {
                    value.push('%');
                    after
                }
                None => {
                    let (key, after) = after.strip_prefix('(')?.split_once(")s")?;
                    if depth >= DEPTH {
                        return None;
                    }
                    value.push_str(&self.interpolate(self.raw(&key.to_lowercase())?, depth + 1)?);
                    after
                }
            };
            if value.len() as u64 > FILE_BYTES {
                return None;
            }
        }
        value.push_str(rest);
        Some(value)
    }

    fn parsed<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ProfileError> {
        let Some(value) = self.get(key)? else {
            return Ok(None);
        };
        match parse(&value) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(self.wrong(key, &value, expected)),
        }
    }

    /// A path; `~` is where the user is at home.
    fn path(&self, key: &'static str) -> Result<Option<PathBuf>, ProfileError> {
        Ok(self.get(key)?.map(|path| {
            let below = match (path.strip_prefix('~'), self.home) {
                (Some(""), Some(home)) => Some(home.to_owned()),
                (Some(rest), Some(home)) => rest.strip_prefix('/').map(|rest| home.join(rest)),
                _ => None,
            };
            below.unwrap_or_else(|| path.into())
        }))
    }

    /// A file that is named, or else is where such files are by default.
    #[allow(clippy::disallowed_methods)]
    fn certificate(&self, key: &'static str, default: &str) -> Result<Option<PathBuf>, ProfileError> {
        if self.raw(key).is_some() {
            return self.path(key);
        }
        let file = self.home.map(|home| home.join(".koji").join(default));
        Ok(file.filter(|file| fs::exists(file).unwrap_or_default()))
    }
}
