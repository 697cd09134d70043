//! Each rule of gathering on a handful of packages made for it.

mod brief;
mod choice;
mod comps;
mod fulltree;
mod generated;
mod input;
mod multilib;
mod prepopulate;
mod properties;
mod rich;
mod select;
mod selfhosting;
mod steps;

use std::sync::Arc;

use super::{Gathered, Member, Options, Origin, PackageSet, Request, gather};
use crate::{
    Comparison, Dependency, DependencyVersion, Evr, FileEntry, FileKind, Nevra, Package, PackageKind,
};

/// Makes a package. Besides what it is given, it provides its own name.
#[derive(Clone, Debug)]
struct Make(Package);

/// A package from `NAME-[EPOCH:]VERSION-RELEASE.ARCH`.
fn make(nevra: &str) -> Make {
    let (rest, arch) = nevra.rsplit_once('.').unwrap();
    let (rest, release) = rest.rsplit_once('-').unwrap();
    let (name, version) = rest.rsplit_once('-').unwrap();
    let (epoch, version) = version.split_once(':').unwrap_or(("0", version));
    let evr = Evr::new(epoch.parse().unwrap(), version, release).unwrap();
    let nevra = Nevra::new(name.parse().unwrap(), evr, arch.parse().unwrap());
    Make(Package::new(nevra))
}

/// A dependency from `NAME` or `NAME OPERATOR VERSION`, or a rich one.
fn dependency(text: &str) -> Dependency {
    let words: Vec<&str> = text.split(' ').collect();
    let [name, operator, version] = words[..] else {
        return Dependency::unversioned(text);
    };
    let comparison = match operator {
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        "=" => Comparison::Equal,
        ">=" => Comparison::GreaterOrEqual,
        ">" => Comparison::Greater,
        _ => return Dependency::unversioned(text),
    };
    let mut dependency = Dependency::unversioned(name);
    dependency.version = Some(DependencyVersion::parse(comparison, version));
    dependency
}

impl Make {
    fn requires(mut self, text: &str) -> Self {
        self.0.requires.push(dependency(text));
        self
    }

    fn provides(mut self, text: &str) -> Self {
        self.0.provides.push(dependency(text));
        self
    }

    fn file(mut self, path: &str, kind: FileKind) -> Self {
        self.0.files.push(FileEntry {
            path: path.into(),
            kind,
        });
        self
    }

    /// Built from this source RPM, `NAME-VERSION-RELEASE`.
    fn from(mut self, source: &str) -> Self {
        self.0.source_rpm = Some(format!("{source}.src.rpm").into());
        self
    }
}

fn arcs(packages: &[Make]) -> Vec<Arc<Package>> {
    packages.iter().map(|make| Arc::new(make.0.clone())).collect()
}

fn set(packages: &[Make]) -> PackageSet {
    PackageSet::new(arcs(packages), Vec::new()).unwrap()
}

fn set_with_lookaside(packages: &[Make], lookaside: &[Make]) -> PackageSet {
    PackageSet::new(arcs(packages), vec![arcs(lookaside)]).unwrap()
}

fn request(patterns: &[&str]) -> Request {
    Request::Packages(patterns.iter().map(|text| text.parse().unwrap()).collect())
}

fn options() -> Options {
    Options::new("x86_64".parse().unwrap())
}

fn with(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = options();
    change(&mut options);
    options
}

/// `NAME-VERSION-RELEASE.ARCH`, the origin unless it is the package set, and the flags.
fn describe(member: &Member) -> String {
    let mut text = member.package.nevra.nvra();
    if let Origin::Lookaside(number) = member.origin {
        text += &format!(" from lookaside {number}:");
    }
    for flag in member.flags.iter() {
        text += &format!(" {}", flag.name());
    }
    text
}

fn members(gathered: &Gathered) -> Vec<String> {
    gathered.members.iter().map(describe).collect()
}

/// Gathers for x86_64 and describes the members.
fn gathered(set: &PackageSet, patterns: &[&str], options: &Options) -> Vec<String> {
    members(&gather(set, &request(patterns), options))
}

/// The broken requirements as `NEVRA: REQUIREMENT`.
fn broken(gathered: &Gathered) -> Vec<String> {
    let of_each = gathered.broken.iter();
    of_each
        .flat_map(|(nevra, all)| all.iter().map(move |one| format!("{}: {one}", nevra.nvra())))
        .collect()
}

/// Why the first member whose name, version, release and arch start like this is there.
fn why(gathered: &Gathered, start: &str) -> String {
    let mut members = gathered.members.iter();
    let member = members.find(|member| member.package.nevra.nvra().starts_with(start));
    member.unwrap().why.to_string()
}
