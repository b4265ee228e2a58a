"""The report of `ostinato report`: facts of the store, drawn, on one page that needs nothing but itself."""
