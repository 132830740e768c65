//! Every test that needs more than one pure file, in one binary; each folder is a part of the system.

#[cfg(test)]
mod e2e;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod partner;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod support;
