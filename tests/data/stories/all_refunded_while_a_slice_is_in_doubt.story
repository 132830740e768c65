# All of its money goes back while a slice is in doubt that has moved: no more of its days move.
set slice 5
channel CHAN-0 3d
pay p1 CHAN-0 20d 600
call p1 1 applied cut
tell p1 charge
wait 3s
refund p1 r1 600
tell p1 refunded.r1
tell p1 refund.r1
wait 9days
