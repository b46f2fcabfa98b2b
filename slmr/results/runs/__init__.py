"""What runs keep: summaries, completions and tables, and the results of a method read from them."""
