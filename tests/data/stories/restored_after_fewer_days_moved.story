# A ledger is restored that does not know that a refund had made 30 days 15, nor that it failed: Billing History shows 15.
channel CHAN-0 5d
pay p1 CHAN-0 30d 900
refund p1 r1 463
tell p1 refund.r1
tell p1 charge
backup
wait 1s
decide
wait 10s
refund_fails p1 r1
restore
