# A person says the days that refunds left, one of them fails, and only then its channel is known
set backfill on
channel C1 -15d
set slice 5
pay p1 C1 10d 300 customer
refund p1 r2 9
wait 14h
refund p1 r1 42
tell p1 refunded.r1
wait 2s
decide
refund_fails p1 r1
