//! What a reading proves.

use daybridge::domain::{
    DAY_MS,
    settle::{Call, fits},
};

const SENT: i64 = 1_800_000_000_000;
const SKEW: i64 = 60_000;

#[test]
fn a_reading_fits_only_exactly_these_days() {
    let running = SENT + 5 * DAY_MS;
    let expired = SENT - 5 * DAY_MS;
    for (what, before, active_till, want) in [
        ("moved by the days", running, running + 30 * DAY_MS, true),
        ("unmoved", running, running, false),
        ("a day more", running, running + 31 * DAY_MS, false),
        ("a millisecond less", running, running + 30 * DAY_MS - 1, false),
        ("twice", running, running + 60 * DAY_MS, false),
        ("running, but counted from now", running, SENT + 30 * DAY_MS, false),
        ("expired, counted from the old end", expired, expired + 30 * DAY_MS, true),
        ("expired, counted from the call", expired, SENT + 1_000 + 30 * DAY_MS, true),
        ("expired, clocks differ within the skew", expired, SENT - SKEW + 30 * DAY_MS, true),
        ("expired, counted from before the call", expired, SENT - SKEW - 1 + 30 * DAY_MS, false),
        ("expired, counted from after the reading", expired, SENT + 10_001 + SKEW + 30 * DAY_MS, false),
        ("ran out between reading and call", SENT + 500, SENT + 2_000 + 30 * DAY_MS, true),
    ] {
        let call = Call { attempt: 1, before, at: SENT, settles: 0 };
        assert_eq!(fits(&call, 30, active_till, SENT + 10_000, SKEW), want, "{what}");
    }
}
