//! Servers that show certificates, and want some.

use std::path::PathBuf;
use std::sync::Arc;

use odcs_core::ErrorKind;
use odcs_core::allow::UrlAllowList;
use odcs_fetch::{FetchSettings, Fetcher};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use crate::clock::impatient;
use crate::server::{Reply, Server};
use crate::whole::get;

/// An authority nobody else knows, and a directory for its files.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: tempfile::TempDir,
}

#[allow(clippy::disallowed_methods)]
impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, directory }
    }

    /// Its certificate.
    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The PEM texts of a certificate and its key.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// The same as files.
    fn issue_files(&self, name: &str) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.issue(name);
        let paths = (
            self.directory.path().join("c.pem"),
            self.directory.path().join("k.pem"),
        );
        std::fs::write(&paths.0, certificate).unwrap();
        std::fs::write(&paths.1, key).unwrap();
        paths
    }
}

/// Of a server of this name, that may want certificates of the same authority.
pub(crate) fn acceptor(authority: &Authority, name: &str, wants_certificates: bool) -> TlsAcceptor {
    let (certificate, key) = authority.issue(name);
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = if wants_certificates {
        let mut roots = RootCertStore::empty();
        roots.add(authority.issuer.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        config.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        config.with_no_client_auth()
    };
    Arc::new(config.with_single_cert(vec![certificate], key).unwrap()).into()
}

async fn server(tls: TlsAcceptor) -> Server {
    Server::start_with(|_, _| Reply::new("200 OK", &[], b"an editor"), Some(tls)).await
}

#[tokio::test]
async fn servers_are_trusted_by_the_authorities_of_the_settings() {
    let authority = Authority::new();
    let server = server(acceptor(&authority, "127.0.0.1", false)).await;
    let mut settings = server.settings();
    let (fetcher, clock) = impatient(settings.clone());
    let error = get(&fetcher, server.url("ed.rpm")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, false)
    );
    assert!(
        error
            .message()
            .contains("no secure connection to 127.0.0.1: the server is not trusted"),
        "{error}"
    );
    assert_eq!((server.asked().len(), clock.waits().len()), (0, 0));
    settings.ca_files = vec![authority.file()];
    let fetcher = Fetcher::new(settings).unwrap();
    assert_eq!(get(&fetcher, server.url("ed.rpm")).await.unwrap().1, "an editor");
}

#[tokio::test]
async fn a_certificate_for_another_host_does_not_hold() {
    let authority = Authority::new();
    let server = server(acceptor(&authority, "repo.example.com", false)).await;
    let mut settings = server.settings();
    settings.ca_files = vec![authority.file()];
    let error = get(&Fetcher::new(settings).unwrap(), server.url("ed.rpm"))
        .await
        .unwrap_err();
    assert!(
        error
            .message()
            .contains("the server is not trusted: invalid peer certificate: certificate not valid"),
        "{error}"
    );
}

#[tokio::test]
async fn servers_are_shown_the_certificate_of_the_settings() {
    let authority = Authority::new();
    let server = server(acceptor(&authority, "127.0.0.1", true)).await;
    let mut settings = server.settings();
    settings.ca_files = vec![authority.file()];
    let (fetcher, clock) = impatient(settings.clone());
    let error = get(&fetcher, server.url("ed.rpm")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error.message().contains("it may want another client certificate"),
        "{error}"
    );
    assert_eq!(clock.waits().len(), 0);
    settings.client_certificate = Some(authority.issue_files("worker.example.com"));
    let fetcher = Fetcher::new(settings).unwrap();
    assert_eq!(get(&fetcher, server.url("ed.rpm")).await.unwrap().1, "an editor");
}

#[tokio::test]
async fn https_is_never_left() {
    let authority = Authority::new();
    let plain = Server::start(|_, _| Reply::new("200 OK", &[], b"an editor")).await;
    let location = format!("Location: {}", plain.url("ed.rpm"));
    let tls = Some(acceptor(&authority, "127.0.0.1", false));
    let server = Server::start_with(move |_, _| Reply::new("302 Found", &[&location], b""), tls).await;
    let allowed = UrlAllowList::parse([&server.url, &plain.url].map(|url| url.as_str())).unwrap();
    let mut settings = FetchSettings::new(allowed);
    settings.ca_files = vec![authority.file()];
    let error = get(&Fetcher::new(settings).unwrap(), server.url("ed.rpm"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(
        error.message().contains("which is not protected as https is"),
        "{error}"
    );
    assert_eq!(plain.asked().len(), 0);
}

#[test]
fn files_that_cannot_be_used_are_named_with_their_setting() {
    let authority = Authority::new();
    let settings = || FetchSettings::new(UrlAllowList::default());
    let mut missing = settings();
    missing.ca_files = vec!["/nowhere/ca.pem".into()];
    let error = Fetcher::new(missing).unwrap_err().to_string();
    assert!(
        error.starts_with("/nowhere/ca.pem of ca_files cannot be read: No such file"),
        "{error}"
    );

    let (certificate, key) = authority.issue_files("worker.example.com");
    for (pair, says) in [
        (
            (key.clone(), key.clone()),
            "k.pem: it has no certificates in PEM format",
        ),
        ((certificate.clone(), certificate), "c.pem: it has no key"),
        ((authority.file(), key), "k.pem: "),
    ] {
        let mut wrong = settings();
        wrong.client_certificate = Some(pair);
        let error = Fetcher::new(wrong).unwrap_err().to_string();
        assert!(
            error.starts_with("client_certificate cannot be used: "),
            "{error}"
        );
        assert!(error.contains(says), "{error}");
    }
}
