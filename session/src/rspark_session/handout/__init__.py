"""Brings the files of a handout into a person's home, beside their own work and never over it.

`python -m rspark_session.handout` is run by the agent as the person. `repository` and `template` are where files come from,
`merging` decides what becomes of each, and `home_folder` writes it.
"""
