# All money goes back while nobody knows whether the days moved, and they did not: they are not moved for it.
channel CHAN-2 25d
pay p1 CHAN-2 30d 900
call p1 1 not 503
tell p1 charge
wait 2s
refund p1 r0 900
tell p1 refund.r0
tell p1 refunded.r0
wait 20s
decide
wait 2m
