# A worker stands still between its intent and its call, for longer than lease and window; another goes on.
set workers 2
channel CHAN-0 10d
pay p1 CHAN-0 30d 900
freeze 1 2 3m20s
freeze 2 4 3m20s
tell p1 charge
wait 5m
