//! The whole system as real processes: a private RabbitMQ, `serve`, `work`, the simulator.

mod agreements;
mod allocation;
mod backfill;
mod backlog;
mod channels;
mod check;
mod customers;
mod desk;
mod faults;
mod held_money;
mod machine;
mod memory;
mod operator;
mod outages;
mod pooled;
mod providers;
mod proxy;
mod reconcile;
mod recovery;
mod refusals;
mod replays;
mod secrets;
mod siege;
mod slips;
mod story;
