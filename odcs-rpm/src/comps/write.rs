//! Writing comps files.

use std::collections::BTreeSet;

use super::{Comps, Group, GroupPackage, GroupReference, Text};
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
    let group = Group {
        id: "odcs-group".into(),
        name: "odcs-group".into(),
        description: "ODCS compose default group".into(),
        default: Some(true),
        user_visible: Some(true),
        packages: packages
            .iter()
            .map(|package| GroupPackage::new(package.as_str()))
            .collect(),
        ..Group::default()
    };
    let comps = Comps {
        groups: (!packages.is_empty()).then_some(group).into_iter().collect(),
        ..Comps::default()
    };
    comps.to_xml()
}

impl Comps {
    /// The comps file that says this, in the form in which Pungi writes them. Reading it gives the same
    /// again, except for characters that XML does not have: they become U+FFFD.
    pub fn to_xml(&self) -> Vec<u8> {
        let mut xml = Xml::default();
        xml.raw(concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
            "<!DOCTYPE comps\n",
            "  PUBLIC '-//Red Hat, Inc.//DTD Comps info//EN'\n",
            "  'comps.dtd'>\n",
        ));
        if *self == Self::default() {
            xml.raw("<comps/>\n");
            return xml.bytes;
        }
        xml.raw("<comps>\n");
        for group in &self.groups {
            open(&mut xml, "group", &group.arches);
            write_head(&mut xml, &group.id, &group.name, &group.description);
            write_group(&mut xml, group);
            xml.raw("  </group>\n");
        }
        for category in &self.categories {
            open(&mut xml, "category", &[]);
            write_head(&mut xml, &category.id, &category.name, &category.description);
            write_order(&mut xml, category.display_order);
            write_list(&mut xml, "grouplist", &category.groups);
            xml.raw("  </category>\n");
        }
        for environment in &self.environments {
            open(&mut xml, "environment", &environment.arches);
            write_head(
                &mut xml,
                &environment.id,
                &environment.name,
                &environment.description,
            );
            write_order(&mut xml, environment.display_order);
            write_list(&mut xml, "grouplist", &environment.groups);
            if let Some(options) = &environment.options {
                write_list(&mut xml, "optionlist", options);
            }
            xml.raw("  </environment>\n");
        }
        if !self.langpacks.is_empty() {
            xml.raw("  <langpacks>\n");
            for langpack in &self.langpacks {
                xml.raw("    <match install=\"").value(&langpack.install);
                xml.raw("\" name=\"").value(&langpack.name).raw("\"/>\n");
            }
            xml.raw("  </langpacks>\n");
        }
        xml.raw("</comps>\n");
        xml.bytes
    }
}

fn open(xml: &mut Xml, name: &str, arches: &[Box<str>]) {
    xml.raw("  <").raw(name);
    write_words(xml, "arch", arches);
    xml.raw(">\n");
}

/// What groups, categories and environments have in common.
fn write_head(xml: &mut Xml, id: &str, name: &Text, description: &Text) {
    write_element(xml, "id", None, id);
    for (element, text) in [("name", name), ("description", description)] {
        write_element(xml, element, None, &text.text);
        for (language, text) in &text.translations {
            write_element(xml, element, Some(language), text);
        }
    }
}

fn write_group(xml: &mut Xml, group: &Group) {
    for (name, value) in [
        ("default", group.default),
        ("uservisible", group.user_visible),
        ("biarchonly", group.biarch_only),
    ] {
        if let Some(value) = value {
            write_element(xml, name, None, if value { "true" } else { "false" });
        }
    }
    write_order(xml, group.display_order);
    if let Some(language) = &group.lang_only {
        write_element(xml, "langonly", None, language);
    }
    if group.packages.is_empty() {
        xml.raw("    <packagelist/>\n");
        return;
    }
    xml.raw("    <packagelist>\n");
    for package in &group.packages {
        xml.raw("      <packagereq");
        write_words(xml, "arch", &package.arches);
        if package.base_arch_only {
            xml.raw(" basearchonly=\"true\"");
        }
        if let Some(requires) = &package.requires {
            xml.raw(" requires=\"").value(requires).raw("\"");
        }
        xml.raw(" type=\"").raw(package.level.as_str()).raw("\"");
        write_words(xml, "variant", &package.variants);
        xml.raw(">").text(&package.name).raw("</packagereq>\n");
    }
    xml.raw("    </packagelist>\n");
}

fn write_order(xml: &mut Xml, order: Option<u32>) {
    if let Some(order) = order {
        xml.raw("    <display_order>").number(order.into());
        xml.raw("</display_order>\n");
    }
}

fn write_list(xml: &mut Xml, name: &str, groups: &[GroupReference]) {
    if groups.is_empty() {
        xml.raw("    <").raw(name).raw("/>\n");
        return;
    }
    xml.raw("    <").raw(name).raw(">\n");
    for group in groups {
        xml.raw("      <groupid");
        write_words(xml, "arch", &group.arches);
        if group.default {
            xml.raw(" default=\"true\"");
        }
        xml.raw(">").text(&group.id).raw("</groupid>\n");
    }
    xml.raw("    </").raw(name).raw(">\n");
}

fn write_element(xml: &mut Xml, name: &str, language: Option<&str>, text: &str) {
    xml.raw("    <").raw(name);
    if let Some(language) = language {
        xml.raw(" xml:lang=\"").value(language).raw("\"");
    }
    if text.is_empty() {
        xml.raw("/>\n");
    } else {
        xml.raw(">").text(text).raw("</").raw(name).raw(">\n");
    }
}

/// Writes an attribute with words; none without words.
fn write_words(xml: &mut Xml, name: &str, words: &[Box<str>]) {
    if !words.is_empty() {
        xml.raw(" ")
            .raw(name)
            .raw("=\"")
            .value(&words.join(" "))
            .raw("\"");
    }
}
