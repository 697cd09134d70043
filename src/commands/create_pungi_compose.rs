//! `odcs create-pungi-compose`: a compose from a variant of an existing Pungi compose.

use super::Failure;
use super::request::{Common, Request, submit};
use crate::cli::ClientOptions;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// URL of the variant: .../Fedora-36-20220101.n.0/compose/Everything.
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(client_options: ClientOptions, options: Options) -> Result<(), Failure> {
    let mut request = Request::new("pungi_compose", &options.url);
    request.common(options.common);
    submit(client_options, request).await
}
