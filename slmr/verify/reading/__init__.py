"""What a completion says: its text, the words that announce, deny and take back an answer, the numbers in it."""
