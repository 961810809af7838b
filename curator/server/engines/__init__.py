"""The training engines behind one worker protocol."""
