# A payment that a person stopped stays stopped, though the bank takes its money and gives it back
channel C1 27d
set brake 2
pay p1 C1 365d 10950
pay p2 C1 30d 900
tell p1 charge
wait 4s
tell p2 charge
wait 5s
stop_payment p2
wait 5s
dispute p2
tell p2 dispute
wait 5s
won p2
tell p2 dispute_closed
wait 30s
