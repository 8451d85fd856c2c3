"""Spark's jobs in the room: `drivers` finds the drivers of the session, `status` reads what they tell of their jobs.

`feed` looks while somebody is here, knows which execution caused which job, tells the clients, and cancels.
"""
