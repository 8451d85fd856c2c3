"""Sign-in by OpenID Connect: the flow that a browser takes (`flow`), what a provider says of itself and of people (`provider`),
and the checks of an ID token (`id_token`). `auth/sign_in/oidc.py` puts them together.
"""
