//! Running a program for a compose: bounded in time, stopped with the compose, and nothing of it left behind.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use odcs_core::{Clock, ComposeId};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, IsoFault, Result};

/// How often it is looked whether the compose is still wanted, while the program says nothing.
const TICK: Duration = Duration::from_millis(100);
/// The same once it has closed its output and is about to end.
const LAST_TICK: Duration = Duration::from_millis(2);
/// Bytes of output that are taken at a time.
const BUFFER: usize = 128 << 10;
/// Bytes of what the program says to people that are kept: the last ones, where the reason of a failure is.
const SAID: usize = 64 << 10;

/// How long a program may run, and for whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds<'a> {
    pub(super) id: ComposeId,
    pub(super) cancel: &'a CancellationToken,
    pub(super) clock: &'a dyn Clock,
    pub(super) time: Duration,
}

/// What a program that has ended left.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// What it wrote to its standard error, the end of it.
    pub(super) said: String,
}

/// Runs a program to its end, in an environment of its own. Its standard output goes to `take`; where that fails,
/// or time is up, or the compose is cancelled, the program is killed with everything that it has started.
///
/// # Errors
/// What `take` says; [`Error::Cancelled`]; and as a fault of the image what else keeps the program from ending.
pub(super) fn run(
    mut command: Command,
    bounds: &Bounds<'_>,
    failed: impl Fn(IsoFault) -> Error,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<Ended> {
    command
        .env_clear()
        // Times in local zones and messages in other languages would be in the result, or in the way.
        .envs([("TZ", "UTC"), ("LC_ALL", "C"), ("PATH", "/usr/bin:/bin")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let deadline = bounds.clock.monotonic().saturating_add(bounds.time);
    let child = command
        .spawn()
        .map_err(|error| failed(IsoFault::NotStarted(error)))?;
    let mut running = Running { child };
    let (mut output, mut messages) = (running.child.stdout.take(), running.child.stderr.take());
    let mut buffer = vec![0; BUFFER];
    let mut said = Vec::new();
    loop {
        if bounds.cancel.is_cancelled() {
            return Err(Error::Cancelled { id: bounds.id });
        }
        if bounds.clock.monotonic() > deadline {
            return Err(failed(IsoFault::TooLong(bounds.time)));
        }
        let lost = |error: io::Error| failed(IsoFault::Lost(error));
        let ready = wait(&output, &messages).map_err(|errno| lost(errno.into()))?;
        if ready.output {
            let bytes = read_some(&mut output, &mut buffer).map_err(lost)?;
            take(bytes)?;
        }
        if ready.messages {
            let bytes = read_some(&mut messages, &mut buffer).map_err(lost)?;
            keep_the_end(&mut said, bytes);
        }
        if !ready.output && !ready.messages && running.has_ended().map_err(|errno| lost(errno.into()))? {
            // Whatever it started, and left behind, may still hold its output.
            running.kill_group();
            if output.is_none() && messages.is_none() {
                break;
            }
        }
    }
    let status = running.child.wait();
    Ok(Ended {
        status: status.map_err(|error| failed(IsoFault::Lost(error)))?,
        said: String::from_utf8_lossy(&said).into_owned(),
    })
}

/// A program that is killed, with all that it started, when nobody waits for it any more.
struct Running {
    child: Child,
}

impl Running {
    fn has_ended(&self) -> rustix::io::Result<bool> {
        // It is left as it is: until somebody waits for it, its number and its group are not given to others.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(Pid::from_child(&self.child)), options)?.is_some())
    }

    fn kill_group(&self) {
        // There may be nobody left to kill.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Not after it has been waited for: the number may be somebody else's by then.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill_group();
            let _ = self.child.wait();
        }
    }
}

/// Which pipes have something to read, or have come to their end.
#[derive(Default)]
struct Ready {
    output: bool,
    messages: bool,
}

/// Waits for a moment until one of the pipes has something.
fn wait<O: std::os::fd::AsFd, M: std::os::fd::AsFd>(
    output: &Option<O>,
    messages: &Option<M>,
) -> rustix::io::Result<Ready> {
    let mut polled: Vec<PollFd<'_>> = Vec::with_capacity(2);
    polled.extend(output.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
    polled.extend(messages.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
    let tick = if polled.is_empty() { LAST_TICK } else { TICK };
    let tick = Timespec::try_from(tick).map_err(|_| Errno::INVAL)?;
    match poll(&mut polled, Some(&tick)) {
        Ok(_) => {}
        Err(Errno::INTR) => return Ok(Ready::default()),
        Err(errno) => return Err(errno),
    }
    let mut found = polled.iter().map(|polled| !polled.revents().is_empty());
    Ok(Ready {
        output: output.is_some() && found.next().unwrap_or_default(),
        messages: messages.is_some() && found.next().unwrap_or_default(),
    })
}

/// Reads what is there; at its end the pipe is closed.
fn read_some<'a>(pipe: &mut Option<impl Read>, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let read = match pipe.as_mut().map(|pipe| pipe.read(buffer)) {
        None | Some(Ok(0)) => {
            *pipe = None;
            0
        }
        Some(Ok(read)) => read,
        Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => 0,
        Some(Err(error)) => return Err(error),
    };
    Ok(buffer.get(..read).unwrap_or_default())
}

fn keep_the_end(said: &mut Vec<u8>, bytes: &[u8]) {
    said.extend_from_slice(bytes);
    if said.len() > 2 * SAID {
        said.drain(..said.len() - SAID);
    }
}
