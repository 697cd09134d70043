//! Which packages of a compose are shown.

use std::fmt;
use std::str::FromStr;

use odcs_rpm::{PackagePattern, TreeArch};

use super::{Kind, PackageView};
use crate::manifest::Manifest;
use crate::why::Reasons;
use crate::{Error, Result};

/// Which packages of a compose are shown. Packages of lookaside repositories are none of the compose: they are shown
/// only if that is the kind that is asked for.
#[derive(Clone, Debug, Default)]
pub struct PackageFilter {
    name: Option<PackagePattern>,
    arch: Option<TreeArch>,
    kind: Option<Kind>,
}

impl PackageFilter {
    /// Reads what is asked for, where something is: the name of packages, or a glob; an arch of the compose; a
    /// [`Kind`] by its name.
    ///
    /// # Errors
    /// `Invalid` for what can be none.
    pub fn read(name: Option<&str>, arch: Option<&str>, kind: Option<&str>) -> Result<Self> {
        let kind = kind.map(|text| {
            let known = Kind::ALL.into_iter().find(|(name, _)| *name == text);
            known.map(|(_, kind)| kind).ok_or_else(|| {
                let names = Kind::ALL.map(|(name, _)| name).join(", ");
                wrong("kind", text, &format!("it is one of {names}"))
            })
        });
        Ok(Self {
            name: parsed("name", name)?,
            arch: parsed("arch", arch)?,
            kind: kind.transpose()?,
        })
    }

    /// So many of the packages that match, and how many match in all.
    pub fn page<'a>(
        &self,
        manifest: &'a Manifest,
        skip: usize,
        take: usize,
    ) -> (Vec<PackageView<'a>>, usize) {
        let reasons = Reasons::of(manifest);
        if self.kind == Some(Kind::Lookaside) {
            let found = manifest.lookaside.iter().filter(|package| {
                self.has_name(package.nevra.name().as_str())
                    && self.has_arch(|arch| package.why.contains_key(arch))
            });
            let found: Vec<_> = found.collect();
            let page = found.iter().skip(skip).take(take);
            let page = page.map(|package| PackageView::of_lookaside(package, &reasons));
            return (page.collect(), found.len());
        }
        let found = manifest.packages.iter().filter(|package| {
            self.kind.is_none_or(|kind| kind == package.kind.into())
                && self.has_name(package.nevra.name().as_str())
                && self.has_arch(|arch| package.arches.contains(arch))
        });
        let found: Vec<_> = found.collect();
        let page = found.iter().skip(skip).take(take);
        let page = page.map(|package| PackageView::of(package, &reasons));
        (page.collect(), found.len())
    }

    fn has_name(&self, name: &str) -> bool {
        self.name.as_ref().is_none_or(|pattern| pattern.matches(name))
    }

    fn has_arch(&self, has: impl Fn(&TreeArch) -> bool) -> bool {
        self.arch.as_ref().is_none_or(has)
    }
}

fn parsed<T: FromStr<Err: fmt::Display>>(name: &'static str, text: Option<&str>) -> Result<Option<T>> {
    let parsed = text.map(|text| text.parse().map_err(|error| wrong(name, text, &error)));
    parsed.transpose()
}

fn wrong(name: &'static str, text: &str, why: &dyn fmt::Display) -> Error {
    let shown: String = text.chars().take(100).collect();
    let why: String = why.to_string().chars().take(300).collect();
    Error::invalid(
        name,
        format!("packages cannot be listed by {name}={shown:?}: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused() {
        for (name, arch, kind) in [
            (Some("a/b"), None, None),
            (None, Some("x86-64"), None),
            (None, None, Some("rpm")),
        ] {
            let error = PackageFilter::read(name, arch, kind).unwrap_err();
            assert!(error.message().contains("cannot be listed by"), "{error}");
        }
        let filter = PackageFilter::read(Some("ed*"), Some("x86_64"), Some("debug")).unwrap();
        assert!(filter.has_name("ed-doc") && !filter.has_name("sed"));
        assert_eq!(filter.kind, Some(Kind::Debug));
    }
}
