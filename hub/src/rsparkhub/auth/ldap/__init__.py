"""Sign-in in LDAP directories: what is asked of one (`directory`), over which connection (`connection`), and what its groups are
here (`groups`). `auth/sign_in/ldap.py` puts them together.
"""
