"""What `tests/chaos` is made of: real servers, faults, a load, and the comparison at the end.

Python's standard library and nothing of daybridge's own code: what sends, signs, cuts and counts must not share a
mistake with what is being proven, and nothing has to be compiled before a fault can be tried.
"""
