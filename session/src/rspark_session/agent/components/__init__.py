"""The processes of an ensemble that have a name: started on the health of others, watched, logged, ended."""
