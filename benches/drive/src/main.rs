//! One piece of work of `benches/compare` in a process of its own, so that time and memory are those of that work.
//! It goes through the public interface of the libraries, as a service with the same settings would.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a bench that cannot go on has failed; its result is what it prints"
)]

mod compose;
mod gather;
mod repodata;
mod spent;
mod timed;
mod words;

use std::process::ExitCode;

use words::Words;

const USAGE: &str = "usage:
  drive repodata DIR OUT --compression zstd|gz [--threads N] [--cache TARGET] [--every N]
      writes OUT/repodata for all packages below DIR, every file of which is read whole; with a cache, those that it
      does not know only. --every N takes one of N packages.
  drive compose DIR --target TARGET --compression zstd|gz [--threads N] [--packages FILE] [--no-deps]
      makes a compose of all packages below DIR, or of those that a file names, with what they need or without; says
      how long laying it out took of that.
  drive gather DIR OUT --cache TARGET --packages FILE
      gathers the packages that a file names, with what they need, out of those below DIR, and writes their names;
      prints how long that took, from opening the cache on, as `wall SECONDS` and `cpu SECONDS`.
The cache is that of a target directory: TARGET/.cache.
";

fn main() -> ExitCode {
    let run = |mut words: Words| {
        match words.command()?.as_str() {
            "repodata" => repodata::run(&repodata::Work::parse(words)?),
            "compose" => compose::run(&compose::Work::parse(words)?),
            "gather" => gather::run(&gather::Work::parse(words)?),
            other => return Err(format!("there is no {other:?}")),
        }
        Ok(())
    };
    match run(Words::of_process()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprint!("drive: {problem}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}
