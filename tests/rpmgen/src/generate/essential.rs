//! The base: what nearly every package needs, directly or not.

use std::collections::VecDeque;

use super::build::{Build, LIBRARY_DIRECTORY, LIBRARY_DIRECTORY_32};
use super::files::Contents;
use super::graph::{Graph, Node};
use crate::{FileSpec, PackageSpec, Random, Relation, RelationFlags};

/// The versions of symbols that programs need of the C library of this distribution.
const SYMBOL_VERSIONS: [&str; 4] = ["CORE_2.2.5", "CORE_2.4", "CORE_2.14", "CORE_2.34"];

/// Where in the graph the base is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Essential {
    /// The C library.
    pub(super) library: usize,
    /// The same for i686.
    pub(super) library_32: usize,
    /// `/bin/sh`.
    pub(super) shell: usize,
}

/// Name, index of the needed ones in this table, whether it is a library, and a program it brings.
const BASE: [(&str, &[usize], bool, Option<&str>); 10] = [
    ("base-files", &[], false, None),
    ("core-locales", &[0], false, None),
    ("libcore", &[0, 1], true, None),
    ("libterminal", &[2], true, None),
    ("shell", &[2, 3], false, Some("/usr/bin/sh")),
    ("libattributes", &[2], true, None),
    ("libcompress", &[2], true, None),
    ("libcrypto-base", &[2, 6], true, None),
    ("core-tools", &[2, 4, 5, 7], false, Some("/usr/bin/install")),
    ("core-scripts", &[4, 8], false, Some("/usr/sbin/update-index")),
];
const LIBRARY: usize = 2;
const SHELL: usize = 4;

pub(super) fn packages(
    random: &mut Random,
    graph: &mut Graph,
    queue: &mut VecDeque<PackageSpec>,
) -> Essential {
    let mut natives: Vec<usize> = Vec::new();
    let mut library_32 = 0;
    for (position, (name, needed, is_library, program)) in BASE.into_iter().enumerate() {
        let direct: Vec<usize> = needed
            .iter()
            .filter_map(|index| natives.get(*index))
            .copied()
            .collect();
        let build = Build::new(random, name.to_owned(), position);
        let compiled = is_library || program.is_some_and(|program| program.starts_with("/usr/bin/"));
        let arch = if compiled { "x86_64" } else { "noarch" };
        let contents = if is_library {
            Contents::Library
        } else {
            Contents::Data
        };

        let mut spec = build.binary(random, name, arch, contents, LIBRARY_DIRECTORY);
        need_all(random, graph, &mut spec, &direct);
        if let Some(program) = program {
            spec.files.push(FileSpec::filled(program, 300));
        }
        if position == SHELL {
            spec = spec.with_provides("/bin/sh");
        }
        let mut node = build.node(&spec);
        node.program = program.map(str::to_owned);
        if is_library {
            node.soname = Some(offer_library(&mut spec, name, "()(64bit)"));
        }
        if position == LIBRARY {
            offer_symbols(&mut spec, "(64bit)");
        }
        let native = graph.add(node, &direct, position > LIBRARY);
        natives.push(native);

        let mut multilib = None;
        if is_library {
            // Libraries of the base have no noarch requirements beyond those of the C library.
            let direct: Vec<usize> = direct
                .iter()
                .map(|index| graph.get(*index).and_then(|node| node.multilib).unwrap_or(*index))
                .collect();
            let mut spec = build.binary(random, name, "i686", contents, LIBRARY_DIRECTORY_32);
            need_all(random, graph, &mut spec, &direct);
            let soname = offer_library(&mut spec, name, "");
            if position == LIBRARY {
                offer_symbols(&mut spec, "");
            }
            let index = graph.add(
                Node {
                    soname: Some(soname),
                    ..build.node(&spec)
                },
                &direct,
                false,
            );
            graph.set_multilib(native, index);
            if position == LIBRARY {
                library_32 = index;
            }
            multilib = Some(spec);
        }
        queue.push_back(spec);
        queue.extend(multilib);
        queue.push_back(build.source(random, arch));
    }
    let at = |position: usize| natives.get(position).copied().unwrap_or_default();
    Essential {
        library: at(LIBRARY),
        library_32,
        shell: at(SHELL),
    }
}

impl Essential {
    /// What a compiled program or library needs of the C library: the same set of symbol versions
    /// that is found in any program.
    pub(super) fn symbols(random: &mut Random, arch: &str) -> Vec<Relation> {
        let bits = if arch == "i686" { "" } else { "(64bit)" };
        let count = random.between(1, SYMBOL_VERSIONS.len());
        let plain = if bits.is_empty() {
            "libcore.so.6".to_owned()
        } else {
            format!("libcore.so.6(){bits}")
        };
        std::iter::once(plain)
            .chain(
                SYMBOL_VERSIONS
                    .iter()
                    .take(count)
                    .map(|symbol| format!("libcore.so.6({symbol}){bits}")),
            )
            .map(|name| Relation::from(name).with_flags(RelationFlags::FIND_REQUIRES))
            .collect()
    }
}

fn need_all(random: &mut Random, graph: &Graph, spec: &mut PackageSpec, direct: &[usize]) {
    for index in direct {
        spec.requires.extend(graph.relation(random, *index, &spec.arch));
    }
}

fn offer_library(spec: &mut PackageSpec, name: &str, suffix: &str) -> String {
    let soname = format!("{name}.so.6{suffix}");
    spec.provides.push(Relation::from(soname.as_str()));
    soname
}

fn offer_symbols(spec: &mut PackageSpec, bits: &str) {
    spec.provides.extend(
        SYMBOL_VERSIONS
            .iter()
            .map(|symbol| Relation::from(format!("libcore.so.6({symbol}){bits}"))),
    );
}
