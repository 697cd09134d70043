//! Servers behind TLS.

use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::{Server, serve};

/// An authority of its own, and what it has signed.
///
/// ```
/// use test_support::http::{Server, Tls};
/// let tls = Tls::new();
/// let server = Server::empty_with_tls(&tls);
/// assert!(server.url("/x").starts_with("https://127.0.0.1:"));
/// assert!(tls.authority_pem().starts_with("-----BEGIN CERTIFICATE-----"));
/// ```
#[derive(Debug)]
pub struct Tls {
    authority: String,
    issuer: Issuer<'static, KeyPair>,
    config: Arc<ServerConfig>,
}

impl Tls {
    /// For servers that are called `localhost`, `127.0.0.1`, `::1` and `example.com`.
    pub fn new() -> Self {
        Self::make(false)
    }

    /// For servers that want to see a certificate of the same authority.
    pub fn with_client_certificates() -> Self {
        Self::make(true)
    }

    fn make(asks: bool) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "Authority of tests");
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);

        let names = ["localhost", "127.0.0.1", "::1", "example.com"].map(str::to_owned);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = if asks {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let config = builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Self {
            authority: authority.pem(),
            issuer,
            config: Arc::new(config),
        }
    }

    /// The certificate of the authority, which clients have to trust.
    pub fn authority_pem(&self) -> &str {
        &self.authority
    }

    /// How other servers than [`Server`] speak with its certificate.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// A certificate for a client, and its key.
    pub fn client_pem(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["client".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// Serves the files of a directory behind TLS.
    pub fn of_directory_with_tls(path: impl Into<PathBuf>, tls: &Tls) -> Self {
        Self::start_tls(Some(path.into()), tls)
    }

    /// Serves what it is going to be given behind TLS.
    pub fn empty_with_tls(tls: &Tls) -> Self {
        Self::start_tls(None, tls)
    }

    fn start_tls(directory: Option<PathBuf>, tls: &Tls) -> Self {
        let config = Arc::clone(&tls.config);
        let serve = move |shared: &_, stream: TcpStream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            serve::serve(shared, &mut StreamOwned::new(connection, stream));
        };
        Self::start_with((Ipv4Addr::LOCALHOST, 0).into(), directory, "https", serve)
    }
}
