//! Which hubs are trusted, and what they are shown.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::error::{Problem, cause};
use super::settings::HubSettings;

/// The largest file with certificates or a key that is read.
const PEM_BYTES: u64 = 16 << 20;

/// The settings of TLS connections. The certificates of the system are read only where they may be needed.
pub(super) fn config(settings: &HubSettings) -> Result<ClientConfig, Problem> {
    let mut roots = RootCertStore::empty();
    if settings.server.scheme() == "https" {
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::warn!(%error, "certificates of the system cannot be read");
        }
        roots.add_parsable_certificates(system.certs);
    }
    if let Some(path) = &settings.ca_file {
        for certificate in certificates("serverca", path)? {
            let added = roots.add(certificate);
            added.map_err(|error| unusable("serverca", path, &error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Problem::Settings {
            key: "server",
            reason: cause(&error),
        })?
        .with_root_certificates(roots);
    let mut config = match &settings.client_certificate {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates("cert", certificate)?;
            let private = PrivateKeyDer::from_pem_slice(&read("cert", key)?)
                .map_err(|error| unusable("cert", key, &format!("it has no key: {error}")))?;
            let config = config.with_client_auth_cert(chain, private);
            config.map_err(|error| unusable("cert", key, &error.to_string()))?
        }
    };
    // All that is spoken here.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The certificates of a file, at least one.
fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(&read(key, path)?)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(key, path, &error.to_string()))?;
    if found.is_empty() {
        return Err(unusable(key, path, "it has no certificates in PEM format"));
    }
    Ok(found)
}

/// A file that the operator named.
#[allow(clippy::disallowed_methods)]
fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(PEM_BYTES).read_to_end(&mut bytes))
        .map_err(|error| unusable(key, path, &error.to_string()))?;
    Ok(bytes)
}

fn unusable(key: &'static str, path: &Path, reason: &str) -> Problem {
    Problem::Settings {
        key,
        reason: format!("{}: {reason}", path.display()).into(),
    }
}

/// What is wrong with a TLS connection, if that is why there is none.
pub(super) fn problem(error: &(dyn std::error::Error + 'static)) -> Option<Box<str>> {
    let found: &rustls::Error = find(error)?;
    Some(match found {
        rustls::Error::InvalidCertificate(_) => format!("the server is not trusted: {}", cause(found)).into(),
        rustls::Error::AlertReceived(alert) => {
            format!("the server refused it ({alert:?}); it may want another client certificate").into()
        }
        _ => cause(found),
    })
}

/// The first cause of a type. Errors of input and output hide what they wrap from `source`.
pub(super) fn find<'a, T: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|wrapped| find(wrapped)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}
