"""Judges signed requests by the rules in words below, with nothing but the standard library: what daybridge's verifier
is held against. One JSON object a line comes in, one goes out.

A scheme says where a request's signature stands, and over what it was made. A request is accepted when one of its
signatures is the HMAC of the signed bytes under one of the secrets, and nothing below forbids it.

Where the signature stands
 1. In a header: exactly one line has that name, in any case; it is not empty, and has 4096 bytes at most.
 2. Or in the URL's query: exactly one value has that key, and it is not empty. It is one signature, as it stands.
 3. Where the scheme has a list separator, the header's value is cut at every one of them, and blanks (space, tab, CR, LF,
    form feed) around each element do not count. Where it has none, the whole value is the one element, blanks and all.
 4. Where the scheme has an assign character, an element is a key and a value, cut at the first such character; one
    without it says nothing. Only values under the scheme's own key, to the byte, are signatures. Where it has none, each
    element is a signature.
 5. A signature is well-formed when it is written in the one way that its encoding writes a MAC of that hash: lower-case
    hex, or base64 with padding and no stray bits. Others do not count. There is at least one, and at most 16.

The time
 6. A scheme may have a time: under a key of its own among the elements, exactly once; or in a header of its own, as in
    rule 1 but of any length.
 7. It is written in ASCII digits and nothing else, one at least; as a count of seconds or milliseconds it lies below
    2^63. Our clock and the tolerance are counted in the same unit, rounded down. Time and clock are no further apart than
    the tolerance, whichever is ahead.

The signed bytes
 8. They are the parts of the template one after the other: fixed text in UTF-8, the time as it stood in the request, the
    body to the byte, the address that the provider was told, a header's value (one line, not empty), a value of the query
    (one, not empty, decoded as a web form is).

The secrets
 9. The scheme's prefix is taken off a secret that begins with it. The rest is the key: as UTF-8, or decoded from base64
    or hex (there in any case).
"""

import base64
import hashlib
import hmac
import json
import sys
import urllib.parse

BLANKS = b" \t\r\n\x0c"


class Refused(Exception):
    pass


def need(holds, why):
    if not holds:
        raise Refused(why)


def header(request, name):
    lines = [bytes.fromhex(value) for known, value in request["headers"] if known.lower() == name.lower()]
    need(len(lines) == 1 and lines[0], f"not one line {name}")
    return lines[0]


def query(request, key):
    def text(raw):
        return urllib.parse.unquote_to_bytes(raw.replace("+", " ")).decode("utf-8", "replace")

    pairs = [pair.partition("=") for pair in request["query"].split("&") if pair]
    values = [text(value) for name, _, value in pairs if text(name) == key]
    need(len(values) == 1 and values[0], f"not one value {key}")
    return values[0].encode()


def written(scheme, mac):
    return base64.b64encode(mac) if scheme["encoding"] == "base64" else mac.hex().encode()


def well_formed(scheme, value):
    try:
        mac = base64.b64decode(value) if scheme["encoding"] == "base64" else bytes.fromhex(value.decode("ascii"))
    except ValueError:
        return False
    return written(scheme, mac) == value and len(mac) == hashlib.new(scheme["mac"]).digest_size


def elements(scheme, value):
    """Pairs of key and value; the key is None where there are no keys."""
    parts = [value]
    if scheme["list"] is not None:
        parts = [part.strip(BLANKS) for part in value.split(scheme["list"].encode())]
    if scheme["assign"] is None:
        return [(None, part) for part in parts]
    pairs = [part.partition(scheme["assign"].encode()) for part in parts]
    return [(key, value) for key, assign, value in pairs if assign]


def claim(scheme, request):
    """Time and signatures, as they are written."""
    if "query" in scheme["place"]:
        return b"", [query(request, scheme["place"]["query"])]
    value = header(request, scheme["place"]["header"])
    need(len(value) <= 4096, "header too long")
    pairs = elements(scheme, value)
    own = scheme["element"].encode() if scheme["element"] is not None else None
    time = b""
    if scheme["time"] is not None and "element" in scheme["time"]:
        times = [value for key, value in pairs if key == scheme["time"]["element"].encode()]
        need(len(times) == 1, "not one time")
        time = times[0]
    elif scheme["time"] is not None:
        time = header(request, scheme["time"]["header"])
    return time, [value for key, value in pairs if key == own]


def timely(scheme, time, now_ms, tolerance_ms):
    need(time and all(byte in b"0123456789" for byte in time), "no count of time")
    count = int(time)
    need(count < 2**63, "no count of time")
    unit = 1000 if scheme["unit"] == "s" else 1
    need(abs(now_ms // unit - count) <= tolerance_ms // unit, "not now")


def signed(scheme, request, time):
    def part(kind, name=None):
        match kind:
            case "literal":
                return name.encode()
            case "timestamp":
                return time
            case "body":
                return bytes.fromhex(request["body"])
            case "url":
                return scheme["public_url"].encode()
            case "header":
                return header(request, name)
            case "query":
                return query(request, name)

    return b"".join(part(*one) for one in scheme["template"])


def key(scheme, secret):
    bare = secret.removeprefix(scheme["key_prefix"])
    match scheme["key"]:
        case "text":
            return bare.encode()
        case "base64":
            return base64.b64decode(bare)
        case "hex":
            return bytes.fromhex(bare)


def judge(scheme, secrets, request, now_ms, tolerance_ms):
    """Positions of the secrets that fit."""
    time, values = claim(scheme, request)
    if scheme["time"] is not None:
        timely(scheme, time, now_ms, tolerance_ms)
    values = [value for value in values if well_formed(scheme, value)]
    need(1 <= len(values) <= 16, "no signature, or too many")
    data = signed(scheme, request, time)
    macs = [written(scheme, hmac.new(key(scheme, one), data, scheme["mac"]).digest()) for one in secrets]
    fit = [position for position, mac in enumerate(macs) if mac in values]
    need(fit, "no signature fits")
    return fit


def answer(asked):
    scheme, request = asked["scheme"], asked["request"]
    try:
        if asked["do"] == "sign":
            data = signed(scheme, request, asked["time"].encode())
            mac = hmac.new(key(scheme, asked["secret"]), data, scheme["mac"]).digest()
            return {"signature": written(scheme, mac).decode()}
        return {"fit": judge(scheme, asked["secrets"], request, asked["now_ms"], asked["tolerance_ms"])}
    except Refused as why:
        return {"why": str(why)}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
