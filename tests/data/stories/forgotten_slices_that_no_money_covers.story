# What moved in the time that is forgotten is asked for slice by slice, also where the money does not cover it any more.
set on_refund cancel_unspent
set slice 3
channel CHAN-0 1d
backup
pay p1 CHAN-0 5d 150
tell p1 charge
wait 49h
restore
refund p1 r1 99
