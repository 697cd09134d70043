//! Files of a commit, as they were committed.
//!
//! A checkout by git would convert line ends, encodings and keywords as the repository's `.gitattributes` say, and would
//! make links; an archive would leave files out, too. Objects are read from `git cat-file` instead, and written here.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bytes::Bytes;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;

use super::error::{GitError, quoted};
use super::listing::{Entry, Kind};
use super::process::Git;

/// Bytes that are read and handed on at a time.
const PIECE: usize = 128 << 10;
/// Pieces that may wait to be written.
const WAITING: usize = 16;
/// Bytes of the line before each object: its name, type and size.
const LONGEST_LINE: u64 = 120;

/// What is to be written next.
enum Step {
    Directory(Vec<u8>),
    File {
        path: Vec<u8>,
        executable: bool,
    },
    /// The next bytes of the file.
    Bytes(Bytes),
}

/// Writes what a commit has in it into a directory, which has nothing of the same names.
pub(super) async fn unpack(git: &Git, entries: Vec<Entry>, directory: &Path) -> Result<(), GitError> {
    let (steps, waiting) = mpsc::channel(WAITING);
    let target = Target::open(directory)?;
    let writing = tokio::task::spawn_blocking(move || target.write(waiting));
    let read = read(git, entries, steps).await;
    let written = writing.await;
    let written = written.map_err(|error| git.unexpected("cat-file", error.to_string()))?;
    // If nobody takes the bytes any more, the reason is there.
    written.and(read)
}

/// Has git write all files to a pipe, one after the other, and cuts them apart.
async fn read(git: &Git, entries: Vec<Entry>, steps: mpsc::Sender<Step>) -> Result<(), GitError> {
    let mut running = git.start(&["cat-file", "--batch", "--buffer"], Stdio::piped())?;
    let mut input = running.take_input()?;
    let output = running.take_output()?;
    let asked: String = entries
        .iter()
        .filter_map(|entry| match &entry.kind {
            Kind::File { object, .. } => Some(format!("{object}\n")),
            Kind::Directory => None,
        })
        .collect();
    let asking = async move {
        // Why git takes no more, it says itself.
        let _ = input.write_all(asked.as_bytes()).await;
    };
    let ((), said, cut) = tokio::join!(asking, running.said(), cut(output, entries, steps));
    let status = running.ended().await?;
    match cut {
        Err(Cut::Output(why)) => {
            let said = if said.trim().is_empty() {
                why
            } else {
                quoted(status, &said)
            };
            Err(git.unexpected("cat-file", said))
        }
        Ok(()) if !status.success() => Err(git.unexpected("cat-file", quoted(status, &said))),
        // The writer has a reason of its own.
        Err(Cut::NotWanted) | Ok(()) => Ok(()),
    }
}

/// Why files are not read on.
enum Cut {
    /// Nobody writes them any more.
    NotWanted,
    /// They are not what was asked for.
    Output(String),
}

impl From<mpsc::error::SendError<Step>> for Cut {
    fn from(_: mpsc::error::SendError<Step>) -> Self {
        Self::NotWanted
    }
}

impl From<std::io::Error> for Cut {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error.to_string())
    }
}

async fn cut(
    output: impl tokio::io::AsyncRead + Unpin,
    entries: Vec<Entry>,
    steps: mpsc::Sender<Step>,
) -> Result<(), Cut> {
    let mut output = BufReader::with_capacity(PIECE, output);
    let mut line = Vec::new();
    for Entry { path, kind } in entries {
        let Kind::File {
            object,
            size,
            executable,
        } = kind
        else {
            steps.send(Step::Directory(path)).await?;
            continue;
        };
        line.clear();
        (&mut output)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .await?;
        if line != format!("{object} blob {size}\n").as_bytes() {
            return Err(Cut::Output(format!(
                "it does not have {object}, a file of {size} bytes"
            )));
        }
        steps.send(Step::File { path, executable }).await?;
        let mut left = size;
        while left > 0 {
            let there = output.fill_buf().await?;
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(there.len());
            let Some(piece) = there.get(..most).filter(|piece| !piece.is_empty()) else {
                return Err(Cut::Output(format!("{object} ends {left} bytes too early")));
            };
            let piece = Bytes::copy_from_slice(piece);
            output.consume(most);
            left -= most as u64;
            steps.send(Step::Bytes(piece)).await?;
        }
        if output.read_u8().await? != b'\n' {
            return Err(Cut::Output(format!("{object} is longer than {size} bytes")));
        }
    }
    Ok(())
}

/// The directory that everything goes to.
struct Target {
    directory: OwnedFd,
    path: PathBuf,
}

impl Target {
    fn open(path: &Path) -> Result<Self, GitError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match openat(CWD, path, flags, Mode::empty()) {
            Ok(directory) => Ok(Self {
                directory,
                path: path.to_owned(),
            }),
            Err(errno) => Err(GitError::Directory {
                operation: "open the directory",
                path: path.to_owned(),
                source: errno.into(),
            }),
        }
    }

    /// Does all steps, until there are no more.
    fn write(&self, mut steps: mpsc::Receiver<Step>) -> Result<(), GitError> {
        let mut open: Option<(Vec<u8>, File)> = None;
        while let Some(step) = steps.blocking_recv() {
            match step {
                Step::Directory(path) => {
                    let made = mkdirat(&self.directory, path.as_slice(), Mode::from_raw_mode(0o755));
                    made.map_err(|errno| self.failed("make the directory", &path, errno.into()))?;
                }
                Step::File { path, executable } => {
                    let file = self.create(&path, executable);
                    let file = file.map_err(|errno| self.failed("make the file", &path, errno.into()))?;
                    open = Some((path, file));
                }
                Step::Bytes(bytes) => {
                    if let Some((path, file)) = &mut open {
                        let written = file.write_all(&bytes);
                        written.map_err(|error| self.failed("write the file", path, error))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A file that is not there yet, beneath the directory.
    fn create(&self, path: &[u8], executable: bool) -> rustix::io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(if executable { 0o755 } else { 0o644 });
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        openat2(&self.directory, path, flags, mode, resolve).map(File::from)
    }

    fn failed(&self, operation: &'static str, path: &[u8], source: std::io::Error) -> GitError {
        GitError::Directory {
            operation,
            path: self.path.join(OsStr::from_bytes(path)),
            source,
        }
    }
}
