//! Deciding who may do what.

use std::fmt;

use odcs_core::ComposeRequest;
use thiserror::Error;

use crate::Identity;

/// What somebody wants to do. Reading is open to everybody and is not decided about.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub enum Action {
    /// Have a compose made.
    NewCompose,
    /// Extend a compose, or have it made again.
    RenewCompose,
    /// Cancel or delete a compose.
    DeleteCompose,
}

impl Action {
    /// Its name, also the last part of OpenID scopes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewCompose => "new-compose",
            Self::RenewCompose => "renew-compose",
            Self::DeleteCompose => "delete-compose",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a decision is made upon, as far as it is known. A policy is asked as soon as it is known who
/// calls, before the body of the request is read, and again whenever more is known: `Allow` means that
/// nothing known so far speaks against it.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestFacts<'a> {
    /// What is asked for. `None` together with an `owner`, on [`Action::RenewCompose`], means that the record to be
    /// renewed holds what nobody may ask for (any more), so that its request cannot be looked at: a policy with
    /// rules about requests has to refuse, for keeping such a compose longer is still possible.
    pub request: Option<&'a ComposeRequest>,
    /// To whom the compose belongs that is to be changed.
    pub owner: Option<&'a str>,
}

/// Decides who may do what.
///
/// A policy is a pure function: it asks nobody and remembers nothing, and the same arguments always
/// give the same decision.
pub trait Policy: fmt::Debug + Send + Sync + 'static {
    /// Decides.
    fn decide(&self, caller: &Identity, action: Action, facts: &RequestFacts<'_>) -> Decision;
}

/// What a policy decided.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// Not without knowing who calls.
    Identify,
    /// No.
    Refuse(Refusal),
}

/// What is refused: the first value that no rule allows.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[error("{caller} is not allowed to use {attribute} {value:?}")]
pub struct Refusal {
    /// Who asked.
    pub caller: String,
    /// The attribute: `arches`, `source_types`, …
    pub attribute: String,
    /// Its value.
    pub value: String,
}

/// Everybody may do everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Policy for AllowAll {
    fn decide(&self, _: &Identity, _: Action, _: &RequestFacts<'_>) -> Decision {
        Decision::Allow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_may_do_everything() {
        let joe = Identity::User {
            name: "joe".to_owned(),
            groups: Vec::new(),
        };
        let facts = RequestFacts {
            owner: Some("mike"),
            ..RequestFacts::default()
        };
        for caller in [Identity::Anonymous, joe] {
            for action in [Action::NewCompose, Action::RenewCompose, Action::DeleteCompose] {
                assert_eq!(AllowAll.decide(&caller, action, &facts), Decision::Allow);
            }
        }
    }

    #[test]
    fn a_refusal_names_the_attribute_and_the_value() {
        let refusal = Refusal {
            caller: "joe".to_owned(),
            attribute: "arches".to_owned(),
            value: "s390x".to_owned(),
        };
        assert_eq!(refusal.to_string(), "joe is not allowed to use arches \"s390x\"");
    }
}
