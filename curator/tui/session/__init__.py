"""What do all screens share: workspace, changes, analysis, jobs? May use `workspace` and `jobs`, no widgets."""
