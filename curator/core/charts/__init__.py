"""Curves, bars, histograms and confusion matrices, as text and as files: what does a chart look like?"""
