//! A made-up distribution.

use std::collections::{BTreeSet, VecDeque};

use crate::{PackageSpec, Random};

mod build;
mod essential;
mod files;
mod graph;
mod sizes;
mod words;

use graph::Graph;
pub use sizes::with_real_sizes;

/// What to make up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GeneratorOptions {
    /// How many RPMs, all kinds counted.
    pub packages: usize,
    /// Another seed, another distribution.
    pub seed: u64,
}

impl Default for GeneratorOptions {
    fn default() -> Self {
        Self {
            packages: 1000,
            seed: 1,
        }
    }
}

/// Makes up the packages of something like a distribution, one build after the other: the source
/// package, its binary packages, then its debug packages.
///
/// About three of five packages are binary ones, for x86_64 and noarch, some for i686 as well; the rest
/// are debug and source packages. A small base comes first, which nearly everything needs. Packages need
/// only earlier ones, so that any first part of the sequence is closed; on average one pulls in about 60
/// others, whatever the number of packages. Headers have 22 KB and 80 files on average, while half of the
/// packages have fewer than ten files. Payloads are small.
///
/// ```
/// use rpmgen::{GeneratorOptions, generate};
/// let names: Vec<_> = generate(GeneratorOptions { packages: 20, seed: 1 }).map(|spec| spec.name).collect();
/// assert_eq!(names.len(), 20);
/// assert_eq!(names[0], "base-files");
/// ```
pub fn generate(options: GeneratorOptions) -> Generator {
    let mut random = Random::new(options.seed);
    let mut graph = Graph::default();
    let mut queue = VecDeque::new();
    let essential = essential::packages(&mut random, &mut graph, &mut queue);
    Generator {
        left: options.packages,
        random,
        graph,
        essential,
        used_names: BTreeSet::new(),
        builds: 0,
        queue,
    }
}

/// The iterator that [`generate`] returns.
#[derive(Clone, Debug)]
pub struct Generator {
    left: usize,
    random: Random,
    graph: Graph,
    essential: essential::Essential,
    used_names: BTreeSet<String>,
    builds: usize,
    queue: VecDeque<PackageSpec>,
}

impl Iterator for Generator {
    type Item = PackageSpec;

    fn next(&mut self) -> Option<PackageSpec> {
        self.left = self.left.checked_sub(1)?;
        while self.queue.is_empty() {
            self.make_build();
        }
        self.queue.pop_front()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Generator {}
impl std::iter::FusedIterator for Generator {}
