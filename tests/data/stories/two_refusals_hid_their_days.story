# Two refusals of a channel each hid their days, and one is settled late: the other is not called again for what it showed.
channel CHAN-0 20d
pay p1 CHAN-0 30d 900
pay p2 CHAN-0 10d 300
call p1 1 applied 422
call p2 1 applied 422
tell p1 charge
wait 12s
tell p2 charge
wait 12s
decide
wait 2m
