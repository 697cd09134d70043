//! Which servers are trusted, and what they are shown.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, cause};
use crate::settings::FetchSettings;

/// The largest file with certificates or a key that is read.
const PEM_BYTES: u64 = 16 << 20;

/// The settings of TLS connections. Certificates of the system are read only if they may be needed: that takes a while.
pub(crate) fn config(settings: &FetchSettings) -> Result<ClientConfig, Error> {
    let of_proxy = settings.proxy.as_ref().map(|proxy| proxy.scheme());
    let mut schemes = settings
        .allowed
        .prefixes()
        .iter()
        .map(|prefix| prefix.url().scheme());
    let mut roots = RootCertStore::empty();
    if of_proxy == Some("https") || schemes.any(|scheme| scheme == "https") {
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::warn!(%error, "certificates of the system cannot be read");
        }
        let (_, ignored) = roots.add_parsable_certificates(system.certs);
        tracing::debug!(trusted = roots.len(), ignored, "certificates of the system");
    }
    for path in &settings.ca_files {
        for certificate in certificates("ca_files", path)? {
            let added = roots.add(certificate);
            added.map_err(|error| unusable("ca_files", path, &error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Unusable {
            key: "https",
            reason: error.to_string(),
        })?
        .with_root_certificates(roots);
    let mut config = match &settings.client_certificate {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates("client_certificate", certificate)?;
            let pem = read("client_certificate", key)?;
            let private = PrivateKeyDer::from_pem_slice(&pem)
                .map_err(|error| unusable("client_certificate", key, &format!("it has no key: {error}")))?;
            let config = config.with_client_auth_cert(chain, private);
            config.map_err(|error| unusable("client_certificate", key, &error.to_string()))?
        }
    };
    // All that is spoken here.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The certificates of a file, at least one.
fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
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
fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(PEM_BYTES).read_to_end(&mut bytes))
        .map_err(|source| Error::Unreadable {
            key,
            path: path.to_owned(),
            source,
        })?;
    Ok(bytes)
}

fn unusable(key: &'static str, path: &Path, reason: &str) -> Error {
    Error::Unusable {
        key,
        reason: format!("{}: {reason}", path.display()),
    }
}

/// What is wrong with a TLS connection, if that is why there is none.
pub(crate) fn problem(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let found: &rustls::Error = crate::error::find_cause(error)?;
    Some(match found {
        rustls::Error::InvalidCertificate(_) => format!("the server is not trusted: {}", cause(found)),
        rustls::Error::AlertReceived(alert) => {
            format!("the server refused it ({alert:?}); it may want another client certificate")
        }
        _ => cause(found),
    })
}
