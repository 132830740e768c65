//! What people do to the ledger of the simulation, at any time and in any order. They never err: an open outcome is
//! decided by the ground truth, which is what Billing History shows them, and nothing is cancelled whose days moved.

use daybridge::domain::settle::{
    Cause, Order, Outcome, State, order, planned_again, uncovered::may_have_moved,
};

use super::world::{WINDOW_MS, World};

/// Days that the money covers while a part of it is out.
const DAYS_LEFT: u32 = 20;

impl World {
    /// Somebody looks at one transfer, tops the balance up, or takes money back.
    pub(super) fn somebody_acts(&mut self) {
        let index = self.rng.usize(..self.transfers.len());
        match self.rng.u8(..6) {
            0 => self.top_up(),
            1 => self.money_moves(index),
            _ => {
                let held: Vec<usize> = (0..self.transfers.len())
                    .filter(|i| matches!(self.transfers[*i].state, State::Held { .. }))
                    .collect();
                if let Some(index) = self.rng.choice(held) {
                    self.decide(index);
                }
            }
        }
    }

    /// After all has come to rest: the balance is topped up and everything held is decided, in any order.
    pub(super) fn operate(&mut self) -> bool {
        self.now += WINDOW_MS;
        self.no_balance = false;
        self.partner.balance += 1_000;
        let mut held: Vec<usize> = (0..self.transfers.len())
            .filter(|i| matches!(self.transfers[*i].state, State::Held { .. }))
            .collect();
        self.rng.shuffle(&mut held);
        for index in &held {
            self.decide(*index);
        }
        !held.is_empty()
    }

    fn decide(&mut self, index: usize) {
        let State::Held { outcome, .. } = self.transfers[index].state else { return };
        let decision = match outcome {
            Outcome::Open if self.partner.applied[index] > 0 => Order::Applied,
            Outcome::Open | Outcome::Forgotten => Order::NotApplied,
            Outcome::None if self.partner.applied[index] == 0 && self.rng.u8(..5) == 0 => Order::Cancel,
            Outcome::None => Order::Retry,
        };
        let (days, state) = (self.transfers[index].days, self.transfers[index].state.clone());
        let row = &mut self.rows[self.transfers[index].channel];
        let decided = order(days, &state, &row.channel, decision, "by the book", WINDOW_MS, self.now);
        // Too early to say that a call was not applied.
        let Ok((state, known)) = decided else { return };
        if row.channel != known {
            row.epoch += 1;
            row.lease_until = 0;
            row.channel = known;
        }
        self.transfers[index].state = state;
        self.note(format!("operator: {decision:?} transfer {index}"));
    }

    /// What waits for the balance is planned again, as the ledger does it when a hold ends.
    fn top_up(&mut self) {
        self.no_balance = false;
        self.partner.balance += 100;
        for transfer in &mut self.transfers {
            if matches!(transfer.state, State::Held { cause: Cause::Balance(_), .. })
                && let Some(again) = planned_again(&transfer.state, self.now)
            {
                transfer.state = again;
            }
        }
        self.note("topped up".into());
    }

    /// A part of the money goes out, or comes back: only what no call may have moved changes.
    fn money_moves(&mut self, index: usize) {
        let transfer = &mut self.transfers[index];
        if !may_have_moved(&transfer.state) && !matches!(transfer.state, State::Cancelled { .. }) {
            transfer.days = if transfer.days == transfer.bought { DAYS_LEFT } else { transfer.bought };
            let days = transfer.days;
            self.note(format!("transfer {index} is for {days} days"));
        }
    }
}
