//! Dependencies as clauses: what has to hold, and in the form that solvers take.

use std::collections::BTreeSet;

use crate::Dependency;
use crate::capability::{Meaning, Offers};
use crate::gather::rich::Rich;

/// Clauses that one dependency may make. Those of distributions make three at most.
const MAX_CLAUSES: usize = 64;

/// Packages by number, ascending.
pub(super) type Set = Vec<usize>;

/// Holds if one of `any` is installed, or one of `absent` has none of its packages installed.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd)]
pub(super) struct Clause {
    pub(super) any: BTreeSet<usize>,
    pub(super) absent: BTreeSet<Set>,
}

/// A dependency that makes more than [`MAX_CLAUSES`].
#[derive(Clone, Copy, Debug)]
pub(super) struct TooComplex;

pub(super) type Clauses = Result<Vec<Clause>, TooComplex>;

/// All of these hold if and only if a requirement does.
pub(super) fn requirement(meaning: &Meaning, offers: &Offers<'_>) -> Clauses {
    match meaning {
        Meaning::Expression(expression) => clauses(expression, false, offers),
        // RPM cannot meet it either.
        Meaning::Malformed => Ok(vec![Clause::default()]),
    }
}

/// All of these hold if and only if there is no conflict.
pub(super) fn conflict(meaning: &Meaning, offers: &Offers<'_>) -> Clauses {
    match meaning {
        Meaning::Expression(expression) => clauses(expression, true, offers),
        // It never is one.
        Meaning::Malformed => Ok(Vec::new()),
    }
}

fn clauses(expression: &Rich<Dependency>, negated: bool, offers: &Offers<'_>) -> Clauses {
    let of = |part: &Rich<Dependency>| clauses(part, negated, offers);
    let not = |part: &Rich<Dependency>| clauses(part, !negated, offers);
    match (expression, negated) {
        (Rich::Leaf(_) | Rich::With(_) | Rich::Without(..), _) => {
            let set = offers.matching(expression).unwrap_or_default();
            let mut clause = Clause::default();
            if !negated {
                clause.any.extend(set);
            } else if set.is_empty() {
                return Ok(Vec::new());
            } else {
                clause.absent.insert(set);
            }
            Ok(vec![clause])
        }
        (Rich::And(parts), false) | (Rich::Or(parts), true) => all(parts.iter().map(of)),
        (Rich::Or(parts), false) | (Rich::And(parts), true) => any(parts.iter().map(of)),
        (
            Rich::If {
                condition,
                then,
                otherwise,
            },
            _,
        ) => match (then, otherwise) {
            // Which branch holds depends on the condition itself, negated or not.
            (Some(then), Some(otherwise)) => {
                let is_met = clauses(condition, false, offers);
                let is_unmet = clauses(condition, true, offers);
                all([any([is_unmet, of(then)]), any([is_met, of(otherwise)])])
            }
            // `A if B` is A or not B.
            (Some(then), None) if negated => all([of(then), not(condition)]),
            (Some(then), None) => any([of(then), not(condition)]),
            // `A unless B` is A and not B.
            (None, Some(otherwise)) if negated => any([of(otherwise), not(condition)]),
            (None, Some(otherwise)) => all([of(otherwise), not(condition)]),
            (None, None) => Ok(Vec::new()),
        },
    }
}

fn all(parts: impl IntoIterator<Item = Clauses>) -> Clauses {
    let mut found = Vec::new();
    for part in parts {
        found.extend(part?);
        bounded(&mut found)?;
    }
    Ok(found)
}

fn any(parts: impl IntoIterator<Item = Clauses>) -> Clauses {
    let mut found = vec![Clause::default()];
    for part in parts {
        let part = part?;
        let joined = |left: &Clause, right: &Clause| Clause {
            any: left.any.union(&right.any).copied().collect(),
            absent: left.absent.union(&right.absent).cloned().collect(),
        };
        found = found
            .iter()
            .flat_map(|left| part.iter().map(|right| joined(left, right)))
            .collect();
        bounded(&mut found)?;
    }
    Ok(found)
}

fn bounded(clauses: &mut Vec<Clause>) -> Result<(), TooComplex> {
    clauses.sort();
    clauses.dedup();
    if clauses.len() <= MAX_CLAUSES {
        Ok(())
    } else {
        Err(TooComplex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Evr, Nevra, Package};
    use proptest::prelude::*;

    /// What an expression means when exactly some packages are installed, by its definition.
    fn holds(expression: &Rich<Dependency>, offers: &Offers<'_>, installed: &[usize]) -> bool {
        let part = |part: &Rich<Dependency>| holds(part, offers, installed);
        match expression {
            Rich::Leaf(_) | Rich::With(_) | Rich::Without(..) => {
                let set = offers.matching(expression).unwrap_or_default();
                set.iter().any(|package| installed.contains(package))
            }
            Rich::And(parts) => parts.iter().all(part),
            Rich::Or(parts) => parts.iter().any(part),
            Rich::If {
                condition,
                then,
                otherwise,
            } => match (part(condition), then, otherwise) {
                (true, Some(branch), _) | (false, _, Some(branch)) => part(branch),
                (false, _, None) => true,
                (true, None, _) => false,
            },
        }
    }

    fn clauses_hold(clauses: &[Clause], installed: &[usize]) -> bool {
        let is_there = |set: &Set| set.iter().any(|package| installed.contains(package));
        clauses.iter().all(|clause| {
            clause.any.iter().any(|package| installed.contains(package))
                || clause.absent.iter().any(|set| !is_there(set))
        })
    }

    fn expression() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec!["a", "b", "c", "d", "none"]).prop_map(str::to_owned);
        leaf.prop_recursive(3, 12, 3, |inner| {
            let operators = ["and", "or", "if", "unless", "with", "without"];
            prop_oneof![
                (
                    inner.clone(),
                    prop::sample::select(operators.to_vec()),
                    inner.clone()
                )
                    .prop_map(|(a, operator, b)| format!("({a} {operator} {b})")),
                (
                    inner.clone(),
                    prop::sample::select(vec!["if", "unless"]),
                    inner.clone(),
                    inner
                )
                    .prop_map(|(a, operator, b, c)| format!("({a} {operator} {b} else {c})")),
            ]
        })
    }

    proptest! {
        #[test]
        fn clauses_say_what_the_expression_says(text in expression(), installed in 0usize..16) {
            let packages: Vec<_> = ["a", "b", "c", "d"]
                .map(|name| {
                    let evr = Evr::new(0, "1", "1").unwrap();
                    let nevra = Nevra::new(name.parse().unwrap(), evr, "noarch".parse().unwrap());
                    let mut package = Package::new(nevra);
                    // One that is another as well, so that `with` is not always empty.
                    package.provides.extend((name == "d").then(|| Dependency::unversioned("a")));
                    package
                })
                .into();
            let packages: Vec<_> = packages.iter().collect();
            let offers = Offers::new(&packages, &["a", "b", "c", "d", "none"].into());
            let installed: Vec<_> = (0..4).filter(|bit| installed >> bit & 1 == 1).collect();
            let meaning = Meaning::of(&Dependency::unversioned(text));
            let Meaning::Expression(expression) = &meaning else { panic!() };
            let expected = holds(expression, &offers, &installed);
            if let Ok(clauses) = requirement(&meaning, &offers) {
                prop_assert_eq!(clauses_hold(&clauses, &installed), expected);
            }
            if let Ok(clauses) = conflict(&meaning, &offers) {
                prop_assert_eq!(clauses_hold(&clauses, &installed), !expected);
            }
        }
    }

    #[test]
    fn what_would_be_huge_is_refused() {
        let pairs: Vec<_> = (0..30).map(|n| format!("(a{n} and b{n})")).collect();
        let meaning = Meaning::of(&Dependency::unversioned(format!("({})", pairs.join(" or "))));
        let offers = Offers::new(&[], &[].into());
        assert!(matches!(conflict(&meaning, &offers), Ok(clauses) if clauses.is_empty()));
        let mut packages = Vec::new();
        for name in pairs
            .iter()
            .flat_map(|pair| pair.trim_matches(['(', ')']).split(" and "))
        {
            let evr = Evr::new(0, "1", "1").unwrap();
            let nevra = Nevra::new(name.parse().unwrap(), evr, "noarch".parse().unwrap());
            packages.push(Package::new(nevra));
        }
        let packages: Vec<_> = packages.iter().collect();
        let asked = packages
            .iter()
            .map(|package| package.nevra.name().as_str())
            .collect();
        assert!(requirement(&meaning, &Offers::new(&packages, &asked)).is_err());
    }
}
