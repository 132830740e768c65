-- What refusals prove about an account's balance: it is below `ceiling` days; and the days of this round's first
-- probe, where it was refused. NULL: nothing.
ALTER TABLE accounts ADD COLUMN ceiling BIGINT;
ALTER TABLE accounts ADD COLUMN refused_first BIGINT;
UPDATE accounts SET ceiling = (SELECT MIN(t.days) FROM transfers t WHERE t.account = accounts.account
    AND t.state = 'held' AND t.cause = 'balance');
UPDATE accounts SET ceiling = 1 WHERE ceiling IS NULL AND news = 'balance';
