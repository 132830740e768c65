# A person says the days, a part of the money comes back, and only then its channel is known
channel C1 -15d
set slice 5
pay p1 C1 10d 300 customer
refund p1 r1 51
tell p1 refunded.r1
tell p1 charge
wait 2s
decide
refund_fails p1 r1
refund p1 r2 9
tell p1 failed.r1
tell p1 refund.r1
tell p1 refund.r2
wait 30s
