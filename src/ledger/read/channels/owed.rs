//! Which days are owed on a channel: bought, not cut, and not moved. What is in doubt may have moved, and is not owed.

/// Whether a transfer `t` that has all days of its payment is still to move.
macro_rules! at_once {
    () => {
        "t.settled_at IS NULL AND t.sliced = 0 AND (t.state || '' = 'planned' \
         OR (t.state || '' = 'held' AND t.open + 0 = 0 AND COALESCE(t.cause, '') <> 'restored'))"
    };
}

/// Days of the channel of the table `x`, in slices and at once.
pub(in crate::ledger) const DAYS_OWED: &str = concat!(
    "((SELECT COALESCE(CAST(SUM(o.days_left) AS BIGINT), 0) FROM payments o \
     WHERE o.partner = x.account AND o.channel = x.channel AND o.days_left > 0) + \
     (SELECT COALESCE(CAST(SUM(t.days) AS BIGINT), 0) FROM transfers t WHERE t.account = x.account \
     AND t.channel = x.channel AND ",
    at_once!(),
    "))"
);

/// Payments whose days move at once, and are still to move to a channel.
pub(super) const OWED_AT_ONCE: &str = concat!(
    "SELECT p.key, p.state, p.days, 0 AS days_moved, t.days AS days_left, p.sliced, p.stopped FROM transfers t \
     JOIN payments p ON p.key = t.payment WHERE t.account = $1 AND t.channel = $2 AND ",
    at_once!(),
    " ORDER BY t.created_at + 0, t.key LIMIT $3"
);
