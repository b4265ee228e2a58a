"""`ostinato report`: the facts of the store on one HTML page that loads nothing."""
