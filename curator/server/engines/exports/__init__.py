"""exports: how does a model leave for other programs, and does it answer there as it did here?"""
