"""What to change next: what small models that are trained for it tell of the data? (by the local server)"""
