"""What happens to the terminal before, beside and after Textual? May use `stage_models`, `session`, `looks`."""
