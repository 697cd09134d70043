//! Everything that leaves the machine on behalf of a request: HTTP and git, with one allow list.
//!
//! A [`Fetcher`] is the [`Fetch`](odcs_core::fetch::Fetch) of the service. What it asks for is on the allow list, every
//! redirect as much as the first URL, and the addresses that names lead to are looked at before they are connected to:
//! those of private networks are for administrators to list. What is cut is taken up where it stopped, what is busy is
//! asked again later, and what one mirror does not have is asked of the next.
//!
//! ```
//! use odcs_core::allow::UrlAllowList;
//! use odcs_core::fetch::Fetch;
//! use odcs_fetch::{FetchSettings, Fetcher};
//!
//! let allowed = UrlAllowList::parse(["https://example.com/pub/"])?;
//! let fetcher = Fetcher::new(FetchSettings::new(allowed))?;
//! assert!(fetcher.check(&"https://example.com/pub/f36/repodata/repomd.xml".parse()?).is_ok());
//! assert!(fetcher.check(&"https://example.org/".parse()?).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod answer;
mod client;
mod error;
mod fetcher;
mod git;
mod guard;
mod hosts;
mod pace;
mod redirect;
mod resolver;
mod retry;
mod settings;
mod tls;
mod transfer;

pub use address::special_address;
pub use error::{Error, Problem};
pub use fetcher::Fetcher;
pub use git::GitError;
pub use resolver::{Resolve, SystemResolver};
pub use settings::FetchSettings;
