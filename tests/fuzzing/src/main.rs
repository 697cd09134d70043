//! `fuzzing seeds DIRECTORY` writes every seed into the folder of its target below the directory; `fuzzing targets`
//! prints the names of the targets, `fuzzing options TARGET` the length of inputs and the dictionary of one.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people and scripts"
)]

use std::io::{Error, Result};
use std::path::Path;
use std::process::ExitCode;

use fuzzing::{TARGETS, seeds};
use odcs_rpm::{Digest, DigestAlgorithm};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match *arguments.as_slice() {
        ["seeds", directory] => write(Path::new(directory)),
        ["targets"] => {
            TARGETS.iter().for_each(|target| println!("{}", target.name));
            Ok(())
        }
        ["options", name] => options(name),
        _ => Err(Error::other(
            "usage: fuzzing seeds DIRECTORY | targets | options TARGET",
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Files are named by what they hold, as a fuzzer names its own.
fn write(directory: &Path) -> Result<()> {
    for seed in seeds::all() {
        let folder = directory.join(seed.target);
        fs_err::create_dir_all(&folder)?;
        let name = Digest::of_bytes(DigestAlgorithm::Sha1, &seed.bytes);
        fs_err::write(folder.join(name.hex()), &seed.bytes)?;
    }
    Ok(())
}

fn options(name: &str) -> Result<()> {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.ok_or_else(|| Error::other(format!("there is no target {name}")))?;
    println!("{} {}", target.max_len, target.dictionary);
    Ok(())
}
