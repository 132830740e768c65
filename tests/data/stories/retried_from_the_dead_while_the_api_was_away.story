# What came back from the dead letters while the provider's API was away is asked about again by itself
channel CHAN-0 10d
pay p1 CHAN-0 30d 900 yookassa
tell p1 succeeded
dead_letters
wait 5s
api 429 1m
decide      # tried again: the API does not answer now
wait 10s
