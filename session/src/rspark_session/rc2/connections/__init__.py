"""What the session's data services hold: databases, tables, columns, and the first rows of a table.

`postgres` asks the server with the session's own account, `rows` reads its tables page by page, `spark` asks the driver that a
console has and never starts one, and `handlers` serves all of it over HTTP.
"""
