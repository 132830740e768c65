-- Indexes that lists need, and no more. An index that has a payment's or a transfer's key beside the time is twice as
-- long, and the few rows of one millisecond are sorted as well without. What nearly all rows have in common is found
-- by time or number, so no index has it.

DROP INDEX aliases_by_id;
DROP INDEX aliases_by_payment;
{aliases_id_first}
CREATE INDEX aliases_by_payment ON aliases (payment, strength);

DROP INDEX payments_by_time;
DROP INDEX payments_by_state;
DROP INDEX payments_by_source;
DROP INDEX payments_by_channel;
DROP INDEX payments_by_customer;
DROP INDEX payments_by_amount;
CREATE INDEX payments_by_time ON payments (first_seen_at);
CREATE INDEX payments_by_state ON payments (state, first_seen_at) WHERE state <> 'credited';
CREATE INDEX payments_by_source ON payments (source, first_seen_at);
CREATE INDEX payments_by_channel ON payments (channel, first_seen_at) WHERE channel IS NOT NULL;
CREATE INDEX payments_by_customer ON payments (customer, first_seen_at) WHERE customer IS NOT NULL;
CREATE INDEX payments_by_amount ON payments (amount, first_seen_at) WHERE amount IS NOT NULL;

DROP INDEX transfers_by_time;
DROP INDEX transfers_by_state;
DROP INDEX transfers_by_channel;
DROP INDEX transfers_of_channel;
DROP INDEX transfers_settled;
CREATE INDEX transfers_by_time ON transfers (created_at);
CREATE INDEX transfers_by_state ON transfers (state, created_at) WHERE state <> 'settled';
CREATE INDEX transfers_by_channel ON transfers (channel, created_at);
CREATE INDEX transfers_of_channel ON transfers (account, channel, settled_at, days);
CREATE INDEX transfers_settled ON transfers (settled_at) WHERE settled_at IS NOT NULL;

DROP INDEX deliveries_by_time;
DROP INDEX deliveries_by_outcome;
DROP INDEX deliveries_by_cause;
CREATE INDEX deliveries_by_outcome ON deliveries (outcome, number) WHERE outcome <> 'granted';
CREATE INDEX deliveries_by_cause ON deliveries (cause, number) WHERE cause <> 'webhook';

DROP INDEX channels_leased;
CREATE INDEX channels_leased ON channels (lease_until) WHERE lease_until > 0;
CREATE INDEX channels_by_mode ON channels (mode, active_till, account, channel) WHERE mode <> 'live';
