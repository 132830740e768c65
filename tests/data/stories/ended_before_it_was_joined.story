# The end of a subscription is told before anything says that the payment belongs to it
channel C1 1d
set on_end stop
set slice_stripe 5
pay p1 C1 14d 420 subscription
wait 3days
ends p1
tell p1 charge
tell p1 intent
tell p1 ended
tell p1 invoice
tell p1 joined
wait 7days
