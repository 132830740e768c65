# The partner applied a call and refused it, then all money goes back under `cancel_unspent`: nobody calls it cancelled.
set on_refund cancel_unspent
channel CHAN-0 20d
pay p1 CHAN-0 30d 900
call p1 1 applied 422
tell p1 charge
wait 3s
refund p1 r1 900
tell p1 refund.r1
wait 2m
decide
