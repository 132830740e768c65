# The dashboard is read while a call is in doubt whose days have moved.
channel CHAN-0 5d
balance 100
pay p1 CHAN-0 30d 900
call p1 1 applied cut
tell p1 charge
wait 3s
mark
wait 2m
decide
