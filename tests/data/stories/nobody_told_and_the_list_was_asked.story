# No event ever comes by itself: the provider's own list is asked, and the days move once.
set backfill on
channel CHAN-0 20d
pay p1 CHAN-0 30d 900
wait 5m
tell p1 charge
