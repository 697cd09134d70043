//! Reading and writing comps.

use super::*;
use crate::{Digest, DigestAlgorithm};

fn comps(asked: &[&str]) -> Vec<u8> {
    let asked: Vec<PackagePattern> = asked.iter().map(|text| text.parse().unwrap()).collect();
    write_comps(&asked)
}

#[test]
fn is_the_file_that_pungi_makes() {
    // The checksums of the comps files of composes that Pungi made.
    for (asked, checksum) in [
        (
            &["ed"][..],
            "91b2a6bf4494ca41837d50d9912912e9e4e34b2f884f0f1ba422ca170ddfbf5e",
        ),
        (
            &["ed*"],
            "934954194072b5266561944af32a61e94c624c3ad205a50d8eaa2b9dc246ee24",
        ),
        (
            &[],
            "2b13cd3f9d81647fd31aa16de1b16b582efd9566f8c4334e4561a030f3777c37",
        ),
    ] {
        assert_eq!(
            Digest::of_bytes(DigestAlgorithm::Sha256, &comps(asked)).hex(),
            checksum,
            "{asked:?}"
        );
    }
}

#[test]
fn is_escaped_and_in_order() {
    let text = String::from_utf8(comps(&["sed", "a<&b", "sed"])).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("packagereq")).collect();
    assert_eq!(
        lines,
        [
            "      <packagereq type=\"mandatory\">a&lt;&amp;b</packagereq>",
            "      <packagereq type=\"mandatory\">sed</packagereq>"
        ]
    );
}
