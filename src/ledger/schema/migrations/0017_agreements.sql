-- Agreements (subscriptions), as far as events told of them. `said` and `said_at`: the provider's last word on the agreement
-- itself; `paid_at`: its last money; `state` and `state_at`: what both come to. All times are the provider's, but `told_at`.
CREATE TABLE agreements (
    key TEXT NOT NULL PRIMARY KEY,
    realm TEXT NOT NULL,
    account TEXT NOT NULL,
    livemode BIGINT NOT NULL,
    id TEXT NOT NULL,
    said TEXT,
    said_at BIGINT,
    paid_at BIGINT,
    state TEXT NOT NULL,
    state_at BIGINT NOT NULL,
    customer TEXT,
    told_at BIGINT NOT NULL
);
CREATE INDEX agreements_by_id ON agreements (id);
CREATE INDEX agreements_by_time ON agreements (state_at);
CREATE INDEX agreements_by_state ON agreements (state, state_at);

-- The provider's id of the agreement that a payment belongs to.
ALTER TABLE payments ADD COLUMN agreement TEXT;
CREATE INDEX payments_by_agreement ON payments (agreement, first_seen_at) WHERE agreement IS NOT NULL;
