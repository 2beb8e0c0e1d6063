"""Finding poses by render-and-compare: the model's own rendering in many poses beside the features of the image."""
