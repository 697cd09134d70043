//! Reading and writing comps.

use proptest::prelude::*;

use super::*;
use crate::repodata::Limits;
use crate::{Digest, DigestAlgorithm, Error, PackagePattern, Result};

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

/// Everything a comps file can say, in the form in which it is written.
const FULL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps
  PUBLIC '-//Red Hat, Inc.//DTD Comps info//EN'
  'comps.dtd'>
<comps>
  <group arch="i386 x86_64">
    <id>desktop</id>
    <name>Desktop</name>
    <name xml:lang="cs">Pracovní plocha</name>
    <description/>
    <description xml:lang="de">Für &lt;alle&gt;</description>
    <default>true</default>
    <uservisible>false</uservisible>
    <biarchonly>true</biarchonly>
    <display_order>1024</display_order>
    <langonly>cs</langonly>
    <packagelist>
      <packagereq type="mandatory">one</packagereq>
      <packagereq type="default">two</packagereq>
      <packagereq type="optional" variant="Client Server">three</packagereq>
      <packagereq arch="x86_64" basearchonly="true" requires="gtk" type="conditional">four</packagereq>
      <packagereq requires="gtk" type="conditional">five</packagereq>
      <packagereq type="conditional">six</packagereq>
      <packagereq requires="gtk" type="optional">seven</packagereq>
    </packagelist>
  </group>
  <group>
    <id>empty</id>
    <name/>
    <description/>
    <packagelist/>
  </group>
  <category>
    <id>apps</id>
    <name>Applications</name>
    <description>Any</description>
    <display_order>80</display_order>
    <grouplist>
      <groupid>desktop</groupid>
      <groupid arch="s390x">gone</groupid>
    </grouplist>
  </category>
  <environment arch="x86_64">
    <id>workstation</id>
    <name>Workstation</name>
    <description>A workstation</description>
    <grouplist/>
    <optionlist>
      <groupid default="true">desktop</groupid>
      <groupid>empty</groupid>
    </optionlist>
  </environment>
  <langpacks>
    <match install="office-%s" name="office"/>
  </langpacks>
</comps>
"#;

fn read(xml: &str) -> Result<Comps> {
    read_comps(xml.as_bytes(), Limits::default())
}

#[test]
fn what_a_file_says_is_read_and_written_back() {
    let comps = read(FULL).unwrap();
    assert_eq!(String::from_utf8(comps.to_xml()).unwrap(), FULL);
    let group = comps.group("desktop").unwrap();
    assert_eq!(&*group.name.translations["cs"], "Pracovní plocha");
    assert_eq!(
        (&*group.description.text, &*group.description.translations["de"]),
        ("", "Für <alle>")
    );
    assert_eq!(
        (group.default, group.user_visible, group.biarch_only),
        (Some(true), Some(false), Some(true))
    );
    assert_eq!(
        (group.display_order, group.lang_only.as_deref()),
        (Some(1024), Some("cs"))
    );
    let levels: Vec<_> = group
        .packages
        .iter()
        .map(|package| package.level.as_str())
        .collect();
    let optional = "optional";
    let conditional = "conditional";
    assert_eq!(
        levels,
        [
            "mandatory",
            "default",
            optional,
            conditional,
            conditional,
            conditional,
            optional
        ]
    );
    assert!(group.packages[3].base_arch_only);
    assert_eq!(group.packages[2].variants, ["Client".into(), "Server".into()]);
    assert_eq!(comps.categories[0].groups[1].arches, ["s390x".into()]);
    assert_eq!(comps.environments[0].options.as_ref().unwrap().len(), 2);
    assert!(comps.environments[0].options.as_ref().unwrap()[0].default);
    assert_eq!(&*comps.langpacks[0].install, "office-%s");
}

#[test]
fn conditional_packages_are_those_of_the_groups_for_the_arch() {
    let comps = read(FULL).unwrap();
    let of = |groups: &[&str], arch: &str| -> Vec<String> {
        let found = comps.conditional(groups.iter().copied(), &arch.parse().unwrap());
        found
            .iter()
            .map(|c| format!("{} if {}", c.package, c.requires))
            .collect()
    };
    assert_eq!(of(&["desktop", "gone"], "x86_64"), ["four if gtk", "five if gtk"]);
    assert_eq!(of(&["desktop"], "i386"), ["five if gtk"]);
    assert_eq!(of(&["desktop"], "s390x"), [""; 0]);
    assert_eq!(of(&["empty"], "x86_64"), [""; 0]);
}

#[test]
fn what_is_not_known_is_passed_over() {
    let comps = read(
        "<!-- c --><comps><blacklist><package name='x'/></blacklist><group arch='a,b'><x><id>no</id></x>\
         <id> g </id><packagelist><packagereq> a </packagereq><packagereq type='odd'>b</packagereq>\
         <packagereq/><other>c</other></packagelist></group>\
         <langpacks><match name='x'/><match name='y' install='y-%s'/></langpacks></comps>",
    )
    .unwrap();
    assert_eq!(comps.groups.len(), 1);
    let group = &comps.groups[0];
    assert_eq!(&*group.id, "g");
    assert_eq!(group.arches, ["a".into(), "b".into()]);
    assert_eq!(group.packages, [GroupPackage::new("a"), GroupPackage::new("b")]);
    assert_eq!((group.default, group.display_order), (None, None));
    assert_eq!(comps.langpacks.len(), 1);
}

#[test]
fn what_is_no_comps_file_is_refused() {
    for (xml, reason) in [
        ("", "empty"),
        ("<html/>", "root"),
        ("<comps><group></comps>", "comps: "),
        ("<comps><group><id>a</id>", "middle"),
        ("<comps><group/></comps>", "group without an id"),
        (
            "<comps><category><id> </id></category></comps>",
            "category without an id",
        ),
        ("<comps><environment/></comps>", "environment without an id"),
    ] {
        let error = read(xml).unwrap_err().to_string();
        assert!(error.contains(reason), "{xml}: {error}");
    }
}

#[test]
fn limits_hold() {
    let mut limits = Limits {
        elements: 10,
        ..Limits::default()
    };
    let groups = "<group><id>a</id></group>".repeat(5);
    let many = format!("<comps>{groups}</comps>");
    let refused = |xml: &str| matches!(read_comps(xml.as_bytes(), limits), Err(Error::TooLarge { .. }));
    assert!(refused(&many));
    limits.elements = 11;
    assert_eq!(read_comps(many.as_bytes(), limits).unwrap().groups.len(), 5);
    limits.text_bytes = 100;
    let long = format!("<comps><group><id>{}</id></group></comps>", "a".repeat(101));
    let refused = |xml: &str| matches!(read_comps(xml.as_bytes(), limits), Err(Error::TooLarge { .. }));
    assert!(refused(&long));
    let deep = format!("<comps>{}", "<a>".repeat(100));
    assert!(read(&deep).is_err());
}

fn words() -> impl Strategy<Value = Vec<Box<str>>> {
    proptest::collection::vec("[a-z0-9_]{1,4}".prop_map(Into::into), 0..3)
}

fn text() -> impl Strategy<Value = Text> {
    let translations = proptest::collection::btree_map(
        "[a-z]{2}".prop_map(Into::into),
        "[ -~ä\n]{0,6}".prop_map(Into::into),
        0..3,
    );
    ("[ -~ä\t\n]{0,8}".prop_map(Into::into), translations)
        .prop_map(|(text, translations)| Text { text, translations })
}

fn references() -> impl Strategy<Value = Vec<GroupReference>> {
    let reference = ("[!-~]{1,4}", any::<bool>(), words());
    proptest::collection::vec(
        reference.prop_map(|(id, default, arches)| GroupReference {
            id: id.into(),
            default,
            arches,
        }),
        0..3,
    )
}

fn group() -> impl Strategy<Value = Group> {
    use proptest::option::of;
    let level = proptest::sample::select(vec![
        Level::Mandatory,
        Level::Default,
        Level::Optional,
        Level::Conditional,
    ]);
    let package = (
        "[!-~]{1,6}",
        level,
        of("[!-~]{1,4}"),
        any::<bool>(),
        words(),
        words(),
    )
        .prop_map(
            |(name, level, requires, base_arch_only, arches, variants)| GroupPackage {
                name: name.into(),
                level,
                requires: requires.map(Into::into),
                base_arch_only,
                arches,
                variants,
            },
        );
    let flags = (of(any::<bool>()), of(any::<bool>()), of(any::<bool>()));
    let rest = (
        of(any::<u32>()),
        of("[a-z]{2}"),
        words(),
        proptest::collection::vec(package, 0..4),
    );
    ("[!-~]{1,6}", text(), text(), flags, rest).prop_map(|(id, name, description, flags, rest)| Group {
        id: id.into(),
        name,
        description,
        default: flags.0,
        user_visible: flags.1,
        biarch_only: flags.2,
        display_order: rest.0,
        lang_only: rest.1.map(Into::into),
        arches: rest.2,
        packages: rest.3,
    })
}

proptest! {
    #[test]
    fn what_was_written_reads_back(
        groups in proptest::collection::vec(group(), 0..3),
        (id, name, description, order) in ("[!-~]{1,6}", text(), text(), proptest::option::of(any::<u32>())),
        (listed, options, arches) in (references(), proptest::option::of(references()), words()),
        langpacks in proptest::collection::vec(("[ -~]{1,5}", "[ -~]{1,5}"), 0..3),
    ) {
        let comps = Comps {
            groups,
            categories: vec![Category {
                id: id.as_str().into(),
                name: name.clone(),
                description: description.clone(),
                display_order: order,
                groups: listed.clone(),
            }],
            environments: vec![Environment {
                id: id.into(),
                name,
                description,
                display_order: order,
                arches,
                groups: listed,
                options,
            }],
            langpacks: langpacks
                .into_iter()
                .map(|(name, install)| Langpack { name: name.into(), install: install.into() })
                .collect(),
        };
        let xml = comps.to_xml();
        prop_assert_eq!(read_comps(xml.as_slice(), Limits::default()).unwrap(), comps);
    }

    #[test]
    fn nothing_makes_it_panic(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "<comps>", "</comps>", "<group>", "</group>", "<id>", "</id>", "<packagelist>", "<packagereq type='x'>",
        "</packagereq>", "<grouplist>", "<groupid>", "</groupid>", "<langpacks>", "<match name='a' install='b'/>",
        "a", "&amp;", "&x;", "<", "<environment>", "<optionlist/>", "</environment>", "<name xml:lang='c'>",
    ]), 0..20)) {
        let _ = read(&format!("<comps>{}", pieces.concat()));
    }
}
