//! What comps says: conditional packages and langpacks.

use super::*;
use crate::comps::{Conditional, Langpack};
use crate::gather::Greedy;

fn conditional(pairs: &[(&str, &str)]) -> Options {
    with(|o| {
        let entries = pairs.iter().map(|(requires, package)| Conditional {
            requires: (*requires).into(),
            package: (*package).into(),
        });
        o.conditional = entries.collect();
    })
}

fn langpacks(pairs: &[(&str, &str)]) -> Options {
    with(|o| {
        let entries = pairs.iter().map(|(name, install)| Langpack {
            name: (*name).into(),
            install: (*install).into(),
        });
        o.langpacks = entries.collect();
    })
}

#[test]
fn a_conditional_package_is_added_where_its_condition_is_met() {
    let set = set(&[
        make("gtk-1-1.x86_64"),
        make("app-1-1.x86_64").requires("gtk"),
        make("input-gtk-1-1.x86_64").requires("lib"),
        make("input-gtk-1-1.i686"),
        make("lib-1-1.x86_64"),
    ]);
    let options = conditional(&[("gtk", "input-gtk"), ("qt", "lib"), ("gtk", "gone")]);
    let found = gather(&set, &request(&["app"]), &options);
    assert_eq!(
        members(&found),
        [
            "app-1-1.x86_64 input",
            "gtk-1-1.x86_64 conditional",
            "input-gtk-1-1.x86_64",
            "lib-1-1.x86_64",
        ],
        "the flag is that of the package that met the condition",
    );
    assert_eq!(why(&found, "input-gtk"), "comps adds it to gtk-1-1.x86_64");
    assert_eq!(
        broken(&found),
        [""; 0],
        "what is not there is nobody's requirement"
    );
    assert_eq!(gathered(&set, &["lib"], &options), ["lib-1-1.x86_64 input"]);
}

#[test]
fn conditional_packages_come_before_dependencies() {
    // "mail" is met by `longer`, which comps added first.
    let set = set(&[
        make("a-1-1.x86_64").requires("mail"),
        make("b-1-1.x86_64").provides("mail"),
        make("longer-1-1.x86_64").provides("mail"),
    ]);
    let options = conditional(&[("a", "longer")]);
    assert_eq!(
        gathered(&set, &["a"], &options),
        ["a-1-1.x86_64 input conditional", "longer-1-1.x86_64"],
    );
}

#[test]
fn a_conditional_package_that_is_there_flags_nothing() {
    let set = set(&[make("a-1-1.x86_64"), make("b-1-1.x86_64")]);
    let options = conditional(&[("a", "b")]);
    assert_eq!(
        gathered(&set, &["a", "b"], &options),
        ["a-1-1.x86_64 input", "b-1-1.x86_64 input"],
    );
}

#[test]
fn conditional_packages_need_dependencies_to_be_resolved() {
    let set = set(&[make("a-1-1.x86_64"), make("b-1-1.x86_64")]);
    let mut options = conditional(&[("a", "b")]);
    options.resolve_deps = false;
    assert_eq!(gathered(&set, &["a"], &options), ["a-1-1.x86_64 input"]);
}

fn translated() -> PackageSet {
    set(&[
        make("office-1-1.x86_64"),
        make("office-lang-cs-1-1.x86_64"),
        make("office-lang-cs-1-1.i686"),
        make("office-lang-de-1-1.noarch"),
        make("office-lang-devel-1-1.x86_64"),
        make("office-lang-static-1-1.x86_64"),
        make("office-lang-fr-debuginfo-1-1.x86_64"),
        make("office-1-1.i686"),
    ])
}

#[test]
fn langpacks_come_with_their_package_one_for_each_name() {
    let options = langpacks(&[("office", "office-lang-%s"), ("draw", "draw-%s")]);
    let found = gather(&translated(), &request(&["office"]), &options);
    assert_eq!(
        members(&found),
        [
            "office-1-1.x86_64 input",
            "office-lang-cs-1-1.x86_64 langpack",
            "office-lang-de-1-1.noarch langpack",
        ],
        "neither -devel nor -static packages are translations",
    );
    assert_eq!(why(&found, "office-lang-de"), "translation of office-1-1.x86_64");
    let mut greedy = options.clone();
    greedy.greedy = Greedy::All;
    let found = gathered(&translated(), &["office"], &greedy);
    let czech: Vec<_> = found.iter().filter(|text| text.contains("cs")).collect();
    assert_eq!(czech, ["office-lang-cs-1-1.i686 langpack"], "one is enough");
    let asked = gathered(&translated(), &["office", "office-lang-de"], &options);
    assert!(
        asked.contains(&"office-lang-de-1-1.noarch input langpack".to_owned()),
        "{asked:?}"
    );
    let mut nodeps = options;
    nodeps.resolve_deps = false;
    assert_eq!(gathered(&translated(), &["office"], &nodeps).len(), 3);
}

#[test]
fn langpacks_come_with_packages_that_others_require_and_require_others() {
    let set = set(&[
        make("a-1-1.x86_64").requires("b"),
        make("b-1-1.x86_64"),
        make("b-de-1-1.noarch").requires("c"),
        make("c-1-1.x86_64"),
    ]);
    assert_eq!(
        gathered(&set, &["a"], &langpacks(&[("b", "b-%s")])),
        [
            "a-1-1.x86_64 input",
            "b-1-1.x86_64",
            "b-de-1-1.noarch langpack",
            "c-1-1.x86_64"
        ],
    );
}

#[test]
fn man_pages_overrides_is_no_langpack() {
    let set = set(&[
        make("man-pages-1-1.noarch"),
        make("man-pages-cs-1-1.noarch"),
        make("man-pages-overrides-1-1.noarch"),
    ]);
    assert_eq!(
        gathered(&set, &["man-pages"], &langpacks(&[("man-pages", "man-pages-%s")])),
        ["man-pages-1-1.noarch input", "man-pages-cs-1-1.noarch langpack"],
    );
}
