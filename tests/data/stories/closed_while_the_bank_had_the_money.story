# A payment is closed because the bank has its money, before anything told its days: when the dispute is won, they are owed.
set money_in payment_intents
channel CHAN-0 29d
pay p1 CHAN-0 30d 900 session
tell p1 intent
dispute p1
tell p1 dispute
wait 1s
decide
won p1
tell p1 dispute_closed
tell p1 session
