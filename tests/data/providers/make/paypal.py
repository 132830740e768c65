# No SDK: PyPI paypal-server-sdk 2.4.0 verifies no webhook. Run: python3 tests/data/providers/make/paypal.py
from cases import token_in_query, write

BODY = '{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"id":"2GG279541U471931P"}}'
write("paypal", "by hand: paypal-server-sdk 2.4.0 verifies no webhook", token_in_query(BODY))
