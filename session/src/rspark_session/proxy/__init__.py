"""A reverse proxy of a few hundred lines over httptools: streams both ways unbuffered, and splices websockets as raw bytes.

aiohttp would do it too, with twice the memory of the whole agent and a third of a second to load; and it would take every
websocket frame apart only to put it together again.
"""
