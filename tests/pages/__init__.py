"""The hub's pages in a browser, in every state they can be in. The hub behind them is a fixture (`fixture_hub.py`)."""
