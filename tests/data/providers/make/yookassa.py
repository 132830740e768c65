# PyPI yookassa 3.13.0: its SecurityHelper judges addresses, nothing judges the token.
# Run: python3 tests/data/providers/make/yookassa.py
import sys

from cases import case, token_in_query, write

sys.path.pop(0)  # this file has the SDK's name
from yookassa.domain.common import SecurityHelper  # noqa: E402

BODY = '{"type":"notification","event":"payment.succeeded","object":{"id":"22d6d597-000f-5000-9000-00000000test"}}'
INSIDE = "185.71.76.3"
cases = token_in_query(BODY, INSIDE)
token = "Invented-token_a.0123456789"
for name, client, ours in [
    ("first address of a block", "185.71.76.0", True),
    ("last address of a block", "185.71.76.31", True),
    ("a single address", "77.75.156.11", True),
    ("half a block", "77.75.154.128", True),
    ("version 6", "2a02:5180:0:1509::1", True),
    ("after a block", "185.71.76.32", False),
    ("before half a block", "77.75.154.127", False),
    ("beside a single address", "77.75.156.12", False),
    ("another of version 6", "2a02:5180:0:1510::1", False),
    ("anyone", "203.0.113.7", False),
]:
    trusted = SecurityHelper().is_ip_trusted(client)
    cases.append(case(name, [token], [], BODY, trusted, ours, query="token=" + token, client=client))
    if ours:
        cases.append(case(name + ", no token", [token], [], BODY, None, False, client=client))

write("yookassa", "PyPI yookassa 3.13.0 (addresses only)", cases)
