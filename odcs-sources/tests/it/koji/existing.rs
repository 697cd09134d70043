//! What an existing compose has, taken from Koji.

use std::collections::BTreeMap;

use kojihub::Hub;
use odcs_core::request::{ComposeRequest, KeyOrUnsigned, SourceSpec};
use odcs_core::source::Content;
use odcs_core::{ComposeSource, ErrorKind};
use odcs_sources::pungi_compose::{PungiComposeSettings, PungiComposeSource};

use super::mounted;
use crate::support::web::Web;

const VARIANT: &str = "http://composes.lab/L-9/compose/Server";
const DOCUMENT: &str = "http://composes.lab/L-9/compose/metadata/rpms.json";

const RPMS: &str = r#"{"header": {"type": "productmd.rpms", "version": "1.2"}, "payload": {
  "compose": {"date": "20260101", "id": "L-9", "respin": 0, "type": "test"},
  "rpms": {"Server": {
    "x86_64": {
      "lab-hello-0:1.0-2.src": {
        "lab-hello-0:1.0-2.src": {"category": "source", "path": "p", "sigkey": "f1290335"},
        "lab-hello-0:1.0-2.x86_64": {"category": "binary", "path": "p", "sigkey": "f1290335"}},
      "lab-epoch-2:2.0-5.src": {
        "lab-epoch-2:2.0-5.x86_64": {"category": "binary", "path": "p", "sigkey": null}}},
    "aarch64": {
      "lab-hello-0:1.0-2.src": {
        "lab-hello-0:1.0-2.src": {"category": "source", "path": "p", "sigkey": "f1290335"},
        "lab-hello-libs-0:1.0-2.aarch64": {"category": "binary", "path": "p", "sigkey": "f1290335"}}}}}}}"#;

fn request() -> ComposeRequest {
    ComposeRequest::new(SourceSpec::PungiCompose(VARIANT.parse().unwrap()))
}

fn source(hub: &Hub, document: &str) -> PungiComposeSource {
    let web = Web::new(&["http://composes.lab/"]);
    web.answer(DOCUMENT, Ok(document.as_bytes()));
    PungiComposeSource::new(mounted(hub), PungiComposeSettings::new(web))
}

#[tokio::test]
async fn the_same_packages_with_the_same_keys_for_the_same_arches() {
    let hub = Hub::start();
    let source = source(&hub, RPMS);
    source.check(&request()).unwrap();
    let resolved = source.resolve(&request()).await.unwrap();
    let fields = &resolved.fields;
    let words = |list: Vec<String>| list.join(" ");
    let arches = fields.arches.iter().flatten().map(ToString::to_string).collect();
    let builds = fields.builds.iter().flatten().map(ToString::to_string).collect();
    let packages = fields
        .packages
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    assert_eq!(words(arches), "aarch64 x86_64");
    assert_eq!(words(builds), "lab-epoch-2.0-5 lab-hello-1.0-2");
    assert_eq!(words(packages), "lab-epoch lab-hello lab-hello-libs");
    let keys = fields.sigkeys.clone().unwrap();
    assert_eq!(keys, ["f1290335".parse().unwrap(), KeyOrUnsigned::Unsigned]);
    for content in [
        source.content(&resolved.pins).await.unwrap(),
        source.complete_content(&resolved.pins).await.unwrap(),
    ] {
        let Content::Packages(content) = content else {
            panic!("packages are expected");
        };
        let assigned = content.assigned.unwrap();
        let of_arch: BTreeMap<String, Vec<String>> = assigned
            .iter()
            .map(|(arch, numbers)| {
                let shown = numbers
                    .iter()
                    .map(|number| super::shown(&content.candidates[*number]));
                (arch.to_string(), shown.collect())
            })
            .collect();
        assert_eq!(
            of_arch["x86_64"],
            [
                "lab-epoch-2.0-5.x86_64",
                "lab-hello-1.0-2.src f1290335",
                "lab-hello-1.0-2.x86_64 f1290335"
            ]
        );
        assert_eq!(
            of_arch["aarch64"],
            [
                "lab-hello-1.0-2.src f1290335",
                "lab-hello-libs-1.0-2.aarch64 f1290335"
            ]
        );
    }
}

#[tokio::test]
async fn what_koji_does_not_have_is_named() {
    let hub = Hub::start();
    let unknown = source(
        &hub,
        &RPMS.replace("lab-hello-0:1.0-2.src\": {\n", "lab-hello-0:7-7.src\": {\n"),
    );
    let error = unknown.resolve(&request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error
            .message()
            .starts_with("the build lab-hello-7-7 is not known to Koji"),
        "{error}"
    );
    let other = source(&hub, &RPMS.replace("lab-hello-libs-0", "lab-hello-lost-0"));
    let pins = other.resolve(&request()).await.unwrap().pins;
    let error = other.content(&pins).await.unwrap_err();
    assert!(
        error.message().contains("lab-hello-lost-0:1.0-2.aarch64"),
        "{error}"
    );
    let page = source(&hub, "<html>");
    assert_eq!(
        page.resolve(&request()).await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
    let mut elsewhere = request();
    elsewhere.source = SourceSpec::PungiCompose("http://evil.lab/compose/Server".parse().unwrap());
    assert_eq!(page.check(&elsewhere).unwrap_err().kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn builds_that_were_deleted_long_ago_are_named() {
    let hub = Hub::start();
    let document = RPMS.replace("lab-epoch-2:2.0-5", "lab-xdel-0:1.0-1");
    let error = source(&hub, &document).resolve(&request()).await.unwrap_err();
    assert_eq!(error.message(), "the build lab-xdel-1.0-1 was deleted");
}

#[tokio::test]
async fn composes_of_this_machine_are_below_the_roots() {
    let hub = Hub::start();
    let dir = tempfile::tempdir().unwrap();
    let metadata = dir.path().join("L-9/compose/metadata");
    std::fs::create_dir_all(&metadata).unwrap();
    std::fs::write(metadata.join("rpms.json"), RPMS).unwrap();
    let settings = PungiComposeSettings::new(Web::new(&[])).with_roots([dir.path()]);
    let source = PungiComposeSource::new(mounted(&hub), settings);
    let at = |path: &str| {
        let url = format!("file://{}{path}", dir.path().display());
        ComposeRequest::new(SourceSpec::PungiCompose(url.parse().unwrap()))
    };
    let resolved = source.resolve(&at("/L-9/compose/Server")).await.unwrap();
    source.content(&resolved.pins).await.unwrap();
    assert_eq!(
        source.check(&at("/../L-9/compose/Server")).unwrap_err().kind(),
        ErrorKind::Forbidden
    );
    let error = source.resolve(&at("/L-10/compose/Server")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
