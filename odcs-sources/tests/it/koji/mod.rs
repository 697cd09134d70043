//! Packages from a Koji hub: a double of one, with the state and the files of a laboratory.

mod builds;
mod conformance;
mod copies;
mod existing;
mod served;
mod tags;

use std::time::Duration;

use kojihub::Hub;
use odcs_core::request::{ComposeRequest, Flag, SourceSpec};
use odcs_core::source::{Candidate, Content, PackageContent};
use odcs_core::{ComposeSource, Error, Result};
use odcs_sources::koji::client::HubSettings;
use odcs_sources::koji::{Koji, KojiSettings};

fn hub_settings(hub: &Hub) -> HubSettings {
    let mut settings = HubSettings::new(hub.url().parse().unwrap());
    settings.backoff = Duration::from_millis(1);
    settings.longest_backoff = Duration::from_millis(1);
    settings
}

/// A hub with its volume mounted.
fn mounted(hub: &Hub) -> Koji {
    Koji::new(KojiSettings::new(hub_settings(hub)).with_topdir(hub.topdir())).unwrap()
}

/// A request for everything that tags have, for these arches, without dependencies.
fn tags(names: &[&str], arches: &[&str]) -> ComposeRequest {
    let tags = names.iter().map(|name| name.parse().unwrap()).collect();
    let mut request = ComposeRequest::new(SourceSpec::Tag(tags));
    request.arches = arches.iter().map(|arch| arch.parse().unwrap()).collect();
    request.flags = [Flag::NoDeps].into_iter().collect();
    request
}

/// The same for builds.
fn builds(nvrs: &[&str], arches: &[&str]) -> ComposeRequest {
    let mut request = tags(&["none"], arches);
    request.source = SourceSpec::Build(Vec::new());
    request.builds = Some(nvrs.iter().map(|nvr| nvr.parse().unwrap()).collect());
    request
}

async fn content(source: &dyn ComposeSource, request: &ComposeRequest) -> Result<PackageContent> {
    source.check(request)?;
    let resolved = source.resolve(request).await?;
    let Content::Packages(content) = source.content(&resolved.pins).await? else {
        panic!("packages are expected");
    };
    Ok(content)
}

async fn refused(source: &dyn ComposeSource, request: &ComposeRequest) -> Error {
    content(source, request).await.unwrap_err()
}

/// What there is, sorted: packages without their epoch and arch repeated, and the keys of signed copies.
async fn offered(source: &dyn ComposeSource, request: &ComposeRequest) -> Vec<String> {
    let content = content(source, request).await.unwrap();
    let mut shown: Vec<String> = content.candidates.iter().map(shown).collect();
    shown.sort();
    shown
}

fn shown(candidate: &Candidate) -> String {
    let record = candidate.record.as_ref().unwrap();
    let nvra = candidate.package.nevra.file_name();
    let nvra = nvra.trim_end_matches(".rpm");
    match &record.sigkey {
        Some(key) => format!("{nvra} {key}"),
        None => nvra.to_owned(),
    }
}

/// Those that are of an arch.
fn of_arch<'a>(offered: &'a [String], arch: &str) -> Vec<&'a str> {
    let ends = format!(".{arch}");
    let all = offered.iter().map(String::as_str);
    all.filter(|nvra| nvra.split(' ').next().unwrap().ends_with(&ends))
        .collect()
}
