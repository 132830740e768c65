//! Rows as operators see them, in lists, in `--json` and in the console. Times are ms since epoch.

mod agreement;
mod allocation;
mod audit;
mod channel;
mod declared;
mod event;
mod held;
mod named;
mod payment;
mod transfer;

pub use self::{
    agreement::Agreement,
    allocation::{
        Balance, ChannelWhole, Committed, Forecast, Granted, LateSlice, MarkKind, Need, OwedPayment,
    },
    audit::{Action, Audited, Planned, SavedView},
    channel::{ChannelRow, MovementRow, Pause},
    declared::{Adopted, Failover, Restored, Several, Undone, WorkerSeen},
    event::{Event, EventOutcome, EventWhole, Traffic},
    held::{Held, HeldCounts, HeldGroup, HeldKind, Payer},
    named::DirectoryEntry,
    payment::{Adjustment, AdjustmentKind, Payment, PaymentWhole, ReversalReport},
    transfer::{CallOutcome, Spent, TransferRow, TransferStep},
};
