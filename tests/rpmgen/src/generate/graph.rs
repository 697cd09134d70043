//! Who needs whom. Packages only need earlier ones, and each package knows all that it pulls in, so
//! that dependencies can be chosen until there are about as many as a distribution has.

use crate::{Random, Relation, RelationFlags};

/// Direct dependencies of one build, at most.
const DIRECT_LIMIT: usize = 16;
/// How often to look for one more dependency before giving up.
const TRIES: usize = 60;

/// An earlier package, as those that need it see it.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) evr: String,
    /// `x86-64` or `x86-32`; `None` for noarch.
    pub(super) isa: Option<&'static str>,
    /// `libfoo.so.3()(64bit)`.
    pub(super) soname: Option<String>,
    /// `/usr/bin/foo`.
    pub(super) program: Option<String>,
    /// `foo-devel`, if there is one.
    pub(super) development: Option<String>,
    /// The same package for i686.
    pub(super) multilib: Option<usize>,
}

/// All packages so far that others can need.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    /// For each of them, everything it pulls in, itself included, sorted.
    closures: Vec<Vec<usize>>,
    /// Those that any native package may choose to need.
    offered: Vec<usize>,
}

impl Graph {
    /// Adds a package that needs the packages of `direct`; `offered` if later builds may choose it.
    pub(super) fn add(&mut self, node: Node, direct: &[usize], offered: bool) -> usize {
        let index = self.nodes.len();
        let mut closure = self.closure(direct);
        closure.push(index);
        self.closures.push(closure);
        self.nodes.push(node);
        if offered {
            self.offered.push(index);
        }
        index
    }

    pub(super) fn get(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)
    }

    /// Says that `multilib` is the i686 sibling of `native`.
    pub(super) fn set_multilib(&mut self, native: usize, multilib: usize) {
        if let Some(node) = self.nodes.get_mut(native) {
            node.multilib = Some(multilib);
        }
    }

    /// Says that `native` has a package to build against.
    pub(super) fn set_development(&mut self, native: usize, name: &str) {
        if let Some(node) = self.nodes.get_mut(native) {
            node.development = Some(name.to_owned());
        }
    }

    /// Everything that `direct` pull in, sorted.
    fn closure(&self, direct: &[usize]) -> Vec<usize> {
        let mut all: Vec<usize> = direct
            .iter()
            .filter_map(|index| self.closures.get(*index))
            .flatten()
            .copied()
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Chooses packages that pull in about `target` together, starting from `direct`, which are needed
    /// anyway. Earlier packages are chosen more often, so some become popular.
    pub(super) fn choose(&self, random: &mut Random, direct: &[usize], target: usize) -> Vec<usize> {
        let mut chosen = Vec::new();
        let mut closure = self.closure(direct);
        for _ in 0..TRIES {
            if closure.len() >= target || chosen.len() >= DIRECT_LIMIT {
                break;
            }
            let candidate = random.low_below(self.offered.len());
            let Some((index, added)) = self
                .offered
                .get(candidate)
                .and_then(|index| Some((*index, self.closures.get(*index)?)))
            else {
                break;
            };
            if closure.binary_search(&index).is_ok() {
                continue;
            }
            let mut grown: Vec<usize> = closure.iter().chain(added).copied().collect();
            grown.sort_unstable();
            grown.dedup();
            if grown.len() <= target + target / 8 {
                closure = grown;
                chosen.push(index);
            }
        }
        chosen
    }

    /// How a package of arch `arch` says that it needs the package at `index`.
    pub(super) fn relation(&self, random: &mut Random, index: usize, arch: &str) -> Option<Relation> {
        let node = self.get(index)?;
        let native = arch != "noarch";
        if let (true, Some(soname)) = (native, &node.soname)
            && (node.isa == Some("x86-32") || random.percent(70))
        {
            return Some(Relation::from(soname.as_str()).with_flags(RelationFlags::FIND_REQUIRES));
        }
        if let (Some(program), true) = (&node.program, random.percent(25)) {
            let script = if random.percent(30) {
                RelationFlags::SCRIPT_POST
            } else {
                RelationFlags::ANY
            };
            return Some(Relation::from(program.as_str()).with_flags(script));
        }
        let at_least = RelationFlags::GREATER | RelationFlags::EQUAL;
        Some(match (node.isa, random.below(10)) {
            (Some(isa), 0..=2) if native => {
                Relation::new(format!("{}({isa})", node.name), at_least, &node.evr)
            }
            (_, 3..=5) => Relation::new(&node.name, at_least, &node.evr),
            _ => Relation::from(node.name.as_str()),
        })
    }
}
