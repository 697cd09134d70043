//! Running git: with nothing from outside but what is set here, bounded, and gone when nobody waits for it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process_group, prlimit};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::error::GitError;

/// Bytes of memory that a git process may use for data. Trees and commits are read whole, and so are files that are
/// stored as differences.
const MEMORY: u64 = 1 << 30;
/// Bytes of what git says to people that are kept: the last ones, where the reason of a failure is.
const SAID: usize = 16 << 10;

/// Settings that make git do nothing but what it was asked for. Whatever a repository says, there is nothing here that
/// would act on it: no hooks, filters, helpers, submodules or other servers.
const CONFIGURATION: &[(&str, &str)] = &[
    ("protocol.allow", "never"),
    ("protocol.version", "2"),
    ("http.followRedirects", "false"),
    ("http.sslVerify", "true"),
    ("http.delegation", "none"),
    ("http.saveCookies", "false"),
    ("credential.helper", ""),
    ("transfer.fsckObjects", "true"),
    ("fetch.fsckObjects", "true"),
    // A server may name others where some of it is to be had.
    ("transfer.bundleURI", "false"),
    ("fetch.uriProtocols", ""),
    ("promisor.acceptFromServer", "none"),
    ("fetch.recurseSubmodules", "false"),
    ("submodule.recurse", "false"),
    // One pack, of which the size is bounded, instead of a file for each object.
    ("fetch.unpackLimit", "1"),
    ("fetch.writeCommitGraph", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.attributesFile", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.symlinks", "false"),
    ("core.protectHFS", "true"),
    ("core.protectNTFS", "true"),
    // It is thrown away in a moment.
    ("core.fsync", "none"),
    // Larger files are not held in memory.
    ("core.bigFileThreshold", "16m"),
    ("pack.threads", "1"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
];

/// The environment, besides the configuration and what depends on where it runs.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("LC_ALL", "C"),
    ("TZ", "UTC"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    // An empty one is none, and no other is looked for.
    ("GIT_ASKPASS", ""),
    ("GIT_PROTOCOL_FROM_USER", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_LFS_SKIP_SMUDGE", "1"),
];

/// Git, for one repository.
#[derive(Debug)]
pub(super) struct Git {
    program: PathBuf,
    repository: PathBuf,
    environment: Vec<(OsString, OsString)>,
    largest_file: u64,
    /// What nobody may read in what git says.
    secrets: Vec<String>,
}

/// What a command that has ended left.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) output: Vec<u8>,
    /// Whether there was more output than was to be taken.
    pub(super) cut: bool,
    /// What it wrote to its standard error, the end of it.
    pub(super) said: String,
}

impl Git {
    /// For a repository in a directory that is there, empty, and has an absolute path. It speaks this protocol and no
    /// other; no file that it writes becomes larger than that.
    pub(super) fn new(
        program: &Path,
        repository: &Path,
        protocol: &str,
        configuration: &[(&str, OsString)],
        largest_file: u64,
    ) -> Self {
        let own = [(format!("protocol.{protocol}.allow"), OsString::from("always"))];
        let fixed = CONFIGURATION
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).into()));
        let given = configuration
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()));
        // Not as options: the password of a proxy would be there for everybody on the machine to read.
        let mut environment: Vec<(OsString, OsString)> = Vec::new();
        let mut count = 0_usize;
        for (key, value) in fixed.chain(own).chain(given) {
            environment.push((format!("GIT_CONFIG_KEY_{count}").into(), key.into()));
            environment.push((format!("GIT_CONFIG_VALUE_{count}").into(), value));
            count += 1;
        }
        environment.push(("GIT_CONFIG_COUNT".into(), count.to_string().into()));
        environment.extend(
            ENVIRONMENT
                .iter()
                .map(|(name, value)| (name.into(), value.into())),
        );
        environment.push(("GIT_ALLOW_PROTOCOL".into(), protocol.into()));
        // Where git and its parts are found, as anything else of this machine is.
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        environment.push(("PATH".into(), path));
        // There is a place for it that has nothing of anybody's in it.
        environment.push(("HOME".into(), repository.into()));
        environment.push(("TMPDIR".into(), repository.into()));
        environment.push(("GIT_DIR".into(), repository.into()));
        Self {
            program: program.to_owned(),
            repository: repository.to_owned(),
            environment,
            largest_file,
            secrets: Vec::new(),
        }
    }

    /// With texts that are left out of what git says: it ends up in reasons, which everybody reads, and git quotes
    /// settings that it cannot use.
    pub(super) fn with_secrets(mut self, secrets: Vec<String>) -> Self {
        self.secrets = secrets;
        self
    }

    fn without_secrets(&self, said: String) -> String {
        let secrets = self.secrets.iter();
        secrets.fold(said, |said, secret| said.replace(secret.as_str(), "…"))
    }

    /// Runs a command to its end. Of its output so many bytes are taken; with more it is stopped.
    pub(super) async fn run(&self, arguments: &[impl AsRef<OsStr>], most: u64) -> Result<Ended, GitError> {
        let mut running = self.start(arguments, Stdio::null())?;
        let (mut output, mut errors) = (Vec::new(), running.child.stderr.take());
        let mut taken = running.take_output()?.take(most.saturating_add(1));
        let (read, said) = tokio::join!(
            async {
                let read = taken.read_to_end(&mut output).await;
                // Nobody reads on: whatever it still writes, it ends by that.
                drop(taken);
                read
            },
            the_end_of(&mut errors)
        );
        read.map_err(|error| self.lost(error))?;
        let status = running.ended().await?;
        let cut = output.len() as u64 > most;
        Ok(Ended {
            status,
            output,
            cut,
            said: self.without_secrets(said),
        })
    }

    /// Starts a command in a process group of its own.
    pub(super) fn start(
        &self,
        arguments: &[impl AsRef<OsStr>],
        input: Stdio,
    ) -> Result<Running<'_>, GitError> {
        let child = Command::new(&self.program)
            .args(arguments)
            .current_dir(&self.repository)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.lost(error))?;
        let running = Running { git: self, child };
        running.bound().map_err(|errno| self.lost(errno.into()))?;
        Ok(running)
    }

    /// Whether a pack became as large as it may be. What wrote it was stopped for that, and whoever had started it
    /// says that it has not ended well, if anything.
    pub(super) fn is_full(&self) -> bool {
        #[allow(clippy::disallowed_methods, reason = "nobody else knows the directory")]
        let packs = std::fs::read_dir(self.repository.join("objects/pack"));
        let sizes = packs
            .into_iter()
            .flatten()
            .filter_map(|pack| Some(pack.ok()?.metadata().ok()?.len()));
        sizes.max().is_some_and(|size| size >= self.largest_file)
    }

    /// A failure of the program rather than of what it does.
    pub(super) fn lost(&self, source: io::Error) -> GitError {
        GitError::Program {
            program: self.program.clone(),
            source,
        }
    }

    /// A command that should not have failed.
    pub(super) fn unexpected(&self, command: &str, said: String) -> GitError {
        GitError::Unexpected {
            program: self.program.clone(),
            command: command.to_owned(),
            said,
        }
    }
}

/// A command that is killed, with all that it started, when nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Running<'a> {
    git: &'a Git,
    child: Child,
}

impl Running<'_> {
    /// What it writes; once.
    pub(super) fn take_output(&mut self) -> Result<ChildStdout, GitError> {
        let output = self.child.stdout.take();
        output.ok_or_else(|| self.git.lost(io::ErrorKind::BrokenPipe.into()))
    }

    /// What it reads; once, and only if it was started with a pipe there.
    pub(super) fn take_input(&mut self) -> Result<ChildStdin, GitError> {
        let input = self.child.stdin.take();
        input.ok_or_else(|| self.git.lost(io::ErrorKind::BrokenPipe.into()))
    }

    /// What it says to people, the end of it, once it has said all.
    pub(super) async fn said(&mut self) -> String {
        let mut errors = self.child.stderr.take();
        self.git.without_secrets(the_end_of(&mut errors).await)
    }

    /// Waits for its end.
    pub(super) async fn ended(&mut self) -> Result<ExitStatus, GitError> {
        self.child.wait().await.map_err(|error| self.git.lost(error))
    }

    /// Limits it, and what it is going to start, in what it can use up. It is still loading its libraries now.
    fn bound(&self) -> rustix::io::Result<()> {
        let Some(pid) = self.pid() else {
            return Ok(());
        };
        for (resource, most) in [
            (Resource::Fsize, self.git.largest_file),
            (Resource::Data, MEMORY),
            // What it was doing when it got too large is nobody's business.
            (Resource::Core, 0),
        ] {
            let most = getrlimit(resource)
                .maximum
                .map_or(most, |maximum| maximum.min(most));
            let limit = Rlimit {
                current: Some(most),
                maximum: Some(most),
            };
            match prlimit(Some(pid), resource, limit) {
                // It has ended already: that it is no process any more, `ended` finds out.
                Ok(_) | Err(rustix::io::Errno::SRCH) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Its number, until it has been waited for: it may be somebody else's after that.
    fn pid(&self) -> Option<Pid> {
        let id = self.child.id()?;
        Pid::from_raw(i32::try_from(id).ok()?)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            // There may be nobody left to kill.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Reads to the end, and keeps the last of it.
async fn the_end_of(pipe: &mut Option<impl AsyncRead + Unpin>) -> String {
    let mut said = Vec::new();
    if let Some(pipe) = pipe {
        // A pipe that cannot be read has come to its end, too.
        while let Ok(1..) = pipe.read_buf(&mut said).await {
            if said.len() > 2 * SAID {
                said.drain(..said.len() - SAID);
            }
        }
    }
    String::from_utf8_lossy(&said).into_owned()
}
