# The partner applied the call and the connection was cut: the days are found, and not moved again.
channel CHAN-0 10d
pay p1 CHAN-0 30d 900
call p1 1 applied cut
tell p1 charge
wait 2m
