//! Who is calling ODCS, and what they may do.
//!
//! A request that changes something goes one way: an [`Authenticator`] says whose it is, a [`Policy`]
//! decides, and only then is it looked at further. Authenticators talk to other servers and may fail;
//! policies are pure functions of the [`Identity`], the [`Action`] and the [`RequestFacts`].
//!
//! Without configuration everybody may do everything: [`NoAuth`] and [`AllowAll`]. Whoever serves
//! under [`NoAuth`] must keep the service to its own machine.
//!
//! ```
//! use odcs_auth::{Action, AllowAll, Decision, Identity, Policy, RequestFacts};
//! let decision = AllowAll.decide(&Identity::Anonymous, Action::NewCompose, &RequestFacts::default());
//! assert_eq!(decision, Decision::Allow);
//! assert_eq!(Identity::Anonymous.owner(), "unknown");
//! ```

mod authenticator;
mod identity;
mod policy;

pub use authenticator::{AuthError, Authenticator, NoAuth};
pub use identity::Identity;
pub use policy::{Action, AllowAll, Decision, Policy, Refusal, RequestFacts};
