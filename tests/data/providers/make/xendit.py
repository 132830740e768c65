# No SDK: npm xendit-node 7.0.0 verifies no callback. Run: python3 tests/data/providers/make/xendit.py
from cases import token_in_header, write

BODY = '{"id":"6500a1b2c3d4e5f6testinv1","external_id":"ORD-7","status":"PAID","amount":9}'
write("xendit", "by hand: xendit-node 7.0.0 verifies no callback", token_in_header("x-callback-token", BODY))
