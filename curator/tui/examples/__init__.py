"""How is one example laid out, drafted, folded and fixed on the screen? Uses `core`, no widgets and no Textual."""
