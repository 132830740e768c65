# No SDK: npm flutterwave-node-v3 1.4.1 verifies no webhook. Run: python3 tests/data/providers/make/flutterwave.py
from cases import token_in_header, write

BODY = '{"event":"charge.completed","data":{"id":288200108,"tx_ref":"ORD-7","status":"successful"}}'
write("flutterwave", "by hand: flutterwave-node-v3 1.4.1 verifies no webhook", token_in_header("verif-hash", BODY))
