# A person says the days that refunds left before any event names the channel, and one of the refunds fails: the rest moves.
set money_in payment_intents
channel CHAN-2 24d
pay p3 CHAN-2 7d 210 subscription
tell p3 intent
wait 1s
decide
refund p3 r1 81
refund p3 r0 117
tell p3 refunded.r0
wait 10s
refund_fails p3 r0
decide
