//! Versions of dependencies.

use odcs_rpm::{Comparison, Dependency, DependencyVersion};

const COMPARISONS: [Comparison; 5] = [
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Equal,
    Comparison::GreaterOrEqual,
    Comparison::Greater,
];

/// Two lines: two versions as headers have them.
pub(crate) fn versions(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (left, right) = text.split_once('\n').unwrap_or((text, ""));
    for comparison in COMPARISONS {
        assert_eq!(
            Comparison::from_repodata(comparison.as_repodata()),
            Some(comparison)
        );
        let offered = DependencyVersion::parse(comparison, left);
        shown(&offered);
        for other in COMPARISONS {
            let asked = DependencyVersion::parse(other, right);
            assert_eq!(
                offered.overlaps(&asked),
                asked.overlaps(&offered),
                "{offered} and {asked}"
            );
            let (mut provide, mut require) = (Dependency::unversioned(right), Dependency::unversioned(right));
            assert!(provide.satisfies(&require));
            provide.version = Some(offered.clone());
            assert!(provide.satisfies(&require) && require.satisfies(&provide));
            require.version = Some(asked.clone());
            assert_eq!(provide.satisfies(&require), offered.overlaps(&asked));
        }
        // Every range but a point has more than one end; a point meets itself.
        assert!(offered.overlaps(&offered));
    }
}

/// A version reads as it is shown.
fn shown(version: &DependencyVersion) {
    let text = version.to_string();
    let (operator, rest) = text.split_once(' ').unwrap();
    assert_eq!(operator, version.comparison.as_operator());
    assert_eq!(
        DependencyVersion::parse(version.comparison, rest),
        *version,
        "{text:?}"
    );
}
