# What waits goes to the dead letters while no worker runs: each is listed, and read again by a person's word.
channel CHAN-0 20d
crash 1 1 before
pay p1 CHAN-0 30d 900
tell p1 charge
dead_letters
wait 20s
decide
wait 1m
