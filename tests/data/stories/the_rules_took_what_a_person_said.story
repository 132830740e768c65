# A person says the days that a refund left; by new settings a further refund takes most of them unasked, and fails: owed.
set on_refund report
channel CHAN-0 21d
pay p1 CHAN-0 30d 900
tell p1 charge
refund p1 r2 251
tell p1 refund.r2
wait 2s
decide
set on_refund cancel_unspent
restart 1
refund p1 r0 586
tell p1 refund.r0
tell p1 refunded.r0
wait 20s
refund_fails p1 r0
tell p1 failed.r0
