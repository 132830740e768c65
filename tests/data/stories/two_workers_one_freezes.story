# A worker stands still for longer than its lease and the window, and another goes on with its channel.
set workers 2
channel CHAN-0 10d
pay p1 CHAN-0 30d 900
pay p2 CHAN-0 30d 900
tell p1 charge
freeze 1 0 2m
wait 1s
tell p2 charge
wait 3m
