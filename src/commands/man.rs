//! `odcs man`: the manual, as pages for `man` or in Markdown.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::cli::definition;
use crate::{markdown, output};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Write all pages into this directory instead, one for each command; it is created if need be.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print all of it as Markdown instead.
    #[arg(long, conflicts_with = "dir")]
    markdown: bool,
}

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    if options.markdown {
        output::bytes(markdown::manual(definition()).as_bytes());
        return Ok(());
    }
    let failed = |what: &Path, error: std::io::Error| {
        Failure::Service(format!(
            "the manual cannot be written to {}: {error}",
            what.display()
        ))
    };
    match options.dir {
        Some(dir) => {
            let created = tokio::fs::create_dir_all(&dir).await;
            created.map_err(|error| failed(&dir, error))?;
            clap_mangen::generate_to(definition(), &dir).map_err(|error| failed(&dir, error))
        }
        None => {
            let mut page = Vec::new();
            // Which has no page of its own among those of a directory either.
            let command = definition().disable_help_subcommand(true);
            let rendered = clap_mangen::Man::new(command).render(&mut page);
            rendered.map_err(|error| failed(Path::new("memory"), error))?;
            output::bytes(&page);
            Ok(())
        }
    }
}
