//! Finding out who calls.

use std::fmt;
use std::net::SocketAddr;

use async_trait::async_trait;
use http::HeaderValue;
use http::request::Parts;
use thiserror::Error;

use crate::Identity;

/// Finds out who calls, from what a request brings along and where it comes from.
#[async_trait]
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// Its name as `about` tells it in `auth_backend`.
    fn name(&self) -> &'static str;

    /// Whether it can tell callers apart at all. If not, the service answers on its own machine only.
    fn identifies(&self) -> bool;

    /// The value of `WWW-Authenticate` that tells callers how to say who they are; `None` if there is
    /// no such way within HTTP, as with client certificates.
    fn challenge(&self) -> Option<HeaderValue>;

    /// Who sent this request. A request without credentials is [`Identity::Anonymous`], not an error;
    /// whether that suffices is for the policy to say. `peer` is the other end of the connection.
    ///
    /// # Errors
    /// [`AuthError`] for credentials that are wrong, or that cannot be checked at the moment.
    async fn authenticate(&self, request: &Parts, peer: Option<SocketAddr>) -> Result<Identity, AuthError>;
}

/// Credentials that do not tell who calls.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum AuthError {
    /// They are wrong, expired or not for this service.
    #[error("the credentials were refused: {reason}")]
    Refused {
        /// What is wrong with them.
        reason: String,
    },
    /// Whoever has to be asked about them does not answer.
    #[error("the credentials cannot be checked at the moment: {service} does not answer")]
    Unavailable {
        /// What does not answer: "the token introspection endpoint".
        service: String,
    },
}

impl AuthError {
    /// Whether the same request may work when sent again.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// The mode `none`: nobody is asked who they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAuth;

#[async_trait]
impl Authenticator for NoAuth {
    fn name(&self) -> &'static str {
        "noauth"
    }

    fn identifies(&self) -> bool {
        false
    }

    fn challenge(&self) -> Option<HeaderValue> {
        None
    }

    async fn authenticate(&self, _: &Parts, _: Option<SocketAddr>) -> Result<Identity, AuthError> {
        Ok(Identity::Anonymous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_authentication_nobody_has_a_name() {
        let (parts, ()) = http::Request::builder()
            .header("authorization", "Bearer x")
            .header("x-remote-user", "root-admin")
            .body(())
            .unwrap()
            .into_parts();
        let backend: &dyn Authenticator = &NoAuth;
        let identity = backend.authenticate(&parts, None).await.unwrap();
        assert_eq!(identity, Identity::Anonymous);
        assert_eq!(identity.owner(), "unknown");
        assert_eq!((backend.name(), backend.identifies()), ("noauth", false));
        assert!(backend.challenge().is_none());
    }

    #[test]
    fn only_servers_that_do_not_answer_are_worth_another_try() {
        let refused = AuthError::Refused {
            reason: "the token has expired".to_owned(),
        };
        assert!(!refused.is_retryable());
        assert_eq!(
            refused.to_string(),
            "the credentials were refused: the token has expired"
        );
        let down = AuthError::Unavailable {
            service: "the directory".to_owned(),
        };
        assert!(down.is_retryable());
    }
}
