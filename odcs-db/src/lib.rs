//! The compose store on SQLite
