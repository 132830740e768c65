# No SDK: the classic webhook carries nothing to verify. Run: python3 tests/data/providers/make/mollie-classic.py
from cases import token_in_query, write

write("mollie-classic", "by hand: the provider's SDKs verify nothing here", token_in_query("id=tr_5B8cwPMGnU"))
