//! The whole system as real processes: a private RabbitMQ, `serve`, `work`, the simulator.

mod backfill;
mod desk;
mod faults;
mod held_money;
mod memory;
mod operator;
mod providers;
mod reconcile;
mod recovery;
mod refusals;
mod replays;
mod secrets;
mod siege;
mod slips;
mod story;
