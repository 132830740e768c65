# A payer's name holds half a surrogate pair and U+0000: nobody needs it, so the days move.
set texts odd
channel CHAN-0 20d
pay p1 CHAN-0 30d 900
pay p2 CHAN-0 10d 300 session
tell p1 charge
tell p2 charge
tell p2 session
wait 1m
