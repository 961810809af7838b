"""Which answers may a dataset give (the contract), and which does it give? Uses core's ground floor only."""
