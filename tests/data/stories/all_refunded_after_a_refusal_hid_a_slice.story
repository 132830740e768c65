# A refusal hid that a slice moved, all of its money goes back, and a person finds the slice: no more of its days move.
set slice 3
channel CHAN-0 2d
pay p1 CHAN-0 10d 300
call p1 1 applied 422
tell p1 charge
wait 1s
refund p1 r1 300
tell p1 refunded.r1
tell p1 refund.r1
wait 1s
decide
wait 9days
