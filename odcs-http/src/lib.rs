//! The REST API and the published composes over HTTP
