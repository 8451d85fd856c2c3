"""The JSON of the API, as types: what the hub answers with and what a client reads. One definition for both sides.

They are apart from the domain, so that a change inside never changes what programs out there rely on.
"""
