# PyPI Adyen 16.0.0 (its util.is_valid_hmac_notification is the judge). Run: python3 tests/data/providers/make/adyen.py
import copy
import json

from Adyen.util import generate_notification_sig, is_valid_hmac_notification
from cases import case, write

KEY = "0011223344556677889900AABBCCDDEEFF" + "AB" * 15
OTHER = "FFEEDDCCBBAA00998877665544332211FF" + "CD" * 15
ITEM = {
    "amount": {"currency": "USD", "value": 900},
    "eventCode": "AUTHORISATION",
    "eventDate": "2025-10-09T10:53:20+02:00",
    "merchantAccountCode": "DemoShopECOM",
    "merchantReference": "DEMOCH-AB12C",
    "paymentMethod": "visa",
    "pspReference": "QFQTPCQ8HXSKGK82",
    "reason": "",
    "success": "true",
}


def item(key=KEY, sig=None, **over):
    one = copy.deepcopy(ITEM)
    one.update(over)
    sig = generate_notification_sig(one, key).decode() if sig is None else sig
    return dict(one, additionalData={"hmacSignature": sig})


def body(*items):
    wrapped = [{"NotificationRequestItem": i} for i in items]
    return json.dumps({"live": "false", "notificationItems": wrapped}, ensure_ascii=False, separators=(",", ":"))


def judge(secrets, text):
    """The SDK looks at the first item only, so it is asked for each."""
    for wrapped in json.loads(text)["notificationItems"]:
        one = wrapped["NotificationRequestItem"]
        try:
            if not any(is_valid_hmac_notification(one, s) is True for s in secrets):
                return False
        except (KeyError, ValueError):
            return False
    return True


CASES = []


def add(name, ours, *items, secrets=(KEY,), text=None):
    text = body(*items) if text is None else text
    CASES.append(case(name, list(secrets), [], text, judge(secrets, text), ours))


good = item()
sig = good["additionalData"]["hmacSignature"]
refund = item(pspReference="DXQTPCQ8HXSKGR01", originalReference="QFQTPCQ8HXSKGK82", eventCode="REFUND")
add("good", True, good)
add("good by the second of two keys", True, good, secrets=(OTHER, KEY))
add("good, three items", True, good, refund, item(pspReference="QFQTPCQ8HXSKGK83"))
add("good, two items by two keys", True, good, item(OTHER, pspReference="QFQTPCQ8HXSKGK83"), secrets=(OTHER, KEY))
add("good, original reference empty", True, item(originalReference=""))
add("good, the amount 0", True, item(amount={"currency": "EUR", "value": 0}, eventCode="REPORT_AVAILABLE"))
add("good, text beyond ASCII", True, item(merchantReference="Bestellung-Grüße-7"))
add("good, backslash in the reference", True, item(merchantReference="a\\b"))
add("good, colon in the reference", True, item(merchantReference="a:b"))
add("good, an unsigned field changed", True, dict(good, paymentMethod="mc"))
add("key in lower case", True, good, secrets=(KEY.lower(),))

# Published by the provider with its libraries: a key, an item, its signature.
DOC_KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
doc = {
    "pspReference": "7914073381342284",
    "merchantAccountCode": "TestMerchant",
    "merchantReference": "TestPayment-1407325143704",
    "amount": {"value": 1130, "currency": "EUR"},
}
published = item(DOC_KEY, sig="coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=", **doc)
zero = item(
    DOC_KEY,
    sig="J7HhsgZo5KwqdB7LFZJV6rfQgp+RqC2kuYyw/3x3w+8=",
    **dict(doc, amount={"value": 0, "currency": "EUR"}, eventCode="REFUND"),
)
add("published by the provider", True, published, secrets=(DOC_KEY,))
add("published by the provider, value 0", True, zero, secrets=(DOC_KEY,))

bare = {k: v for k, v in good.items() if k != "additionalData"}
# The SDK falls through to None without additionalData.
CASES.append(case("no additionalData", [KEY], [], body(bare), False, False))
add("no signature", False, dict(bare, additionalData={}))
add("empty signature", False, item(sig=""))
add("wrong key", False, good, secrets=(OTHER,))
add("second of two items unsigned", False, good, item(sig="AAAA", pspReference="QFQTPCQ8HXSKGK83"))
add("amount changed", False, dict(good, amount={"currency": "USD", "value": 9000}))
add("currency changed", False, dict(good, amount={"currency": "EUR", "value": 900}))
add("reference changed", False, dict(good, merchantReference="DEMOCH-XY34Z"))
add("payment changed", False, dict(good, pspReference="QFQTPCQ8HXSKGK83"))
add("success changed", False, dict(good, success="false"))
add("event changed", False, dict(good, eventCode="CAPTURE"))
add("signature without padding", False, item(sig=sig.rstrip("=")))
add("signature in hex", False, item(sig="ab" * 32))
# The fields are joined by ":" without escaping: the signed text of "a:b" also reads as other fields.
moved = dict(
    item(merchantReference="a:b"),
    pspReference="QFQTPCQ8HXSKGK82:",
    originalReference="DemoShopECOM",
    merchantAccountCode="a",
    merchantReference="b",
)
add("fields moved over a colon", False, moved)

write("adyen", "PyPI Adyen 16.0.0", CASES)
