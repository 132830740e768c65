//! The `process_*` metrics that Prometheus' own libraries give, from `/proc`. What cannot be read is not told.

use std::{
    fs,
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::{Resource, getrlimit},
};

use super::text::{Text, one, whole};
use crate::clock::{self, Clock as _};

/// Places in `/proc/self/stat` after the name of the program, which may hold spaces and ends with the last `)`.
const UTIME: usize = 11;
const STIME: usize = 12;
const STARTED: usize = 19;
const VIRTUAL: usize = 20;
const RESIDENT: usize = 21;

/// All of them.
pub(super) fn write(text: &mut Text) {
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them is the folder's.
        let open = u64::try_from(open.count().saturating_sub(1)).unwrap_or(u64::MAX);
        text.gauge("process_open_fds", "Number of open file descriptors.", one(whole(open)));
    }
    let most = getrlimit(Resource::Nofile).current.map_or(f64::INFINITY, whole);
    text.gauge("process_max_fds", "Maximum number of open file descriptors.", one(most));
    let Some(stat) = Stat::read() else { return };
    let ticks = whole(clock_ticks_per_second());
    let page = whole(u64::try_from(page_size()).unwrap_or(0));
    text.counter(
        "process_cpu_seconds_total",
        "Total user and system CPU time spent in seconds.",
        one((stat.utime + stat.stime) / ticks),
    );
    text.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", one(stat.virtual_bytes));
    text.gauge(
        "process_resident_memory_bytes",
        "Resident memory size in bytes.",
        one(stat.resident_pages * page),
    );
    text.gauge(
        "process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.",
        one(started_s(stat.started / ticks)),
    );
}

struct Stat {
    utime: f64,
    stime: f64,
    started: f64,
    virtual_bytes: f64,
    resident_pages: f64,
}

impl Stat {
    fn read() -> Option<Self> {
        let text = fs::read_to_string("/proc/self/stat").ok()?;
        let (_, after) = text.rsplit_once(')')?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        let field = |place: usize| fields.get(place)?.parse::<u64>().ok().map(whole);
        Some(Self {
            utime: field(UTIME)?,
            stime: field(STIME)?,
            started: field(STARTED)?,
            virtual_bytes: field(VIRTUAL)?,
            resident_pages: field(RESIDENT)?,
        })
    }
}

/// When the process was started, in seconds since epoch: reckoned once, for a clock that is set does not start it again.
/// Rejected: `btime` of `/proc/stat`, which a service with `ProcSubset=pid` does not see.
fn started_s(since_boot: f64) -> f64 {
    static STARTED: OnceLock<f64> = OnceLock::new();
    *STARTED.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.as_secs_f64() - (clock::Machine.boot().as_secs_f64() - since_boot)
    })
}
