//! Writes small, deterministic RPMs and repositories for tests and benches
