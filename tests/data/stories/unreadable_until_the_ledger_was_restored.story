# An event that its provider's API did not know yet can be read after the ledger was restored
channel C1 10d
pay p1 C1 365d 10950 revolut
tell p1 completed
backup
api 404 50s
restore
wait 6s
