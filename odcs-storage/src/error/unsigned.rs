//! Packages without the signatures that they must have.

use std::sync::Arc;

use odcs_core::source::SourceRecord;
use odcs_rpm::keyring::RefusedSignature;
use odcs_rpm::{Nevra, Sigkey};

/// A package without any of the signatures asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnsignedPackage {
    /// The package.
    pub package: Nevra,
    /// Its file.
    pub file: String,
    /// The keys of which it must have one; none if any key of the keyring would do.
    pub wanted: Vec<Sigkey>,
    /// Whether the file is there.
    pub is_there: bool,
    /// The keys that it is signed with; where signatures are verified, those whose signatures hold.
    pub signatures: Vec<Sigkey>,
    /// The signatures that do not count, where signatures are verified.
    pub refused: Vec<RefusedSignature>,
    /// What its source has on record of the file.
    pub record: Option<Arc<SourceRecord>>,
}

/// Names the packages: whoever is to have them signed needs all of them.
pub(super) fn sentence(packages: &[UnsignedPackage], verified: bool) -> String {
    // Beyond that it is not packages that are unsigned, but a distribution.
    const SHOWN: usize = 1000;
    let is_one_wish = packages
        .windows(2)
        .all(|pair| matches!(pair, [one, other] if one.wanted == other.wanted));
    let shown = |package: &UnsignedPackage| {
        let what = package.shown();
        match is_one_wish {
            true => format!("{} ({what})", package.package),
            false => format!(
                "{} ({what}; wanted: {})",
                package.package,
                wanted(&package.wanted)
            ),
        }
    };
    let mut list: Vec<String> = packages.iter().take(SHOWN).map(shown).collect();
    if packages.len() > SHOWN {
        list.push(format!("and {} more", packages.len() - SHOWN));
    }
    let (what, are) = match packages.len() {
        1 => ("a package", "is"),
        _ => ("packages", "are"),
    };
    let mut with = match packages.first().filter(|_| is_one_wish) {
        Some(first) => format!("with {}", wanted(&first.wanted)),
        None => "as each of them has to be".to_owned(),
    };
    let names_keys = packages.iter().any(|package| !package.wanted.is_empty());
    if verified && names_keys {
        with.push_str(", as far as the service's keyring can verify it");
    }
    format!(
        "{what} that the compose needs {are} not signed {with}: {}",
        list.join(", ")
    )
}

fn wanted(keys: &[Sigkey]) -> String {
    match keys {
        [] => "any key of the service's keyring".to_owned(),
        keys => format!("any of the keys {}", short(keys)),
    }
}

fn short(keys: &[Sigkey]) -> String {
    keys.iter().map(Sigkey::short).collect::<Vec<_>>().join(", ")
}

impl UnsignedPackage {
    /// What is to be said of its signatures.
    fn shown(&self) -> String {
        const SHOWN: usize = 3;
        let mut how = Vec::new();
        let record = self.record.as_deref();
        let missing = record.map(|record| &*record.missing).unwrap_or_default();
        if !missing.is_empty() {
            let (copies, are) = match missing {
                [_] => ("that signed copy", "is"),
                _ => ("those signed copies", "are"),
            };
            how.push(format!(
                "signed with {} on record, but {copies} {are} not there",
                short(missing)
            ));
        }
        if !self.is_there {
            let file = &self.file;
            how.push(match record.and_then(|record| record.sigkey.as_ref()) {
                Some(key) => format!("its copy signed with {} is not there: {file}", key.short()),
                None => format!("its file is not there: {file}"),
            });
        }
        if !self.signatures.is_empty() {
            how.push(format!("signed with {}", short(&self.signatures)));
        }
        let refused = self.refused.iter().take(SHOWN);
        how.extend(refused.map(ToString::to_string));
        if self.refused.len() > SHOWN {
            how.push(format!("and {} more signatures", self.refused.len() - SHOWN));
        }
        if how.is_empty() {
            how.push("not signed".to_owned());
        }
        match record.map(|record| &*record.keys) {
            Some([]) => how.push("no keys on record".to_owned()),
            Some(keys) => how.push(format!("its keys on record: {}", short(keys))),
            None => {}
        }
        how.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(texts: &[&str]) -> Vec<Sigkey> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn unsigned(wanted: &[&str], record: Option<SourceRecord>) -> UnsignedPackage {
        UnsignedPackage {
            package: "lab-noarch-2.0-2.noarch".parse().unwrap(),
            file: "/srv/lab.rpm".to_owned(),
            wanted: keys(wanted),
            is_there: true,
            signatures: Vec::new(),
            refused: Vec::new(),
            record: record.map(Arc::new),
        }
    }

    #[test]
    fn what_is_on_record_is_told() {
        let record = SourceRecord::new("lab").with_keys(keys(&["94d22493", "fd431d51"]));
        let missing = unsigned(&["94d22493"], Some(record.with_missing(keys(&["94d22493"]))));
        assert_eq!(
            sentence(std::slice::from_ref(&missing), false),
            "a package that the compose needs is not signed with any of the keys 94d22493: \
             lab-noarch-0:2.0-2.noarch (signed with 94d22493 on record, but that signed copy is not there; its keys \
             on record: 94d22493, fd431d51)"
        );
        let mut gone = unsigned(
            &["94d22493"],
            Some(SourceRecord::new("lab").with_sigkey(keys(&["94d22493"]).remove(0))),
        );
        gone.is_there = false;
        assert!(
            sentence(&[missing.clone(), gone], false).ends_with(
                "lab-noarch-0:2.0-2.noarch (its copy signed with 94d22493 is not there: /srv/lab.rpm; no keys on record)"
            )
        );
        let none = unsigned(&[], None);
        assert_eq!(
            sentence(std::slice::from_ref(&none), true),
            "a package that the compose needs is not signed with any key of the service's keyring: \
             lab-noarch-0:2.0-2.noarch (not signed)"
        );
        let both = sentence(&[missing, unsigned(&["fd431d51", "aaaaaaaa"], None)], true);
        assert!(
            both.starts_with(
                "packages that the compose needs are not signed as each of them has to be, as far as the service's \
                 keyring can verify it: "
            ),
            "{both}"
        );
        assert!(
            both.ends_with("(not signed; wanted: any of the keys fd431d51, aaaaaaaa)"),
            "{both}"
        );
    }
}
