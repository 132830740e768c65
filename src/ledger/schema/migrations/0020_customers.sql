-- The agreements of a customer.
CREATE INDEX agreements_by_customer ON agreements (customer, state_at) WHERE customer IS NOT NULL;
