# A refusal hid 20 days, then the refund that had made them 20 failed: the other 10 are owed.
channel CHAN-0 20d
pay p1 CHAN-0 30d 900
refund p1 r1 300
tell p1 refunded.r1
call p1 1 applied 402
tell p1 charge
wait 1s
decide
wait 1s
refund_fails p1 r1
tell p1 failed.r1
tell p1 refund.r1
