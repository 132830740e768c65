# A worker's clock is set forward by minutes while it watches a doubt, and the call is applied later: not called twice.
channel CHAN-0 13d
pay p1 CHAN-0 30d 900
call p1 1 late=44s cut
tell p1 charge
wait 36s
clock 1 185403
wait 2m
