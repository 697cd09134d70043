//! What a server can be told to do wrong.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Something that a [`Server`](super::Server) does for one path instead of answering properly. Several go together
/// with [`and`](Self::and); [`once`](Self::once) and its like say for which requests.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Behaviour {
    /// Answers as it should. With [`Rule::after`] and its like, that is something to wait for.
    Proper,
    /// Waits before the first byte of the answer.
    Delay(Duration),
    /// Sends so many bytes of the body, and no more until the gate opens.
    HoldAfter(u64, Gate),
    /// Waits that long before every so many bytes of the body.
    Drip(usize, Duration),

    /// Closes the connection once the request has been read.
    CutAtOnce,
    /// Closes it in the middle of the head.
    CutInHead,
    /// Closes it after so many bytes of the body.
    CutAfter(u64),
    /// Closes it before so many bytes at the end of the body.
    CutBeforeEnd(u64),

    /// Says that the body is this much longer than it is, or shorter.
    LengthOff(i64),
    /// Says nothing about the length: the body ends where the connection does.
    NoLength,
    /// Sends the body in chunks.
    Chunked,
    /// Sends the body in chunks that are none.
    BrokenChunks(Broken),

    /// Has these bytes at this path instead of the file.
    Body(Arc<[u8]>),
    /// Answers a web page, with this status.
    Html(u16),
    /// Answers this status, and a line of text.
    Status(u16),
    /// Has this header. One of the same name that it would have had is left out.
    Header(&'static str, String),
    /// Answers this status, and that the file is there.
    Redirect(u16, String),
    /// Says that the file is where it was asked for.
    RedirectToItself,
    /// Says so many times that the file is elsewhere, always below the same path, and has it then.
    RedirectChain(usize),

    /// Sends the whole file when it is asked for a part.
    IgnoreRange,
    /// Sends another part than it was asked for, and says so: it begins that much later, or sooner.
    RangeOff(i64),
    /// Sends the part that it was asked for, and says that it begins that much later, or sooner.
    RangeMisnamed(i64),
    /// Says that the file has so many bytes in all, when it sends a part of it.
    RangeTotal(u64),
    /// Does not say which part it sends.
    RangeUnnamed,
    /// Has another `ETag` each time.
    ChangingEtag,
    /// Has neither `ETag` nor `Last-Modified`.
    NoValidators,

    /// Sends so many `102 Processing` before the answer.
    Informational(usize),
    /// A body that does not end, in chunks or until the connection does.
    EndlessBody,
    /// A head that does not end.
    EndlessHeaders,
    /// Nothing but `102 Processing`.
    EndlessInformational,
    /// Has a header of so many bytes.
    HugeHeader(usize),
    /// These bytes, and then the connection is closed.
    Raw(Vec<u8>),
}

/// What is wrong with the chunks of a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Broken {
    /// The size is no number.
    NoNumber,
    /// The size has more digits than any number can have.
    HugeSize,
    /// What follows a chunk is not the end of a line.
    NoLineEnd,
    /// There is no last chunk; the connection is closed.
    NoEnd,
}

impl Behaviour {
    /// And this at the same time.
    #[must_use]
    pub fn and(self, other: Self) -> Rule {
        Rule::from(self).and(other)
    }

    /// For one request. The ones after that are a matter of the rules that were made later.
    #[must_use]
    pub fn once(self) -> Rule {
        self.times(1)
    }

    /// For so many requests.
    #[must_use]
    pub fn times(self, count: usize) -> Rule {
        Rule::from(self).times(count)
    }

    /// For requests that come after so many others for the same path.
    #[must_use]
    pub fn after(self, others: usize) -> Rule {
        Rule::from(self).after(others)
    }
}

/// Behaviours that go together, and the requests that they are for.
#[derive(Clone, Debug)]
pub struct Rule {
    behaviours: Vec<Behaviour>,
    pub(super) skip: usize,
    pub(super) left: usize,
    pub(super) methods: Option<&'static str>,
}

impl From<Behaviour> for Rule {
    fn from(behaviour: Behaviour) -> Self {
        Self {
            behaviours: vec![behaviour],
            skip: 0,
            left: usize::MAX,
            methods: None,
        }
    }
}

impl Rule {
    /// And this at the same time.
    #[must_use]
    pub fn and(mut self, other: Behaviour) -> Self {
        self.behaviours.push(other);
        self
    }

    /// What it does.
    pub fn behaviours(&self) -> &[Behaviour] {
        &self.behaviours
    }

    /// For one request.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// For so many requests.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.left = count;
        self
    }

    /// For requests that come after so many others for the same path.
    #[must_use]
    pub fn after(mut self, others: usize) -> Self {
        self.skip = others;
        self
    }

    /// For requests of this method.
    #[must_use]
    pub fn for_method(mut self, method: &'static str) -> Self {
        self.methods = Some(method);
        self
    }

    /// Whether it is for this request, which counts as one that it was for.
    pub(super) fn takes(&mut self, method: &str) -> bool {
        if self.left == 0 || self.methods.is_some_and(|only| only != method) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.left -= 1;
        true
    }
}

/// Keeps answers waiting until a test has seen what it wanted to see.
///
/// ```
/// use test_support::http::{Behaviour, Gate, Server};
/// let server = Server::empty();
/// let gate = Gate::default();
/// server.put("/x", "a file");
/// server.on("/x", Behaviour::HoldAfter(3, gate.clone()));
/// gate.open();
/// gate.open(); // It stays open.
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    is_open: bool,
    waiting: usize,
}

impl Gate {
    /// Lets everything through, from now on.
    pub fn open(&self) {
        self.0.0.lock().unwrap().is_open = true;
        self.0.1.notify_all();
    }

    /// Blocks until at least so many answers have come to the gate, whether they wait there or not.
    pub fn wait_for(&self, answers: usize) {
        let (state, changed) = &*self.0;
        let (state, waited) = changed
            .wait_timeout_while(state.lock().unwrap(), Duration::from_secs(60), |state| {
                state.waiting < answers
            })
            .unwrap();
        let seen = state.waiting;
        drop(state);
        assert!(
            !waited.timed_out(),
            "{seen} instead of {answers} came to the gate"
        );
    }

    /// How many answers have come to the gate.
    pub fn seen(&self) -> usize {
        self.0.0.lock().unwrap().waiting
    }

    /// Waits until it is open, or until whoever waits is no longer wanted.
    pub(super) fn pass(&self, is_wanted: impl Fn() -> bool) {
        let (lock, changed) = &*self.0;
        let mut state = lock.lock().unwrap();
        state.waiting += 1;
        changed.notify_all();
        while !state.is_open && is_wanted() {
            state = changed.wait_timeout(state, TICK).unwrap().0;
        }
    }
}

/// How long it takes at most until something that waits notices that its server is gone.
pub(super) const TICK: Duration = Duration::from_millis(20);
