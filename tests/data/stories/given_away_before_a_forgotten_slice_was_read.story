# As the first, and the channel is another one's before it is read.
set slice 5
channel CHAN-0 5d
channel CHAN-1 5d
pay p1 CHAN-0 20d 600
tell p1 charge
wait 1m
backup
slice_now p1 3d
wait 1m
restore
move p1 CHAN-1
wait 20days
