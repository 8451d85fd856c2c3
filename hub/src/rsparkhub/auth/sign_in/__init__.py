"""Ways to sign in, one module each; another package brings one by an entry point `rsparkhub.sign_in`.

`base` says what a way is. `auth/identity.py` makes the sign-in of a person whom a way has recognised.
"""
