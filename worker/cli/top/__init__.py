"""The live view of `ostinato top`: what it looks at, how that is drawn, and the terminal it is drawn on."""
