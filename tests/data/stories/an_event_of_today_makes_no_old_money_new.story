# After a restoration the provider tells of an old payment again, for a refund of a few cents: it is not granted once more.
channel CHAN-0 20d
backup
pay p1 CHAN-0 30d 900 square
tell p1 completed
wait 10s
restore
refund p1 r1 10
tell p1 updated_by_refund.r1
wait 1m
