//! From a package back to what was asked for.

use std::collections::{HashMap, HashSet};
use std::fmt;

use odcs_rpm::{Nevra, TreeArch};

use super::{Reason, Why};
use crate::manifest::{LookasidePackage, Manifest};

/// The reasons of all packages, to be followed from one to the next.
///
/// ```
/// # use odcs_core::manifest::{LookasidePackage, Manifest};
/// use odcs_core::why::{Reason, Reasons, Why};
/// # let (arch, ed, libedit) = ("x86_64".parse()?, "ed-1.20-1.x86_64".parse()?, "libedit-3-1.x86_64".parse()?);
/// let asked = Why::asked("ed".parse()?);
/// let reason = Reason::Requires { requirement: "libedit >= 3".into() };
/// let required = Why { reason, by: Some("ed-1.20-1.x86_64".parse()?) };
/// let packages = [(&ed, &arch, Some(&asked)), (&libedit, &arch, Some(&required))];
/// let reasons = Reasons::new(packages, &[]);
/// let chain = reasons.chain(&libedit, &arch).expect("it is there");
/// assert_eq!(chain.to_string(), "ed was asked for\ned-1.20-1.x86_64 requires libedit >= 3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reasons<'a> {
    known: HashMap<&'a Nevra, Vec<Known<'a>>>,
}

/// What is known of a package for an arch.
#[derive(Clone, Copy, Debug)]
struct Known<'a> {
    nevra: &'a Nevra,
    arch: &'a TreeArch,
    why: Option<&'a Why>,
    is_lookaside: bool,
}

/// How a package came in, step by step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chain<'a> {
    /// The package itself, what pulled it in, what pulled that in, and so on.
    pub steps: Vec<Step<'a>>,
    /// Whether the last step is where it all began.
    pub end: End<'a>,
}

/// A package of a chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Step<'a> {
    /// The package.
    pub nevra: &'a Nevra,
    /// Whether it is not in the compose, but in a lookaside repository.
    pub is_lookaside: bool,
    /// Why it is there.
    pub why: &'a Why,
    /// Whether the package that pulled it in is in a lookaside repository.
    pub by_lookaside: bool,
}

/// Where a chain ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End<'a> {
    /// At what was asked for, as all do that are recorded in full.
    Request,
    /// At a package whose reason is not recorded: the record is of the time before reasons were kept.
    Unrecorded(&'a Nevra),
}

impl<'a> Reasons<'a> {
    /// Of what is in a compose, arch by arch, and of the packages of lookaside repositories. A NEVRA that is in
    /// both is in the compose.
    pub fn new(
        packages: impl IntoIterator<Item = (&'a Nevra, &'a TreeArch, Option<&'a Why>)>,
        lookaside: &'a [LookasidePackage],
    ) -> Self {
        let mut known: HashMap<_, Vec<_>> = HashMap::new();
        for (nevra, arch, why) in packages {
            let is_lookaside = false;
            known.entry(nevra).or_default().push(Known {
                nevra,
                arch,
                why,
                is_lookaside,
            });
        }
        for LookasidePackage { nevra, why } in lookaside {
            let is_lookaside = true;
            let of_arches = why.iter().map(|(arch, why)| Known {
                nevra,
                arch,
                why: Some(why),
                is_lookaside,
            });
            known.entry(nevra).or_default().extend(of_arches);
        }
        Self { known }
    }

    /// Of what is recorded of a compose.
    pub fn of(manifest: &'a Manifest) -> Self {
        let packages = manifest.packages.iter().flat_map(|package| {
            let arches = package.arches.iter();
            arches.map(|arch| (&package.nevra, arch, package.why.get(arch)))
        });
        Self::new(packages, &manifest.lookaside)
    }

    /// Whether a package is met in a lookaside repository only.
    pub fn is_lookaside(&self, nevra: &Nevra, arch: &TreeArch) -> bool {
        self.known(nevra, arch).is_some_and(|known| known.is_lookaside)
    }

    /// What is in the compose comes first.
    fn known(&self, nevra: &Nevra, arch: &TreeArch) -> Option<Known<'a>> {
        let mut of_arches = self.known.get(nevra)?.iter();
        of_arches.find(|known| known.arch == arch).copied()
    }

    /// The chain of a package for an arch; `None` if it is not there for that arch. It ends, whatever is
    /// recorded: of reasons that go round in a circle, the first that comes again counts as not recorded.
    pub fn chain(&self, nevra: &Nevra, arch: &TreeArch) -> Option<Chain<'a>> {
        let mut at = self.known(nevra, arch)?;
        let (mut steps, mut met) = (Vec::new(), HashSet::new());
        let end = loop {
            let Some(why) = at.why.filter(|_| met.insert(at.nevra)) else {
                break End::Unrecorded(at.nevra);
            };
            let by = why.by.as_ref();
            let next = by.and_then(|by| self.known(by, arch));
            steps.push(Step {
                nevra: at.nevra,
                is_lookaside: at.is_lookaside,
                why,
                by_lookaside: next.is_some_and(|next| next.is_lookaside),
            });
            match (by, next) {
                (None, _) => break End::Request,
                (Some(by), None) => break End::Unrecorded(by),
                (Some(_), Some(next)) => at = next,
            }
        };
        Some(Chain { steps, end })
    }
}

/// A line for each step, from what was asked for down to the package.
impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        if let End::Unrecorded(nevra) = self.end {
            lines.push(format!("why {} is there was not recorded", nevra.nvra()));
        }
        lines.extend(self.steps.iter().rev().map(ToString::to_string));
        f.write_str(&lines.join("\n"))
    }
}

/// As a sentence: "ed-1.14.1-2.x86_64 requires libedit".
impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = named(self.nevra, self.is_lookaside);
        let by = self.why.by.as_ref();
        let by = by.map_or_else(|| "another package".to_owned(), |by| named(by, self.by_lookaside));
        match &self.why.reason {
            Reason::Asked { pattern } if pattern.as_str() == self.nevra.name().as_str() => {
                write!(f, "{pattern} was asked for")
            }
            Reason::Asked { pattern } => write!(f, "{it} was asked for by {pattern}"),
            Reason::Everything => f.write_str("everything was asked for"),
            Reason::Requires { requirement } => write!(f, "{by} requires {requirement}"),
            Reason::BuildRequires { requirement } => write!(f, "{by} needs {requirement} to be built"),
            Reason::SourceOf => write!(f, "{it} is the source of {by}"),
            Reason::DebugOf => write!(f, "{it} is a debug package of {by}"),
            Reason::Conditional => write!(f, "{it} belongs with {by}, as comps says"),
            Reason::BuiltWith => write!(f, "{it} was built together with {by}"),
            Reason::Langpack => write!(f, "{it} is a language pack of {by}"),
            Reason::Multilib { rule } => write!(f, "{it} is a multilib package of {by}, selected by {rule}"),
            Reason::Prepopulated => write!(f, "{it} is always there"),
        }
    }
}

fn named(nevra: &Nevra, is_lookaside: bool) -> String {
    let note = if is_lookaside {
        " (of a lookaside repository)"
    } else {
        ""
    };
    nevra.nvra() + note
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn nevra(at: usize) -> Nevra {
        format!("p{at}-1-1.noarch").parse().unwrap()
    }

    fn required(by: usize) -> Why {
        Why {
            reason: Reason::Requires {
                requirement: "x".into(),
            },
            by: Some(nevra(by)),
        }
    }

    #[test]
    fn a_chain_goes_through_lookaside_repositories() {
        let arch: TreeArch = "x86_64".parse().unwrap();
        let (top, low) = (nevra(0), nevra(2));
        let (asked, why) = (Why::asked("p*".parse().unwrap()), required(1));
        let lookaside = [LookasidePackage {
            nevra: nevra(1),
            why: BTreeMap::from([(arch.clone(), required(0))]),
        }];
        let packages = [(&top, &arch, Some(&asked)), (&low, &arch, Some(&why))];
        let reasons = Reasons::new(packages, &lookaside);
        let chain = reasons.chain(&low, &arch).unwrap();
        assert_eq!(
            chain.to_string(),
            "p0-1-1.noarch was asked for by p*\np0-1-1.noarch requires x\n\
             p1-1-1.noarch (of a lookaside repository) requires x"
        );
        assert_eq!(chain.end, End::Request);
        let lookaside: Vec<_> = chain.steps.iter().map(|step| step.is_lookaside).collect();
        assert_eq!(lookaside, [false, true, false]);
        assert!(reasons.is_lookaside(&nevra(1), &arch) && !reasons.is_lookaside(&top, &arch));
        assert_eq!(reasons.chain(&low, &"aarch64".parse().unwrap()), None);
    }

    #[test]
    fn what_was_not_recorded_is_said() {
        let arch: TreeArch = "x86_64".parse().unwrap();
        let (old, low, why) = (nevra(0), nevra(1), required(0));
        let reasons = Reasons::new([(&old, &arch, None), (&low, &arch, Some(&why))], &[]);
        let chain = reasons.chain(&low, &arch).unwrap();
        assert_eq!(chain.end, End::Unrecorded(&old));
        assert_eq!(
            chain.to_string(),
            "why p0-1-1.noarch is there was not recorded\np0-1-1.noarch requires x"
        );
        let reasons = Reasons::new([(&low, &arch, Some(&why))], &[]);
        assert_eq!(
            reasons.chain(&low, &arch).unwrap().end,
            End::Unrecorded(&nevra(0))
        );
    }

    proptest! {
        /// Whatever a record says, circles included.
        #[test]
        fn every_chain_ends(by in prop::collection::vec(prop::option::of(0..12_usize), 1..10)) {
            let arch: TreeArch = "x86_64".parse().unwrap();
            let nevras: Vec<_> = (0..by.len()).map(nevra).collect();
            let whys: Vec<_> = by.iter().map(|by| by.map_or_else(Why::everything, required)).collect();
            let packages = nevras.iter().zip(&whys).map(|(nevra, why)| (nevra, &arch, Some(why)));
            let reasons = Reasons::new(packages, &[]);
            for nevra in &nevras {
                let chain = reasons.chain(nevra, &arch).unwrap();
                prop_assert_eq!(chain.steps[0].nevra, nevra);
                prop_assert!(chain.steps.len() <= nevras.len());
                for pair in chain.steps.windows(2) {
                    prop_assert_eq!(pair[0].why.by.as_ref(), Some(pair[1].nevra));
                }
                let began = chain.steps.last().unwrap().why.by.is_none();
                prop_assert_eq!(began, chain.end == End::Request);
            }
        }
    }
}
