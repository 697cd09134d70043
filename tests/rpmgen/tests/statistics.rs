//! The made-up distribution looks like one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss
)]

use std::collections::{BTreeMap, BTreeSet};

use rpmgen::{GeneratorOptions, PackageSpec, generate, write};

const SEEDS: [u64; 4] = [1, 2, 3, 1_000_000_007];

fn packages(packages: usize, seed: u64) -> Vec<PackageSpec> {
    generate(GeneratorOptions { packages, seed }).collect()
}

fn is_debug(spec: &PackageSpec) -> bool {
    spec.name.ends_with("-debuginfo") || spec.name.ends_with("-debugsource")
}

fn is_binary(spec: &PackageSpec) -> bool {
    !spec.is_source() && !is_debug(spec)
}

/// Capability or path → the first package that offers it, native ones before those for i686.
fn providers(specs: &[PackageSpec]) -> BTreeMap<&str, usize> {
    let mut providers = BTreeMap::new();
    for foreign in [false, true] {
        for (index, spec) in specs.iter().enumerate() {
            if is_binary(spec) && (spec.arch == "i686") == foreign {
                let names = spec.provides.iter().map(|provide| provide.name.as_str());
                for name in names.chain(spec.files.iter().map(|file| file.path.as_str())) {
                    providers.entry(name).or_insert(index);
                }
            }
        }
    }
    providers
}

/// How many others a package pulls in. With `whole_builds`, every needed package brings those of the same
/// build and arch class, as a greedy compose takes them.
fn pulled_in(specs: &[PackageSpec], whole_builds: bool) -> Vec<usize> {
    let providers = providers(specs);
    let mut builds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, spec) in specs.iter().enumerate() {
        if let (true, Some(source)) = (is_binary(spec), &spec.source_rpm) {
            builds.entry(source).or_default().push(index);
        }
    }
    let closure = |start: usize| {
        let mut seen = BTreeSet::from([start]);
        let mut queue = vec![start];
        while let Some(index) = queue.pop() {
            for requirement in &specs[index].requires {
                let provider = *providers.get(requirement.name.as_str()).unwrap_or_else(|| {
                    panic!(
                        "{} needs {} which nobody offers",
                        specs[index].file_name(),
                        requirement.name
                    )
                });
                let mut found = vec![provider];
                if whole_builds {
                    let foreign = specs[provider].arch == "i686";
                    let build = &builds[specs[provider].source_rpm.as_deref().unwrap()];
                    found.extend(
                        build
                            .iter()
                            .filter(|other| (specs[**other].arch == "i686") == foreign),
                    );
                }
                queue.extend(found.into_iter().filter(|found| seen.insert(*found)));
            }
        }
        seen.len() - 1
    };
    (0..specs.len())
        .filter(|index| is_binary(&specs[*index]))
        .map(closure)
        .collect()
}

fn mean(values: &[usize]) -> f64 {
    values.iter().sum::<usize>() as f64 / values.len() as f64
}

fn median(values: &[usize]) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

#[test]
fn kinds_are_mixed_like_in_a_build_system() {
    for seed in SEEDS {
        let specs = packages(1000, seed);
        assert_eq!(specs.len(), 1000);
        let share = |of: &dyn Fn(&PackageSpec) -> bool| specs.iter().filter(|spec| of(spec)).count();
        let binary = share(&is_binary);
        let native = share(&|spec| is_binary(spec) && spec.arch == "x86_64");
        let noarch = share(&|spec| is_binary(spec) && spec.arch == "noarch");
        let foreign = share(&|spec| is_binary(spec) && spec.arch == "i686");
        let debug = share(&is_debug);
        let source = share(&PackageSpec::is_source);
        println!("binary {binary} ({native} {noarch} {foreign}), debug {debug}, source {source}");
        assert!((530..680).contains(&binary), "{binary} binary packages");
        assert!(
            native > noarch && noarch > foreign && foreign > 10,
            "{native} {noarch} {foreign}"
        );
        assert!(debug > 100, "{debug} debug packages");
        assert!((100..300).contains(&source), "{source} source packages");
    }
}

#[test]
fn files_have_a_long_tail() {
    for seed in SEEDS {
        let counts: Vec<usize> = packages(1000, seed).iter().map(|spec| spec.files.len()).collect();
        println!(
            "files: mean {} median {} most {:?}",
            mean(&counts),
            median(&counts),
            counts.iter().max()
        );
        assert!(median(&counts) < 10, "median {}", median(&counts));
        assert!((60.0..100.0).contains(&mean(&counts)), "mean {}", mean(&counts));
        assert!(counts.iter().max() > Some(&1000));
    }
}

#[test]
fn headers_have_about_22_kilobytes() {
    for seed in SEEDS {
        let sizes: Vec<(usize, usize)> = packages(1000, seed)
            .iter()
            .map(|spec| {
                let bytes = write(spec).unwrap();
                let read = rpm::PackageMetadata::parse(&mut &bytes[..]).unwrap();
                let offsets = read.get_package_segment_offsets();
                let (header, payload) = (offsets.header as usize, offsets.payload as usize);
                (payload - header, bytes.len() - payload)
            })
            .collect();
        let headers: Vec<usize> = sizes.iter().map(|(header, _)| *header).collect();
        let payloads: Vec<usize> = sizes.iter().map(|(_, payload)| *payload).collect();
        println!("headers {} payloads {}", mean(&headers), mean(&payloads));
        assert!(
            (18_000.0..26_000.0).contains(&mean(&headers)),
            "mean {}",
            mean(&headers)
        );
        assert!(mean(&payloads) < 10_000.0, "mean {}", mean(&payloads));
    }
}

#[test]
fn a_package_pulls_in_about_sixty_others() {
    for seed in SEEDS {
        let pulled = pulled_in(&packages(1000, seed), false);
        let whole = pulled_in(&packages(1000, seed), true);
        println!(
            "pulled in: mean {} median {} most {:?}",
            mean(&pulled),
            median(&pulled),
            pulled.iter().max()
        );
        println!(
            "whole builds: mean {} median {} most {:?}",
            mean(&whole),
            median(&whole),
            whole.iter().max()
        );
        assert!((50.0..70.0).contains(&mean(&pulled)), "mean {}", mean(&pulled));
        assert!(pulled.iter().max() < Some(&220));
    }
}

#[test]
fn more_packages_do_not_pull_in_more() {
    let pulled = pulled_in(&packages(6000, 5), false);
    println!(
        "pulled in of 6000: mean {} median {}",
        mean(&pulled),
        median(&pulled)
    );
    assert!((50.0..75.0).contains(&mean(&pulled)), "mean {}", mean(&pulled));
}

#[test]
fn any_first_part_is_closed_and_the_same() {
    let all = packages(400, 9);
    for count in [0, 1, 10, 57, 200] {
        let part = packages(count, 9);
        assert_eq!(part[..], all[..count]);
        pulled_in(&part, false);
    }
}

#[test]
fn file_names_are_distinct_and_sources_are_there() {
    let specs = packages(1000, 4);
    let names: BTreeSet<String> = specs.iter().map(PackageSpec::file_name).collect();
    assert_eq!(names.len(), specs.len());
    let missing = specs
        .iter()
        .filter_map(|spec| spec.source_rpm.as_ref())
        .find(|source| !names.contains(*source));
    assert_eq!(missing, None);
}

#[test]
fn a_seed_is_a_distribution() {
    let bytes = |seed| {
        packages(120, seed)
            .iter()
            .map(|spec| write(spec).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}
