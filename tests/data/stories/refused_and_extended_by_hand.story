# A call was refused, somebody extended the channel for another reason, a second payment settles: decided by
# the books, each moves once.
channel CHAN-0 20d
pay p1 CHAN-0 30d 900
pay p2 CHAN-0 10d 300
call p1 1 not 422
tell p1 charge
wait 12s
hand CHAN-0 12d
tell p2 charge
wait 12s
decide
wait 2m
