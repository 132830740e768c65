-- The payments that became part of another one, found from that one.
CREATE INDEX payments_joined ON payments (merged_into) WHERE merged_into IS NOT NULL;
