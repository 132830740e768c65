# The same payment is told by a session, a charge and an intent, the money goes out and comes back.
channel CHAN-0 10d
pay p1 CHAN-0 30d 900 session
tell p1 session
tell p1 charge
tell p1 intent
dispute p1
tell p1 dispute
wait 30s
won p1
tell p1 dispute_closed
tell_anew p1 charge
