"""What does the Compare stage show: rows of the board, prompts, words, pairs for judging, talks? (no Textual)"""
