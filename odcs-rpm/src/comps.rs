//! The comps file of a compose: one group with the packages that were asked for.

use std::collections::BTreeSet;

use crate::PackagePattern;
use crate::repodata::Xml;

/// Writes the comps file of a compose, byte for byte as Pungi makes it from what ODCS gives it: one group,
/// `odcs-group`, of mandatory packages. They stand as they were asked for, globs included, in the order
/// of their names whatever order they come in, each once. Without packages there is no group.
///
/// ```
/// use odcs_rpm::comps::write_comps;
/// let asked = ["sed".parse()?, "ed*".parse()?, "sed".parse()?];
/// let comps = String::from_utf8(write_comps(&asked)).unwrap();
/// assert!(comps.contains("<packagereq type=\"mandatory\">ed*</packagereq>"));
/// # Ok::<(), odcs_rpm::Error>(())
/// ```
pub fn write_comps<'a>(packages: impl IntoIterator<Item = &'a PackagePattern>) -> Vec<u8> {
    let packages: BTreeSet<_> = packages.into_iter().collect();
    let mut xml = Xml::default();
    xml.raw(concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<!DOCTYPE comps\n",
        "  PUBLIC '-//Red Hat, Inc.//DTD Comps info//EN'\n",
        "  'comps.dtd'>\n",
    ));
    if packages.is_empty() {
        xml.raw("<comps/>\n");
        return xml.bytes;
    }
    xml.raw(concat!(
        "<comps>\n  <group>\n    <id>odcs-group</id>\n    <name>odcs-group</name>\n",
        "    <description>ODCS compose default group</description>\n",
        "    <default>true</default>\n    <uservisible>true</uservisible>\n    <packagelist>\n",
    ));
    for package in packages {
        xml.raw("      <packagereq type=\"mandatory\">");
        xml.text(package.as_str()).raw("</packagereq>\n");
    }
    xml.raw("    </packagelist>\n  </group>\n</comps>\n");
    xml.bytes
}

#[cfg(test)]
mod tests {
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
}
