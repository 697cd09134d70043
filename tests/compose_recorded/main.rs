//! Replays whole composes of the reference server with real Pungi: the same request, over packages of the same
//! names, must come to the same record, the same tree and the same metadata.
//!
//! `ODCS_COMPOSE_CASES` names the folder with the cases; without it `../shared/fixtures/reference/compose-cases`
//! below the project's root is taken, and without that the suite is skipped. Each case prints `ok`, `later` (with
//! the feature it needs), `deviation` (with its rule) or `DIFF`. Those about repositories are made twice: of the
//! directories, and of the same on an HTTP server, lookaside repositories included.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod case;
mod compare;
mod rules;

use case::{Case, Way};
use rules::Verdict;

#[tokio::test(flavor = "multi_thread")]
async fn composes_are_those_of_the_reference() {
    let Some(folder) = test_support::recordings("ODCS_COMPOSE_CASES", "reference/compose-cases") else {
        return;
    };
    // It writes the repository that requests are about, with the revision that the recorded one had.
    if !test_support::has("createrepo_c") {
        return;
    }
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("request.json").is_file())
        .collect();
    names.sort();
    assert!(!names.is_empty(), "there are no cases in {}", folder.display());
    let mut different = 0;
    for path in names {
        let case = Case::read(&path);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for (way, how) in [(Way::Directory, ""), (Way::Http, " over HTTP")] {
            if way == Way::Http && !case.is_of_repositories() {
                continue;
            }
            match rules::judge(&case, way).await {
                Verdict::Same => println!("ok {name}{how}"),
                Verdict::Later(feature) => println!("later {name}: needs {feature}"),
                Verdict::Deviation(rule) => println!("deviation {name}{how} {rule}"),
                Verdict::Different(what) => {
                    different += 1;
                    println!("DIFF {name}{how}: {}", what.join("; "));
                }
            }
        }
    }
    assert_eq!(different, 0, "cases differ; their lines are above");
}
