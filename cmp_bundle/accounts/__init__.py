"""Who gets a phone: accounts, the links that open theirs, and the sealed profiles behind them."""
