"""`ostinato top`: what it looks at, the frame that shows it, and the live view."""
