//! `rpmgen DIRECTORY [--profile distribution|real-sizes] [--packages N] [--seed S] [--layout flat|koji] [--ed]`: writes
//! a made-up repository for people who want to try something, and for benches.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use rpmgen::{GeneratorOptions, Layout, ed_repository, generate, with_real_sizes, write_repository};

const USAGE: &str =
    "usage: rpmgen DIRECTORY [--profile P] [--packages N] [--seed S] [--layout flat|koji] [--ed]
  --profile P    distribution: small payloads, so that a run costs what metadata costs (default);
                 real-sizes: the same packages, with payloads of 1 MB on average
  --packages N   how many RPMs, all kinds counted (default 1000)
  --seed S       another seed, another distribution (default 1)
  --layout L     flat: Packages/FILE (default); koji: packages/NAME/VERSION/RELEASE/ARCH/FILE
  --ed           instead of made-up packages: five of a module around ed
";

struct Arguments {
    directory: PathBuf,
    options: GeneratorOptions,
    layout: Layout,
    contents: Contents,
}

/// Which packages to write.
#[derive(Clone, Copy)]
enum Contents {
    Distribution,
    RealSizes,
    Ed,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            let _ = writeln!(std::io::stderr(), "rpmgen: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let Arguments {
        directory,
        options,
        layout,
        contents,
    } = arguments;
    let written = match contents {
        Contents::Distribution => write_repository(&directory, generate(options), layout),
        Contents::RealSizes => {
            let specs = with_real_sizes(generate(options), options.seed);
            write_repository(&directory, specs, layout)
        }
        Contents::Ed => write_repository(&directory, ed_repository(), layout),
    };
    match written {
        Ok(written) => {
            let _ = writeln!(
                std::io::stdout(),
                "{} packages, {} bytes",
                written.packages,
                written.bytes
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "rpmgen: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut directory = None;
    let mut arguments = Arguments {
        directory: PathBuf::new(),
        options: GeneratorOptions::default(),
        layout: Layout::default(),
        contents: Contents::Distribution,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        let number = |text: String| text.parse().map_err(|_| format!("{text:?} is not a number"));
        match word.as_str() {
            "--packages" => {
                let count: u64 = number(value()?)?;
                arguments.options.packages =
                    usize::try_from(count).map_err(|_| format!("{count} packages are too many"))?;
            }
            "--seed" => arguments.options.seed = number(value()?)?,
            "--layout" => {
                arguments.layout = match value()?.as_str() {
                    "flat" => Layout::Flat,
                    "koji" => Layout::Koji,
                    other => return Err(format!("{other:?} is not a layout")),
                }
            }
            "--profile" => {
                arguments.contents = match value()?.as_str() {
                    "distribution" => Contents::Distribution,
                    "real-sizes" => Contents::RealSizes,
                    other => return Err(format!("{other:?} is not a profile")),
                }
            }
            "--ed" => arguments.contents = Contents::Ed,
            flag if flag.starts_with('-') => return Err(format!("{flag} is not an option")),
            _ if directory.is_some() => return Err(format!("{word:?}: there is one directory only")),
            _ => directory = Some(PathBuf::from(word)),
        }
    }
    arguments.directory = directory.ok_or("a directory is needed")?;
    Ok(arguments)
}
