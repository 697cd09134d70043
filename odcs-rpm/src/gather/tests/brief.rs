//! Sets that were built from packages one at a time, or written down and read back, are as good as any.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;

use super::generated::{any_options, any_request, packages};
use super::properties::shuffle;
use super::*;
use crate::gather::select;

/// The package without its lists and texts.
fn brief(package: &Package) -> Package {
    let mut brief = Package::new(package.nevra.clone());
    brief.source_rpm.clone_from(&package.source_rpm);
    (brief.build_time, brief.file_time) = (package.build_time, package.file_time);
    (brief.sizes, brief.header_range) = (package.sizes, package.header_range);
    brief.signatures.clone_from(&package.signatures);
    brief
}

/// What a member is, with all that is known of why.
fn said(gathered: &Gathered) -> (Vec<String>, Vec<String>, Vec<String>) {
    let members = gathered.members.iter().map(|member| {
        let brought = member.why.brought().map(|brought| {
            let by = (brought.by.nevra.to_string(), brought.origin);
            format!("{by:?} {:?}", brought.reason)
        });
        let source = &member.package.source_rpm;
        format!(
            "{} {} {source:?}, {}, {brought:?}",
            member.number,
            describe(member),
            member.why
        )
    });
    let unmatched = gathered.unmatched.iter().map(ToString::to_string);
    (members.collect(), broken(gathered), unmatched.collect())
}

/// The same set in every form that it can have.
fn forms(packages: &[Make], lookaside: &[Make]) -> Vec<PackageSet> {
    let full = set_with_lookaside(packages, lookaside);
    let mut forms = vec![PackageSet::decode(&full.encode()).unwrap()];
    if lookaside.is_empty() {
        let (mut kept, mut made) = (PackageSet::builder(), PackageSet::builder());
        for Make(package) in packages {
            kept.add(package, Arc::new(brief(package)));
            made.add_brief(package);
        }
        let (kept, made) = (kept.finish().unwrap(), made.finish().unwrap());
        assert_eq!(kept.encode(), full.encode());
        assert_eq!(made.encode(), full.encode());
        forms.extend([PackageSet::decode(&made.encode()).unwrap(), kept, made]);
    }
    forms.push(full);
    forms
}

fn rich_package() -> Make {
    let mut package = make("odd-3:1.0-2.i686")
        .requires("(a or (b if c else d))")
        .requires("(a and)")
        .provides("cap = 1:2-3")
        .file("/usr/lib/libodd.so.1", FileKind::File)
        .from("odd-1.0-2");
    package.0.build_time = u64::MAX;
    package.0.file_time = 1 << 33;
    package.0.sizes.archive = 3;
    package.0.header_range = (4, 1 << 40);
    package.0.signatures = vec!["199e2f91fd431d51".parse().unwrap(), "fd431d51".parse().unwrap()];
    package.0.summary = "Odd".into();
    package
}

#[test]
fn a_set_gives_back_brief_packages() {
    let packages = [rich_package(), make("odd-1.0-2.nosrc"), make("b-1-1.noarch")];
    for set in forms(&packages, &[]) {
        assert_eq!(set.len(), 3);
        for Make(package) in &packages {
            let number = set.number(&package.nevra).unwrap();
            let found = set.package(number).unwrap();
            let wanted = if set.is_brief() {
                brief(package)
            } else {
                package.clone()
            };
            assert_eq!(**found, wanted);
        }
        assert_eq!(set.number(&make("odd-3:1.0-2.x86_64").0.nevra), None);
        assert!(set.package(3).is_none());
        let sorted: Vec<String> = set.packages().map(|(package, _)| package.nevra.nvra()).collect();
        assert_eq!(sorted, ["b-1-1.noarch", "odd-1.0-2.nosrc", "odd-1.0-2.i686"]);
    }
}

#[test]
fn only_packages_that_lack_something_are_brief() {
    let mut builder = PackageSet::builder();
    assert!(builder.is_empty());
    let bare = make("a-1-1.noarch").0;
    builder.add(&bare, Arc::new(bare.clone()));
    let full = rich_package().0;
    builder.add(&full, Arc::new(full.clone()));
    assert_eq!(builder.len(), 2);
    assert!(!builder.finish().unwrap().is_brief());
}

#[test]
fn of_equal_packages_the_first_one_stays() {
    let one = |time| {
        let mut package = make("a-1-1.noarch").0;
        package.build_time = time;
        package
    };
    let mut builder = PackageSet::builder();
    [3, 1, 2].iter().for_each(|time| builder.add_brief(&one(*time)));
    let set = builder.finish().unwrap();
    assert_eq!(set.len(), 1);
    assert_eq!(set.package(0).unwrap().build_time, 3);
}

#[test]
fn multilib_methods_know_what_is_in_brief_packages() {
    let library = |arch: &str| {
        let package = make(&format!("lib-1-1.{arch}")).from("lib-1-1");
        package.file("/usr/lib/lib.so.1", FileKind::File)
    };
    let packages = [
        library("i686"),
        library("x86_64"),
        make("tool-1-1.i686"),
        make("tool-1-1.x86_64"),
    ];
    for method in crate::multilib::Method::ALL {
        let options = with(|options| options.multilib_methods = [method].into_iter().collect());
        let all: BTreeSet<Vec<String>> = forms(&packages, &[])
            .iter()
            .map(|set| gathered(set, &["lib", "tool"], &options))
            .collect();
        let all: Vec<_> = all.into_iter().collect();
        assert_eq!(all.len(), 1);
        assert!(all[0].contains(&"lib-1-1.i686 multilib".to_owned()));
    }
}

#[test]
fn what_is_no_set_is_refused() {
    let bytes = set_with_lookaside(&[rich_package()], &[make("a-1-1.src")]).encode();
    assert!(PackageSet::decode(&bytes).is_ok());
    for length in 0..bytes.len() {
        assert!(PackageSet::decode(&bytes[..length]).is_err(), "{length}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(PackageSet::decode(&longer).is_err());
}

/// Everything that a set is asked.
fn use_up(set: &PackageSet, request: &Request, options: &Options) {
    for gathered in [gather(set, request, options), select(set, request, &options.arch)] {
        for member in &gathered.members {
            gathered.chain(member).take(gathered.members.len() + 1).count();
        }
    }
    assert!(set.packages().count() <= set.len());
    set.encode();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_form_of_a_set_gathers_the_same(
        packages in packages(40),
        lookaside in proptest::option::weighted(0.3, packages(8)),
        request in any_request(),
        options in any_options(),
        swaps in proptest::collection::vec(any::<(Index, Index)>(), 30),
    ) {
        let lookaside = lookaside.unwrap_or_default();
        let mut packages = packages;
        shuffle(&mut packages, &swaps);
        let forms = forms(&packages, &lookaside);
        let wanted = said(&gather(forms.last().unwrap(), &request, &options));
        let selected = said(&select(forms.last().unwrap(), &request, &options.arch));
        for form in &forms {
            prop_assert_eq!(&said(&gather(form, &request, &options)), &wanted);
            prop_assert_eq!(&said(&select(form, &request, &options.arch)), &selected);
        }
    }

    #[test]
    fn damage_is_an_error_or_another_set(
        packages in packages(20),
        request in any_request(),
        options in any_options(),
        damage in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = set(&packages).encode();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(set) = PackageSet::decode(&bytes) {
            use_up(&set, &request, &options);
        }
    }
}
