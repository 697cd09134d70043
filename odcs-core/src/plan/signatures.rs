//! Which signatures packages must have, and whether that is taken from what they claim or verified.

use std::sync::Arc;

use odcs_rpm::Sigkey;
use odcs_rpm::keyring::Keyring;
use serde::Serialize;

use crate::request::KeyOrUnsigned;
use crate::source::Trust;

/// How the service takes signatures, whatever a request says.
#[derive(Clone, Debug, Default)]
pub struct SignatureRules {
    verification: Option<(Arc<Keyring>, Required)>,
}

/// Of which sources every package must have a signature that a keyring verifies, also if a request would take it
/// unsigned.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Required {
    /// Of sources that are not trusted.
    #[default]
    Untrusted,
    /// Of all sources.
    Always,
}

impl SignatureRules {
    /// A package is signed with the keys that its signatures name. Nothing is verified.
    pub fn claimed() -> Self {
        Self::default()
    }

    /// A package is signed with the keys of the keyring whose signatures hold. Keys that a request asks for are
    /// verified for every source; of some sources every package must be signed with some key of the keyring.
    pub fn verified(keyring: Arc<Keyring>, required: Required) -> Self {
        Self {
            verification: Some((keyring, required)),
        }
    }

    /// What holds for the packages of a compose: what its request accepts, in order of preference, and what their
    /// source needs.
    pub fn policy(&self, accepted: &[KeyOrUnsigned], source: Trust) -> SignaturePolicy {
        let Some((keyring, required)) = &self.verification else {
            return SignaturePolicy::new(accepted.to_vec());
        };
        SignaturePolicy {
            accepted: unsigned_last(accepted.to_vec()),
            keyring: Some(Arc::clone(keyring)),
            is_required: *required == Required::Always || source == Trust::Untrusted,
        }
    }
}

/// Which signatures packages must have: keys in order of preference. Where packages may be unsigned, that comes last,
/// wherever it stands in what was asked for: a copy signed with any of the keys is preferred.
///
/// ```
/// use odcs_core::plan::SignaturePolicy;
/// let policy = SignaturePolicy::new(vec!["fd431d51".parse()?, "".parse()?]);
/// assert_eq!(policy.choose(&["199e2f91fd431d51".parse().unwrap()]).unwrap().unwrap().short(), "fd431d51");
/// assert_eq!(policy.choose(&[]), Ok(None));
/// assert_eq!(policy, SignaturePolicy::new(vec!["".parse()?, "fd431d51".parse()?]));
/// # Ok::<(), odcs_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SignaturePolicy {
    /// The keys, then whether packages may be unsigned.
    accepted: Vec<KeyOrUnsigned>,
    /// What signatures are verified against.
    keyring: Option<Arc<Keyring>>,
    /// Whether every package must have a signature that is verified.
    is_required: bool,
}

/// A package has none of the signatures asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SignatureMissing;

/// What two policies must have in common to choose the same files: to be hashed with everything else that
/// composes are compared by.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct SignatureIdentity {
    /// The identity of the keyring, as text.
    keyring: String,
    required: bool,
}

/// As Koji's users know it: keys are tried in their order, and "unsigned" is what is left if there are none of them.
fn unsigned_last(mut accepted: Vec<KeyOrUnsigned>) -> Vec<KeyOrUnsigned> {
    let asked = accepted.len();
    accepted.retain(|one| *one != KeyOrUnsigned::Unsigned);
    if accepted.len() < asked {
        accepted.push(KeyOrUnsigned::Unsigned);
    }
    accepted
}

/// Policies that decide alike; keyrings are the same if they are of the same keys.
impl PartialEq for SignaturePolicy {
    fn eq(&self, other: &Self) -> bool {
        let same_keyring = match (&self.keyring, &other.keyring) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one.identity() == other.identity(),
            (one, other) => one.is_none() && other.is_none(),
        };
        same_keyring && self.is_required == other.is_required && self.accepted == other.accepted
    }
}

impl Eq for SignaturePolicy {}

impl SignaturePolicy {
    /// A policy that accepts these, in order of preference but unsigned last, going by what packages claim; an empty
    /// list accepts everything.
    pub fn new(accepted: Vec<KeyOrUnsigned>) -> Self {
        Self {
            accepted: unsigned_last(accepted),
            ..Self::default()
        }
    }

    /// Whether signatures matter at all.
    pub fn accepts_everything(&self) -> bool {
        self.accepted.is_empty() && !self.is_required
    }

    /// What signatures must be verified against, if it matters: then only keys whose signatures hold may be
    /// [ranked](Self::rank) and [chosen](Self::choose) from.
    pub fn keyring(&self) -> Option<&Keyring> {
        let matters = self.is_required || matches!(self.accepted.first(), Some(KeyOrUnsigned::Key(_)));
        self.keyring.as_deref().filter(|_| matters)
    }

    /// Whether every package must have a signature that is verified, even where the request accepts unsigned ones.
    pub fn is_required(&self) -> bool {
        self.is_required
    }

    /// What decides besides the keys accepted; nothing where nothing is verified.
    pub fn identity(&self) -> Option<SignatureIdentity> {
        Some(SignatureIdentity {
            keyring: self.keyring()?.identity().to_string(),
            required: self.is_required,
        })
    }

    /// The keys asked for, without the permission to be unsigned.
    pub fn keys(&self) -> impl Iterator<Item = &Sigkey> {
        self.accepted.iter().filter_map(|accepted| match accepted {
            KeyOrUnsigned::Key(key) => Some(key.key()),
            KeyOrUnsigned::Unsigned => None,
        })
    }

    /// The keys of which a package must have one, for messages. Of a package that may be unsigned none is demanded
    /// in particular; if one is [required](Self::is_required) all the same, any key of the keyring will do.
    pub fn demanded(&self) -> impl Iterator<Item = &Sigkey> {
        let may_be_unsigned = self.accepted.contains(&KeyOrUnsigned::Unsigned);
        self.keys().filter(move |_| !may_be_unsigned)
    }

    /// How well a package with these signatures fits, 0 being best; `None` if it does not.
    pub fn rank(&self, signatures: &[Sigkey]) -> Option<usize> {
        if self.is_required && signatures.is_empty() {
            return None;
        }
        if self.accepted.is_empty() {
            return Some(0);
        }
        self.accepted.iter().position(|accepted| match accepted {
            KeyOrUnsigned::Unsigned => true,
            KeyOrUnsigned::Key(key) => signatures
                .iter()
                .any(|signature| signature.is_same_key(key.key())),
        })
    }

    /// Decides about a package with these signatures: which of them is the preferred one, `None` if
    /// the package goes as unsigned or if signatures do not matter.
    ///
    /// "Unsigned" means that no signature is asked of the package, so one signed with a key nobody
    /// asked for goes as unsigned, too: it is the same package. Where a signature is required anyway, the first one
    /// there is stands for it.
    ///
    /// # Errors
    /// [`SignatureMissing`] if the policy has no place for it.
    pub fn choose<'a>(&self, signatures: &'a [Sigkey]) -> Result<Option<&'a Sigkey>, SignatureMissing> {
        let rank = self.rank(signatures).ok_or(SignatureMissing)?;
        Ok(match self.accepted.get(rank) {
            Some(KeyOrUnsigned::Key(key)) => signatures
                .iter()
                .find(|signature| signature.is_same_key(key.key())),
            Some(KeyOrUnsigned::Unsigned) | None if self.is_required => signatures.first(),
            Some(KeyOrUnsigned::Unsigned) | None => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(texts: &[&str]) -> Vec<KeyOrUnsigned> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn keys(texts: &[&str]) -> Vec<Sigkey> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn verified(required: Required) -> SignatureRules {
        SignatureRules::verified(Arc::new(Keyring::default()), required)
    }

    #[test]
    fn keys_are_preferred_in_their_order() {
        let policy = SignaturePolicy::new(accepted(&["aaaaaaaa", "bbbbbbbb"]));
        assert_eq!(policy.rank(&keys(&["bbbbbbbb", "aaaaaaaa"])), Some(0));
        assert_eq!(policy.rank(&keys(&["00000000bbbbbbbb"])), Some(1));
        assert_eq!(policy.rank(&keys(&["cccccccc"])), None);
        assert_eq!(policy.choose(&[]), Err(SignatureMissing));
    }

    #[test]
    fn unsigned_comes_last_wherever_it_stands() {
        for rules in [SignatureRules::claimed(), verified(Required::Untrusted)] {
            let policy = |texts: &[&str]| rules.policy(&accepted(texts), Trust::Trusted);
            let last = policy(&["aaaaaaaa", "bbbbbbbb", ""]);
            for texts in [
                &["", "aaaaaaaa", "bbbbbbbb"][..],
                &["aaaaaaaa", "", "bbbbbbbb"],
                &["", "aaaaaaaa", "", "bbbbbbbb", ""],
            ] {
                let policy = policy(texts);
                assert_eq!(policy, last, "{texts:?}");
                assert_eq!(policy.keyring().is_some(), last.keyring().is_some());
                assert_eq!(
                    policy.rank(&keys(&["bbbbbbbb", "aaaaaaaa"])),
                    Some(0),
                    "{texts:?}"
                );
                let signed = keys(&["cccccccc", "bbbbbbbb"]);
                assert_eq!(policy.choose(&signed), Ok(signed.get(1)), "{texts:?}");
                assert_eq!(policy.rank(&keys(&["cccccccc"])), Some(2), "{texts:?}");
                assert_eq!(policy.choose(&[]), Ok(None), "{texts:?}");
                assert_eq!(policy.demanded().count(), 0);
            }
            // Without keys nothing changes.
            assert_eq!(policy(&["", ""]), policy(&[""]));
            assert!(policy(&[""]).keyring().is_none());
        }
        assert_eq!(
            SignaturePolicy::new(accepted(&["", "aaaaaaaa"])),
            SignatureRules::claimed().policy(&accepted(&["aaaaaaaa", ""]), Trust::Trusted)
        );
    }

    #[test]
    fn what_is_required_is_required_whatever_a_request_accepts() {
        let rules = verified(Required::Untrusted);
        for texts in [&[][..], &[""], &["", "aaaaaaaa"], &["aaaaaaaa", ""]] {
            let policy = rules.policy(&accepted(texts), Trust::Untrusted);
            assert!(policy.is_required() && policy.keyring().is_some());
            assert!(!policy.accepts_everything());
            assert_eq!(policy.choose(&[]), Err(SignatureMissing), "{texts:?}");
            let signed = keys(&["cccccccc"]);
            assert_eq!(policy.choose(&signed), Ok(signed.first()), "{texts:?}");
        }
        let policy = rules.policy(&accepted(&["aaaaaaaa"]), Trust::Untrusted);
        assert_eq!(policy.choose(&keys(&["cccccccc"])), Err(SignatureMissing));

        let trusted = rules.policy(&accepted(&[""]), Trust::Trusted);
        assert_eq!(trusted.choose(&[]), Ok(None));
        assert!(
            verified(Required::Always)
                .policy(&[], Trust::Trusted)
                .is_required()
        );
        let claimed = SignatureRules::claimed().policy(&[], Trust::Untrusted);
        assert!(claimed.accepts_everything() && claimed.keyring().is_none());
    }

    #[test]
    fn what_is_verified_is_not_the_same_as_what_is_claimed() {
        let key = accepted(&["aaaaaaaa"]);
        let identity = |rules: &SignatureRules, accepted: &[KeyOrUnsigned], trust| {
            rules.policy(accepted, trust).identity()
        };
        let (claimed, untrusted) = (SignatureRules::claimed(), verified(Required::Untrusted));
        assert_eq!(identity(&claimed, &key, Trust::Untrusted), None);
        let asked = identity(&untrusted, &key, Trust::Trusted);
        let required = identity(&untrusted, &key, Trust::Untrusted);
        assert!(asked.is_some() && required.is_some() && asked != required);
        // Nobody asks for signatures: nothing is verified, and it makes no difference.
        assert_eq!(identity(&untrusted, &[], Trust::Trusted), None);
        assert_eq!(identity(&untrusted, &accepted(&[""]), Trust::Trusted), None);
        // Signed copies are preferred, so it does.
        let either = accepted(&["", "aaaaaaaa"]);
        assert_eq!(identity(&untrusted, &either, Trust::Trusted), asked);
    }
}
