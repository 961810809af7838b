"""What is done with jobs and their models: submit, follow, evaluate, chat, deploy, delete? May use `planning`."""
