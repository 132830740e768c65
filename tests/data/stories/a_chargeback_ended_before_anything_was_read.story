# All that the provider's API ever told of the payment is a chargeback that was reimbursed
channel CHAN-0 19d
pay p1 CHAN-0 90d 2700 mercadopago
dispute p1
won p1
wait 1m
