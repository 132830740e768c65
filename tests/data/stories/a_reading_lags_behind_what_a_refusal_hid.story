# A refusal hid its days and readings lag by eight seconds: the channel is left alone until one would show them.
partner stale 8
channel CHAN-0 20d
pay p1 CHAN-0 30d 900
pay p2 CHAN-0 10d 300
call p1 1 applied 422
tell p1 charge
wait 1s
tell p2 charge
wait 2m
