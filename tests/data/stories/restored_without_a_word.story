# A copy is put back and nobody says so; Billing History shows what the ledger never called, and a person can settle it.
set money_in checkout
channel CHAN-0 5d
backup
pay p1 CHAN-0 30d 900 session
tell p1 session
wait 1s
restore undeclared
dispute p1
