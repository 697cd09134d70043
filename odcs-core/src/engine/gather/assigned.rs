//! Where the source has decided already which packages belong.

use std::collections::{BTreeMap, HashMap};

use odcs_rpm::{Nevra, Package, PackagePattern, TreeArch};

use super::candidates::{Candidates, Chosen};
use crate::why::Why;
use crate::{Error, ErrorKind, Result};

/// The packages that a source has assigned to each of these arches. Of several files for one NEVRA, the others are
/// copies of the first.
///
/// # Errors
/// `NotFound` if it has assigned none to any of them; `Internal` for numbers of no candidates.
pub(super) fn chosen(
    candidates: &Candidates,
    assigned: &BTreeMap<TreeArch, Vec<usize>>,
    arches: &[TreeArch],
    asked: &[PackagePattern],
    description: &str,
) -> Result<Vec<Vec<Chosen>>> {
    let asked = Asked::new(asked);
    let of_arch = |arch: &TreeArch| {
        let numbers = assigned.get(arch).map(Vec::as_slice).unwrap_or_default();
        of_numbers(candidates, numbers, &asked)
    };
    let chosen: Vec<_> = arches.iter().map(of_arch).collect::<Result<_>>()?;
    if chosen.iter().all(Vec::is_empty) {
        let arches: Vec<_> = arches.iter().map(|arch| arch.as_str()).collect();
        let arches = arches.join(", ");
        let message = format!("{description} has no packages for {arches}");
        return Err(Error::new(ErrorKind::NotFound, "gather", arches, message));
    }
    Ok(chosen)
}

fn of_numbers(candidates: &Candidates, numbers: &[usize], asked: &Asked<'_>) -> Result<Vec<Chosen>> {
    let mut chosen: Vec<Chosen> = Vec::with_capacity(numbers.len());
    let mut known: HashMap<&Nevra, usize> = HashMap::with_capacity(numbers.len());
    for &number in numbers {
        let package = candidates.package(number).ok_or_else(|| {
            let message = format!(
                "there is no package {number} that could be assigned; this is a fault in this program"
            );
            Error::new(ErrorKind::Internal, "gather", number.to_string(), message)
        })?;
        if let Some(same) = known.get(&package.nevra).and_then(|at| chosen.get_mut(*at)) {
            if same.candidate != number && !same.copies.contains(&number) {
                same.copies.push(number);
            }
            continue;
        }
        known.insert(&package.nevra, chosen.len());
        chosen.push(Chosen {
            candidate: number,
            copies: Vec::new(),
            kind: package.kind(),
            why: asked.why(package),
        });
    }
    chosen.sort_by_cached_key(|one| (one.kind, candidates.package(one.candidate).map(|it| &it.nevra)));
    Ok(chosen)
}

/// What the request names, to be looked up for thousands of packages.
struct Asked<'a> {
    names: HashMap<&'a str, &'a PackagePattern>,
    globs: Vec<&'a PackagePattern>,
}

impl<'a> Asked<'a> {
    fn new(patterns: &'a [PackagePattern]) -> Self {
        let (globs, names): (Vec<_>, Vec<_>) = patterns.iter().partition(|pattern| pattern.is_glob());
        Self {
            names: names.into_iter().map(|name| (name.as_str(), name)).collect(),
            globs,
        }
    }

    /// What a package is there for: an entry that matches it, or else because it is among everything that there is.
    fn why(&self, package: &Package) -> Why {
        let name = package.nevra.name().as_str();
        let matching = || self.globs.iter().copied().find(|glob| glob.matches(name));
        let pattern = self.names.get(name).copied().or_else(matching);
        pattern.map_or_else(Why::everything, |pattern| Why::asked(pattern.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::source::{Candidate, RemoteFile, Site};
    use crate::why::Reason;

    fn candidates(nevras: &[&str]) -> Candidates {
        let site = Arc::new(Site::new("https://example.com/".parse().unwrap()).unwrap());
        let candidate = |(number, nevra): (usize, &&str)| {
            let file = RemoteFile::new(Arc::clone(&site), format!("{number}.rpm").parse().unwrap());
            Candidate::new(Arc::new(Package::new(nevra.parse().unwrap())), file)
        };
        Candidates::new(nevras.iter().enumerate().map(candidate).collect())
    }

    fn arches(names: &[&str]) -> Vec<TreeArch> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn packages_go_where_they_are_assigned_to() {
        let candidates = candidates(&[
            "ed-1-1.src",
            "ed-1-1.noarch",
            "ed-1-1.noarch",
            "a-1-1.x86_64",
            "ed-debuginfo-1-1.x86_64",
        ]);
        let arches = arches(&["x86_64", "s390x"]);
        let assigned = BTreeMap::from([(arches[0].clone(), vec![0, 4, 2, 1, 3, 2])]);
        let asked = ["ed".parse().unwrap(), "ed-*".parse().unwrap()];
        let chosen = chosen(&candidates, &assigned, &arches, &asked, "the compose").unwrap();
        let said: Vec<_> = chosen[0]
            .iter()
            .map(|one| (one.candidate, one.copies.clone(), one.why.to_string()))
            .collect();
        let expected = [
            (3, vec![], "everything was asked for"),
            (2, vec![1], "asked for by ed"),
            (4, vec![], "asked for by ed-*"),
            (0, vec![], "asked for by ed"),
        ];
        assert_eq!(
            said,
            expected.map(|(number, copies, why)| (number, copies, why.to_owned()))
        );
        assert!(matches!(chosen[0][0].why.reason, Reason::Everything));
        assert!(chosen[1].is_empty(), "nothing is assigned to s390x");
    }

    #[test]
    fn nothing_and_numbers_of_nothing_are_refused() {
        let candidates = candidates(&["ed-1-1.noarch"]);
        let arches = arches(&["x86_64"]);
        let choose = |numbers: &[usize]| {
            let assigned = BTreeMap::from([(arches[0].clone(), numbers.to_vec())]);
            chosen(&candidates, &assigned, &arches, &[], "the compose").map(|_| ())
        };
        let error = choose(&[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.message(), "the compose has no packages for x86_64");
        assert_eq!(choose(&[1]).unwrap_err().kind(), ErrorKind::Internal);
        assert!(choose(&[0]).is_ok());
    }
}
