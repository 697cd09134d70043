//! What a part of this process takes.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// When something began.
pub(crate) struct Begun {
    wall: Instant,
    cpu: Duration,
}

/// What it took, in seconds.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    pub(crate) wall: f64,
    /// User and system time of all threads.
    pub(crate) cpu: f64,
}

impl Begun {
    pub(crate) fn now() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu(),
        }
    }

    pub(crate) fn spent(&self) -> Spent {
        Spent {
            wall: self.wall.elapsed().as_secs_f64(),
            cpu: (cpu() - self.cpu).as_secs_f64(),
        }
    }
}

impl Spent {
    pub(crate) fn add(&mut self, other: &Self) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }

    /// Says it as `benches/compare` reads it, with something before the names.
    pub(crate) fn print(&self, before: &str) {
        println!("{before}wall {:.6}\n{before}cpu {:.6}", self.wall, self.cpu);
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}
