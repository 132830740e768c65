# No SDK: PyPI checkout_sdk 4.8.1 verifies no webhook; Python's hmac. Run: python3 tests/data/providers/make/checkout.py
from cases import body_mac, write

BODY = '{"id":"evt_test1","type":"payment_captured","data":{"id":"pay_test1","action_id":"act_test1","amount":900}}'
write(
    "checkout",
    "Python's hmac: checkout_sdk 4.8.1 verifies no webhook",
    body_mac("cko-signature", "invented-signature-key-a", "invented-signature-key-b", BODY, lambda *_: None),
)
