//! Whose request it is.

/// Whose request it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Identity {
    /// Nobody said who they are.
    Anonymous,
    /// Somebody known.
    User {
        /// The name that composes are recorded under: a user name, with a realm if it is not the
        /// default one, or the subject of a certificate.
        name: String,
        /// The groups, in the order they were told. Unknown groups are no groups: fewer rights, never
        /// more.
        groups: Vec<String>,
    },
}

impl Identity {
    /// Whom a compose belongs to that is made for this caller. Without a name that is `unknown`, as
    /// the reference server records it.
    pub fn owner(&self) -> &str {
        match self {
            Self::Anonymous => "unknown",
            Self::User { name, .. } => name,
        }
    }

    /// What is recorded as `removed_by`. Without a name that is `anonymous`, as the reference server
    /// records it.
    pub fn remover(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User { name, .. } => name,
        }
    }

    /// Whether it is known who calls.
    pub fn is_known(&self) -> bool {
        matches!(self, Self::User { .. })
    }
}
