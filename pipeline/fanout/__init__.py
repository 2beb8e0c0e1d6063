"""Stages of dvc.yaml side by side: the schedule, the processes and the command `python -m pipeline.fanout`."""
