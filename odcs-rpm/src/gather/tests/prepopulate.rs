//! What a gather starts with besides what was asked for, and the reasons for both.

use super::*;
use crate::gather::Why;

fn prepopulate(names: &[&str]) -> Options {
    with(|o| o.prepopulate = names.iter().map(|name| name.parse().unwrap()).collect())
}

#[test]
fn packages_of_exactly_this_name_and_arch_are_there_from_the_start() {
    let set = set(&[
        make("a-1-1.x86_64"),
        make("a-1-1.i686").requires("b"),
        make("a-2-1.i686").requires("b"),
        make("aa-1-1.i686"),
        make("b-1-1.x86_64"),
        make("c-1-1.x86_64"),
    ]);
    let options = prepopulate(&["a.i686", "c.x86_64", "c.i686", "gone.x86_64"]);
    let found = gather(&set, &request(&["c"]), &options);
    assert_eq!(
        members(&found),
        [
            "a-2-1.i686 prepopulate",
            "b-1-1.x86_64",
            "c-1-1.x86_64 input prepopulate",
        ],
        "those that are not there are passed over",
    );
    assert!(matches!(found.members[0].why, Why::Prepopulated));
    assert_eq!(why(&found, "c"), "asked for by c");
    assert!(found.unmatched.is_empty());
}

#[test]
fn what_is_excluded_is_not_there_from_the_start() {
    let set = set(&[make("a-1-1.x86_64"), make("b-1-1.x86_64")]);
    assert_eq!(
        gathered(&set, &["b", "-a"], &prepopulate(&["a.x86_64"])),
        ["b-1-1.x86_64 input"]
    );
}

#[test]
fn the_plainest_pattern_is_the_reason() {
    let set = set(&[make("abc-1-1.x86_64"), make("abd-1-1.x86_64")]);
    for patterns in [["ab*", "abc", "a*"], ["a*", "ab*", "abc"]] {
        let found = gather(&set, &request(&patterns), &options());
        assert_eq!(why(&found, "abc"), "asked for by abc");
        assert_eq!(why(&found, "abd"), "asked for by a*");
    }
    let found = gather(&set, &Request::Everything, &options());
    assert_eq!(why(&found, "abc"), "everything was asked for");
}
