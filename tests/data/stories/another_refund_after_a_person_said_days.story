# A person says the days that a refund left, another refund comes, and the first one fails: what is covered moves, not all.
channel CHAN-0 8d
pay p1 CHAN-0 365d 10950 session
tell p1 session
tell p1 charge
refund p1 r1 2424
tell p1 refund.r1
wait 2s
decide
refund p1 r0 151
tell p1 refund.r0
tell p1 refunded.r0
wait 30s
refund_fails p1 r1
tell p1 failed.r1
