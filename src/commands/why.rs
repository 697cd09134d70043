//! `odcs why`: how a package came into a compose.

use std::collections::BTreeSet;

use odcs_core::Manifest;
use odcs_core::manifest::{LookasidePackage, ManifestPackage};
use odcs_core::why::{Chain, End, Reasons};
use odcs_rpm::{Nevra, PackageKind, TreeArch};
use serde_json::{Value, json};

use super::Failure;
use crate::cli::ClientOptions;
use crate::client::Client;
use crate::{output, values};

/// Packages that are explained; of more than these, the names are shown.
const EXPLAINED: usize = 20;

/// Names that are offered instead of one that there is not.
const NEAR: usize = 3;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Id of the compose.
    #[arg(value_parser = values::id)]
    id: i64,
    /// The package: its name, NAME.ARCH, NAME-VERSION-RELEASE, with or without epoch and arch, or the name of its file.
    #[arg(value_name = "PACKAGE")]
    package: String,
    /// Only for this arch of the compose.
    #[arg(long, value_name = "ARCH")]
    arch: Option<TreeArch>,
}

pub(crate) async fn run(client_options: ClientOptions, options: Options) -> Result<(), Failure> {
    let id = options.id;
    let path = format!("/api/1/composes/{id}/manifest");
    let manifest = Client::new(&client_options)?.get(&path).await?;
    let manifest: Manifest = serde_json::from_value(manifest).map_err(|error| {
        let message = "this program cannot read what the server says is in the compose";
        Failure::Unreachable(format!("{message}; is the server of a later version? ({error})"))
    })?;
    let answer = Answer::of(&manifest, &options);
    if output::wants_json(&client_options) {
        output::json(&answer.json(&options));
    } else {
        answer.lines(id).iter().for_each(|line| output::line(line));
    }
    match answer.problem {
        None => Ok(()),
        Some(problem) => Err(Failure::Service(problem)),
    }
}

/// What there is to say about a package.
#[derive(Debug, Default)]
struct Answer<'a> {
    found: Vec<Explained<'a>>,
    /// Why that is not what was asked for.
    problem: Option<String>,
    /// Names that may be meant instead.
    near: Vec<&'a str>,
}

/// A package with one of its reasons, and the arches that this is the reason for.
#[derive(Debug)]
struct Explained<'a> {
    nevra: &'a Nevra,
    /// `None` in a lookaside repository.
    kind: Option<PackageKind>,
    arches: Vec<&'a TreeArch>,
    chain: Chain<'a>,
}

impl<'a> Answer<'a> {
    fn of(manifest: &'a Manifest, options: &Options) -> Self {
        let Options { id, package, arch } = options;
        let reasons = Reasons::of(manifest);
        let wants = |known: &TreeArch| arch.as_ref().is_none_or(|arch| arch == known);
        let packages = manifest.packages.iter().filter(|it| is_meant(it, package));
        let packages: Vec<_> = packages.collect();
        let found = packages.iter().flat_map(|it| {
            let arches = it.arches.iter().filter(|arch| wants(arch));
            explained(&reasons, &it.nevra, Some(it.kind), arches)
        });
        let found: Vec<_> = found.collect();
        if !found.is_empty() {
            return Self {
                found,
                ..Self::default()
            };
        }
        let lookaside = manifest
            .lookaside
            .iter()
            .filter(|it| is_named(&it.nevra, package));
        let found = lookaside.flat_map(|it: &LookasidePackage| {
            let arches = it.why.keys().filter(|arch| wants(arch));
            explained(&reasons, &it.nevra, None, arches)
        });
        let found: Vec<_> = found.collect();
        let near = if found.is_empty() && packages.is_empty() {
            near(manifest, package)
        } else {
            Vec::new()
        };
        let problem = if !found.is_empty() {
            format!("{package} is not in compose {id}, but in a lookaside repository")
        } else if let (Some(arch), false) = (arch, packages.is_empty()) {
            let there: BTreeSet<_> = packages.iter().flat_map(|it| &it.arches).collect();
            let there: Vec<_> = there.into_iter().map(TreeArch::as_str).collect();
            format!(
                "{package} is not in compose {id} for {arch}, only for {}",
                there.join(", ")
            )
        } else if near.is_empty() {
            format!("there is no package {package} in compose {id}")
        } else {
            format!(
                "there is no package {package} in compose {id}; what is there: {}",
                near.join(", ")
            )
        };
        Self {
            found,
            problem: Some(problem),
            near,
        }
    }

    fn lines(&self, id: i64) -> Vec<String> {
        let mut lines = Vec::new();
        for explained in self.found.iter().take(EXPLAINED) {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            let headline = explained.headline(id);
            if explained.chain.steps.is_empty() {
                lines.push(format!(
                    "{headline}; why was not recorded, for it was made before reasons were kept"
                ));
                continue;
            }
            lines.push(format!("{headline} because"));
            let chain = explained.chain.to_string();
            lines.extend(chain.lines().map(|line| format!("  {line}")));
        }
        if let Some(more) = self.found.get(EXPLAINED..).filter(|more| !more.is_empty()) {
            let names: BTreeSet<_> = more.iter().map(|it| it.nevra.nvra()).collect();
            let names: Vec<_> = names.into_iter().collect();
            lines.push(String::new());
            lines.push(format!("The same could be said of: {}", names.join(" ")));
        }
        lines
    }

    fn json(&self, options: &Options) -> Value {
        let items = self.found.iter().map(Explained::json);
        json!({
            "compose": options.id,
            "items": items.collect::<Vec<_>>(),
            "near": self.near,
            "package": options.package,
        })
    }
}

impl Explained<'_> {
    fn headline(&self, id: i64) -> String {
        let mut place: Vec<_> = self.arches.iter().map(|arch| arch.as_str()).collect();
        match self.kind {
            Some(PackageKind::Debug) => place.push("debug packages"),
            Some(PackageKind::Source) => place.push("sources"),
            Some(PackageKind::Binary) => {}
            None => {
                let nvra = self.nevra.nvra();
                return format!("{nvra} was met in a lookaside repository ({})", place.join(", "));
            }
        }
        format!("{} is in compose {id} ({})", self.nevra.nvra(), place.join(", "))
    }

    /// The chain as it is read: from what was asked for down to the package.
    fn json(&self) -> Value {
        let steps = self.chain.steps.iter().rev().map(|step| {
            let mut value = json!(step.why);
            if let Some(fields) = value.as_object_mut() {
                fields.insert("lookaside".to_owned(), step.is_lookaside.into());
                fields.insert("nevra".to_owned(), step.nevra.to_string().into());
                fields.insert("text".to_owned(), step.to_string().into());
            }
            value
        });
        let kind = self.kind.map_or_else(|| json!("lookaside"), |kind| json!(kind));
        json!({
            "arches": self.arches,
            "chain": steps.collect::<Vec<_>>(),
            "complete": self.chain.end == End::Request,
            "kind": kind,
            "nevra": self.nevra,
        })
    }
}

/// The reasons of a package, each once.
fn explained<'a>(
    reasons: &Reasons<'a>,
    nevra: &'a Nevra,
    kind: Option<PackageKind>,
    arches: impl Iterator<Item = &'a TreeArch>,
) -> Vec<Explained<'a>> {
    let mut found: Vec<Explained<'a>> = Vec::new();
    for arch in arches {
        let Some(chain) = reasons.chain(nevra, arch) else {
            continue;
        };
        match found.iter_mut().find(|known| known.chain == chain) {
            Some(known) => known.arches.push(arch),
            None => found.push(Explained {
                nevra,
                kind,
                arches: vec![arch],
                chain,
            }),
        }
    }
    found
}

fn is_meant(package: &ManifestPackage, text: &str) -> bool {
    let file = package.file.rsplit('/').next();
    is_named(&package.nevra, text) || file.is_some_and(|file| file == text)
}

fn is_named(nevra: &Nevra, text: &str) -> bool {
    let (name, evr, arch) = (nevra.name().as_str(), nevra.evr(), nevra.arch());
    if !text.starts_with(name) {
        return false;
    }
    let without_epoch = format!("{}-{}", evr.version(), evr.release());
    let is_rest = |rest: &str| {
        let rest = rest.strip_suffix(".rpm").unwrap_or(rest);
        let rest = rest
            .strip_suffix(arch.as_str())
            .and_then(|it| it.strip_suffix('.'))
            .unwrap_or(rest);
        let evr = evr.to_string();
        rest.is_empty()
            || rest
                .strip_prefix('-')
                .is_some_and(|rest| rest == without_epoch || rest == evr)
    };
    text.strip_prefix(name).is_some_and(is_rest)
}

/// Names that somebody may have meant, nearest first.
fn near<'a>(manifest: &'a Manifest, text: &str) -> Vec<&'a str> {
    let packages = manifest.packages.iter().map(|package| &package.nevra);
    let names: BTreeSet<_> = packages
        .chain(manifest.lookaside.iter().map(|package| &package.nevra))
        .map(|nevra| nevra.name().as_str())
        .collect();
    let most = (text.chars().count() / 3).max(2);
    let mut near: Vec<_> = names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(text, name), name))
        .filter(|(distance, name)| *distance <= most || (text.len() > 2 && name.contains(text)))
        .collect();
    near.sort_unstable();
    near.into_iter().take(NEAR).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests;
