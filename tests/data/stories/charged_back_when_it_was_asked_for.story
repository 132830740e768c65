# The event that told of the money was read while the bank had it
channel CHAN-0 19d
pay p1 CHAN-0 30d 900 gocardless
dispute p1
tell p1 confirmed
wait 10s
won p1
tell p1 chargeback_cancelled
wait 1m
