//! Why packages were gathered, as it is recorded.

use odcs_rpm::Nevra;
use odcs_rpm::gather::{self, Flag, Gathered, Member, MultilibRule};

use crate::why::{Reason, Why};

/// Why a package is there.
pub(super) fn of(member: &Member) -> Why {
    let (reason, by) = match &member.why {
        gather::Why::Asked(pattern) => return Why::asked(pattern.clone()),
        gather::Why::Prepopulated => (Reason::Prepopulated, None),
        gather::Why::Brought(brought) => (of_brought(&brought.reason), Some(brought.by.nevra.clone())),
        _ => return Why::everything(),
    };
    Why { reason, by }
}

fn of_brought(reason: &gather::Reason) -> Reason {
    let requirement = |dependency: &odcs_rpm::Dependency| dependency.to_string().into();
    match reason {
        gather::Reason::Requires(dependency) => Reason::Requires {
            requirement: requirement(dependency),
        },
        gather::Reason::BuildRequires(dependency) => Reason::BuildRequires {
            requirement: requirement(dependency),
        },
        gather::Reason::Conditional => Reason::Conditional,
        gather::Reason::SourceOf => Reason::SourceOf,
        gather::Reason::DebugOf => Reason::DebugOf,
        gather::Reason::Langpack => Reason::Langpack,
        gather::Reason::Multilib(MultilibRule::Method(method)) => Reason::Multilib {
            rule: method.as_str().into(),
        },
        gather::Reason::Multilib(MultilibRule::Whitelist(pattern)) => Reason::Multilib {
            rule: pattern.as_str().into(),
        },
        _ => Reason::BuiltWith,
    }
}

/// The packages of lookaside repositories that were met, and why: something requires them, or is there because of them.
pub(super) fn of_lookaside(gathered: &Gathered) -> Vec<(Nevra, Why)> {
    let members = gathered.members.iter();
    let left_out = members.filter(|member| member.flags.contains(Flag::Lookaside));
    left_out
        .map(|member| (member.package.nevra.clone(), of(member)))
        .collect()
}
