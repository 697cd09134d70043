//! What the engine says of itself: to observers, to health checks, and in the log.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use odcs_core::engine::{Shutdown, Swept};
use odcs_core::{ComposeService, ComposeState, Error, ErrorKind, Observer, Phase};
use odcs_storage::Trees;

use crate::support::{Call, Lab};

/// Writes down what it is told.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn tell(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Observer for Told {
    fn compose_submitted(&self, source_type: i64) {
        self.tell(format!("submitted {source_type}"));
    }

    fn compose_claimed(&self, source_type: i64, attempt: u32, waited: Duration) {
        assert!(waited < Duration::from_secs(60));
        self.tell(format!("claimed {source_type} {attempt}"));
    }

    fn phase_finished(&self, phase: Phase, took: Duration) {
        assert!(took < Duration::from_secs(60));
        self.tell(format!("phase {phase}"));
    }

    fn compose_ended(&self, source_type: i64, state: ComposeState, took: Duration) {
        assert!(took < Duration::from_secs(60));
        self.tell(format!("ended {source_type} {state}"));
    }

    fn compose_handed_back(&self, source_type: i64) {
        self.tell(format!("handed back {source_type}"));
    }

    fn packages_placed(&self, linked: u64, copied: u64) {
        self.tell(format!("placed {}", linked + copied));
    }

    fn swept(&self, swept: &Swept) {
        self.tell(format!("swept {}", swept.removed.len()));
    }

    fn lease_lost(&self) {
        self.tell("lease lost".to_owned());
    }
}

async fn observed() -> (Lab, Arc<Told>) {
    let (mut lab, told) = (Lab::new().await, Arc::new(Told::default()));
    lab.engine = lab.engine.clone().with_observer(told.clone());
    (lab, told)
}

#[tokio::test]
async fn an_observer_is_told_of_a_compose_from_its_request_to_its_end() {
    let (lab, told) = observed().await;
    lab.submit(&["ed"]).await;
    assert_eq!(told.take(), ["submitted 3"]);
    assert_eq!(lab.run_one().await.state, ComposeState::Done);
    let all = told.take();
    let (phases, others): (Vec<_>, Vec<_>) = all.iter().partition(|what| what.starts_with("phase "));
    assert_eq!(others[0], "claimed 3 1");
    assert!(
        others[1].starts_with("placed ") && others[1] != "placed 0",
        "{others:?}"
    );
    assert_eq!(others[2..], ["ended 3 done"]);
    let expected = [
        "resolve", "content", "gather", "link", "repodata", "metadata", "check", "publish",
    ];
    assert_eq!(
        phases,
        expected
            .map(|phase| format!("phase {phase}"))
            .iter()
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn an_observer_is_told_of_what_fails_and_what_is_cancelled() {
    let (lab, told) = observed().await;
    lab.submit(&["nothing-like-it"]).await;
    assert_eq!(lab.run_one().await.state, ComposeState::Failed);
    assert_eq!(told.take().last().unwrap(), "ended 3 failed");
    let id = lab.submit(&["ed"]).await;
    lab.engine.delete(id, "me").await.unwrap();
    assert_eq!(told.take(), ["submitted 3", "ended 3 failed"]);
    // What the store cannot be asked about now is tried again later.
    lab.submit(&["ed"]).await;
    lab.store.fail(Call::RecordResolved, usize::MAX, || {
        Error::new(ErrorKind::Unavailable, "test", "store", "the database is busy")
    });
    assert_eq!(lab.run_one().await.state, ComposeState::Wait);
    assert_eq!(told.take().last().unwrap(), "handed back 3");
    let trees = Trees::open(&lab.target_dir).unwrap();
    lab.engine.sweeper(Arc::new(trees)).sweep().await.unwrap();
    assert_eq!(told.take(), ["swept 0"]);
}

#[tokio::test]
async fn an_engine_is_ready_while_its_store_answers_and_its_worker_looks_for_work() {
    let lab = Lab::new().await;
    let problems = async || {
        let readiness = lab.engine.ready().await;
        let problems = readiness.checks.into_iter().filter_map(|check| {
            let problem = check.problem?;
            Some(format!("{}: {problem}", check.name))
        });
        problems.collect::<Vec<_>>()
    };
    assert_eq!(problems().await, ["worker: no worker has looked for work yet"]);
    let shutdown = Shutdown::default();
    let working = tokio::spawn({
        let (worker, shutdown) = (lab.engine.worker(), shutdown.clone());
        async move { worker.run(shutdown).await }
    });
    let begun = Instant::now();
    while !problems().await.is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            problems().await
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    lab.store.fail(Call::Find, 1, || {
        Error::new(
            ErrorKind::Unavailable,
            "test",
            "/srv/secret",
            "/srv/secret is busy",
        )
    });
    assert_eq!(problems().await, ["store: records cannot be read"]);
    assert_eq!(problems().await, [""; 0]);
    shutdown.drain.cancel();
    working.await.unwrap();
    // Ten looks of 5 ms that did not come, and a lease of a second.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let silent = problems().await;
    assert!(
        silent[0].starts_with("worker: nobody has looked for work for "),
        "{silent:?}"
    );
    assert_eq!(silent.len(), 1);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_says_of_which_compose_and_phase_it_speaks() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer({
            let log = log.clone();
            move || log.clone()
        })
        .finish();
    // For the whole process: where tests share one, those that log elsewhere at the same time decide whether a
    // line is written at all. What others write speaks of other repositories.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let lab = Lab::new().await;
    lab.submit(&["ed"]).await;
    assert_eq!(lab.run_one().await.state, ComposeState::Done);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let compose = format!("compose{{id=1 lease=1 source={}}}", lab.repository.display());
    let has = |parts: &[&str]| {
        log.lines()
            .any(|line| parts.iter().all(|part| line.contains(part)))
    };
    assert!(has(&[&compose, "phase{name=resolve}", "resolving repo"]), "{log}");
    assert!(has(&[&compose, "phase{name=content}", "reading"]), "{log}");
    assert!(
        has(&[
            &compose,
            "phase{name=resolve}",
            "the phase is over",
            "milliseconds="
        ]),
        "{log}"
    );
    assert!(has(&[&compose, "odcs_core::engine::worker", "done"]), "{log}");
}
