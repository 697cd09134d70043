//! `fuzzing seeds DIRECTORY` writes every seed into the folder of its target below the directory.

use std::path::Path;
use std::process::ExitCode;

use fuzzing::seeds;
use odcs_rpm::{Digest, DigestAlgorithm};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let written = match arguments.as_slice() {
        [what, directory] if what == "seeds" => write(Path::new(directory)),
        _ => Err(std::io::Error::other("usage: fuzzing seeds DIRECTORY")),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[allow(clippy::print_stderr, reason = "a program for people")]
            {
                eprintln!("{error}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Files are named by what they hold, as a fuzzer names its own.
fn write(directory: &Path) -> std::io::Result<()> {
    for seed in seeds::all() {
        let folder = directory.join(seed.target);
        fs_err::create_dir_all(&folder)?;
        let name = Digest::of_bytes(DigestAlgorithm::Sha1, &seed.bytes);
        fs_err::write(folder.join(name.hex()), &seed.bytes)?;
    }
    Ok(())
}
