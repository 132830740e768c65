# One payment asks for more days than the account has: a smaller one of another channel goes on.
balance 20
channel CHAN-0 20d
channel CHAN-1 2d
pay p1 CHAN-0 90d 2700
pay p2 CHAN-1 10d 300
tell p1 charge
wait 3s
tell p2 charge
wait 2m
