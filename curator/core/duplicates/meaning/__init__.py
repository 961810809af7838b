"""Do two examples that look alike say the same? Pure; needs rapidfuzz, so callers import it late.

`relation` answers for two examples, `compare` for two texts, by `word_classes`, `little_words`, `slips`, `code`;
`spoken` is what of an example is compared.
"""
