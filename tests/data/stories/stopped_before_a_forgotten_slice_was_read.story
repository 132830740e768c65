# A slice that may have been sent in the time that is forgotten: its payment stops and goes on before its channel is read.
set slice 5
channel CHAN-0 5d
pay p1 CHAN-0 20d 600
tell p1 charge
wait 1m
backup
slice_now p1 3d
wait 1m
restore
stop_payment p1
wait 1m
go p1
wait 20days
