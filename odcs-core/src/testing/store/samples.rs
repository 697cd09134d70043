//! Composes to be recorded.

use super::at;
use crate::compose::Requested;
use crate::request::{ComposeRequest, ComposeResult, Flag, Lifetime, ModuleDefaults, SourceSpec};
use crate::store::NewCompose;

/// A compose of a tag, asked for by somebody so many seconds after the start.
pub(super) fn compose(owner: &str, tag: &str, submitted: i64) -> NewCompose {
    let mut request = ComposeRequest::new(SourceSpec::Tag(vec![tag.parse().expect("a tag")]));
    request.arches = vec!["x86_64".parse().expect("an arch")];
    new(owner, request, submitted)
}

/// A compose whose every field has a value of its own, with characters that need care.
pub(super) fn full() -> NewCompose {
    fn one<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
        text.parse().expect("a valid value")
    }
    let mut request = ComposeRequest::new(SourceSpec::Module(vec![
        one("testmodule:master"),
        one("ünï:1:2:c0ffee"),
    ]));
    request.packages = Some(vec![one("gcc-c++"), one("perl-*")]);
    request.builds = Some(vec![one("ed-1.14.1-2.fc36")]);
    request.sigkeys = Some(vec![one("FD431D51"), one("")]);
    request.koji_event = Some(1234.try_into().expect("an event"));
    request.modular_koji_tags = Some(vec![one("f36-modules")]);
    request.module_defaults = Some(ModuleDefaults {
        url: one("https://example.com/defaults.git"),
        commit: one("main"),
    });
    request.scratch_modules = Some(vec![one("a:b:1:c")]);
    request.scratch_build_tasks = Some(vec![one("1001"), one("1002")]);
    request.modules = Some(Vec::new());
    request.base_module.name = Some(one("platform"));
    request.base_module.stream = Some(one("el8.2.0"));
    request.base_module.stream_version_lte = Some(i64::MAX);
    request.base_module.stream_version_gte = Some(80_100);
    request.lifetime = Some(lifetime(7_200));
    request.flags = Flag::ALL.into_iter().collect();
    request.results = ComposeResult::ALL.into_iter().collect();
    request.arches = vec![one("x86_64"), one("s390x")];
    request.multilib_arches = vec![one("x86_64")];
    request.multilib_methods.devel = true;
    request.lookaside_repos = vec![one("https://example.com/$basearch/")];
    request.label = Some(one("RC-1.0"));
    request.compose_type = one("nightly");
    request.target_dir = one("other");
    request.parent_pungi_compose_ids = Some(vec![one("P-1-20260101.n.0")]);
    request.respin_of = Some(one("R-1-20260101.n.0"));
    let mut new = new("jürgen o'brien", request, 7);
    new.lifetime = lifetime(7_200);
    new.pungi_config_dump = Some("release_name = 'Fédora'\nrelease_short = \"F\"\n".to_owned());
    new
}

pub(super) fn lifetime(seconds: u64) -> Lifetime {
    Lifetime::from_seconds(seconds).expect("a lifetime")
}

fn new(owner: &str, request: ComposeRequest, submitted: i64) -> NewCompose {
    NewCompose {
        renews: None,
        pungi_config_dump: None,
        owner: owner.to_owned(),
        requested: Requested::from_request(&request),
        request,
        submitted: at(submitted),
        lifetime: Lifetime::DEFAULT,
    }
}
