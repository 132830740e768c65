# Money goes out while nobody knows whether the days moved: nothing says that they were spent.
channel CHAN-0 20d
pay p1 CHAN-0 30d 900
call p1 1 late=40s cut
tell p1 charge
wait 1s
refund p1 r1 300
tell p1 refund.r1
wait 2s
decide
