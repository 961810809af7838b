"""What does a program ask for, one JSON object each: done at once, or proposed until a person decides?

Uses everything below a workspace's opening. `perform.perform` does an operation now; `propose.propose` keeps it;
`settle.accept` and `settle.reject` decide; `proposed.proposals_of` lists.
"""
