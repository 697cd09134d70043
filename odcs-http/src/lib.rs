//! ODCS over HTTP: the REST API and the published composes.
//!
//! [`router`] makes an [`axum::Router`] of an [`ApiState`]; [`serve`] answers connections with it until
//! it is told to stop. The router knows neither the engine nor the disk: what it needs comes through
//! the traits [`ComposeService`](odcs_core::service::ComposeService),
//! [`ComposeFiles`](odcs_core::files::ComposeFiles), [`Authenticator`](odcs_auth::Authenticator) and
//! [`Policy`](odcs_auth::Policy).
//!
//! | path | what |
//! | --- | --- |
//! | `/` | a page that says what this is |
//! | `/api/1/composes/` | the list of composes; POST asks for one |
//! | `/api/1/composes/N` | one compose |
//! | `/api/1/composes/N/log` | what happened while it was made |
//! | `/api/1/composes/N/packages` | what is in it, and why |
//! | `/api/1/composes/N/manifest` | what went into it, file by file |
//! | `/api/1/composes/N/diff/M` | what is different in another compose |
//! | `/api/1/about/` | the version, and what this server makes |
//! | `/api/1/metrics/` | counts and times, for Prometheus |
//! | `/api/1/openapi.json` | all this for programs: the OpenAPI document |
//! | `/healthz`, `/readyz` | whether the process answers, and whether it can work; under any `Host` |
//! | the path of the public URL, else `/composes/` | the published composes |
//!
//! The API also answers below `/odcs/1/`, and everywhere with or without a slash at the end.

mod access;
mod api;
mod error;
mod files;
mod guard;
mod health;
mod layers;
mod metrics;
mod openapi;
mod pages;
mod proxy;
mod router;
mod server;
mod state;

pub use api::is_api;
pub use metrics::Metrics;
pub use openapi::openapi;
pub use router::router;
pub use server::{ServerOptions, serve, serve_with};
pub use state::{ApiState, HttpOptions, Scheme};
