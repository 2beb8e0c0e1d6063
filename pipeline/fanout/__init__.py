"""Parallel execution of the stages of dvc.yaml: plan, schedule, processes, and progress on the terminal."""
