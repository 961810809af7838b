"""Which lines certainly have no finding? A faster check of well-formed chats that agrees with the rules below
it."""
