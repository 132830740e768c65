//! The console over real HTTP: who gets in, what the pages hold, what their forms do.

mod acts;
mod browser;
mod channel;
mod customer;
mod days;
mod gate;
mod kit;
mod pages;
mod routes;
mod slices;
