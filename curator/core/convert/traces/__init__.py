"""What did an application ask its models, by the traces that it left?"""
