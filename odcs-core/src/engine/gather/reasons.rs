//! Why packages were gathered, as it is recorded.

use std::collections::BTreeSet;

use odcs_rpm::Nevra;
use odcs_rpm::gather::{self, Flag, Gathered, Member};

use crate::why::{Reason, Why};

/// Why a package is there.
pub(super) fn of(member: &Member) -> Why {
    let Some(why) = &member.why else {
        return Why::everything();
    };
    let reason = match &why.reason {
        gather::Reason::Requires(dependency) => Reason::Requires {
            requirement: dependency.to_string().into(),
        },
        gather::Reason::SourceOf => Reason::SourceOf,
        gather::Reason::DebugOf => Reason::DebugOf,
        _ => Reason::BuiltWith,
    };
    let by = Some(why.by.nevra.clone());
    Why { reason, by }
}

/// The packages of lookaside repositories that packages of the compose are there for, and why they were met.
pub(super) fn of_lookaside(gathered: &Gathered) -> Vec<(Nevra, Why)> {
    let is_lookaside = |member: &&Member| member.flags.contains(Flag::Lookaside);
    let mut met = BTreeSet::new();
    for member in gathered.members.iter().filter(|member| !is_lookaside(member)) {
        // The chain of each package, as far as it has not been followed for another one.
        let chain = gathered.chain(member).skip(1).filter(is_lookaside);
        for member in chain {
            if !met.insert((&member.package.nevra, member.origin)) {
                break;
            }
        }
    }
    let members = gathered.members.iter().filter(is_lookaside);
    members
        .filter(|member| met.contains(&(&member.package.nevra, member.origin)))
        .map(|member| (member.package.nevra.clone(), of(member)))
        .collect()
}
