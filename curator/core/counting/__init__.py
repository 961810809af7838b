"""How many tokens does an example have, and which text does the model read? Uses core's ground floor only."""
