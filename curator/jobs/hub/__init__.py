"""What comes from a hub of data sets and models, and what goes to one?"""
