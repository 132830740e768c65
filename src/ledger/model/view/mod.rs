//! Rows as operators see them, in lists, in `--json` and in the console. Times are ms since epoch.

mod audit;
mod channel;
mod declared;
mod event;
mod held;
mod payment;
mod transfer;

pub use self::{
    audit::{Audited, Planned, SavedView},
    channel::{Channel, Movement, Pause},
    declared::{Adopted, Failover, Restored, Several, Undone, WorkerSeen},
    event::{Event, EventWhole, Traffic},
    held::{Counts, Held, HeldGroup},
    payment::{Adjustment, MoneyOut, Payment, PaymentWhole},
    transfer::{Spent, Transfer, TransferStep},
};
