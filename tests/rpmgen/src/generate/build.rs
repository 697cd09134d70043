//! One build: a source package and what comes out of it.

use super::Generator;
use super::essential::Essential;
use super::files::{Contents, count, paths};
use super::graph::Node;
use super::words::{changelog, unused_name, version, word};
use crate::spec::isa;
use crate::{ChangelogSpec, FileSpec, PackageSpec, Random, Relation, RelationFlags};

pub(super) const LIBRARY_DIRECTORY: &str = "/usr/lib64";
pub(super) const LIBRARY_DIRECTORY_32: &str = "/usr/lib";

/// 2023-11-14, the day on which this distribution began.
const FIRST_BUILD: u32 = 1_700_000_000;
const SECONDS_BETWEEN_BUILDS: u32 = 97;

/// What the packages of one build share.
pub(super) struct Build {
    name: String,
    epoch: Option<u32>,
    version: String,
    release: String,
    time: u32,
    changelogs: Vec<ChangelogSpec>,
}

impl Build {
    pub(super) fn new(random: &mut Random, name: String, number: usize) -> Self {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let time = FIRST_BUILD.saturating_add(number.saturating_mul(SECONDS_BETWEEN_BUILDS));
        let version = version(random);
        let release = format!("{}.rg1", random.between(1, 12));
        let changelogs = changelog(random, time, &version);
        let epoch = random
            .percent(4)
            .then(|| u32::try_from(random.between(1, 3)).unwrap_or(1));
        Self {
            name,
            epoch,
            version,
            release,
            time,
            changelogs,
        }
    }

    fn evr(&self) -> String {
        let epoch = self.epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
        format!("{epoch}{}-{}", self.version, self.release)
    }

    fn dress(&self, spec: PackageSpec) -> PackageSpec {
        let spec = match self.epoch {
            Some(epoch) => spec.with_epoch(epoch),
            None => spec,
        };
        PackageSpec {
            summary: format!("{}: made up to look like a package", spec.name),
            description: format!(
                "{} is one of the packages built from {}.\nIts name, its files and its dependencies were \
                 drawn by a random number generator,\nand mean nothing.",
                spec.name, self.name
            ),
            url: Some(format!("https://{}.example.org/", self.name)),
            vendor: Some("Example Distribution".into()),
            packager: Some("Example Distribution <packages@example.org>".into()),
            changelogs: self.changelogs.clone(),
            build_time: self.time,
            build_host: "builder.example.org".into(),
            ..spec
        }
    }

    /// A binary package without requirements, with as many files as such a one has.
    pub(super) fn binary(
        &self,
        random: &mut Random,
        name: &str,
        arch: &str,
        contents: Contents,
        library_directory: &str,
    ) -> PackageSpec {
        let spec = PackageSpec::binary(name, &self.version, &self.release, arch)
            .built_from(format!("{}-{}-{}.src.rpm", self.name, self.version, self.release));
        let mut spec = self.dress(spec);
        let wanted = count(random, contents);
        // Debug packages of two arches may be installed together, and so may libraries.
        spec.files = paths(
            random,
            contents,
            &format!("{name}-{}", self.version),
            wanted,
            library_directory,
        );
        spec
    }

    /// The source package; `arch` is that of the machine it was built on.
    pub(super) fn source(&self, random: &mut Random, arch: &str) -> PackageSpec {
        let spec = PackageSpec::source(&self.name, &self.version, &self.release, arch);
        let mut spec = self.dress(spec);
        spec.files
            .push(FileSpec::filled(format!("{}.spec", self.name), 400));
        spec.files.push(FileSpec::filled(
            format!("{}-{}.tar.xz", self.name, self.version),
            1500,
        ));
        for number in 1..=random.low_below(6) {
            let patch = format!("{:04}-{}.patch", number, word(random, 3));
            spec.files.push(FileSpec::filled(patch, 200));
        }
        spec
    }

    pub(super) fn node(&self, spec: &PackageSpec) -> Node {
        Node {
            name: spec.name.clone(),
            evr: self.evr(),
            isa: isa(&spec.arch),
            ..Node::default()
        }
    }
}

impl Generator {
    /// Puts the packages of one more build into the queue.
    pub(super) fn make_build(&mut self) {
        let name = unused_name(&mut self.random, &mut self.used_names);
        self.builds += 1;
        let build = Build::new(&mut self.random, name, self.builds + 100);
        // How many packages the whole build pulls in; few pull in very many.
        let target = 32 + self.random.low_below(158);
        let base = [self.essential.library, self.essential.shell];
        let pool = self.graph.choose(&mut self.random, &base, target);
        let compiled = self.random.percent(62);
        let mut source = build.source(&mut self.random, if compiled { "x86_64" } else { "noarch" });
        source.requires = self.build_requirements(&pool);
        self.queue.push_back(source);
        if compiled {
            self.make_compiled(&build, &pool);
        } else {
            self.make_noarch(&build, &pool);
        }
    }

    fn build_requirements(&mut self, pool: &[usize]) -> Vec<Relation> {
        let mut requirements = vec![Relation::from("core-tools")];
        for index in pool {
            let Some(node) = self.graph.get(*index) else {
                continue;
            };
            let name = node.development.as_ref().unwrap_or(&node.name);
            requirements.push(Relation::from(name.as_str()));
        }
        requirements
    }

    /// Libraries, programs, headers and documentation, with debug packages and sometimes with
    /// libraries for i686.
    fn make_compiled(&mut self, build: &Build, pool: &[usize]) {
        let name = &build.name;
        let mut debuggable: Vec<(String, &'static str)> = Vec::new();
        let mut library = None;
        let mut multilib = false;
        if self.random.percent(55) {
            let library_pool: Vec<usize> = pool.iter().filter(|_| self.random.percent(60)).copied().collect();
            let library_name = format!("{name}-libs");
            let soname = format!("lib{name}.so.{}", self.random.below(20));
            let native = self.library(build, &library_name, &soname, "x86_64", &library_pool);
            debuggable.push((library_name.clone(), "x86_64"));
            if self.random.percent(40) {
                let pool: Vec<usize> = library_pool
                    .iter()
                    .filter_map(|index| self.graph.get(*index).and_then(|node| node.multilib))
                    .collect();
                let index = self.library(build, &library_name, &soname, "i686", &pool);
                self.graph.set_multilib(native, index);
                debuggable.push((library_name.clone(), "i686"));
                multilib = true;
            }
            library = Some((library_name, native));
        }

        let mut data = None;
        if self.random.percent(30) {
            let spec = build.binary(
                &mut self.random,
                &format!("{name}-data"),
                "noarch",
                Contents::Data,
                LIBRARY_DIRECTORY,
            );
            data = Some((spec.name.clone(), self.graph.add(build.node(&spec), &[], false)));
            self.queue.push_back(spec);
        }

        let mut spec = build.binary(
            &mut self.random,
            name,
            "x86_64",
            Contents::Program,
            LIBRARY_DIRECTORY,
        );
        let program = format!("/usr/bin/{name}");
        spec.files.push(FileSpec::filled(&program, 200));
        spec.requires = Essential::symbols(&mut self.random, "x86_64");
        let mut direct = vec![self.essential.library];
        if self.random.percent(40) {
            spec.requires
                .push(Relation::from("/bin/sh").with_flags(RelationFlags::SCRIPT_POST));
            direct.push(self.essential.shell);
        }
        if self.random.percent(30) {
            let config = format!("config({name})");
            spec.files.push(FileSpec::filled(format!("/etc/{name}.conf"), 80));
            spec.provides
                .push(Relation::equal(&config, build.evr()).with_flags(RelationFlags::CONFIG));
            spec.requires
                .push(Relation::equal(config, build.evr()).with_flags(RelationFlags::CONFIG));
        }
        if let Some((library_name, index)) = &library {
            spec.requires
                .push(Relation::equal(format!("{library_name}(x86-64)"), build.evr()));
            direct.push(*index);
        }
        if let Some((data_name, index)) = &data {
            spec.requires.push(Relation::equal(data_name, build.evr()));
            direct.push(*index);
        }
        self.need(&mut spec, pool, &mut direct);
        let node = Node {
            program: Some(program),
            ..build.node(&spec)
        };
        let main = self.graph.add(node, &direct, true);
        self.weaken(build, &mut spec);
        debuggable.push((name.clone(), "x86_64"));
        self.queue.push_back(spec);

        for _ in 0..self.random.low_below(6) {
            let plugin_name = format!("{name}-{}", word(&mut self.random, 2));
            if !self.used_names.insert(plugin_name.clone()) {
                continue;
            }
            let mut spec = build.binary(
                &mut self.random,
                &plugin_name,
                "x86_64",
                Contents::Program,
                LIBRARY_DIRECTORY,
            );
            spec.requires = Essential::symbols(&mut self.random, "x86_64");
            spec.requires
                .push(Relation::equal(format!("{name}(x86-64)"), build.evr()));
            if self.random.percent(20) {
                spec.supplements
                    .push(Relation::from(format!("({name} and core-scripts)")));
            }
            self.graph
                .add(build.node(&spec), &[main, self.essential.library], true);
            if self.random.percent(25) {
                debuggable.push((plugin_name, "x86_64"));
            }
            self.queue.push_back(spec);
        }
        if let Some((library_name, index)) = library
            && self.random.percent(75)
        {
            self.development(build, &library_name, index, "x86_64", None);
            if multilib {
                let contents = self.queue.back().map(|native| native.files.clone());
                self.development(build, &library_name, index, "i686", contents);
            }
        }
        self.documentation(build, &format!("{name}(x86-64)"), main);
        if self.random.percent(80) {
            self.debug_packages(build, &debuggable);
        }
    }

    /// One to five packages of scripts and data.
    fn make_noarch(&mut self, build: &Build, pool: &[usize]) {
        let name = &build.name;
        let mut spec = build.binary(
            &mut self.random,
            name,
            "noarch",
            Contents::Program,
            LIBRARY_DIRECTORY,
        );
        let module = name.rsplit('-').next().unwrap_or(name);
        spec.provides.push(Relation::equal(
            format!("module({name}:{module})"),
            &build.version,
        ));
        let mut direct = vec![self.essential.shell];
        spec.requires.push(Relation::from("/usr/bin/sh"));
        self.need(&mut spec, pool, &mut direct);
        let main = self.graph.add(build.node(&spec), &direct, true);
        self.weaken(build, &mut spec);
        self.queue.push_back(spec);
        for _ in 0..self.random.low_below(5) {
            let extra_name = format!("{name}-{}", word(&mut self.random, 2));
            if !self.used_names.insert(extra_name.clone()) {
                continue;
            }
            let mut spec = build.binary(
                &mut self.random,
                &extra_name,
                "noarch",
                Contents::Data,
                LIBRARY_DIRECTORY,
            );
            spec.requires.push(Relation::equal(name, build.evr()));
            self.graph.add(build.node(&spec), &[main], true);
            self.queue.push_back(spec);
        }
        self.documentation(build, name, main);
    }

    fn library(&mut self, build: &Build, name: &str, soname: &str, arch: &str, pool: &[usize]) -> usize {
        let (directory, bits, core) = match arch {
            "i686" => (LIBRARY_DIRECTORY_32, "", self.essential.library_32),
            _ => (LIBRARY_DIRECTORY, "()(64bit)", self.essential.library),
        };
        let mut spec = build.binary(&mut self.random, name, arch, Contents::Library, directory);
        spec.files
            .push(FileSpec::filled(format!("{directory}/{soname}.1.0"), 300));
        spec.files.push(FileSpec::symlink(
            format!("{directory}/{soname}"),
            format!("{soname}.1.0"),
        ));
        let soname = format!("{soname}{bits}");
        spec.provides.push(Relation::from(soname.as_str()));
        spec.requires = Essential::symbols(&mut self.random, arch);
        let mut direct = vec![core];
        self.need(&mut spec, pool, &mut direct);
        let node = Node {
            soname: Some(soname),
            ..build.node(&spec)
        };
        self.queue.push_back(spec);
        self.graph.add(node, &direct, arch == "x86_64")
    }

    /// Headers; those for i686 are the same files as those for x86_64.
    fn development(
        &mut self,
        build: &Build,
        library_name: &str,
        library: usize,
        arch: &str,
        files: Option<Vec<FileSpec>>,
    ) {
        let name = format!("{}-devel", build.name);
        let mut spec = build.binary(
            &mut self.random,
            &name,
            arch,
            Contents::Development,
            LIBRARY_DIRECTORY,
        );
        if let Some(files) = files {
            spec.files = files;
        }
        let isa = isa(arch).unwrap_or_default();
        spec.provides.push(Relation::equal(
            format!("pkgconfig({})", build.name),
            &build.version,
        ));
        spec.requires
            .push(Relation::equal(format!("{library_name}({isa})"), build.evr()));
        let library = match arch {
            "i686" => self
                .graph
                .get(library)
                .and_then(|node| node.multilib)
                .unwrap_or(library),
            _ => {
                self.graph.set_development(library, &name);
                library
            }
        };
        self.graph.add(build.node(&spec), &[library], false);
        self.queue.push_back(spec);
    }

    fn documentation(&mut self, build: &Build, main_name: &str, main: usize) {
        if !self.random.percent(25) {
            return;
        }
        let name = format!("{}-doc", build.name);
        let mut spec = build.binary(
            &mut self.random,
            &name,
            "noarch",
            Contents::Data,
            LIBRARY_DIRECTORY,
        );
        let needs_main = self.random.percent(30);
        if needs_main {
            spec.requires.push(Relation::equal(main_name, build.evr()));
        }
        self.graph.add(
            build.node(&spec),
            if needs_main {
                std::slice::from_ref(&main)
            } else {
                &[]
            },
            false,
        );
        self.queue.push_back(spec);
    }

    /// `NAME-debuginfo` for each of `packages` (name and arch), and one `-debugsource` for each arch.
    fn debug_packages(&mut self, build: &Build, packages: &[(String, &'static str)]) {
        for arch in ["x86_64", "i686"] {
            let names: Vec<&String> = packages
                .iter()
                .filter(|(_, of)| *of == arch)
                .map(|(name, _)| name)
                .collect();
            if names.is_empty() {
                continue;
            }
            let directory = if arch == "i686" {
                LIBRARY_DIRECTORY_32
            } else {
                LIBRARY_DIRECTORY
            };
            let source_name = format!("{}-debugsource", build.name);
            let sources = build.binary(&mut self.random, &source_name, arch, Contents::DebugSource, arch);
            self.queue.push_back(sources);
            for name in names {
                let name = format!("{name}-debuginfo");
                let mut spec = build.binary(
                    &mut self.random,
                    &name,
                    arch,
                    Contents::DebugInformation,
                    directory,
                );
                let isa = isa(arch).unwrap_or_default();
                spec.recommends
                    .push(Relation::equal(format!("{source_name}({isa})"), build.evr()));
                self.queue.push_back(spec);
            }
        }
    }

    /// Makes `spec` need every package of `pool`.
    fn need(&mut self, spec: &mut PackageSpec, pool: &[usize], direct: &mut Vec<usize>) {
        for index in pool {
            if let Some(relation) = self.graph.relation(&mut self.random, *index, &spec.arch) {
                spec.requires.push(relation);
                direct.push(*index);
            }
        }
    }

    /// Sometimes adds conflicts, obsoletes and weak dependencies. None names a package that is there.
    fn weaken(&mut self, build: &Build, spec: &mut PackageSpec) {
        if self.random.percent(8) {
            let former = format!("{}-classic", spec.name);
            let older = Relation::new(&former, RelationFlags::LESS, build.evr());
            spec.obsoletes.push(older);
            spec.provides.push(Relation::equal(former, build.evr()));
        }
        if self.random.percent(5) {
            let rival = format!("{}-nightly", spec.name);
            spec.conflicts.push(Relation::from(rival));
        }
        if self.random.percent(15) {
            spec.recommends
                .push(Relation::from(format!("({}-doc if core-docs)", build.name)));
        }
        if self.random.percent(10) {
            spec.suggests.push(Relation::from(format!("{}-doc", build.name)));
        }
        if self.random.percent(5) {
            spec.enhances.push(Relation::from("core-tools"));
        }
    }
}
