"""Pure: values in, values out; no file, clock, network or terminal."""
