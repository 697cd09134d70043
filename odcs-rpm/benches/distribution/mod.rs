//! Packages made up to depend on each other as those of a distribution do: all on a few libraries, and on
//! neighbours that were there before them.

use std::path::Path;

use odcs_rpm::repodata::{Entry, RepodataOptions, write_repodata};
use odcs_rpm::{
    Comparison, Dependency, DependencyVersion, Digest, DigestAlgorithm, Evr, FileEntry, FileKind, Nevra,
    Package,
};

/// Source packages whose libraries everything requires.
const BASE: usize = 20;

/// Source packages whose binaries require each other.
const CLUSTER: usize = 25;

/// About so many packages: of every five one is a source package, one is `noarch`.
pub(crate) fn packages(count: usize) -> Vec<Package> {
    let mut made = Vec::new();
    for number in 0..count / 5 {
        let mut random = Random(number as u64 + 1);
        for part in ["", "-libs", "-devel", "-doc"] {
            made.push(binary(number, part, &mut random));
        }
        let mut source = package(number, "", "src");
        for _ in 0..12 {
            let other = random.below(count / 5);
            source
                .requires
                .push(Dependency::unversioned(format!("{}-devel", name(other))));
        }
        source.files.push(file(format!("{}.spec", name(number))));
        made.push(source);
    }
    made
}

/// The names of so many of their binaries, evenly spread.
pub(crate) fn names<'a>(packages: impl IntoIterator<Item = &'a Package>, count: usize) -> Vec<String> {
    let binaries = packages
        .into_iter()
        .filter(|package| !package.nevra.arch().is_source());
    let names: Vec<&str> = binaries.map(|package| package.nevra.name().as_str()).collect();
    let step = (names.len() / count).max(1);
    names
        .iter()
        .step_by(step)
        .take(count)
        .map(|&name| name.into())
        .collect()
}

/// Leaves repodata of the packages and the names asked for in a folder.
pub(crate) fn write(packages: &[Package], asked: &[String], dir: &Path) {
    let locations: Vec<String> = packages
        .iter()
        .map(|p| format!("Packages/{}", p.nevra.file_name()))
        .collect();
    let checksum = Digest::new(DigestAlgorithm::Sha256, &"0".repeat(64)).unwrap();
    let entries: Vec<Entry<'_>> = packages
        .iter()
        .zip(&locations)
        .map(|(package, location)| Entry {
            package,
            checksum: &checksum,
            location,
        })
        .collect();
    let files = write_repodata(&entries, RepodataOptions::new(1)).unwrap();
    let repodata = dir.join("repodata");
    std::fs::create_dir_all(&repodata).unwrap();
    for file in files {
        std::fs::write(repodata.join(file.name), file.bytes).unwrap();
    }
    std::fs::write(dir.join("names"), asked.join("\n") + "\n").unwrap();
}

fn name(number: usize) -> String {
    let families = [
        "python3", "rubygem", "perl", "golang", "qt6", "gnome", "kf6", "java", "php", "lib",
    ];
    format!("{}-made{number}", families[number % families.len()])
}

fn package(number: usize, part: &str, arch: &str) -> Package {
    let evr = Evr::new(
        number.is_multiple_of(50).into(),
        format!("{}.{}", number % 9, number % 23),
        "3.fc42",
    )
    .unwrap();
    let name = name(number) + part;
    let mut package = Package::new(Nevra::new(name.parse().unwrap(), evr, arch.parse().unwrap()));
    package.summary = "Made up".into();
    package.license = "MIT".into();
    package.build_time = 1_700_000_000 + number as u64;
    package.file_time = package.build_time;
    package.sizes.package = 30_000;
    package.header_range = (4504, 26_000);
    package.signatures.push("199e2f91fd431d51".parse().unwrap());
    package
}

fn binary(number: usize, part: &str, random: &mut Random) -> Package {
    let arch = if part == "-doc" { "noarch" } else { "x86_64" };
    let mut package = package(number, part, arch);
    let evr = package.nevra.evr().clone();
    let own = package.nevra.name().as_str().to_owned();
    package.source_rpm = Some(format!("{}-{}-{}.src.rpm", name(number), evr.version(), evr.release()).into());
    let exactly = |name: String| versioned(name, Comparison::Equal, &evr.to_string());
    package.provides.push(exactly(own.clone()));
    if part != "-doc" {
        package.provides.push(exactly(format!("{own}(x86-64)")));
        for library in 0..2 {
            package.provides.push(Dependency::unversioned(format!(
                "{}()(64bit)",
                soname(number, part, library)
            )));
            for symbols in 0..4 {
                let name = format!(
                    "{}(MADE_{number}.{symbols})(64bit)",
                    soname(number, part, library)
                );
                package.provides.push(Dependency::unversioned(name));
            }
        }
    }
    package.requires.push(Dependency::unversioned("/bin/sh"));
    for base in 0..12 {
        let other = (number + base) % BASE;
        let name = format!("{}(MADE_{other}.{})(64bit)", soname(other, "-libs", 0), base % 4);
        package.requires.push(Dependency::unversioned(name));
    }
    if part != "-libs" && part != "-doc" {
        package
            .requires
            .push(exactly(format!("{}-libs(x86-64)", name(number))));
    }
    let first = number - number % CLUSTER;
    for _ in 0..if number > first && number >= BASE { 14 } else { 0 } {
        let other = first + random.below(number - first);
        let name = match random.below(8) {
            0 => format!("{}(x86-64)", name(other)),
            1 => format!("/usr/bin/{}", name(other)),
            _ => format!("{}()(64bit)", soname(other, "-libs", random.below(2))),
        };
        package.requires.push(match random.below(4) {
            0 if name.ends_with("(x86-64)") => versioned(name, Comparison::GreaterOrEqual, "0:0"),
            _ => Dependency::unversioned(name),
        });
    }
    if random.below(20) == 0 {
        let condition = name(random.below(number + 1));
        package.requires.push(Dependency::unversioned(format!(
            "({}-doc if {condition}-devel)",
            name(number)
        )));
    }
    if number == 0 && part.is_empty() {
        package.files.push(file("/bin/sh".into()));
    }
    package.files.push(file(format!("/usr/bin/{own}")));
    let files = if random.below(2) == 0 {
        random.below(10)
    } else {
        random.below(390)
    };
    for number in 0..files {
        package.files.push(file(format!(
            "/usr/share/{own}/some/directory/of/it/file-{number}.data"
        )));
    }
    package
}

fn soname(number: usize, part: &str, library: usize) -> String {
    format!("libmade{number}{part}-{library}.so.{}", number % 7)
}

fn versioned(name: String, comparison: Comparison, version: &str) -> Dependency {
    let mut dependency = Dependency::unversioned(name);
    dependency.version = Some(DependencyVersion::parse(comparison, version));
    dependency
}

fn file(path: String) -> FileEntry {
    FileEntry {
        path: path.into(),
        kind: FileKind::File,
    }
}

/// The same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}
