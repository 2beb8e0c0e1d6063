"""Tables, summary and pictures from the scores of the evaluation."""
