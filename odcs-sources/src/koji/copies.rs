//! Which copy of an RPM is taken: the unsigned one, or one that was signed with a key.

use std::collections::BTreeMap;

use odcs_core::request::KeyOrUnsigned;
use odcs_rpm::Sigkey;
use serde::{Deserialize, Serialize};

/// What the arches of a compose accept, each differing list once. Without any that asks for something, signatures do
/// not matter.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Policies(Vec<Vec<KeyOrUnsigned>>);

/// What is seen of a signed copy that is there. An RPM may be signed once more with the same key: then another copy is in
/// its place.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Seen {
    /// Bytes of the file, where that is known.
    pub(super) size: Option<u64>,
    /// When it was modified, in seconds since 1970, where that is known.
    pub(super) modified: Option<u64>,
}

/// The signed copies that were looked for; `None` for those that are not there.
pub(super) type Looked = BTreeMap<Sigkey, Option<Seen>>;

/// A copy to take.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Choice {
    /// The key of the signed copy, as Koji writes it, and what is seen of it; the unsigned copy without.
    pub(super) signed: Option<(Sigkey, Seen)>,
    /// Keys that were asked for and are on record, but whose signed copies are not there.
    pub(super) missing: Vec<Sigkey>,
}

/// What has to be known before anything can be decided.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Decision {
    /// The copies to take, each once, in the order of the policies.
    Made(Vec<Choice>),
    /// Whether the copy signed with this key is there.
    Depends(Sigkey),
}

impl Policies {
    /// Wherever it stands, unsigned is what is taken last.
    pub(super) fn new<'a>(lists: impl IntoIterator<Item = &'a [KeyOrUnsigned]>) -> Self {
        let mut different: Vec<Vec<KeyOrUnsigned>> = Vec::new();
        for list in lists {
            let (unsigned, mut list): (Vec<_>, Vec<_>) = list
                .iter()
                .cloned()
                .partition(|accepted| *accepted == KeyOrUnsigned::Unsigned);
            list.extend(unsigned.into_iter().next());
            if !different.contains(&list) {
                different.push(list);
            }
        }
        Self(different)
    }

    /// Whether anybody asks for signatures.
    pub(super) fn matter(&self) -> bool {
        self.0.iter().any(|list| !list.is_empty())
    }

    /// Decides for an RPM with these signatures on record, going by what is known of its signed copies. Keys are
    /// tried in the order asked for; a signature on record whose copy is not there counts as missing. Where nothing
    /// fits, the unsigned copy stands for the package: what it lacks is for the engine to say, if it belongs at all.
    pub(super) fn decide(&self, on_record: &[Sigkey], looked: &Looked) -> Decision {
        let mut choices: Vec<Choice> = Vec::new();
        for list in &self.0 {
            let mut missing = Vec::new();
            let mut chosen = None;
            for accepted in list {
                let KeyOrUnsigned::Key(asked) = accepted else {
                    break;
                };
                let Some(key) = on_record.iter().find(|key| key.is_same_key(asked.key())) else {
                    continue;
                };
                match looked.get(key) {
                    None => return Decision::Depends(key.clone()),
                    Some(Some(seen)) => {
                        chosen = Some((key.clone(), *seen));
                        break;
                    }
                    Some(None) => missing.push(key.clone()),
                }
            }
            match choices.iter_mut().find(|choice| choice.signed == chosen) {
                Some(same) => {
                    missing.retain(|key| !same.missing.contains(key));
                    same.missing.append(&mut missing);
                }
                None => choices.push(Choice {
                    signed: chosen,
                    missing,
                }),
            }
        }
        if choices.is_empty() {
            choices.push(Choice {
                signed: None,
                missing: Vec::new(),
            });
        }
        Decision::Made(choices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaa";
    const B: &str = "bbbbbbbb";

    fn keys(texts: &[&str]) -> Vec<Sigkey> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn policies(lists: &[&[&str]]) -> Policies {
        let lists: Vec<Vec<KeyOrUnsigned>> = lists
            .iter()
            .map(|list| list.iter().map(|text| text.parse().unwrap()).collect())
            .collect();
        Policies::new(lists.iter().map(Vec::as_slice))
    }

    /// The keys of the copies taken, with those whose copies are missing, and how many were looked for.
    fn taken(lists: &[&[&str]], on_record: &[&str], there: &[&str]) -> (Vec<String>, usize) {
        let (policies, on_record, there) = (policies(lists), keys(on_record), keys(there));
        let mut known = BTreeMap::new();
        loop {
            match policies.decide(&on_record, &known) {
                Decision::Depends(key) => {
                    let seen = there.contains(&key).then(Seen::default);
                    assert_eq!(known.insert(key, seen), None, "asked twice");
                }
                Decision::Made(choices) => {
                    let shown = choices.iter().map(|choice| {
                        let key = choice.signed.as_ref().map_or("-", |(key, _)| key.as_str());
                        let missing: Vec<_> = choice.missing.iter().map(Sigkey::as_str).collect();
                        format!("{key} {}", missing.join(",")).trim_end().to_owned()
                    });
                    return (shown.collect(), known.len());
                }
            }
        }
    }

    #[test]
    fn keys_are_tried_in_the_order_asked_for() {
        let one = |keys: &str, looked: usize| (vec![keys.to_owned()], looked);
        assert_eq!(taken(&[&[A, B]], &[B, A], &[A, B]), one(A, 1));
        assert_eq!(taken(&[&[B, A]], &[B, A], &[A, B]), one(B, 1));
        assert_eq!(taken(&[&[A, B]], &[B, A], &[B]), one("bbbbbbbb aaaaaaaa", 2));
        assert_eq!(taken(&[&[A, B]], &[B], &[B]), one(B, 1));
        // Koji writes eight digits, people ask by more or in capitals.
        assert_eq!(taken(&[&["199e2f91AAAAAAAA"]], &[A], &[A]), one(A, 1));
    }

    #[test]
    fn unsigned_is_taken_where_it_may_be_and_stands_in_where_nothing_fits() {
        let one = |keys: &str, looked: usize| (vec![keys.to_owned()], looked);
        assert_eq!(taken(&[], &[A], &[A]), one("-", 0));
        assert_eq!(taken(&[&[]], &[A], &[A]), one("-", 0));
        assert_eq!(taken(&[&[A, ""]], &[B], &[B]), one("-", 0));
        // Wherever it stands.
        assert_eq!(taken(&[&["", A]], &[A], &[A]), one(A, 1));
        assert_eq!(taken(&[&["", A, ""]], &[B], &[B]), one("-", 0));
        assert_eq!(taken(&[&[A, ""]], &[A], &[]), one("- aaaaaaaa", 1));
        assert_eq!(taken(&[&[A]], &[], &[A]), one("-", 0));
    }

    #[test]
    fn each_arch_has_its_copy() {
        let (copies, looked) = taken(&[&[A], &[B, A], &[A], &[]], &[A, B], &[A, B]);
        assert_eq!(
            (copies, looked),
            (vec![A.to_owned(), B.to_owned(), "-".to_owned()], 2)
        );
        assert!(!policies(&[&[], &[]]).matter() && policies(&[&[], &[A]]).matter());
    }
}
