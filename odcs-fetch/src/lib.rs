//! Everything that leaves the machine on behalf of a request: HTTP and git, with one allow list.

pub mod git;
mod settings;

pub use settings::FetchSettings;
