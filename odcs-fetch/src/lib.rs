//! Everything that leaves the machine on behalf of a request: HTTP and git, with one allow list.

mod git;
mod settings;

pub use git::GitError;
pub use settings::FetchSettings;
