# The partner applied a call and answered 429, another payment of the channel settles: the first is not called again.
channel CHAN-0 20d
pay p1 CHAN-0 30d 900
pay p2 CHAN-0 10d 300
call p1 1 applied 429
tell p1 charge
wait 3s
tell p2 charge
wait 3m
